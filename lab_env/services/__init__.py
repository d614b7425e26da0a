"""The programs behind the lab's open ports: one file a protocol, each with the same function.

async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop

It starts the real server on a socket that is bound (and listens) already, and returns how to stop it.
`serve` below is what the lab calls: it binds, and loads that file when it is needed (see `listening`).
"""

from __future__ import annotations

import asyncio
import importlib
import socket
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from lab_env.services.listening import Running, Stop, bind
from portlab.errors import BadTarget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab_env.services.site import Site

# server name, as the topology has it -> the file that serves it
MODULES = {
    "dhcp": "dhcp",
    "dns": "dns",
    "ftp": "ftp",
    "http": "http",
    "http-error": "http_error",
    "ike": "silent",
    "imap": "imap",
    "ldap": "ldap",
    "listener": "listener",
    "mssql": "mssql",
    "mysql": "mysql",
    "ntp": "ntp",
    "oracle": "oracle",
    "pop3": "pop3",
    "proxy": "proxy",
    "rdp": "rdp",
    "redis": "redis",
    "silent": "silent",
    "sip": "sip",
    "smb": "smb",
    "smtp": "smtp",
    "snmp": "snmp",
    "snmp-trap": "snmp_trap",
    "ssh": "ssh",
    "syslog": "syslog",
    "telnet": "telnet",
    "tftp": "tftp",
}


def check(servers: Iterable[str]) -> None:
    """Raises BadTarget where one of these servers has no file."""
    for server in servers:
        if server not in MODULES:
            raise BadTarget(
                f"no server is called {server!r}; there are {', '.join(sorted(MODULES))}.  Name one of them as the "
                "service's server in lab_env/topology.py, or add its file to MODULES in lab_env/services/__init__.py"
            )


def load(server: str) -> ModuleType:
    """Import the file of a server, and with it the library it stands on."""
    check([server])
    return importlib.import_module(f"{__name__}.{MODULES[server]}")


def preload(servers: Iterable[str]) -> None:
    """Import what these servers need, so that processes forked afterwards share it: opens and starts nothing."""
    for server in servers:
        load(server)


def prepare(directory: Path, addresses: Mapping[str, str]) -> Site:
    """Make keys, certificate and files in a directory: see `materials.prepare`."""
    from lab_env.services.materials import prepare

    return prepare(directory, addresses)


async def serve(
    server: str, site: Site, address: str, port: int, *, transport: str = "tcp", tls: bool = False
) -> Running:
    """Listen on one address and port from now on; port 0 lets the kernel choose (see `Running.port`)."""
    check([server])

    async def start(sock: socket.socket) -> Stop:
        module = await asyncio.to_thread(load, server)
        stop: Stop = await module.serve(site, sock, tls=tls)
        return stop

    return Running(bind(address, port, transport), start, site.log)

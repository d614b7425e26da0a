"""SMB, 445/tcp: a share called LAB for the learner's account, nothing for guests ([MS-SMB2])."""

from __future__ import annotations

import asyncio
import configparser
import contextlib
import secrets
import socket
from collections.abc import Callable
from typing import Any

from impacket.nt_errors import STATUS_ACCESS_DENIED, STATUS_MORE_PROCESSING_REQUIRED, STATUS_SUCCESS
from impacket.ntlm import compute_lmhash, compute_nthash
from impacket.smb import SMB
from impacket.smb3structs import SMB2_SESSION_SETUP
from impacket.smbserver import SMBSERVER, SMB2Commands, SMBCommands, SRVSServer

from lab_env.services.listening import Stop
from lab_env.services.site import PASSWORD, USER, Site

SHARE = "LAB"


class SharesPipe(SRVSServer):  # type: ignore[misc]  # impacket has no types
    """The list of shares, which the library serves by a thread of its own on this host's loopback."""

    daemon = True

    def run(self) -> None:
        """Answer until `stop` takes the socket away."""
        with contextlib.suppress(OSError):
            super().run()

    def stop(self) -> None:
        """Wake the thread from its accept."""
        with contextlib.suppress(OSError):  # the thread may not have come so far as to listen
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()


class SmbServer(SMBSERVER):  # type: ignore[misc]  # impacket has no types
    """The library's server on a socket that listens already."""

    daemon_threads = True  # one for each client

    def __init__(self, sock: socket.socket, config: configparser.ConfigParser) -> None:
        self._bound = sock
        super().__init__(sock.getsockname(), config_parser=config)
        self.processConfigFile()

    socket: socket.socket

    def removeConnection(self, name: str) -> None:  # noqa: N802  impacket's name
        """Close, when a client leaves, what it had left open."""
        files = self.getActiveConnections().get(name, {}).get("OpenedFiles", {})
        for file in files.values():
            if "Socket" in file:
                file["Socket"].close()
        super().removeConnection(name)

    def server_bind(self) -> None:
        """Take the socket that is there instead of the library's own."""
        self.socket.close()
        self.socket = self._bound


def configuration(site: Site) -> configparser.ConfigParser:
    """What the library reads from a configuration file."""
    config = configparser.ConfigParser()
    config.read_dict(
        {
            "global": {
                "server_name": site.name,
                "server_os": "PortLab",
                "server_domain": site.domain,
                "log_file": "None",
                "rpc_apis": "yes",
                "credentials_file": "",
                "challenge": secrets.token_hex(8),
                "anonymous_logon": "False",
                "SMB2Support": "True",
            },
            "IPC$": {"comment": "", "read only": "yes", "share type": "3", "path": ""},
            SHARE: {"comment": "lab files", "read only": "yes", "share type": "0", "path": str(site.files)},
        }
    )
    return config


def guard_logins(server: SmbServer, site: Site) -> None:
    """Let nobody in without a user name, and keep out who was refused.

    The library alone would accept a guest without a name, and serve a client that simply goes on after its refusal.
    """

    def name(*, user_name: str, connData: dict[str, Any], **others: Any) -> None:  # noqa: N803  impacket's names
        connData["asked_as"] = user_name

    def guarded(setup: Callable[..., tuple[Any, Any, int]]) -> Callable[..., tuple[Any, Any, int]]:
        def session_setup(client: str, server: SmbServer, *request: Any) -> tuple[Any, Any, int]:
            commands, packets, status = setup(client, server, *request)
            session = server.getConnectionData(client, checkStatus=False)
            user = session.get("asked_as", "")
            if status == STATUS_SUCCESS and not user:
                status = STATUS_ACCESS_DENIED
            session["Authenticated"] = status == STATUS_SUCCESS
            if status != STATUS_MORE_PROCESSING_REQUIRED:
                outcome = "login" if session["Authenticated"] else "wrong password"
                site.log(f"smb: {outcome} for {user or 'a guest'} from {session['ClientIP']}")
            return commands, packets, status

        return session_setup

    server.setAuthCallback(name)
    server.hookSmb2Command(SMB2_SESSION_SETUP, guarded(SMB2Commands.smb2SessionSetup))
    server.hookSmbCommand(SMB.SMB_COM_SESSION_SETUP_ANDX, guarded(SMBCommands.smbComSessionSetupAndX))


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Serve the site's files.  The event loop accepts, a thread serves each client."""
    config = configuration(site)
    server = SmbServer(sock, config)
    server.addCredential(USER, 0, compute_lmhash(PASSWORD), compute_nthash(PASSWORD))

    guard_logins(server, site)
    pipe = SharesPipe()
    pipe.setServerConfig(config)
    pipe.processConfigFile()
    server.registerNamedPipe("srvsvc", ("127.0.0.1", pipe.getListenPort()))
    pipe.start()
    loop = asyncio.get_running_loop()
    loop.add_reader(sock, server.handle_request)

    async def stop() -> None:
        loop.remove_reader(sock)
        server.server_close()
        pipe.stop()

    return stop

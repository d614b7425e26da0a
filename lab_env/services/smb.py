"""SMB, 445/tcp: a share called LAB for the learner's account, nothing for guests ([MS-SMB2])."""

from __future__ import annotations

import asyncio
import configparser
import contextlib
import secrets
import socket
from typing import Any

from impacket.ntlm import compute_lmhash, compute_nthash
from impacket.smbserver import SMBSERVER, SRVSServer

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


class Server(SMBSERVER):  # type: ignore[misc]  # impacket has no types
    """The library's server on a socket that listens already."""

    daemon_threads = True  # one for each client

    def __init__(self, sock: socket.socket, config: configparser.ConfigParser) -> None:
        self._bound = sock
        super().__init__(sock.getsockname(), config_parser=config)
        self.processConfigFile()

    socket: socket.socket

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


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Serve the site's files.  The event loop accepts, a thread serves each client."""
    config = configuration(site)
    server = Server(sock, config)
    server.addCredential(USER, 0, compute_lmhash(PASSWORD), compute_nthash(PASSWORD))

    def log(*, user_name: str, connData: dict[str, Any], **others: Any) -> None:  # noqa: N803  impacket's names
        outcome = "login" if connData["Authenticated"] else "wrong password"
        site.log(f"smb: {outcome} for {user_name} from {connData['ClientIP']}")

    server.setAuthCallback(log)
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

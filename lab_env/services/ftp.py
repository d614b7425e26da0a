"""FTP, 21/tcp: commands on one connection, files on another;
in active mode the server calls back from port 20 (RFC 959).
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.handlers.ftp.dispatchers import ActiveDTP
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from lab_env.services.listening import Stop
from lab_env.services.site import PASSWORD, USER, Site

MAY = "elradfmw"  # pyftpdlib's letters: list, read, write, delete, make directories
PASSIVE_PORTS = range(30000, 30100)
WRONG_PASSWORD_PAUSE = 0.5  # seconds

# Unless it finds a handler the library prints every command on the terminal; the lab has a log of its own.
logging.getLogger("pyftpdlib").addHandler(logging.NullHandler())
logging.getLogger("pyftpdlib").propagate = False


class ActiveData(ActiveDTP):  # type: ignore[misc]  # pyftpdlib has no types
    """An active data connection, from the port below the control port: 20 (RFC 959, section 3.2)."""

    def connect_af_unspecified(self, address: Any, source: Any = None) -> Any:
        """Call the client back from our data port."""
        if source:
            control_port = self.cmd_channel.socket.getsockname()[1]
            source = (source[0], control_port - 1)
        return super().connect_af_unspecified(address, source)

    def create_socket(self, *arguments: Any, **named: Any) -> None:
        """The port is used again and again, so it must not be held by a connection that has ended."""
        super().create_socket(*arguments, **named)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def handler(site: Site) -> type[Any]:
    """The library wants a class for each server: this one knows the site's account, files and log."""
    accounts = DummyAuthorizer()
    accounts.add_user(USER, PASSWORD, str(site.files), perm=MAY)
    accounts.add_anonymous(str(site.files))

    class Handler(FTPHandler):  # type: ignore[misc]  # pyftpdlib has no types
        authorizer = accounts
        active_dtp = ActiveData
        passive_ports = PASSIVE_PORTS
        auth_failed_timeout = WRONG_PASSWORD_PAUSE

        def on_login(self, username: str) -> None:
            site.log(f"ftp: login for {username} from {self.remote_ip}")

        def on_login_failed(self, username: str, password: str) -> None:
            site.log(f"ftp: wrong password for {username} from {self.remote_ip}")

        def on_file_sent(self, file: str) -> None:
            site.log(f"ftp: {file} sent to {self.remote_ip}")

    return Handler


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Serve the site's files.

    The library has a loop of its own around an epoll object.  An epoll object is itself readable when
    something is to be done, so asyncio watches it and lets the library's loop turn once: no thread, and
    nothing runs while nobody calls.
    """
    ours = asyncio.get_running_loop()
    theirs = IOLoop.factory()
    server = FTPServer(sock, handler(site), ioloop=theirs)
    timer: asyncio.TimerHandle | None = None

    def turn() -> None:
        nonlocal timer
        if timer:
            timer.cancel()
        soonest = theirs.loop(timeout=0, blocking=False)  # seconds until its next delayed call
        timer = ours.call_later(soonest, turn) if soonest is not None else None

    async def stop() -> None:
        if timer:
            timer.cancel()
        ours.remove_reader(theirs.fileno())
        server.close_all()

    ours.add_reader(theirs.fileno(), turn)
    return stop

"""SSH and SFTP, 22/tcp: login, shell and files, all of it encrypted (RFC 4253, RFC 4254)."""

from __future__ import annotations

import socket

import asyncssh

from lab_env.services import shell
from lab_env.services.listening import Stop, stopper
from lab_env.services.site import Site, is_learner


class Login(asyncssh.SSHServer):
    """Lets the learner in by password."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._peer = ""

    def connection_made(self, connection: asyncssh.SSHServerConnection) -> None:
        """Remember who is calling, for the log."""
        self._peer = connection.get_extra_info("peername")[0]

    def begin_auth(self, username: str) -> bool:
        """Everybody has to show who they are."""
        return True

    def password_auth_supported(self) -> bool:
        """By a password."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """The learner's account and no other."""
        good = is_learner(username, password)
        self._site.log(f"ssh: {'login' if good else 'wrong password'} for {username} from {self._peer}")
        return good


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Serve with the library's own banner, which scanners know."""

    async def session(process: asyncssh.SSHServerProcess[str]) -> None:
        if process.command:
            process.stdout.write(shell.answer(site, process.command) + "\n")
        else:
            await _interactive(site, process)
        process.exit(0)

    def files(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(site.files).encode())

    acceptor = await asyncssh.listen(
        sock=sock,
        server_factory=lambda: Login(site),
        server_host_keys=[str(site.ssh_host_key)],
        process_factory=session,
        sftp_factory=files,
    )
    return stopper(acceptor)


async def _interactive(site: Site, process: asyncssh.SSHServerProcess[str]) -> None:
    process.stdout.write(f"{shell.greeting(site)}\n{shell.PROMPT}")
    async for line in process.stdin:
        if line.strip() in shell.LEAVE:
            return
        output = shell.answer(site, line)
        process.stdout.write((output and output + "\n") + shell.PROMPT)

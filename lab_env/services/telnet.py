"""Telnet, 23/tcp: login and shell, every character of it readable on the way, the password too (RFC 854)."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import telnetlib3
from telnetlib3.telopt import DO, ECHO, NAWS, SGA, WILL

from lab_env.services import shell
from lab_env.services.listening import Stop, stopper
from lab_env.services.site import Site, is_learner

NEGOTIATION_PATIENCE = 0.5  # seconds; a client without Telnet options (a plain socket) gets its prompt then
BACKSPACES = "\x7f\b"


class Protocol(telnetlib3.TelnetServer):
    """Asks for the usual options, all in one segment.

    The library alone would ask for the terminal type first and wait, and nmap takes that for an IBM 3270.
    """

    def begin_negotiation(self) -> None:
        """Hold the segment back (TCP_CORK) until all options are in it."""
        writer: Any = self.writer
        connection = writer.get_extra_info("socket")
        if connection is None:  # the client has left already
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        super().begin_negotiation()
        for command, option in ((DO, NAWS), (WILL, ECHO), (WILL, SGA)):
            writer.iac(command, option)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)


async def read_line(reader: Any, writer: Any, *, echo: bool) -> str:
    """One line as the client types it, shown back unless it is a password."""
    line = ""
    while True:
        character = await reader.read(1)
        if not character:
            raise ConnectionResetError
        if character in "\r\n\0":
            # a line ends in CR LF, CR NUL or LF: the second byte is not another line
            if character == "\r" or line:
                writer.write("\r\n")
                return line
        elif character in BACKSPACES:
            line = line[:-1]
        else:
            line += character
            if echo:
                writer.echo(character)


async def ask(reader: Any, writer: Any, prompt: str, *, echo: bool = True) -> str:
    """Show a prompt, take the answer."""
    writer.write(prompt)
    await writer.drain()
    return await read_line(reader, writer, echo=echo)


async def converse(site: Site, reader: Any, writer: Any) -> None:
    """Login, then commands until exit."""
    peer = writer.get_extra_info("peername")[0]
    user = await ask(reader, writer, f"\r\n{site.name} login: ")
    password = await ask(reader, writer, "Password: ", echo=False)
    good = is_learner(user, password)
    site.log(f"telnet: {'login' if good else 'wrong password'} for {user} from {peer}")
    if not good:
        writer.write("Login incorrect\r\n")
        return
    writer.write(shell.greeting(site) + "\r\n")
    while (line := await ask(reader, writer, shell.PROMPT)).strip() not in shell.LEAVE:
        output = shell.answer(site, line)
        if output:
            writer.write(output.replace("\n", "\r\n") + "\r\n")


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Serve the shell over Telnet."""

    async def session(reader: Any, writer: Any) -> None:
        try:
            await converse(site, reader, writer)
            await writer.drain()
        except OSError:
            pass  # the client left
        writer.close()

    def protocol() -> asyncio.Protocol:
        return Protocol(shell=session, connect_maxwait=NEGOTIATION_PATIENCE, encoding_errors="replace")

    return stopper(await asyncio.get_running_loop().create_server(protocol, sock=sock))

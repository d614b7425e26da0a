"""Listens at once, loads later: the kernel can say "open" long before the server's library is imported.

A socket that listens answers a SYN by itself, so a service binds its socket and waits; the first client
makes it import and start its real server, on that same socket, where the client's connection still waits to
be accepted.  A datagram is answered by the program and not by the kernel, so UDP services load right away,
in the background; what arrives meanwhile waits in the socket's buffer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, cast

Address = tuple[str, int]
Stop = Callable[[], Awaitable[None]]
Start = Callable[[socket.socket], Awaitable[Stop]]
Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Answer = Callable[[bytes, Address], Sequence[bytes]]

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
logger = logging.getLogger(
    __name__
)  # for whoever writes a server: what a client's bytes made it stumble over
BACKLOG = 100  # connections that may wait while the server is loading


def bind(address: str, port: int, transport: str) -> socket.socket:
    """A non-blocking socket bound to exactly this address and port; a TCP one listens already."""
    sock = socket.socket(socket.AF_INET, KINDS[transport])
    try:
        sock.setblocking(False)
        if transport == "tcp":  # a port that was stopped a moment ago can be started again
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        if transport == "tcp":
            sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        reason = f"cannot listen on {address} {transport} port {port}: {error.strerror}"
        raise OSError(error.errno, reason) from error
    return sock


class Running:
    """A service that listens, until `close()`: after that a connection is refused and a datagram unreachable."""

    def __init__(self, sock: socket.socket, start: Start, log: Callable[[str], None]) -> None:
        self.address, self.port = sock.getsockname()
        self._sock = sock
        self._start = start
        self._log = log
        self._stop: Stop | None = None
        self._waiting = sock.type == socket.SOCK_STREAM
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        if self._waiting:
            await readable(self._sock)
        self._waiting = False
        try:
            self._stop = await self._start(self._sock)
        except Exception as error:  # a missing library must not take the host's other services along
            self._sock.close()
            self._log(f"port {self.port}: the server could not start, the port is closed now: {error!r}")

    async def loaded(self) -> None:
        """Wait until the real server runs; for TCP that needs a first client."""
        await asyncio.shield(self._task)

    async def close(self) -> None:
        """Stop listening, whether the server was loaded by then or not."""
        if self._waiting:
            self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        if self._sock.type == socket.SOCK_STREAM and self._sock.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._sock)
            await asyncio.sleep(
                0
            )  # asyncio loses a connection that is just being accepted when its server closes
        if self._stop:
            await self._stop()
            self._stop = None
        self._sock.close()


async def readable(sock: socket.socket) -> None:
    """Wait until a connection or a datagram is there to be taken; take nothing."""
    loop = asyncio.get_running_loop()
    arrived = loop.create_future()

    def arrive() -> None:
        if not arrived.done():
            arrived.set_result(None)

    loop.add_reader(sock, arrive)
    try:
        await arrived
    finally:
        loop.remove_reader(sock)


class Closable(Protocol):
    """An asyncio server, a datagram transport, a library's server like them."""

    def close(self) -> None:
        """Stop listening."""


def stopper(server: Closable) -> Stop:
    """How to stop an asyncio server or datagram transport."""

    async def stop() -> None:
        server.close()

    return stop


async def talk(
    sock: socket.socket,
    conversation: Conversation,
    log: Callable[[str], None],
    tls: ssl.SSLContext | None = None,
) -> Stop:
    """Run one conversation with each TCP client; it ends when the coroutine returns or the client leaves."""
    port = sock.getsockname()[1]

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await conversation(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass  # the client left, as scanners do
        except Exception:  # bytes of another protocol, as scanners send: hang up, go on
            log(f"port {port}: hung up on {peer(writer)}, who did not speak the protocol")
            logger.debug("port %s", port, exc_info=True)
        finally:
            writer.close()

    return stopper(await asyncio.start_server(client, sock=sock, ssl=tls))


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer, log: Callable[[str], None]) -> None:
        self._answer = answer
        self._log = log

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: Address) -> None:
        try:
            answers = self._answer(data, address)
        except Exception:  # nonsense in a datagram gets silence
            port = self._transport.get_extra_info("sockname")[1]
            self._log(f"port {port}: {len(data)} bytes from {address[0]} not understood, not answered")
            logger.debug("port %s", port, exc_info=True)
            return
        for datagram in answers:
            self._transport.sendto(datagram, address)


async def answer_datagrams(sock: socket.socket, answer: Answer, log: Callable[[str], None]) -> Stop:
    """Hand each datagram and its sender to `answer`, and send back what it returns: any number of datagrams."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(answer, log), sock=sock)
    return stopper(transport)


def peer(writer: asyncio.StreamWriter) -> str:
    """The address of the other end."""
    name = writer.get_extra_info("peername")
    return str(name[0]) if name else "somebody who has left"

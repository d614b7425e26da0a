"""A door into the lab: connections to a socket of the computer's own loopback go on to a server inside.

The listening socket was bound outside, before the lab's namespaces were entered, and stays outside; the lab's
init inherits it and joins each of its connections to one on the lab's own loopback.
"""

from __future__ import annotations

import asyncio
import socket

LOOPBACK = "127.0.0.1"
BLOCK = 1 << 16
PATIENCE_TRIES, PATIENCE_GAP = 600, 0.05  # 30 s: the server inside may still be starting


async def forward(listener: socket.socket, port: int) -> None:
    """Pass every connection of `listener` on to `port` inside, for ever."""

    async def visitor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside = await _connect(port)
        if inside is None:
            writer.close()
            return
        await asyncio.gather(_pump(reader, inside[1]), _pump(inside[0], writer))
        for each in (writer, inside[1]):
            each.close()

    server = await asyncio.start_server(visitor, sock=listener)
    await server.serve_forever()


async def _connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    for _ in range(PATIENCE_TRIES):
        try:
            return await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            await asyncio.sleep(PATIENCE_GAP)
    return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, and the end of it."""
    try:
        while data := await reader.read(BLOCK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()

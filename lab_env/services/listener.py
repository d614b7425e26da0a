"""A program that merely listens, for a port that a learner opens: it greets, and hangs up when its client does."""

from __future__ import annotations

import asyncio
import socket

from lab_env.services.listening import Stop, peer, talk
from lab_env.services.site import Site


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Greet every client and read what it says."""
    port = sock.getsockname()[1]

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        site.log(f"port {port}: {peer(writer)} connected")
        writer.write(f"Port {port} of {site.full_name} is open: a program listens here.\r\n".encode())
        while await reader.read(4096):
            pass

    return await talk(sock, greet, site.log, site.tls() if tls else None)

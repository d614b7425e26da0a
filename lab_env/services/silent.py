"""A server that listens and never answers strangers, as IKE (500, 4500) and RDP over UDP (3389) do.

To a scanner its silence looks like a firewall's: open|filtered.  Only the server's own log knows better.
"""

from __future__ import annotations

import asyncio
import socket

from lab_env.services.listening import Address, Stop, answer_datagrams, peer, talk
from lab_env.services.site import Site


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Log every datagram (or, over TCP, every connection) and keep quiet."""
    port = sock.getsockname()[1]

    def ignore(data: bytes, sender: Address) -> list[bytes]:
        site.log(f"port {port}: {len(data)} bytes from {sender[0]}, not answered")
        return []

    async def listen_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        site.log(f"port {port}: {peer(writer)} connected, not answered")
        while await reader.read(4096):
            pass

    if sock.type == socket.SOCK_DGRAM:
        return await answer_datagrams(sock, ignore, site.log)
    return await talk(sock, listen_only, site.log, site.tls() if tls else None)

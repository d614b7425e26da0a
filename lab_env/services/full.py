"""A TCP port whose program takes no connections: the kernel queues what fits, and leaves further SYNs unanswered.

The queue is as short as Linux makes it (one connection) and filled by the host itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

QUEUED, ROOM = 24, 28
"""Where TCP_INFO of a listening socket tells how many connections wait and how many may (struct tcp_info's
tcpi_unacked and tcpi_sacked; `ss` shows them as Recv-Q and Send-Q)."""
TRIES, PATIENCE = 10, 0.2  # seconds; the connections come from this host itself


class Full:
    """Such a port; `fill` it before it is asked, and `close` it as any running service."""

    def __init__(self, address: str, port: int) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._clients: list[socket.socket] = []
        try:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._sock.bind((address, port))
            self._sock.listen(0)
        except OSError:
            self._sock.close()
            raise
        self.address, self.port = self._sock.getsockname()

    async def fill(self) -> None:
        """Connect until no connection fits.  Raises OSError where that cannot be done."""
        loop = asyncio.get_running_loop()
        for _ in range(TRIES):
            if self._is_full():
                return
            client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            client.setblocking(False)
            self._clients.append(client)
            with contextlib.suppress(TimeoutError):  # no answer: it may just have become full
                async with asyncio.timeout(PATIENCE):
                    await loop.sock_connect(client, (self.address, self.port))
        raise OSError(f"the queue of port {self.port} could not be filled")

    def _is_full(self) -> bool:
        told = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        queued, room = (struct.unpack_from("I", told, at)[0] for at in (QUEUED, ROOM))
        return bool(queued > room)

    async def close(self) -> None:
        """Stop listening; the connections that waited are broken off."""
        for each in (self._sock, *self._clients):
            with contextlib.suppress(OSError):
                each.close()
        self._clients.clear()

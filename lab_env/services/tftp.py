"""TFTP, 69/udp: files to whoever asks, with no login; answers come from a new port (RFC 1350, section 4)."""

from __future__ import annotations

import socket

from tftp import AsyncTFTPServer, TransferResult

from lab_env.services.listening import Stop
from lab_env.services.site import Site


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Offer the site's files for reading."""
    address, port = sock.getsockname()

    def log(result: TransferResult) -> None:
        outcome = f"{result.error}" if result.error else f"{result.bytes} bytes"
        site.log(f"tftp: {result.peer[0]} wanted to {result.operation} {result.filename}: {outcome}")

    server = AsyncTFTPServer(site.files, listen=address, port=port, on_complete=log)
    # The library wants to open its own socket.  Nothing can run between these two lines; a request that was
    # waiting is lost and the client repeats it, as TFTP clients do.
    sock.close()
    server.bind()
    await server.start()
    return server.aclose

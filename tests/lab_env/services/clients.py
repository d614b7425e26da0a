"""What the clients in these tests share."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator

HOST = "127.0.0.1"
PATIENCE = 5.0


@contextlib.contextmanager
def udp_client() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        sock.bind((HOST, 0))
        yield sock


def ask(port: int, datagram: bytes) -> tuple[bytes, int]:
    """The answer to a datagram, and the port it came from."""
    with udp_client() as sock:
        sock.sendto(datagram, (HOST, port))
        answer, sender = sock.recvfrom(65535)
        return answer, sender[1]


def is_silent(port: int, *datagrams: bytes) -> bool:
    """Whether nothing comes back, not even an ICMP error."""
    with udp_client() as sock:
        sock.settimeout(0.2)
        sock.connect((HOST, port))
        for datagram in datagrams:
            sock.send(datagram)
        try:
            sock.recv(1)
        except TimeoutError:
            return True
        return False


def connect(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), PATIENCE)


def is_refused(port: int) -> bool:
    try:
        connect(port).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass  # it was closed while we connected: refused next time
    return False


def eventually(condition: Callable[[], bool]) -> bool:
    """For what another thread does in its own time and nothing can be awaited: look until it is so."""
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()

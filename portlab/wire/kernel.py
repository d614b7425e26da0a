"""connect() by the operating system: the only wire that needs no special rights, on every system.

Sockets do not block: a blocking connect() learns of an ICMP error only a second late.  On Linux the socket's
error queue (IP_RECVERR, ip(7)) also tells the ICMP type and code and who sent it, without any rights.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from portlab.addresses import dotted, number
from portlab.errors import NotPermitted
from portlab.model import ERRNO, Events, Frames, Probes, no_frames

IP_RECVERR, MSG_ERRQUEUE = (
    11,
    0x2000,
)  # <linux/in.h>, <linux/socket.h>; not in Python's socket module before 3.14
ORIGIN_ICMP = 2  # <linux/errqueue.h>
LINUX = hasattr(select, "epoll")
LINGER_ZERO = struct.pack("ii", 1, 0)
"""Close with a RST at once: no connection is left behind, on neither side."""

ErrnoRow = tuple[int, int, int, int, int, int, int]
MOST_SOCKETS = 1000
MOST_WAIT_S = 0.2
"""So long until the scan loop hears something, be it that nothing has happened."""
NEEDS_RAW = (
    "PortLab may not make its own packets here: that needs CAP_NET_RAW. "
    "Use connect_scan(), or work inside the lab, where you may: ./run lab"
)


class KernelWire:
    """A wire that can only connect()."""

    record_sent = False
    lost_here = 0

    def __init__(self, fidelity: str = "host") -> None:
        self.fidelity = fidelity

    def now(self) -> float:
        return time.monotonic()

    def clock_ns(self) -> int:
        return time.time_ns()

    def source(self, address: int) -> int:
        return source_address(address)

    def on_link(self, address: int) -> bool:
        raise NotPermitted(NEEDS_RAW)

    def mtu(self, address: int) -> int:
        raise NotPermitted(NEEDS_RAW)

    def source_port(self, protocol: str) -> int:
        raise NotPermitted(NEEDS_RAW)

    def resolve(self, addresses: NDArray[np.uint32], wait: float) -> NDArray[np.bool_]:
        raise NotPermitted(NEEDS_RAW)

    def send(self, packets: NDArray[np.uint8]) -> None:
        raise NotPermitted(NEEDS_RAW)

    def receive(self, wait: float) -> Frames:
        if wait:
            time.sleep(wait)
        return no_frames()

    def connect(self, probes: Probes, timeout: float) -> Iterator[Events]:
        for ends in connect_all(probes, timeout):
            yield Events(no_frames(), ends)

    def close(self) -> None:
        """Nothing is held."""


def source_address(address: int) -> int:
    """The own address that packets to `address` carry, as the routing table says."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        try:
            asker.connect((dotted(address), 9))  # of a datagram socket: a look-up, nothing is sent
        except OSError as error:
            raise NotPermitted(
                f"This machine has no way to {dotted(address)} ({error.strerror}). "
                "Is it an address of the lab you are in?"
            ) from None
        return number(asker.getsockname()[0])


def connect_all(probes: Probes, timeout: float) -> Iterator[NDArray[np.void]]:
    """connect() to every probe, many at a time; batches of ERRNO rows as they end, an empty one where none does.

    Fills in each probe's time, source address and source port.
    """
    attempts = _Attempts(probes, timeout)
    try:
        while attempts.open or attempts.waiting:
            yield np.array(attempts.step(), ERRNO)
    finally:
        attempts.close()


class _Attempts:
    """The connection attempts under way."""

    def __init__(self, probes: Probes, timeout: float) -> None:
        self.probes, self.timeout = probes, timeout
        self.waiting = list(range(len(probes)))[::-1]
        self.open: dict[
            int, tuple[socket.socket, int, float]
        ] = {}  # by file descriptor: socket, probe, when to give up
        self.room = min(MOST_SOCKETS, _descriptors_left())
        self.poller = select.epoll() if LINUX else None

    def step(self) -> list[ErrnoRow]:
        """Begin as many attempts as there is room for, then take in those that have ended."""
        ended = []
        while self.waiting and len(self.open) < self.room:
            if (end := self.begin(self.waiting.pop())) is not None:
                ended.append(end)
        if not self.open:
            return ended
        soonest = next(iter(self.open.values()))[
            2
        ]  # all wait equally long: the first begun is the first to give up
        patience = 0.0 if ended else min(max(0.0, soonest - time.monotonic()), MOST_WAIT_S)
        for descriptor in self.ready(patience):
            ended.append(self.end(descriptor))
        now = time.monotonic()
        for descriptor in [d for d, (_, _, give_up) in self.open.items() if give_up <= now]:
            ended.append(self.end(descriptor, errno.ETIMEDOUT))
        return ended

    def begin(self, probe: int) -> ErrnoRow | None:
        """Start one attempt; its end, where the kernel knows it at once."""
        attempt = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        attempt.setblocking(False)
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        if LINUX:
            attempt.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        row = self.probes[probe : probe + 1]
        row["time_ns"] = time.time_ns()
        result = attempt.connect_ex((dotted(int(row["address"][0])), int(row["port"][0])))
        self.open[attempt.fileno()] = (attempt, probe, time.monotonic() + self.timeout)
        if result not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            return self.end(attempt.fileno(), result)
        address, port = attempt.getsockname()
        row["source"], row["source_port"] = number(address), port
        if self.poller:
            self.poller.register(attempt.fileno(), select.EPOLLOUT | select.EPOLLERR | select.EPOLLHUP)
        return None

    def ready(self, wait: float) -> list[int]:
        """Descriptors of attempts that have ended, waiting for the first at most so long."""
        if self.poller:
            return [descriptor for descriptor, _ in self.poller.poll(wait)]
        _, writable, failed = select.select([], list(self.open), list(self.open), wait)
        return list(dict.fromkeys(writable + failed))

    def end(self, descriptor: int, number_: int | None = None) -> ErrnoRow:
        """Take one attempt out and say how it ended: a row of the ERRNO table."""
        attempt, probe, _ = self.open.pop(descriptor)
        with attempt:
            icmp_type, icmp_code, speaker, queued = _icmp_error(attempt) if LINUX else (-1, -1, 0, 0)
            if number_ is None:
                number_ = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or queued
            read_ns = time.time_ns()
        if speaker and speaker == self.probes["source"][probe]:  # the own kernel, when ARP went unanswered
            icmp_type, icmp_code, speaker = -1, -1, 0
        return read_ns, 0, probe, number_, icmp_type, icmp_code, speaker

    def close(self) -> None:
        for attempt, _, _ in self.open.values():
            attempt.close()
        if self.poller:
            self.poller.close()


def _icmp_error(attempt: socket.socket) -> tuple[int, int, int, int]:
    """ICMP type, code, sender and errno from the socket's error queue; (-1, -1, 0, 0): no ICMP was involved."""
    try:
        _, ancillary, _, _ = attempt.recvmsg(1, 512, MSG_ERRQUEUE)
    except OSError:
        return -1, -1, 0, 0
    for level, kind, data in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, IP_RECVERR) and len(data) >= 24:
            number_, origin, type_, code = struct.unpack_from("IBBB", data)  # struct sock_extended_err
            if origin == ORIGIN_ICMP:
                sender = int.from_bytes(data[20:24], "big")  # a sockaddr_in follows: family, port, address
                return type_, code, sender, number_
    return -1, -1, 0, 0


def _descriptors_left() -> int:
    """How many sockets this process may still open, some left for everybody else."""
    try:
        import resource
    except ImportError:  # not on Windows, whose select() takes 512
        return 400
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    used = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 100
    return max(16, most - used - 64)

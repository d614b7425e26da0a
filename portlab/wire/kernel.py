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
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from portlab.addresses import dotted, number
from portlab.errors import NotPermitted
from portlab.model import ERRNO, Errnos, Events, Frames, Probes, no_frames

# <linux/in.h>, <linux/socket.h>; not in Python's socket module before 3.14
IP_RECVERR, MSG_ERRQUEUE = 11, 0x2000
ORIGIN_ICMP = 2  # <linux/errqueue.h>
LINUX = hasattr(select, "epoll")
LINGER_ZERO = struct.pack("ii", 1, 0)
"""Close with a RST at once: no connection is left behind, on neither side."""

ErrnoRow = tuple[int, int, int, int, int, int, int]
NO_ICMP = (-1, -1, 0, 0)
TORN_DOWN = {errno.ECONNRESET, errno.EPIPE}
"""What a connection says that was made and then reset; one that was never made says ECONNREFUSED (tcp_reset())."""
NOTHING_LEFT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN, errno.ENETDOWN} | (
    {errno.EADDRNOTAVAIL} if LINUX else set()
)
"""What connect() and socket() say of this machine, not of the one that was asked."""
MOST_SOCKETS = 4000
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
        self._attempts = Attempts()

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

    def resolve(self, addresses: NDArray[np.uint32], wait: float, gap: float = 0.0) -> NDArray[np.bool_]:
        raise NotPermitted(NEEDS_RAW)

    def send(self, packets: NDArray[np.uint8]) -> None:
        raise NotPermitted(NEEDS_RAW)

    def receive(self, wait: float) -> Frames:
        if wait:
            time.sleep(wait)
        return no_frames()

    def connect(self, probes: Probes, wait: float, patience: float, gap: float = 0.0) -> Iterator[Events]:
        for ends in self._attempts.connect(probes, wait, patience, gap):
            yield Events(no_frames(), ends)

    def close(self) -> None:
        """Give up the attempts that are still open."""
        self._attempts.close()


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


class Attempt(NamedTuple):
    """One connect() that has begun and not ended."""

    socket: socket.socket
    probe: int
    source: int
    give_up: float


class Attempts:
    """The connection attempts of one wire.  Each has a socket of its own, which stays open until it has ended."""

    def __init__(self) -> None:
        self.open: dict[int, Attempt] = {}  # by file descriptor
        self.handed_over = 0  # probes so far
        self.next_begins = 0.0  # when the next one may begin
        self.room = min(MOST_SOCKETS, _descriptors_left())
        self.poller = select.epoll() if LINUX else None

    def connect(self, probes: Probes, wait: float, patience: float, gap: float = 0.0) -> Iterator[Errnos]:
        """connect() to every probe, many at a time; batches of ERRNO rows as they end, an empty one where none does.

        Over when all have ended, or `wait` seconds after the last has begun.  What is still open then may end during
        a later call: it is given `patience` seconds from its own beginning.  Fills in each probe's time, source
        address and source port; the rows count all probes ever handed over.  OSError where this machine has no
        socket left.
        """
        waiting = deque(enumerate(probes, self.handed_over))
        self.handed_over += len(probes)
        until = None
        while waiting or (self.open and (until is None or time.monotonic() < until)):
            ended = self._begin(waiting, patience, gap)
            if not waiting and until is None and wait < patience:
                until = time.monotonic() + wait
            pause = self.next_begins - time.monotonic() if waiting else 0.0
            most = min(pause, MOST_WAIT_S) if pause > 0 else MOST_WAIT_S
            yield np.array(ended + self._take(0.0 if ended else most, until), ERRNO)

    def _begin(self, waiting: deque[tuple[int, np.void]], patience: float, gap: float) -> list[ErrnoRow]:
        """Begin as many attempts as there is room and time for; those that the kernel ended at once."""
        ended = []
        while waiting and len(self.open) < self.room and time.monotonic() >= self.next_begins:
            try:
                ended_at_once = self._attempt(*waiting[0], patience)
            except OSError as error:
                if error.errno not in NOTHING_LEFT or not self.open:
                    raise
                self.room = len(self.open)  # somebody else took the rest: so many have to do
                break
            waiting.popleft()
            self.next_begins = time.monotonic() + gap
            ended += [ended_at_once] if ended_at_once else []
        return ended

    def _attempt(self, number_: int, probe: np.void, patience: float) -> ErrnoRow | None:
        """Start one attempt; its end, where the kernel knows it at once."""
        attempt = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        attempt.setblocking(False)
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        if LINUX:
            attempt.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        sent_ns = time.time_ns()
        result = attempt.connect_ex((dotted(int(probe["address"])), int(probe["port"])))
        if result in NOTHING_LEFT:
            attempt.close()
            raise OSError(result, os.strerror(result))
        probe["time_ns"] = sent_ns
        if result not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            return end(Attempt(attempt, number_, 0, 0.0), result)
        address, port = attempt.getsockname()
        probe["source"], probe["source_port"] = number(address), port
        self.open[attempt.fileno()] = Attempt(attempt, number_, number(address), time.monotonic() + patience)
        if self.poller:
            self.poller.register(attempt.fileno(), select.EPOLLOUT | select.EPOLLERR | select.EPOLLHUP)
        return None

    def _take(self, most: float, until: float | None) -> list[ErrnoRow]:
        """How those attempts ended that have ended by now, waiting for the first at most so long."""
        if not self.open:
            time.sleep(most)  # until the next may begin
            return []
        ends = [attempt.give_up for attempt in self.open.values()]
        left = min(*ends, *([] if until is None else [until]), time.monotonic() + most) - time.monotonic()
        ended = [end(self.open.pop(descriptor)) for descriptor in self._ready(max(0.0, left))]
        now = time.monotonic()
        late = [descriptor for descriptor, attempt in self.open.items() if attempt.give_up <= now]
        return ended + [end(self.open.pop(descriptor)) for descriptor in late]

    def _ready(self, wait: float) -> list[int]:
        """Descriptors of attempts that have ended, waiting for the first at most so long."""
        if self.poller:
            return [descriptor for descriptor, _ in self.poller.poll(wait)]
        _, writable, failed = select.select([], list(self.open), list(self.open), wait)
        return list(dict.fromkeys(writable + failed))

    def close(self) -> None:
        """Give up what is still open."""
        for attempt in self.open.values():
            attempt.socket.close()
        self.open.clear()
        if self.poller:
            self.poller.close()


def end(attempt: Attempt, result: int = 0) -> ErrnoRow:
    """Close an attempt and say how it ended: a row of the ERRNO table.

    What happened after the handshake does not count: a connection that was made and reset at once was made.
    """
    with attempt.socket as ours:
        made = _is_made(ours)  # asked before the error: a reset may come at any moment, and only leaves that
        icmp_type, icmp_code, speaker, queued = _icmp_error(ours) if LINUX else NO_ICMP
        result = result or ours.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or queued
        made = made or result in TORN_DOWN
        read_ns = time.time_ns()
    if made:
        return read_ns, 0, attempt.probe, 0, -1, -1, 0
    if speaker and speaker == attempt.source:  # the own kernel, when ARP went unanswered
        icmp_type, icmp_code, speaker = -1, -1, 0
    return read_ns, 0, attempt.probe, result or errno.ETIMEDOUT, icmp_type, icmp_code, speaker


def _is_made(ours: socket.socket) -> bool:
    """Whether the handshake has been completed, and nothing has undone it."""
    try:
        ours.getpeername()
    except OSError:
        return False
    return True


def _icmp_error(attempt: socket.socket) -> tuple[int, int, int, int]:
    """ICMP type, code, sender and errno from the socket's error queue; (-1, -1, 0, 0): no ICMP was involved."""
    try:
        _, ancillary, _, _ = attempt.recvmsg(1, 512, MSG_ERRQUEUE)
    except OSError:
        return NO_ICMP
    for level, kind, data in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, IP_RECVERR) and len(data) >= 24:
            number_, origin, type_, code = struct.unpack_from("IBBB", data)  # struct sock_extended_err
            if origin == ORIGIN_ICMP:
                sender = int.from_bytes(data[20:24], "big")  # a sockaddr_in follows: family, port, address
                return type_, code, sender, number_
    return NO_ICMP


def _descriptors_left() -> int:
    """How many sockets this process may still open, some left for everybody else."""
    try:
        import resource
    except ImportError:  # not on Windows, whose select() takes 512
        return 400
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    used = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 100
    return max(16, most - used - 64)

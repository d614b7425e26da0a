"""The slow link: a wire between two interfaces that takes its time, and now and then loses a frame.

It works in user space, on frames: ARP crosses it like all else, and the gateway's rules apply before it.
Frames never overtake each other.  Since it decides what is lost, it also knows what it lost.
"""

from __future__ import annotations

import random
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 263, 8, 23
ETH_P_ALL = 0x0003
AUXDATA = struct.Struct("@IIIHHHH")  # tpacket_auxdata: status, length, captured, mac, net, VLAN tag, protocol
TP_STATUS_VLAN_VALID = 0x10
MAC_ADDRESSES = 12  # bytes before the place of a VLAN tag
FRAME_LIMIT = 65536
BUFFER_BYTES = 64 << 20
LOST_KEPT = 4096  # frames
ROOM = 100_000  # frames under way each way: more than a scan of all ports, less than a flood brings
SENT_AT_ONCE = 16  # frames sent before looking again for arrivals


@dataclass
class Direction:
    """One direction: when each frame comes out at the far end, if at all.  Times in seconds, loss 0 to 1."""

    delay: float
    jitter: float
    loss: float
    random: random.Random
    carried: int = 0
    lost: int = 0
    lost_frames: deque[tuple[float, bytes]] = field(default_factory=lambda: deque(maxlen=LOST_KEPT))
    _under_way: deque[tuple[float, bytes]] = field(default_factory=deque)

    def put(self, frame: bytes, now: float) -> None:
        """A frame goes in; `now` must not go back."""
        if self.random.random() < self.loss or len(self._under_way) >= ROOM:
            self.lost += 1
            self.lost_frames.append((now, frame))
            return
        due = now + self.delay + self.random.uniform(-self.jitter, self.jitter)
        if self._under_way:
            due = max(due, self._under_way[-1][0])  # a cable keeps its order
        self._under_way.append((due, frame))
        self.carried += 1

    def next_due(self) -> float | None:
        """When the next frame comes out; None while the link is empty."""
        return self._under_way[0][0] if self._under_way else None

    def take(self, now: float, most: int) -> list[bytes]:
        """The frames that have come out by now, in their order, `most` of them at once."""
        out: list[bytes] = []
        while self._under_way and self._under_way[0][0] <= now and len(out) < most:
            out.append(self._under_way.popleft()[1])
        return out


def open_end(interface: str) -> socket.socket:
    """A socket that takes every frame that arrives at `interface`, and none that it sent itself."""
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    end.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    end.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    end.setblocking(False)
    end.bind((interface, ETH_P_ALL))  # only now do frames come in
    return end


def receive(end: socket.socket) -> bytes | None:
    """The next frame as it was on the cable, a VLAN tag put back in its place; None when there is none."""
    try:
        frame, ancillary, _, _ = end.recvmsg(FRAME_LIMIT, socket.CMSG_SPACE(AUXDATA.size))
    except BlockingIOError:
        return None
    for _, _, data in ancillary:
        status, _, _, _, _, tag, protocol = AUXDATA.unpack(data)
        if status & TP_STATUS_VLAN_VALID:
            return frame[:MAC_ADDRESSES] + struct.pack("!HH", protocol, tag) + frame[MAC_ADDRESSES:]
    return frame


def carry(
    near: socket.socket, far: socket.socket, there: Direction, back: Direction, until: Callable[[], bool]
) -> None:
    """Carry frames between the two ends; `until` is asked after every turn whether that is enough.

    Taking in goes before sending: a burst waits here, where there is room, not in the kernel's small buffers.
    """
    ways = ((near, far, there), (far, near, back))
    while not until():
        waiting = [due for _, _, way in ways if (due := way.next_due()) is not None]
        timeout = max(0.0, min(waiting) - time.monotonic()) if waiting else None
        arrived = select.select([near, far], [], [], timeout)[0]
        for entry, _, way in ways:
            if entry in arrived:
                _collect(entry, way)
        for _, exit_, way in ways:
            for frame in way.take(time.monotonic(), SENT_AT_ONCE):
                _send(exit_, frame)


def _collect(entry: socket.socket, way: Direction) -> None:
    """Take in all that has arrived."""
    while (frame := receive(entry)) is not None:
        way.put(frame, time.monotonic())


def _send(exit_: socket.socket, frame: bytes) -> None:
    try:
        exit_.send(frame)
    except OSError:
        return  # no room, or the interface is down: a cable does not wait

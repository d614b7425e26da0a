"""A capture on one interface: the kernel writes frames into memory that NumPy reads as a table.

This is AF_PACKET with a TPACKET_V2 ring (packet(7), Documentation/networking/packet_mmap.rst in Linux): no
copy and no system call a frame.  Both directions are seen, each frame with the kernel's own time stamp.
"""

from __future__ import annotations

import mmap
import socket
import struct

import numpy as np

from portlab.model import CHECKSUM_NOT_READY, RECEIVED, SENT, SNAP, Frames, frame_table

SOL_PACKET, PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION, PACKET_IGNORE_OUTGOING = 263, 5, 6, 10, 23
TPACKET_V2 = 1
ETH_P_ALL = 0x0003
STATUS_USER, STATUS_CHECKSUM_NOT_READY = 1, 8
PACKET_HOST, PACKET_BROADCAST, PACKET_OUTGOING = 0, 1, 4  # <linux/if_packet.h>

FRAME_BEGINS = 66
"""Where in a slot: after struct tpacket2_hdr, and struct sockaddr_ll at 32; its IP header is aligned at 80."""
BLOCK = 1 << 17
MEMORY = 1 << 22
MOST_AT_ONCE = 2048


def slot(kept: int) -> np.dtype[np.void]:
    """One slot of the ring: a power of two bytes, so that blocks are filled without a rest."""
    return np.dtype(
        {
            "names": ["status", "length", "captured", "seconds", "nanoseconds", "packet_type", "frame"],
            "formats": ["u4", "u4", "u4", "u4", "u4", "u1", ("u1", kept)],
            "offsets": [0, 4, 8, 16, 20, 42, FRAME_BEGINS],
            "itemsize": 1 << (FRAME_BEGINS + kept - 1).bit_length(),
        }
    )


class Ring:
    """The frames of one interface, in the order in which they came, `kept` bytes of each at most."""

    def __init__(self, interface: str, *, outgoing: bool, kept: int = SNAP, memory: int = MEMORY) -> None:
        form = slot(kept)
        self.interface = interface
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # 0: nothing arrives before bind()
        if not outgoing:
            self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        blocks = memory // BLOCK
        self.socket.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
        self.socket.setsockopt(
            SOL_PACKET,
            PACKET_RX_RING,
            struct.pack("4I", BLOCK, blocks, form.itemsize, blocks * (BLOCK // form.itemsize)),
        )
        self.memory = mmap.mmap(self.socket.fileno(), BLOCK * blocks)
        self.slots = np.frombuffer(self.memory, form)
        self.head = 0
        self.socket.bind((interface, ETH_P_ALL))

    def read(self) -> Frames:
        """The frames that are there now; not more than 2,048 at once, none where there is none."""
        status = self.slots["status"][self.head : self.head + MOST_AT_ONCE]
        empty = status & STATUS_USER == 0
        count = int(empty.argmax()) if empty.any() else len(status)
        if not count:
            return _as_frames(self.slots[:0])
        frames = _as_frames(self.slots[self.head : self.head + count])
        status[:count] = 0  # hand the slots back to the kernel
        self.head = (self.head + count) % len(self.slots)
        return frames

    def lost(self) -> int:
        """Frames that the kernel had to drop since the last call because the ring was full."""
        return int(struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1])

    def close(self) -> None:
        del self.slots
        self.memory.close()
        self.socket.close()


def _as_frames(slots: np.ndarray[tuple[int], np.dtype[np.void]]) -> Frames:
    kind, kept = slots["packet_type"], slots["frame"].shape[1]
    frames = np.empty(len(slots), frame_table(kept))
    frames["time_ns"] = slots["seconds"].astype(np.int64) * 1_000_000_000 + slots["nanoseconds"]
    frames["direction"] = np.where(kind == PACKET_OUTGOING, SENT, RECEIVED)
    frames["marks"] = np.where(slots["status"] & STATUS_CHECKSUM_NOT_READY, CHECKSUM_NOT_READY, 0)
    frames["length"] = slots["length"]
    frames["captured"] = np.minimum(slots["captured"], kept)
    frames["data"] = slots["frame"]
    short = np.flatnonzero(frames["captured"] < kept)
    if len(short):  # a slot keeps the bytes of earlier, longer frames behind the end of this one
        beyond = np.arange(kept) >= frames["captured"][short, np.newaxis]
        data = frames["data"][short]
        data[beyond] = 0
        frames["data"][short] = data
    ours = (kind == PACKET_HOST) | (kind == PACKET_BROADCAST) | (kind == PACKET_OUTGOING)
    return frames if ours.all() else frames[ours]

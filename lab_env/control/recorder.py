"""What a host sees on its interfaces, in the layout of `portlab.model.FRAME` and with the kernel's clock.

The kernel writes frames into a ring (packet(7), TPACKET_V2) that is emptied whenever the host's event loop has
time; a burst waits there.  Standard library only: `portlab.wire.ring` is the same with NumPy.
"""

from __future__ import annotations

import asyncio
import mmap
import socket
import struct

FRAME = struct.Struct("=qBBHI128s")  # time_ns, direction, marks, captured, length, data
SNAP = 128
MOST = 200_000
"""Frames of one recording; what comes after is counted, not kept."""
UNDER_WAY = 0.05
"""Seconds that a recording goes on after its end, for what was sent before it: the slow link takes 0.02."""

SOL_PACKET, PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION, TPACKET_V2 = 263, 5, 6, 10, 1
ETH_P_ALL, LOOPBACK = 0x0003, 772  # <linux/if_ether.h>, <linux/if_arp.h>
PACKET_HOST, PACKET_BROADCAST, PACKET_OUTGOING = 0, 1, 4  # <linux/if_packet.h>
OF_THIS_HOST = (PACKET_HOST, PACKET_BROADCAST, PACKET_OUTGOING)  # a switch also brings what is for others
OF_THE_SLOW_LINK = "slow-"
"""Interfaces with such names are the slow link's: in Docker they share a namespace with the gateway's own."""
STATUS_USER, STATUS_CHECKSUM_NOT_READY = 1, 8
CHECKSUM_NOT_READY = 2  # as portlab.model marks it

# struct tpacket2_hdr (status, length, captured, start of the frame, seconds, nanoseconds), then sockaddr_ll
# (interface, kind of hardware, kind of packet)
SLOT_HEAD = struct.Struct("=IIIH2xII8x4xiHB")
SLOT, SLOTS, BLOCK = 256, 32_768, 1 << 17


class Recorder:
    """A recording of all the host's interfaces but the loopback; it runs from `start` to `finish`."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._head = self._count = self._cut = 0
        self._frames = bytearray()
        self._others = {number for number, name in socket.if_nameindex() if name.startswith(OF_THE_SLOW_LINK)}
        self._interfaces: dict[int, int] = {}  # number in the kernel -> number in this recording
        self._seen_on = bytearray()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._memory: mmap.mmap | None = None
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        try:
            self._socket.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
            ring = struct.pack("4I", BLOCK, SLOT * SLOTS // BLOCK, SLOT, SLOTS)
            self._socket.setsockopt(SOL_PACKET, PACKET_RX_RING, ring)
            self._memory = mmap.mmap(self._socket.fileno(), SLOT * SLOTS)
        except BaseException:
            self._socket.close()
            raise

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Keep every frame from now on."""
        self._loop = loop
        loop.add_reader(self._socket, self.drain)

    async def finish(self) -> tuple[dict[str, object], bytes]:
        """What was recorded: how many frames, on which interfaces, how many are missing; then the bytes.

        The bytes are the frames, and after them for each the place of its interface in the list.
        """
        await asyncio.sleep(UNDER_WAY)
        self.drain()
        dropped = struct.unpack("II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
        names = [socket.if_indextoname(number) for number in self._interfaces]
        found = {"frames": self._count, "interfaces": names, "lost": dropped + self._cut}
        return found, bytes(self._frames + self._seen_on)

    def drain(self) -> None:
        """Take the frames that are there now out of the ring."""
        memory = self._memory
        assert memory is not None, "a recorder that is closed records nothing"
        while True:
            at = self._head * SLOT
            status, length, captured, start, seconds, nanoseconds, interface, hardware, kind = (
                SLOT_HEAD.unpack_from(memory, at)
            )
            if not status & STATUS_USER:
                return
            if hardware != LOOPBACK and kind in OF_THIS_HOST and interface not in self._others:
                captured = min(captured, SNAP)
                self._keep(
                    interface,
                    seconds * 1_000_000_000 + nanoseconds,
                    int(kind == PACKET_OUTGOING),
                    CHECKSUM_NOT_READY if status & STATUS_CHECKSUM_NOT_READY else 0,
                    captured,
                    length,
                    memory[at + start : at + start + captured],
                )
            memory[at : at + 4] = b"\0\0\0\0"  # hand the slot back to the kernel
            self._head = (self._head + 1) % SLOTS

    def _keep(self, interface: int, *fields: object) -> None:
        if self._count == self._most:
            self._cut += 1
            return
        self._count += 1
        self._frames += FRAME.pack(*fields)
        self._seen_on.append(self._interfaces.setdefault(interface, len(self._interfaces)))

    def close(self) -> None:
        """Stop recording, and forget what nobody fetched."""
        if self._memory is None:
            return
        if self._loop is not None:
            self._loop.remove_reader(self._socket)
        self._memory.close()
        self._memory = None
        self._socket.close()

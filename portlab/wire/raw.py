"""Real packets on Linux: crafted frames go out, a capture ring brings both directions back with the kernel's
times.

Routing is the kernel's: its table says which interface and which gateway lead to an address.  Neighbours are
asked
for by ARP here, so that the asking is part of the evidence.  The kernel knows nothing of the connections that
SYN probes seem to begin: to a SYN-ACK it answers RST by itself.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from portlab.addresses import dotted
from portlab.errors import NotPermitted
from portlab.model import ERRNO, RECEIVED, SENT, Events, Frames, Probes, no_frames
from portlab.packets.craft import arp_requests, ethernet, total_length
from portlab.packets.dissect import Dissected
from portlab.packets.headers import (
    ARP_REPLY,
    ECHO_REQUEST,
    ETHERNET_SIZE,
    ETHERTYPE_IPV4,
    IPV4,
    IPV4_SIZE,
    TCP_PROTOCOL,
    TIMESTAMP,
    UDP_PROTOCOL,
)
from portlab.wire.kernel import NEEDS_RAW, Attempts, source_address
from portlab.wire.ring import Ring

if TYPE_CHECKING:
    from portlab.lab import Lab

LOOPBACK = "lo"
FIRST_SOURCE_PORT, SOURCE_PORTS = 61_000, 4_536
"""Above the range Linux gives to its own connections (32768-60999)."""
RESERVED_AT_ONCE = 256
ARP_TRIES = 3
BUSY_PAUSE_S = 0.001
SIOCGIFMTU = 0x8921  # <linux/sockios.h>


class RawWire:
    """AF_PACKET on the interfaces that lead to the targets."""

    def __init__(self, lab: Lab | None = None) -> None:
        self.fidelity = lab.fidelity if lab else "host"
        self.record_sent = True
        self._lost = 0
        self._links: dict[str, Link] = {}
        self._routes = routes()
        self._hops: dict[int, tuple[str, int]] = {}  # address -> interface, next hop
        self._sources: dict[int, int] = {}
        self._macs: dict[int, NDArray[np.uint8]] = {}  # next hop -> Ethernet address
        self._own_ports = np.zeros(65_536, bool)
        self._reserved: deque[socket.socket] = deque()
        self._waiting: list[Frames] = []  # heard while waiting for ARP, not handed out yet
        self._targets = np.empty(0, np.uint32)
        if not permitted():
            raise NotPermitted(NEEDS_RAW)
        self._attempts = Attempts()

    def now(self) -> float:
        return time.monotonic()

    def clock_ns(self) -> int:
        return time.time_ns()

    @property
    def lost_here(self) -> int:
        self._lost += sum(link.ring.lost() for link in self._links.values())
        return self._lost

    # --- ways ---------------------------------------------------------------------------------------------

    def source(self, address: int) -> int:
        if address not in self._sources:
            self._sources[address] = source_address(address)
        return self._sources[address]

    def on_link(self, address: int) -> bool:
        """Whether the address is on one of the own links, so that ARP reaches it."""
        interface, hop = self._way(address)
        return interface != LOOPBACK and hop == address

    def mtu(self, address: int) -> int:
        return mtu(self._way(address)[0])

    def source_port(self, protocol: str) -> int:
        if protocol == "icmp":
            return int.from_bytes(os.urandom(2), "big")
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        while True:
            port = FIRST_SOURCE_PORT + int.from_bytes(os.urandom(4), "big") % SOURCE_PORTS
            if self._own_ports[port]:
                continue
            # Bound and never listening: nobody else gets the port, and the kernel answers a SYN-ACK with RST
            # all the same.
            holder = socket.socket(socket.AF_INET, kind)
            try:
                holder.bind(("0.0.0.0", port))
            except OSError:
                holder.close()
                continue
            self._own_ports[port] = True
            self._reserved.append(holder)
            if len(self._reserved) > RESERVED_AT_ONCE:
                self._reserved.popleft().close()
            return port

    def resolve(self, addresses: NDArray[np.uint32], wait: float, gap: float = 0.0) -> NDArray[np.bool_]:
        self._targets = np.unique(np.concatenate([self._targets, addresses]))
        ways = [self._way(int(address)) for address in addresses]
        for name in {interface for interface, _ in ways}:
            self._link(name)
        for _ in range(ARP_TRIES):
            asked = {
                (interface, hop) for interface, hop in ways if interface != LOOPBACK and hop not in self._macs
            }
            if not asked:
                break
            for name in {interface for interface, _ in asked}:
                hops = np.array(sorted(hop for interface, hop in asked if interface == name), np.uint32)
                for some in np.split(hops, len(hops)) if gap else [hops]:
                    self._links[name].ask(self.source(int(hops[0])), some)
                    self._hear_neighbours(gap)
            self._await_neighbours({hop for _, hop in asked}, wait / ARP_TRIES)
        return np.array([interface == LOOPBACK or hop in self._macs for interface, hop in ways], bool)

    def _await_neighbours(self, hops: set[int], wait: float) -> None:
        end = time.monotonic() + wait
        while not hops <= self._macs.keys() and (left := end - time.monotonic()) > 0:
            self._note_neighbours(self._read(left))

    def _hear_neighbours(self, seconds: float) -> None:
        """Listen for so long, whoever answers."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._note_neighbours(self._read(left))

    def _note_neighbours(self, frames: Frames) -> None:
        self._waiting.append(frames)
        seen = Dissected(frames)
        for row in np.flatnonzero(seen.is_arp & seen.received & (seen.arp_operation == ARP_REPLY)):
            self._macs[int(seen.arp_sender[row])] = seen.arp_sender_hardware[row].copy()

    def _way(self, address: int) -> tuple[str, int]:
        """Interface and next hop towards an address."""
        if address not in self._hops:
            if address >> 24 == 127 or self.source(address) == address:
                self._hops[address] = LOOPBACK, address
            else:
                fitting = [route for route in self._routes if address & route.mask == route.network]
                if not fitting:
                    raise NotPermitted(
                        f"This machine has no way to {dotted(address)}. "
                        "Is it an address of the lab you are in?"
                    )
                best = max(fitting, key=lambda route: route.mask)
                self._hops[address] = best.interface, best.gateway or address
        return self._hops[address]

    def _link(self, name: str) -> Link:
        if name not in self._links:
            self._links[name] = Link(name, outgoing=self.record_sent)
        return self._links[name]

    # --- packets ------------------------------------------------------------------------------------------

    def send(self, packets: NDArray[np.uint8]) -> None:
        destinations = packets[:, :IPV4_SIZE].view(IPV4)[:, 0]["destination_address"].astype(np.uint32)
        if len(packets) == 1 or (destinations == destinations[0]).all():
            self._send_by(int(destinations[0]), packets)
            return
        unique, which = np.unique(destinations, return_inverse=True)
        ways = [self._way(int(address)) for address in unique]
        for name in {interface for interface, _ in ways}:
            here = np.array([interface == name for interface, _ in ways])[which]
            if name == LOOPBACK:
                self._link(name).send_ip(packets[here])
                continue
            macs = np.array([self._macs.get(hop, np.zeros(6, np.uint8)) for _, hop in ways], np.uint8)
            self._link(name).send(packets[here], macs[which[here]])

    def _send_by(self, address: int, packets: NDArray[np.uint8]) -> None:
        interface, hop = self._way(address)
        if interface == LOOPBACK:
            self._own_ports[source_ports(packets)] = True  # of packets made by hand nobody reserved them
            self._link(interface).send_ip(packets)
        else:
            self._link(interface).send(packets, self._macs[hop])

    def receive(self, wait: float) -> Frames:
        if self._waiting:
            frames = np.concatenate(self._waiting)
            self._waiting.clear()
            if len(frames):
                return frames
        return self._read(wait)

    def _read(self, wait: float) -> Frames:
        frames = self._take()
        if len(frames) or wait <= 0:
            return frames
        rings = {link.ring.socket.fileno(): link for link in self._links.values()}
        end = time.monotonic() + wait
        while (left := end - time.monotonic()) > 0:
            select.select(list(rings), [], [], left)
            frames = self._take()
            if len(frames):
                return frames
        return no_frames()

    def _take(self) -> Frames:
        heard = [self._ours(link.ring.read(), link) for link in self._links.values()]
        return heard[0] if len(heard) == 1 else np.concatenate([*heard, no_frames()])

    def _ours(self, frames: Frames, link: Link) -> Frames:
        """Leave out what has nothing to do with the targets; on loopback tell the two directions apart."""
        if not len(frames):
            return frames
        if link.name == LOOPBACK:
            frames = self._loopback(frames)
        seen = Dissected(frames)
        if len(self._targets) == 1:
            about = (seen.source == self._targets[0]) | (seen.destination == self._targets[0])
        else:
            about = np.isin(seen.source, self._targets) | np.isin(seen.destination, self._targets)
        wanted = about | seen.is_arp | seen.is_error
        return frames if wanted.all() else frames[wanted]

    def _loopback(self, frames: Frames) -> Frames:
        """Loopback shows every packet twice, going out and coming in; the copy coming in is kept."""
        frames = frames[frames["direction"] == RECEIVED]
        seen = Dissected(frames)
        asked = (seen.is_tcp | seen.is_udp) & self._own_ports[seen.source_port & 0xFFFF]
        asked |= seen.is_icmp & np.isin(seen.icmp_type, (ECHO_REQUEST, TIMESTAMP))
        frames["direction"][asked] = SENT
        return frames

    # --- connections --------------------------------------------------------------------------------------

    def connect(self, probes: Probes, wait: float, patience: float, gap: float = 0.0) -> Iterator[Events]:
        """The kernel connects; the capture beside it keeps the frames."""
        self._targets = np.unique(np.concatenate([self._targets, probes["address"]]))
        for address in np.unique(probes["address"]):
            self._link(self._way(int(address))[0])
        for ends in self._attempts.connect(probes, wait, patience, gap):
            self._own_ports[probes["source_port"]] = True
            yield Events(self._everything(), ends)
        self._own_ports[probes["source_port"]] = True
        yield Events(self._read(BUSY_PAUSE_S), np.empty(0, ERRNO))

    def _everything(self) -> Frames:
        parts = []
        while len(frames := self._take()):
            parts.append(frames)
        return np.concatenate(parts) if parts else no_frames()

    def close(self) -> None:
        self._attempts.close()
        for holder in self._reserved:
            holder.close()
        for link in self._links.values():
            link.close()
        self._links.clear()


class Link:
    """One interface: what leaves by it and what is captured on it."""

    def __init__(self, name: str, *, outgoing: bool) -> None:
        self.name = name
        # A socket does not hear what it sends itself: sending and capturing are two.
        self.ring = Ring(name, outgoing=outgoing or name == LOOPBACK)
        if name == LOOPBACK:
            self.sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            self.mac = np.zeros(6, np.uint8)
        else:
            self.sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.sender.bind((name, 0))
            # from the kernel of this network namespace: /sys may be another one's, as in a container
            self.mac = np.frombuffer(self.sender.getsockname()[4], np.uint8)

    def ask(self, source: int, addresses: NDArray[np.uint32]) -> None:
        """Ask by ARP who has these addresses."""
        for frame in arp_requests(self.mac, source, addresses):
            self._push(frame.tobytes())

    def send(self, packets: NDArray[np.uint8], destination: NDArray[np.uint8]) -> None:
        """Send rows of IPv4 packets in Ethernet frames to one Ethernet address, or one a row."""
        frames = np.empty((len(packets), ETHERNET_SIZE + packets.shape[1]), np.uint8)
        frames[:, ETHERNET_SIZE:] = packets
        ethernet(frames, self.mac, destination, ETHERTYPE_IPV4)
        data, size = memoryview(frames.tobytes()), frames.shape[1]
        lengths = (total_length(packets).astype(int) + ETHERNET_SIZE).tolist()
        for start, length in zip(range(0, len(data), size), lengths, strict=True):
            self._push(data[start : start + length])

    def send_ip(self, packets: NDArray[np.uint8]) -> None:
        """Let the kernel wrap them: the only way on loopback."""
        destinations = packets[:, :IPV4_SIZE].view(IPV4)[:, 0]["destination_address"]
        for packet, length, address in zip(
            packets, total_length(packets), destinations.tolist(), strict=True
        ):
            self.sender.sendto(packet[:length].tobytes(), (dotted(address), 0))

    def _push(self, frame: bytes | memoryview) -> None:
        while True:
            try:
                self.sender.send(frame)
                return
            except BlockingIOError:
                time.sleep(BUSY_PAUSE_S)
            except OSError as error:
                if error.errno != 105:  # ENOBUFS: the interface's queue is full, wait for it
                    raise
                time.sleep(BUSY_PAUSE_S)

    def close(self) -> None:
        self.ring.close()
        self.sender.close()


def source_ports(packets: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The source ports of rows of IPv4 packets, those of them that are TCP or UDP."""
    at = (packets[:, 0] & 0xF).astype(np.intp) * 4
    fits = np.isin(packets[:, 9], (TCP_PROTOCOL, UDP_PROTOCOL)) & (at + 2 <= packets.shape[1])
    rows = np.flatnonzero(fits)
    return packets[rows, at[rows]].astype(np.intp) << 8 | packets[rows, at[rows] + 1]


class Route:
    """One line of the kernel's routing table."""

    __slots__ = ("gateway", "interface", "mask", "network")

    def __init__(self, line: str) -> None:
        fields = line.split()
        self.interface = fields[0]
        self.network, self.gateway, self.mask = (
            int.from_bytes(bytes.fromhex(fields[place]), "little") for place in (1, 2, 7)
        )


def routes() -> list[Route]:
    """/proc/net/route: numbers in hexadecimal, least significant byte first.

    It is a link into /proc/self, so it always shows the network namespace of this process.
    """
    return [Route(line) for line in Path("/proc/net/route").read_text().splitlines()[1:]]


def mtu(interface: str) -> int:
    """How many bytes an IP packet may have on an interface (netdevice(7))."""
    import fcntl  # not on Windows

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        answer = fcntl.ioctl(asking, SIOCGIFMTU, struct.pack("16si12x", interface.encode(), 0))
    return int(struct.unpack("16si12x", answer)[1])


def permitted() -> bool:
    """Whether this process may use raw sockets."""
    if not hasattr(socket, "AF_PACKET"):
        return False
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except PermissionError:
        return False
    return True

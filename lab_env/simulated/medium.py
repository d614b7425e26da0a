"""The one simulated lab of a process: its network, its clock, and the frames on the student's link.

Time is a number here.  Nobody sleeps: whoever waits moves the clock to the moment waited for.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lab_env.simulated import logs
from lab_env.simulated.answers import Answers, all_answers
from lab_env.simulated.datagrams import Programs
from lab_env.simulated.network import FATE, Fates, Reply, SimulatedNetwork, Station
from lab_env.simulated.observers import Observers
from lab_env.simulated.packets import Arrivals, as_sent, frames_of, read
from lab_env.simulated.places import NOBODY, Places, is_loopback
from lab_env.simulated.walk import fates
from lab_env.topology import Topology
from portlab.model import FRAME, Frames, no_frames
from portlab.packets import craft
from portlab.packets.craft import Packets, arp_requests
from portlab.packets.headers import ARP, ARP_REPLY, ETHERNET, ETHERNET_SIZE, IPV4, IPV4_SIZE, RST

EPOCH_NS = 1_767_225_600_000_000_000
"""When the simulated lab's clock begins: 2026-01-01T00:00:00Z."""
SEND_NS = 1_500
"""How long it takes to send one packet."""
KERNEL_NS = 8_000
"""How long the student's kernel thinks before it answers a segment that it did not expect."""
RAW_PORTS = range(61_000, 65_536)
"""Source ports of who makes packets by hand: above those of the kernel."""
KERNEL_PORTS = 32_768, 28_232
"""First and number of the source ports that Linux gives to its own connections."""
ARP_NS = 45_000
ARP_TRIES = 3


class Listener(Protocol):
    """Somebody who captures on the student's interface."""

    def hear(self, frames: Frames) -> None:
        """These frames pass, at the times they carry."""


class Medium:
    """The student's link and everything behind it."""

    def __init__(self, topology: Topology, seed: int = 0, lossy: bool = True) -> None:
        self.plan = topology
        self.network = SimulatedNetwork(topology, seed, lossy)
        self.elapsed_ns = 0
        self.raw_ports = itertools.cycle(RAW_PORTS)
        self._connections = 0  # made by the kernel so far
        self._programs = Programs(topology)
        self._listeners: weakref.WeakSet[Listener] = weakref.WeakSet()
        self._observers: list[Observers] = []
        self.borrowed: set[str] = set()  # hosts that a case has changed, and will change back
        self.logs: dict[str, list[str]] = {}
        self._mac = self.places.mac(self.places.student_address)
        self._gateway_mac = self.places.mac(self.places.gateway_address)

    @property
    def places(self) -> Places:
        """Who lives where, as things stand."""
        return self.network.places

    def clock_ns(self) -> int:
        """Wall clock in nanoseconds."""
        return EPOCH_NS + self.elapsed_ns

    def advance_to(self, clock_ns: int) -> None:
        """Let time pass; it never runs back."""
        self.elapsed_ns = max(self.elapsed_ns, clock_ns - EPOCH_NS)

    def kernel_ports(self, count: int) -> NDArray[np.uint16]:
        """The next source ports that the kernel gives to connections."""
        first, size = KERNEL_PORTS
        ports = first + (self._connections + np.arange(count)) % size
        self._connections += count
        return ports.astype(np.uint16)

    # --- packets ------------------------------------------------------------------------------------------

    def exchange(
        self, packets: Packets, time_ns: NDArray[np.int64]
    ) -> tuple[Frames, Arrivals, Fates, Frames]:
        """Send packets at those times.

        Returns the frames sent, the packets that arrived, their fates and the frames received.
        """
        outgoing = self._outgoing(packets, time_ns)
        arrivals = read(packets, outgoing)
        fate = fates(self.network, arrivals)
        answers = list(all_answers(self.network, self._programs, packets, arrivals, fate))
        received = [
            frames_of(table, fate["time_ns"][rows], self._macs(arrivals["destination"][rows]), self._mac)
            for table, rows in answers
        ]
        for host, line in logs.lines(self.places, arrivals, fate):
            self.logs.setdefault(host, []).append(line)
        for observers in self._observers:
            observers.packets(packets, arrivals, fate)
            observers.answers(answers, arrivals, fate)
            observers.answers(self._lost_answers(packets, arrivals, fate), arrivals, fate, arrive=False)
        return as_sent(outgoing), arrivals, fate, in_order(received)

    def sent(self, packets: Packets, time_ns: NDArray[np.int64]) -> Frames:
        """The frames of packets that nobody answers: they belong to conversations, and go all the way."""
        outgoing = self._outgoing(packets, time_ns)
        if self._observers:
            arrivals = read(packets, outgoing)
            fate = np.zeros(len(arrivals), FATE)
            fate["reached"] = Station.HOST
            for observers in self._observers:
                observers.packets(packets, arrivals, fate)
        return as_sent(outgoing)

    def _lost_answers(self, packets: Packets, arrivals: Arrivals, fate: Fates) -> Answers:
        """What hosts said, and the slow link lost."""
        lost = fate.copy()
        lost["kind"] = np.where(fate["kind"] == fate["said"], Reply.SILENCE, fate["said"])
        return all_answers(self.network, self._programs, packets, arrivals, lost)

    def _outgoing(self, packets: Packets, time_ns: NDArray[np.int64]) -> Frames:
        destination = packets[:, :IPV4_SIZE].view(IPV4)[:, 0]["destination_address"].astype(np.uint32)
        return frames_of(packets, time_ns, self._mac, self._macs(destination))

    def reachable(self, addresses: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Whether there is somebody on the own link to give a packet to."""
        ghost = self.places.on_own_link(addresses) & (self.places.owner(addresses) == NOBODY)
        reachable: NDArray[np.bool_] = self.places.in_lab(addresses) & ~ghost
        return reachable

    def unexpected_resets(self, arrivals: Arrivals, fate: Fates) -> Frames:
        """What the student's kernel says to a SYN-ACK that none of its own programs asked for.

        RFC 9293 section 3.10.7.1.
        """
        rows = np.flatnonzero(fate["kind"] == Reply.SYN_ACK)
        if not len(rows):
            return no_frames()
        asked = arrivals[rows]
        table = craft.tcp(
            asked["source"],
            asked["destination"],
            asked["source_port"],
            asked["port"],
            sequence_number=asked["sequence_number"] + np.uint32(1),
            control_bits=RST,
            window=0,
        )
        return self.sent(table, fate["time_ns"][rows] + KERNEL_NS)

    def _macs(self, addresses: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """The Ethernet address that packets to or from each address carry on the student's link."""
        macs = np.tile(self._gateway_mac, (len(addresses), 1))
        local = self.places.on_own_link(addresses)
        for address in np.unique(addresses[local]).tolist():
            macs[addresses == address] = self.places.mac(address)
        macs[is_loopback(addresses)] = 0
        return macs

    # --- ARP ----------------------------------------------------------------------------------------------

    def ask_neighbours(self, addresses: NDArray[np.uint32], when: NDArray[np.int64], gap_ns: int) -> Frames:
        """Ask by ARP for addresses, each at its moment, and the silent again after each gap."""
        nobody = self.places.owner(addresses) == NOBODY
        requests = arp_requests(self._mac, self.places.student_address, addresses)
        frames = [self._arp_replies(addresses[~nobody], when[~nobody])]
        for attempt in range(ARP_TRIES):
            again = slice(None) if attempt == 0 else nobody
            frames.append(as_sent(_arp_frames(requests[again], when[again] + attempt * gap_ns)))
        return in_order(frames)

    def _arp_replies(self, addresses: NDArray[np.uint32], asked_ns: NDArray[np.int64]) -> Frames:
        """Each of these addresses says where it is (RFC 826)."""
        rows = arp_requests(self._mac, self.places.student_address, addresses)
        link, arp = rows[:, :ETHERNET_SIZE].view(ETHERNET)[:, 0], rows[:, ETHERNET_SIZE:].view(ARP)[:, 0]
        link["destination"], link["source"] = self._mac, self._macs(addresses)
        arp["operation"] = ARP_REPLY
        arp["sender_hardware"], arp["sender_protocol"] = link["source"], addresses
        arp["target_hardware"], arp["target_protocol"] = self._mac, self.places.student_address
        jitter = self.network.random.exponential(ARP_NS / 4, len(rows)).astype(np.int64)
        return _arp_frames(rows, asked_ns + ARP_NS + jitter)

    # --- listeners ----------------------------------------------------------------------------------------

    def listen(self, listener: Listener) -> None:
        """Hand this listener all frames from now on, for as long as it lives."""
        self._listeners.add(listener)

    @contextmanager
    def observed(self, hosts: Sequence[str]) -> Iterator[Observers]:
        """These hosts record what they see while the block runs."""
        observers = Observers(self.places, hosts)
        self._observers.append(observers)
        try:
            yield observers
        finally:
            self._observers.remove(observers)

    def deliver(self, frames: Frames, but: Listener | None = None) -> None:
        """Frames pass the student's interface, some of them later: everybody who listens there gets them."""
        for listener in list(self._listeners):
            if listener is not but:
                listener.hear(frames)


def in_order(tables: list[Frames]) -> Frames:
    """Several frame tables as one, in order of time."""
    frames = np.concatenate([no_frames(), *tables])
    ordered: Frames = frames[np.argsort(frames["time_ns"], kind="stable")]
    return ordered


def _arp_frames(rows: NDArray[np.uint8], time_ns: NDArray[np.int64]) -> Frames:
    frames = np.zeros(len(rows), FRAME)
    frames["time_ns"], frames["length"], frames["captured"] = time_ns, rows.shape[1], rows.shape[1]
    frames["data"][:, : rows.shape[1]] = rows
    return frames

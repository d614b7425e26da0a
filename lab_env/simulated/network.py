"""The simulated lab as a whole, with all that it remembers, and what can become of a packet in it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from lab_env.simulated.packets import Arrivals
from lab_env.simulated.places import Places
from lab_env.topology import GATEWAY, Rule, Topology
from portlab.packets.headers import TCP_PROTOCOL


class Reply(IntEnum):
    """What comes back for a packet."""

    SILENCE = 0
    SYN_ACK = 1
    RESET = 2
    ICMP_ERROR = 3
    ECHO_REPLY = 4
    TIMESTAMP_REPLY = 5
    DATAGRAM = 6


class Station(IntEnum):
    """The last place that a packet reached on its way from the student."""

    LINK = 0
    GATEWAY = 1
    BEHIND_GATEWAY = 2
    HOST = 3


FATE = np.dtype(
    [
        ("kind", "u1"),
        ("said", "u1"),  # the same, but also where the answer was lost on its way
        ("reached", "u1"),  # the last station of the packet itself
        ("icmp_type", "u1"),
        ("icmp_code", "u1"),
        ("time_to_live", "u1"),  # of the answer, on arrival
        ("speaker", "u4"),  # source address of the answer
        ("sequence_number", "u4"),  # of a SYN-ACK: where the other side begins to count
        ("service", "i2"),  # which service answers a datagram, as its row in Places.services
        ("time_ns", "i8"),  # when the answer arrives
    ],
    align=True,
)
Fates = NDArray[np.void]

SECOND_NS = 1_000_000_000
NEIGHBOUR_FAILS_NS = 3_060_000_000
"""Linux asks by ARP three times, a second apart, before it gives up on a neighbour."""
NEIGHBOUR_QUEUE = 159
"""How many small packets Linux keeps for a neighbour that it is still looking for (measured)."""
CLOSED_NS = 10_000_000_000
"""How long Linux remembers a conversation that a RST has ended, as the student's kernel ends all of ours."""
ICMP_BURST = 6
"""Linux's default limit on ICMP errors to one address: six at once, then one a second."""


class SimulatedNetwork:
    """All that the lab remembers between packets.  `seed` decides jitter, loss and sequence numbers."""

    def __init__(self, topology: Topology, seed: int = 0, lossy: bool = True) -> None:
        self.topology = topology
        self.places = Places(topology)
        self.random = np.random.default_rng(seed)
        self.loss = topology.slow_link.loss if lossy else 0.0
        self._conversations = np.empty(0, np.uint64)  # that the gateway knows,
        self._forgotten_ns = np.empty(0, np.int64)  # and when it forgets them
        self.rule_counts: dict[str, NDArray[np.int64]] = {}  # host -> packets and bytes that met each rule
        self._searches: dict[int, tuple[int, int]] = {}  # address -> when ARP fails, packets waiting for it
        self._icmp_tokens: dict[int, tuple[float, int]] = {}  # host -> tokens, as of when

    def change(self, topology: Topology, hosts: Iterable[str]) -> None:
        """These hosts are in another state from now on, and their rules count anew; what is remembered stays."""
        self.topology, self.places = topology, Places(topology)
        for host in hosts:
            self.rule_counts.pop(host, None)

    def counts(self, host: str) -> NDArray[np.int64]:
        """Packets and bytes that each rule of a host has met, one row a rule."""
        size = (len(rules_of(self.topology, host)), 2)
        return self.rule_counts.setdefault(host, np.zeros(size, np.int64))

    def known_conversations(self, time_ns: int) -> list[tuple[int, int, int]]:
        """Address, source port and port of each conversation that the gateway remembers at a moment."""
        known = np.unique(self._conversations[(self._forgotten_ns > time_ns) & (self._conversations > 0)])
        return [(each >> 32, each >> 16 & 0xFFFF, each & 0xFFFF) for each in known.tolist()]

    def established(self, packets: Arrivals) -> NDArray[np.bool_]:
        """Which packets belong to a conversation that the gateway has seen answered."""
        known = self._forgotten_ns > packets["time_ns"].min()
        return np.isin(_conversation(packets), self._conversations[known])

    def remember(self, packets: Arrivals) -> None:
        """The gateway saw these packets answered: from now on they are conversations."""
        self._conversations = np.concatenate([self._conversations, _conversation(packets)])
        self._forgotten_ns = np.concatenate([self._forgotten_ns, packets["time_ns"] + CLOSED_NS])

    def neighbour_fails(self, address: int, time_ns: int) -> int | None:
        """When the gateway gives up on an address with nobody behind it; None: its queue is full."""
        fails, waiting = self._searches.get(address, (0, 0))
        if time_ns >= fails:
            fails, waiting = time_ns + NEIGHBOUR_FAILS_NS, 0
        self._searches[address] = (fails, waiting + 1)
        return fails if waiting < NEIGHBOUR_QUEUE else None

    def may_send_icmp_error(self, host: int, time_ns: int) -> bool:
        """Take one token from the host's bucket of ICMP errors; False: it is empty."""
        tokens, since = self._icmp_tokens.get(host, (float(ICMP_BURST), time_ns))
        tokens = min(float(ICMP_BURST), tokens + max(time_ns - since, 0) / SECOND_NS)
        allowed = tokens >= 1
        self._icmp_tokens[host] = (tokens - allowed, max(time_ns, since))
        return allowed


def rules_of(topology: Topology, host: str) -> tuple[Rule, ...]:
    """A host's own rules; the gateway's are those for what it passes on."""
    return topology.forward if host == GATEWAY else topology.by_name[host].rules


def _conversation(packets: Arrivals) -> NDArray[np.uint64]:
    """Address and both ports in one number, 0 for all but TCP.  (The other end is always the student.)"""
    address = packets["destination"].astype(np.uint64) << np.uint64(32)
    ports = packets["source_port"].astype(np.uint64) << np.uint64(16) | packets["port"].astype(np.uint64)
    conversations: NDArray[np.uint64] = np.where(packets["protocol"] == TCP_PROTOCOL, address | ports, 0)
    return conversations

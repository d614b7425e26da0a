"""What becomes of a table of packets: past the gateway and its rules, over the slow link, to hosts and
programs.

All packets walk at once, one station after the other.  At each station some meet their fate (dropped,
refused, answered) and the rest go on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab_env.simulated import firewall
from lab_env.simulated.network import FATE, SECOND_NS, Fates, Reply, SimulatedNetwork, Station, rules_of
from lab_env.simulated.packets import Arrivals
from lab_env.simulated.places import NOBODY, is_loopback
from lab_env.topology import GATEWAY, Action
from portlab.packets.headers import (
    ACK,
    ECHO_REQUEST,
    FIN,
    ICMP_ERRORS,
    ICMP_PROTOCOL,
    PROTOCOLS,
    RST,
    SYN,
    TCP_PROTOCOL,
    TIME_EXCEEDED,
    TIMESTAMP,
    UDP_PROTOCOL,
    UNREACHABLE,
)

HOST, PROTOCOL, PORT, ADMIN_PROHIBITED = 1, 2, 3, 13
"""Codes of ICMP destination unreachable (RFC 792, RFC 1812 section 5.2.7.1)."""

INITIAL_TTL = 64
LINK_RTT_NS, GATEWAY_RTT_NS, JITTER_NS = 60_000, 50_000, 12_000
"""Round trip on the own link, what the way through the gateway adds, and the mean of what chance adds."""
SYN_ACK_TRIES = 6
"""A listener repeats an unanswered SYN-ACK after 1, 3, 7, 15 and 31 seconds."""

Mask = NDArray[np.bool_]


def fates(network: SimulatedNetwork, packets: Arrivals) -> Fates:
    """What comes back for each packet, who says it and when."""
    walk = Walk(network, packets)
    walk.through_gateway()
    walk.over_slow_link()
    walk.through_own_rules()
    walk.to_programs()
    walk.back_to_student()
    return walk.fates


class Walk:
    """One table of packets on its way.  `going` marks those whose fate is still open."""

    def __init__(self, network: SimulatedNetwork, packets: Arrivals) -> None:
        self.network, self.places, self.packets = network, network.places, packets
        destination = packets["destination"]
        self.host = self.places.owner(destination)
        self.routed = ~self.places.on_own_link(destination) & ~is_loopback(destination)
        self.routed &= self.host != self.places.gateway
        self.slow = (self.host != NOBODY) & self.places.on_slow_link[self.host]
        self.fates = np.zeros(len(packets), FATE)
        self.fates["time_ns"] = packets["time_ns"]
        self.fates["time_to_live"] = INITIAL_TTL - self.routed
        self.going = self.places.in_lab(destination) & ~self.places.is_broadcast(destination)
        self.going &= self.routed | (self.host != NOBODY)
        self.fates["reached"][self.going] = np.where(self.routed, Station.GATEWAY, Station.HOST)[self.going]

    # --- stations -----------------------------------------------------------------------------------------

    def through_gateway(self) -> None:
        """A router looks at the time to live first, then at its rules, then for the next hop."""
        self._gateway_says(self.going & self.routed & (self.packets["time_to_live"] <= 1), TIME_EXCEEDED, 0)
        routed = self.going & self.routed
        if routed.any():
            established = self.network.established(self.packets)
            self._refuse(routed, self._decision(GATEWAY, routed, established), by_gateway=True)
            self._look_for_neighbours(self.going & routed & (self.host == NOBODY))
        self.fates["reached"][self.going & self.routed] = Station.BEHIND_GATEWAY

    def over_slow_link(self) -> None:
        """Some packets to the branch are lost on the way out."""
        lost = self.network.random.random(len(self.packets)) < self.network.loss
        self.going &= ~(self.slow & lost)
        self.fates["reached"][self.going & self.routed] = Station.HOST

    def through_own_rules(self) -> None:
        """Each host's own firewall, which remembers no conversations."""
        nothing_known = np.zeros(len(self.packets), bool)
        for row, host in enumerate(self.network.topology.hosts):
            mine = self.going & (self.host == row)
            if host.rules and mine.any():
                self._refuse(mine, self._decision(host.name, mine, nothing_known), by_gateway=False)

    def to_programs(self) -> None:
        """The IP software of the host that was asked, and the programs behind its ports."""
        self._answer_tcp(self.going & (self.packets["protocol"] == TCP_PROTOCOL))
        self._answer_udp(self.going & (self.packets["protocol"] == UDP_PROTOCOL))
        icmp = self.going & (self.packets["protocol"] == ICMP_PROTOCOL)
        self._answer(icmp & (self.packets["icmp_type"] == ECHO_REQUEST), Reply.ECHO_REPLY)
        self._answer(icmp & (self.packets["icmp_type"] == TIMESTAMP), Reply.TIMESTAMP_REPLY)
        unknown = self.going & ~np.isin(self.packets["protocol"], list(PROTOCOLS.values()))
        self._host_says_unreachable(unknown, PROTOCOL)

    def back_to_student(self) -> None:
        """The way there and back takes time; the slow link loses some answers."""
        kind = self.fates["kind"]
        kind[self.routed & self.places.astray[self.host] & (self.fates["reached"] == Station.HOST)] = (
            Reply.SILENCE
        )
        self.network.remember(self.packets[self.places.tracked[self.host] & (kind == Reply.SYN_ACK)])
        far = self.routed & (self.fates["time_to_live"] < INITIAL_TTL)  # the gateway itself answers sooner
        travel = LINK_RTT_NS + self.network.random.exponential(JITTER_NS, len(self.packets))
        travel += far * GATEWAY_RTT_NS
        link = self.network.topology.slow_link
        jitter = self.network.random.uniform(-link.jitter_ms, link.jitter_ms, (2, len(self.packets)))
        travel += (far & self.slow) * (2 * link.delay_ms + jitter.sum(axis=0)) * 1e6
        self.fates["time_ns"] += travel.astype(np.int64)
        self._lose_answers(far & self.slow)

    def _decision(self, host: str, which: Mask, established: Mask) -> NDArray[np.uint8]:
        """What the firewall of a host does with these packets."""
        rules, counts = rules_of(self.network.topology, host), self.network.counts(host)
        return firewall.decide(rules, self.packets, which, self.places, established, counts)

    # --- what is said -------------------------------------------------------------------------------------

    def _answer(self, which: Mask, kind: Reply) -> None:
        """The address that was asked answers in its own name."""
        self.fates["kind"][which] = kind
        self.fates["speaker"][which] = self.packets["destination"][which]
        self.going &= ~which

    def _answer_tcp(self, tcp: Mask) -> None:
        """RFC 9293 section 3.10.7.1 (closed) and 3.10.7.2 (listening), as Linux does it."""
        flags = self.packets["control_bits"]
        listens = self.places.tcp_listens[self.host, self.packets["port"]]
        self._answer(tcp & (flags & RST == 0) & (~listens | (flags & ACK > 0)), Reply.RESET)
        first_syn = flags & (SYN | ACK | RST | FIN) == SYN  # Linux drops SYN and FIN together
        full = self.places.full[self.host, self.packets["port"]]
        self._answer(tcp & listens & first_syn & ~full, Reply.SYN_ACK)
        self.fates["sequence_number"] = self.network.random.integers(0, 2**32, len(tcp), np.uint32)
        self.going &= ~tcp

    def _answer_udp(self, udp: Mask) -> None:
        service = self.places.udp_service[self.host, self.packets["port"]]
        self._host_says_unreachable(udp & (service < 0), PORT)
        answers = np.array([bool(service.answers) for service in self.places.services])
        self.fates["service"] = service
        self._answer(udp & (service >= 0) & answers[service], Reply.DATAGRAM)
        self.going &= ~udp

    def _refuse(self, which: Mask, actions: NDArray[np.uint8], by_gateway: bool) -> None:
        """Carry out a firewall's decision."""
        for number, action in enumerate(firewall.ACTIONS):
            hit = which & (actions == number)
            if action is Action.ACCEPT or not hit.any():
                continue
            if action is Action.REJECT_RESET:  # in the name of the host that was asked: only the TTL tells
                self._answer(hit & (self.packets["control_bits"] & RST == 0), Reply.RESET)
                self.fates["time_to_live"][hit & by_gateway] = INITIAL_TTL
            elif action is not Action.DROP:
                code = PORT if action is Action.REJECT_PORT else ADMIN_PROHIBITED
                say = self._gateway_says if by_gateway else self._host_says
                say(hit, UNREACHABLE, code)
            self.going &= ~hit

    def _host_says(self, which: Mask, icmp_type: int, code: int) -> None:
        """An ICMP error, but never about an ICMP error (RFC 1122 section 3.2.2)."""
        about_error = (self.packets["protocol"] == ICMP_PROTOCOL) & np.isin(
            self.packets["icmp_type"], ICMP_ERRORS
        )
        self._answer(which & ~about_error, Reply.ICMP_ERROR)
        self.fates["icmp_type"][which], self.fates["icmp_code"][which] = icmp_type, code
        self.going &= ~which

    def _gateway_says(self, which: Mask, icmp_type: int, code: int) -> None:
        self._host_says(which, icmp_type, code)
        self.fates["speaker"][which] = self.places.gateway_address
        self.fates["time_to_live"][which] = INITIAL_TTL

    def _host_says_unreachable(self, which: Mask, code: int) -> None:
        """An ICMP error by the host itself, within its limit."""
        allowed = which.copy()
        for row in np.flatnonzero(which & self.places.icmp_limited[self.host]).tolist():
            allowed[row] = self.network.may_send_icmp_error(self.host[row], int(self.packets["time_ns"][row]))
        self._host_says(allowed, UNREACHABLE, code)
        self.going &= ~which

    def _look_for_neighbours(self, which: Mask) -> None:
        """Nobody answers the gateway's ARP: after three seconds it says so, for the packets it kept."""
        told = which.copy()
        for row in np.flatnonzero(which).tolist():
            address, time_ns = int(self.packets["destination"][row]), int(self.packets["time_ns"][row])
            fails = self.network.neighbour_fails(address, time_ns)
            told[row] = fails is not None
            self.fates["time_ns"][row] = fails or time_ns
        self._gateway_says(told, UNREACHABLE, HOST)
        self.going &= ~which

    def _lose_answers(self, slow: Mask) -> None:
        """A lost answer is gone, but a lost SYN-ACK is said again after 1, 3, 7 ... seconds."""
        kind = self.fates["kind"]
        self.fates["said"] = kind
        losses = (self.network.random.geometric(1 - self.network.loss, len(self.packets)) - 1) * slow
        repeated = kind == Reply.SYN_ACK
        self.fates["time_ns"] += np.where(
            repeated, (2 ** np.minimum(losses, SYN_ACK_TRIES) - 1) * SECOND_NS, 0
        )
        kind[np.where(repeated, losses >= SYN_ACK_TRIES, losses > 0)] = Reply.SILENCE

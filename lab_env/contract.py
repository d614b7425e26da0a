"""The contract: what every probe of the lab must bring back, worked out from the topology.

Where a probe ends (see `path`) decides the answer; what was asked decides what the answer means.  Nothing here is a
hand-written table of results.  A technique is asked only for its question (its name, its packet): what comes back
and what that means is worked out here, apart from the simulator and from `portlab`, so that each can be judged by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from lab_env.path import ADMIN_CODE, HOST_CODE, PORT_CODE, Probe, Reply, walk
from lab_env.topology import ACK, STUDENT, SYN, Host, Topology
from portlab.model import PROBE, Reason, State
from portlab.techniques import ping_methods, port_techniques, technique

FLAGS_AT = 20 + 13
"""Where a crafted segment has its flags: 20 bytes of IPv4 header, then RFC 9293 section 3.1."""

DEFAULT_PAYLOADS = {53: "dns", 67: "dhcp", 123: "ntp", 161: "snmp"}
"""What a UDP scan says to a port unless it is told otherwise; to all other ports an empty datagram."""

NEVER_LISTENING = {"tcp": (1, 20, 65535), "udp": (9, 68)}
"""Ports on which nothing in the lab listens: 20 and 68 are the client's ends of FTP data and DHCP."""

PATIENCE_S = 4.0
"""How long to wait for word of an address with nobody behind it: that takes three seconds."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What one probe must bring back; None: there is nothing, or the technique cannot see it."""

    state: State
    reason: Reason
    answered_by: str | None = None
    icmp: tuple[int, int] | None = None
    ttl: int | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """One line of the contract: a probe and its outcome.

    `port` is None for a ping, whose `method` says how; `patience` is in seconds, 0: as long as usual.
    """

    technique: str
    host: str
    port: int | None
    expected: Expectation
    method: str = ""
    payload: str = ""
    patience: float = 0.0


@cache
def _flags(name: str) -> int:
    """The TCP flags that a technique sends; a kernel's connect() begins with SYN (RFC 9293 section 3.5)."""
    kind = technique(name)
    if kind.PROTOCOL != "tcp":
        return 0
    return int(kind.craft(np.zeros(1, PROBE))[0, FLAGS_AT]) if kind.NEEDS_RAW else SYN


def expected(
    topology: Topology,
    name: str,
    host: str,
    port: int | None,
    payload: str | None = None,
    method: str = "icmp",
) -> Expectation:
    """What the technique of that name must find at `port` of `host`, asked by the student."""
    if name == "ping":
        return _expected_ping(topology, host, method)
    assert port is not None, f"{name} asks a port"
    if technique(name).PROTOCOL == "udp":
        default = DEFAULT_PAYLOADS.get(port, "")
        probe = Probe("udp", port, payload=default if payload is None else payload)
    else:
        probe = Probe("tcp", port, _flags(name))
    return _meaning(topology, name, host, probe)


# --- what the reply means ---------------------------------------------------------------------------------

_ICMP_REASON = {
    HOST_CODE: Reason.HOST_UNREACH,
    PORT_CODE: Reason.PORT_UNREACH,
    ADMIN_CODE: Reason.ADMIN_PROHIBITED,
}


def _meaning(topology: Topology, name: str, host: str, probe: Probe) -> Expectation:
    reply = walk(topology, host, probe)
    if reply.kind == "silence":
        return Expectation(_silent_state(probe), Reason.NO_RESPONSE)
    if reply.kind == "no-neighbour":
        return Expectation(State.FILTERED, Reason.HOST_UNREACH)
    if technique(name).EVIDENCE == "errnos":
        return _meaning_of_errno(reply)
    state, reason = _meaning_of_packet(topology, host, probe, reply)
    return Expectation(state, reason, reply.speaker, reply.icmp, reply.ttl)


def _silent_state(probe: Probe) -> State:
    """A host must answer SYN, and ACK alone; a datagram, or another segment, an open port may ignore."""
    return State.FILTERED if probe.flags in (SYN, ACK) else State.OPEN_FILTERED


def _meaning_of_packet(topology: Topology, host: str, probe: Probe, reply: Reply) -> tuple[State, Reason]:
    if reply.icmp is None:
        return {
            "syn-ack": (State.OPEN, Reason.SYN_ACK),
            "udp": (State.OPEN, Reason.UDP_RESPONSE),
            "reset": (State.UNFILTERED if probe.flags == ACK else State.CLOSED, Reason.RESET),
        }[reply.kind]
    from_target = reply.speaker in topology.addresses(host)
    if probe.protocol == "udp" and reply.icmp[1] == PORT_CODE and from_target:
        return State.CLOSED, Reason.PORT_UNREACH
    return State.FILTERED, _ICMP_REASON[reply.icmp[1]]


def _meaning_of_errno(reply: Reply) -> Expectation:
    """What connect() says on Linux: it hides who spoke, and takes a port unreachable for a refusal."""
    if reply.kind == "syn-ack":
        return Expectation(State.OPEN, Reason.SYN_ACK, reply.speaker, ttl=reply.ttl)
    if reply.kind == "reset":
        return Expectation(State.CLOSED, Reason.CONN_REFUSED, reply.speaker, ttl=reply.ttl)
    assert reply.icmp is not None
    refused = reply.icmp[1] == PORT_CODE  # ECONNREFUSED; codes 1 and 13 are both EHOSTUNREACH
    state, reason = (State.CLOSED, Reason.CONN_REFUSED) if refused else (State.FILTERED, Reason.HOST_UNREACH)
    return Expectation(state, reason, reply.speaker, reply.icmp, reply.ttl)


_ICMP_ANSWERS = {"icmp": (Reason.ECHO_REPLY, (0, 0)), "timestamp": (Reason.TIMESTAMP_REPLY, (14, 0))}
"""The ICMP messages that answer a ping (RFC 792)."""


def _expected_ping(topology: Topology, host: str, method: str) -> Expectation:
    kind = technique(ping_methods()[method])
    if kind.PROTOCOL == "arp":
        if not topology.by_name[host].nobody:
            return Expectation(State.UP, Reason.ARP_RESPONSE, topology.address(host))
        return Expectation(State.DOWN, Reason.NO_RESPONSE)
    port = kind.PING.port if kind.PING else 0
    payload = "empty" if kind.PROTOCOL == "udp" else ""
    reply = walk(topology, host, Probe(kind.PROTOCOL, port or None, _flags(kind.NAME), payload))
    if reply.kind == "no-neighbour":
        return Expectation(State.NO_ANSWER, Reason.HOST_UNREACH)
    if reply.kind == "silence":
        return Expectation(State.NO_ANSWER, Reason.NO_RESPONSE)
    if reply.icmp is not None:
        reason = _ICMP_REASON[reply.icmp[1]]
        itself = reply.icmp[1] == PORT_CODE and reply.speaker in topology.addresses(host)
        state = (
            State.UP if itself else State.NO_ANSWER
        )  # only the host knows its ports (RFC 1122 section 3.2.2.1)
        return Expectation(state, reason, reply.speaker, reply.icmp, reply.ttl)
    if reply.kind == "echo":
        reason, icmp = _ICMP_ANSWERS[method]
        return Expectation(State.UP, reason, reply.speaker, icmp, reply.ttl)
    by_kind = {"syn-ack": Reason.SYN_ACK, "reset": Reason.RESET, "udp": Reason.UDP_RESPONSE}
    reason = by_kind[reply.kind]
    return Expectation(State.UP, reason, reply.speaker, ttl=reply.ttl)


# --- the rows worth asking --------------------------------------------------------------------------------


def ports(topology: Topology, protocol: str) -> tuple[int, ...]:
    """Every port that anything in the lab listens on or any rule names, and a few that nobody does."""
    services = {s.port for host in topology.hosts for s in host.services if s.transport == protocol}
    rules = [*topology.forward, *(rule for host in topology.hosts for rule in host.rules)]
    named = {port for rule in rules if rule.protocol == protocol for port in rule.ports}
    return tuple(sorted(services | named | set(NEVER_LISTENING[protocol])))


def rows(topology: Topology) -> Iterator[Clause]:
    """The whole contract, seen from the student."""
    for host in topology.hosts:
        if host.name != STUDENT:
            yield from ping_rows(topology, host)
            for name in port_techniques():
                yield from port_rows(topology, name, host)


def ping_rows(topology: Topology, host: Host) -> Iterator[Clause]:
    """Every way to ping one host; by ARP only on the own link."""
    for method, name in ping_methods().items():
        if technique(name).PROTOCOL != "arp" or _on_own_link(topology, host):
            result = expected(topology, "ping", host.name, None, method=method)
            yield Clause("ping", host.name, None, result, method, patience=_patience(topology, "ping", host))


def port_rows(topology: Topology, name: str, host: Host) -> Iterator[Clause]:
    """One technique at all ports worth asking of one host."""
    protocol = technique(name).PROTOCOL
    for port in _ports_of(topology, host, protocol):
        result = expected(topology, name, host.name, port)
        yield Clause(name, host.name, port, result, patience=_patience(topology, name, host))
    if protocol == "udp":
        for service in host.services:
            if service.answers and service.port not in DEFAULT_PAYLOADS:
                result = expected(topology, name, host.name, service.port, service.answers)
                yield Clause(name, host.name, service.port, result, payload=service.answers)
            elif service.answers:
                result = expected(topology, name, host.name, service.port, "empty")
                yield Clause(name, host.name, service.port, result, payload="empty")


def _on_own_link(topology: Topology, host: Host) -> bool:
    return host.network == topology.by_name[STUDENT].network


def _patience(topology: Topology, name: str, host: Host) -> float:
    """The gateway, and for connect() the own kernel, ask three times by ARP before they say "unreachable"."""
    slow = host.nobody and (not technique(name).NEEDS_RAW or not _on_own_link(topology, host))
    return PATIENCE_S if slow else 0.0


def _ports_of(topology: Topology, host: Host, protocol: str) -> tuple[int, ...]:
    every = ports(topology, protocol)
    if host.nobody:  # the gateway queues only a few packets for a neighbour that it cannot find
        return every[:2]
    if host.icmp_limited and protocol == "udp":  # six refusals at once, then one a second
        own = tuple(s.port for s in host.services if s.transport == "udp")
        return tuple(sorted((*own, *NEVER_LISTENING["udp"])))
    return every

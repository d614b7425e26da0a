"""The contract: what every probe of the lab must bring back, worked out from the topology.

Where a probe ends (see `path`) decides the answer; the technique decides what the answer means.  Nothing
here is a hand-written table of results, and nothing is shared with the simulator or with `portlab`'s
techniques, so that each can be judged by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab_env.path import ADMIN_CODE, HOST_CODE, PORT_CODE, Probe, Reply, walk
from lab_env.topology import ACK, FIN, PSH, STUDENT, SYN, URG, Host, Topology
from portlab.model import Reason, State

PORT_TECHNIQUES = ("connect", "syn", "udp", "fin", "null", "xmas", "ack")
PING_METHODS = ("icmp", "timestamp", "syn", "ack", "arp")

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
class Row:
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


PING_PROBES = {
    "icmp": Probe("icmp"),
    "timestamp": Probe("icmp"),
    "syn": Probe("tcp", 443, SYN),
    "ack": Probe("tcp", 80, ACK),
}
"""What each kind of ping sends; SYN and ACK go to the ports that scanners traditionally knock at."""

FLAGS = {"connect": SYN, "syn": SYN, "fin": FIN, "null": 0, "xmas": FIN | PSH | URG, "ack": ACK}


def expected(
    topology: Topology,
    technique: str,
    host: str,
    port: int | None,
    payload: str | None = None,
    method: str = "icmp",
) -> Expectation:
    """What `technique` must find at `port` of `host`, asked by the student."""
    if technique == "ping":
        return _expected_ping(topology, host, method)
    assert port is not None, f"{technique} asks a port"
    if technique == "udp":
        default = DEFAULT_PAYLOADS.get(port, "")
        probe = Probe("udp", port, payload=default if payload is None else payload)
    else:
        probe = Probe("tcp", port, FLAGS[technique])
    return _meaning(topology, technique, host, walk(topology, host, probe))


# --- what the reply means ---------------------------------------------------------------------------------

_SILENT_STATE = {
    "connect": State.FILTERED,
    "syn": State.FILTERED,
    "ack": State.FILTERED,
    "udp": State.OPEN_FILTERED,
    "fin": State.OPEN_FILTERED,
    "null": State.OPEN_FILTERED,
    "xmas": State.OPEN_FILTERED,
}

_ICMP_REASON = {
    HOST_CODE: Reason.HOST_UNREACH,
    PORT_CODE: Reason.PORT_UNREACH,
    ADMIN_CODE: Reason.ADMIN_PROHIBITED,
}


def _meaning(topology: Topology, technique: str, host: str, reply: Reply) -> Expectation:
    if reply.kind == "silence":
        return Expectation(_SILENT_STATE[technique], Reason.NO_RESPONSE)
    if reply.kind == "no-neighbour":
        return Expectation(State.FILTERED, Reason.HOST_UNREACH)
    if technique == "connect":
        return _meaning_of_errno(reply)
    state, reason = _meaning_of_packet(topology, technique, host, reply)
    return Expectation(state, reason, reply.speaker, reply.icmp, reply.ttl)


def _meaning_of_packet(topology: Topology, technique: str, host: str, reply: Reply) -> tuple[State, Reason]:
    if reply.icmp is None:
        return {
            "syn-ack": (State.OPEN, Reason.SYN_ACK),
            "udp": (State.OPEN, Reason.UDP_RESPONSE),
            "reset": (State.UNFILTERED if technique == "ack" else State.CLOSED, Reason.RESET),
        }[reply.kind]
    from_target = reply.speaker in topology.addresses(host)
    if technique == "udp" and reply.icmp[1] == PORT_CODE and from_target:
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
    if method == "arp":
        if not topology.by_name[host].nobody:
            return Expectation(State.UP, Reason.ARP_RESPONSE, topology.address(host))
        return Expectation(State.DOWN, Reason.NO_RESPONSE)
    reply = walk(topology, host, PING_PROBES[method])
    if reply.kind == "no-neighbour":
        return Expectation(State.NO_ANSWER, Reason.HOST_UNREACH)
    if reply.kind == "silence":
        return Expectation(State.NO_ANSWER, Reason.NO_RESPONSE)
    if reply.icmp is not None:
        reason = _ICMP_REASON[reply.icmp[1]]
        return Expectation(State.NO_ANSWER, reason, reply.speaker, reply.icmp, reply.ttl)
    if reply.kind == "echo":
        reason, icmp = _ICMP_ANSWERS[method]
        return Expectation(State.UP, reason, reply.speaker, icmp, reply.ttl)
    reason = {"syn-ack": Reason.SYN_ACK, "reset": Reason.RESET}[reply.kind]
    return Expectation(State.UP, reason, reply.speaker, ttl=reply.ttl)


# --- the rows worth asking --------------------------------------------------------------------------------


def ports(topology: Topology, protocol: str) -> tuple[int, ...]:
    """Every port that anything in the lab listens on or any rule names, and a few that nobody does."""
    services = {s.port for host in topology.hosts for s in host.services if s.transport == protocol}
    rules = [*topology.forward, *(rule for host in topology.hosts for rule in host.rules)]
    named = {port for rule in rules if rule.protocol == protocol for port in rule.ports}
    return tuple(sorted(services | named | set(NEVER_LISTENING[protocol])))


def rows(topology: Topology) -> Iterator[Row]:
    """The whole contract, seen from the student."""
    for host in topology.hosts:
        if host.name != STUDENT:
            yield from ping_rows(topology, host)
            for technique in PORT_TECHNIQUES:
                yield from port_rows(topology, technique, host)


def ping_rows(topology: Topology, host: Host) -> Iterator[Row]:
    """Every way to ping one host; by ARP only on the own link."""
    for method in PING_METHODS:
        if method != "arp" or _on_own_link(topology, host):
            result = expected(topology, "ping", host.name, None, method=method)
            yield Row("ping", host.name, None, result, method, patience=_patience(topology, "ping", host))


def port_rows(topology: Topology, technique: str, host: Host) -> Iterator[Row]:
    """One technique at all ports worth asking of one host."""
    protocol = "udp" if technique == "udp" else "tcp"
    for port in _ports_of(topology, host, protocol):
        result = expected(topology, technique, host.name, port)
        yield Row(technique, host.name, port, result, patience=_patience(topology, technique, host))
    if technique == "udp":
        for service in host.services:
            if service.answers and service.port not in DEFAULT_PAYLOADS:
                result = expected(topology, technique, host.name, service.port, service.answers)
                yield Row(technique, host.name, service.port, result, payload=service.answers)
            elif service.answers:
                result = expected(topology, technique, host.name, service.port, "empty")
                yield Row(technique, host.name, service.port, result, payload="empty")


def _on_own_link(topology: Topology, host: Host) -> bool:
    return host.network == topology.by_name[STUDENT].network


def _patience(topology: Topology, technique: str, host: Host) -> float:
    """The gateway, and for connect() the own kernel, ask three times by ARP before they say "unreachable"."""
    slow = host.nobody and (technique == "connect" or not _on_own_link(topology, host))
    return PATIENCE_S if slow else 0.0


def _ports_of(topology: Topology, host: Host, protocol: str) -> tuple[int, ...]:
    every = ports(topology, protocol)
    if host.nobody:  # the gateway queues only a few packets for a neighbour that it cannot find
        return every[:2]
    if host.icmp_limited and protocol == "udp":  # six refusals at once, then one a second
        own = tuple(s.port for s in host.services if s.transport == "udp")
        return tuple(sorted((*own, *NEVER_LISTENING["udp"])))
    return every

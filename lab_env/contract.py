"""The contract: what every probe of the lab must bring back, worked out from the topology.

Follow one probe from the student: across the link, through the gateway's rules, through the host's own
rules, to the program that listens or does not.  Whoever ends that walk decides the answer; the technique
decides what the answer means.  Nothing here is a hand-written table of results, and nothing is shared with
the simulator or with `portlab`'s techniques, so that each can be judged by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab_env.topology import ACK, FIN, GATEWAY, PSH, STUDENT, SYN, URG, Action, Host, Rule, Service, Topology
from portlab.model import Reason, State

PORT_TECHNIQUES = ("connect", "syn", "udp", "fin", "null", "xmas", "ack")
PING_METHODS = ("icmp", "timestamp", "arp")

DEFAULT_PAYLOADS = {53: "dns", 67: "dhcp", 123: "ntp", 161: "snmp"}
"""What a UDP scan says to a port unless it is told otherwise; to all other ports an empty datagram."""

NEVER_LISTENING = {"tcp": (1, 20, 65535), "udp": (9, 68)}
"""Ports on which nothing in the lab listens: 20 and 68 are the client's ends of FTP data and DHCP."""

PATIENCE_S = 4.0
"""How long to wait for the gateway's word on an address with nobody behind it: it needs three seconds."""

UNREACHABLE, HOST_CODE, PORT_CODE, ADMIN_CODE = 3, 1, 3, 13
"""ICMP type and codes (RFC 792, RFC 1812 section 5.2.7.1)."""


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


@dataclass(frozen=True, slots=True)
class Probe:
    """What travels: enough of a packet for the rules and the listeners to judge it."""

    protocol: str
    port: int | None = None
    flags: int = 0
    payload: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """How the walk ended, and who spoke.

    `kind` is "syn-ack", "reset", "udp", "echo", "icmp", "no-neighbour" or "silence".
    """

    kind: str
    speaker: str | None = None
    ttl: int | None = None
    icmp: tuple[int, int] | None = None


SILENCE = Reply("silence")

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


# --- the walk ---------------------------------------------------------------------------------------------


def walk(topology: Topology, name: str, probe: Probe) -> Reply:
    """Follow a probe to whoever answers it."""
    host = topology.by_name[name]
    behind_gateway = host.network != topology.by_name[STUDENT].network
    if host.nobody and not behind_gateway:
        return Reply("no-neighbour")
    if behind_gateway:
        action = _first_match(topology.forward, name, probe)
        if action is not Action.ACCEPT:
            return _refusal(topology, action, host, by_gateway=True)
        if host.nobody:
            return _from_gateway(topology, HOST_CODE)
    action = _first_match(host.rules, name, probe)
    if action is not Action.ACCEPT:
        return _refusal(topology, action, host, by_gateway=False)
    return _from_host(topology, host, probe)


def _first_match(rules: tuple[Rule, ...], host: str, probe: Probe) -> Action:
    """The action of the first rule that matches.  A first probe belongs to no established conversation."""
    for rule in rules:
        if rule.established or (rule.hosts and host not in rule.hosts):
            continue
        if rule.protocol and rule.protocol != probe.protocol:
            continue
        if rule.ports and probe.port not in rule.ports:
            continue
        if rule.flags and (probe.protocol != "tcp" or probe.flags & rule.flags[0] != rule.flags[1]):
            continue
        return rule.action
    return Action.ACCEPT


def _refusal(topology: Topology, action: Action, host: Host, by_gateway: bool) -> Reply:
    """What a firewall says in its own name, or, with a reset, in the name of the host it guards."""
    if action is Action.DROP:
        return SILENCE
    if action is Action.REJECT_RESET:
        ttl = 64 if by_gateway else _ttl(topology, host)
        return Reply("reset", topology.address(host.name), ttl)
    code = {Action.REJECT_PORT: PORT_CODE, Action.REJECT_ADMIN: ADMIN_CODE}[action]
    if by_gateway:
        return _from_gateway(topology, code)
    return Reply("icmp", topology.address(host.name), _ttl(topology, host), (UNREACHABLE, code))


def _from_gateway(topology: Topology, code: int) -> Reply:
    return Reply("icmp", topology.address(GATEWAY), 64, (UNREACHABLE, code))


def _from_host(topology: Topology, host: Host, probe: Probe) -> Reply:
    """What the host's own IP software and programs say.

    RFC 9293 section 3.10.7, RFC 1122 sections 3.2.2.6 and 4.1.3.1.
    """
    address, ttl = topology.address(host.name), _ttl(topology, host)
    if probe.protocol == "icmp":
        return Reply("echo", address, ttl)
    service = _listener(host, probe)
    if probe.protocol == "udp":
        if service is None:
            return Reply("icmp", address, ttl, (UNREACHABLE, PORT_CODE))
        heard = service.answers and service.answers == probe.payload and not service.from_new_port
        return Reply("udp", address, ttl) if heard else SILENCE
    if service is None or probe.flags & ACK:
        return Reply("reset", address, ttl)
    return Reply("syn-ack", address, ttl) if probe.flags & SYN else SILENCE


def _listener(host: Host, probe: Probe) -> Service | None:
    return next((s for s in host.services if (s.transport, s.port) == (probe.protocol, probe.port)), None)


def _ttl(topology: Topology, host: Host) -> int:
    """Time to live on arrival: every system of the lab starts at 64, and the gateway takes one."""
    own_link = host.network == topology.by_name[STUDENT].network
    return 64 if own_link else 63


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


def _expected_ping(topology: Topology, host: str, method: str) -> Expectation:
    reply = walk(topology, host, Probe("icmp"))
    if method == "arp":
        if reply.kind == "no-neighbour":
            return Expectation(State.DOWN, Reason.NO_RESPONSE)
        return Expectation(State.UP, Reason.ARP_RESPONSE, topology.address(host))
    if reply.kind == "echo":
        reason = Reason.TIMESTAMP_REPLY if method == "timestamp" else Reason.ECHO_REPLY
        return Expectation(State.UP, reason, reply.speaker, ttl=reply.ttl)
    if reply.kind == "no-neighbour":
        return Expectation(State.NO_ANSWER, Reason.HOST_UNREACH)
    if reply.icmp is not None:
        return Expectation(State.NO_ANSWER, _ICMP_REASON[reply.icmp[1]], reply.speaker, reply.icmp, reply.ttl)
    return Expectation(State.NO_ANSWER, Reason.NO_RESPONSE)


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
    patience = PATIENCE_S if host.nobody else 0.0
    for method in PING_METHODS:
        if method != "arp" or host.network == topology.by_name[STUDENT].network:
            result = expected(topology, "ping", host.name, None, method=method)
            yield Row("ping", host.name, None, result, method=method, patience=patience)


def port_rows(topology: Topology, technique: str, host: Host) -> Iterator[Row]:
    """One technique at all ports worth asking of one host."""
    protocol = "udp" if technique == "udp" else "tcp"
    for port in _ports_of(topology, host, protocol):
        result = expected(topology, technique, host.name, port)
        yield Row(technique, host.name, port, result, patience=PATIENCE_S if host.nobody else 0.0)
    if technique == "udp":
        for service in host.services:
            if service.answers and service.port not in DEFAULT_PAYLOADS:
                result = expected(topology, technique, host.name, service.port, service.answers)
                yield Row(technique, host.name, service.port, result, payload=service.answers)


def _ports_of(topology: Topology, host: Host, protocol: str) -> tuple[int, ...]:
    every = ports(topology, protocol)
    if host.nobody:  # the gateway queues only a few packets for a neighbour that it cannot find
        return every[:2]
    if host.icmp_limited and protocol == "udp":  # six refusals at once, then one a second
        own = tuple(s.port for s in host.services if s.transport == "udp")
        return tuple(sorted((*own, *NEVER_LISTENING["udp"])))
    return every

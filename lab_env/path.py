"""The way of one probe through the lab, followed by hand: who ends it, and what do they say?

Across the link, through the gateway's rules, through the host's own rules, to the program that listens or
does not. One packet at a time and straight from the topology, so that the simulator, which walks whole
tables, can be judged by it.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab_env.topology import ACK, GATEWAY, STUDENT, SYN, Action, Host, Rule, Service, Topology

UNREACHABLE, HOST_CODE, PORT_CODE, ADMIN_CODE = 3, 1, 3, 13
"""ICMP type and codes (RFC 792, RFC 1812 section 5.2.7.1)."""


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
    if host.default_gateway and behind_gateway:  # it hears the probe, but its answer goes to somebody else
        return SILENCE
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
    return Reply("syn-ack", address, ttl) if probe.flags & SYN and not service.full else SILENCE


def _listener(host: Host, probe: Probe) -> Service | None:
    asked = (probe.protocol, probe.port)
    return next((s for s in host.services if (s.transport, s.port) == asked and not s.loopback), None)


def _ttl(topology: Topology, host: Host) -> int:
    """Time to live on arrival: every system of the lab starts at 64, and the gateway takes one."""
    own_link = host.network == topology.by_name[STUDENT].network
    return 64 if own_link else 63

"""What a learner may change on a host of the lab: its services, its rules, where it sends its answers.

A `HostState` is all of that for one host, as a value.  A change is a function from one state to the next; the
lab's fidelities are told the state that a host is to be in, and see to it themselves.

    state_of(topology, "web")                    as the plan has it
    stopped(state, "http")                       the same without its web server on port 80
    topology_with(topology, {"web": state})      the whole lab with that change, for the contract and the simulator
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from lab_env.topology import GATEWAY, STUDENT, Action, Rule, Service, Topology
from portlab.errors import BadTarget

LISTENER = "listener"
"""The program behind a port that a learner opened: it greets, and hangs up when its client does."""


@dataclass(frozen=True, slots=True)
class HostState:
    """What can be changed on one host.  The gateway's rules judge what it passes on.

    `nft` is the text of a ruleset in nftables' own language, in place of `rules`; where it is used, nobody but
    the kernel knows what it does.
    """

    host: str
    services: tuple[Service, ...] = ()
    rules: tuple[Rule, ...] = ()
    nft: str = ""
    default_gateway: str = ""


Change = Callable[[HostState], HostState]


def state_of(topology: Topology, host: str) -> HostState:
    """The state of a host in this topology.  Raises BadTarget for one that cannot be changed."""
    known(topology, host)
    found = topology.by_name[host]
    rules = topology.forward if host == GATEWAY else found.rules
    return HostState(host, found.services, rules, default_gateway=found.default_gateway)


def topology_with(topology: Topology, states: Mapping[str, HostState]) -> Topology:
    """The same lab with some hosts in another state."""
    hosts, forward = [], topology.forward
    for host in topology.hosts:
        state = states.get(host.name)
        if state is not None:
            host = replace(host, services=state.services, default_gateway=state.default_gateway)
            if host.name == GATEWAY:
                forward = state.rules
            else:
                host = replace(host, rules=state.rules)
        hosts.append(host)
    return replace(topology, hosts=tuple(hosts), forward=forward)


def known(topology: Topology, host: str) -> str:
    """The name of a host that may be changed.  Raises BadTarget for any other."""
    name = host.lower().removesuffix(".lab")
    names = [each.name for each in topology.hosts if not each.nobody and each.name != STUDENT]
    if name not in names:
        raise BadTarget(f"there is no host {host!r} to change in the lab.  There are: {', '.join(names)}")
    return name


# --- changes ----------------------------------------------------------------------------------------------


def listening(state: HostState, port: int, transport: str = "tcp") -> HostState:
    """A program listens on a port where none did: over TCP it greets, over UDP it never answers.

    Raises BadTarget for a port that is taken or is none, as the kernel would.
    """
    if transport not in ("tcp", "udp"):
        raise BadTarget(f'{transport!r} is no transport with ports.  Type "tcp" or "udp"')
    if not isinstance(port, int) or not 0 < port < 65536:
        raise BadTarget(f"{port!r} is no port to listen on.  Choose a number from 1 to 65535, such as 8081")
    if any((service.transport, service.port) == (transport, port) for service in state.services):
        raise BadTarget(
            f"{state.host} listens on {port}/{transport} already, and a port belongs to one program at a time."
            "  Choose another number"
        )
    service = Service(LISTENER, port, transport, LISTENER if transport == "tcp" else "silent")
    return replace(state, services=(*state.services, service))


def stopped(state: HostState, service: str | int) -> HostState:
    """A service is stopped: by its name on all its ports, or by port, over TCP and UDP alike."""
    gone = _named(state.host, state.services, service)
    return replace(state, services=tuple(each for each in state.services if each not in gone))


def started(state: HostState, original: HostState, service: str | int) -> HostState:
    """A service that the host has in the plan runs again as the plan has it."""
    wanted = _named(state.host, original.services, service)
    ports = {(each.transport, each.port) for each in wanted}
    others = (each for each in state.services if (each.transport, each.port) not in ports)
    return replace(state, services=(*others, *wanted))


def guarded(state: HostState, rules: Sequence[Rule] | str) -> HostState:
    """The host's firewall has these rules and no others; a text is nftables' own language.

    The order counts: the first rule that matches a packet decides.
    """
    if isinstance(rules, str):
        return replace(state, rules=(), nft=rules)
    for rule in rules:
        _must_be_a_rule(rule)
    return replace(state, rules=tuple(rules), nft="")


def on_loopback(state: HostState, service: str | int) -> HostState:
    """A service is bound to 127.0.0.1: only its own host reaches it."""
    return _changed(state, service, lambda each: replace(each, loopback=True))


def with_full_queue(state: HostState, service: str | int) -> HostState:
    """A TCP service takes no more connections, and its queue is full."""
    return _changed(state, service, lambda each: replace(each, full=True))


def misrouted(state: HostState, gateway: str) -> HostState:
    """The host sends what is not for its own link to somebody who does not pass it on."""
    return replace(state, default_gateway=gateway)


def _changed(state: HostState, service: str | int, change: Callable[[Service], Service]) -> HostState:
    chosen = _named(state.host, state.services, service)
    services = (change(each) if each in chosen else each for each in state.services)
    return replace(state, services=tuple(services))


def _must_be_a_rule(rule: object) -> None:
    """Raise BadTarget for what no firewall can be told."""
    reason = ""
    if not isinstance(rule, Rule):
        reason = "is no rule"
    elif rule.protocol not in ("", "tcp", "udp", "icmp"):
        reason = "names a protocol that no rule knows (tcp, udp, icmp)"
    elif rule.action is Action.REJECT_RESET and rule.protocol != "tcp":
        reason = "resets what may be no TCP: name the protocol tcp"
    elif rule.ports and rule.protocol not in ("tcp", "udp"):
        reason = "names ports without the protocol they belong to"
    elif rule.flags is not None and rule.protocol != "tcp":
        reason = "names TCP flags without the protocol tcp"
    if reason:
        raise BadTarget(
            f"{rule!r} {reason}.  Type for example: "
            'lab.rules("web", [Rule(Action.DROP, protocol="tcp", ports=(80,))])'
        )


def _named(host: str, services: Sequence[Service], wanted: str | int) -> list[Service]:
    """The services a learner means by a name or a port number."""
    text = str(wanted).lower()
    found = [service for service in services if text in (service.name, str(service.port))]
    if not found:
        names = ", ".join(f"{service.name} ({service.port}/{service.transport})" for service in services)
        raise BadTarget(f"{host} has no service {wanted!r}.  It has: {names or 'none'}")
    return found


# --- as JSON, for the way to a host -----------------------------------------------------------------------


def to_json(state: HostState) -> dict[str, Any]:
    """The state as values that JSON knows."""
    return asdict(state)


def from_json(told: Mapping[str, Any]) -> HostState:
    """The state that `to_json` told of."""
    rules = (
        Rule(
            Action(rule["action"]),
            tuple(rule["hosts"]),
            rule["protocol"],
            tuple(rule["ports"]),
            None if rule["flags"] is None else (rule["flags"][0], rule["flags"][1]),
            rule["established"],
        )
        for rule in told["rules"]
    )
    services = tuple(Service(**service) for service in told["services"])
    return HostState(told["host"], services, tuple(rules), told["nft"], told["default_gateway"])

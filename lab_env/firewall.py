"""A machine's firewall rules as nftables text: what a learner reads, and what the kernel is given.

The text replaces the whole table, so that loading it twice changes nothing.  Every rule counts what it met.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab_env.changes import HostState
from lab_env.topology import ACK, FIN, GATEWAY, PSH, RST, STUDENT, SYN, URG, Rule, Topology

TABLE = "portlab"
FLAG_NAMES = {FIN: "fin", SYN: "syn", RST: "rst", PSH: "psh", ACK: "ack", URG: "urg"}


def ruleset(topology: Topology, host: str, rules: Sequence[Rule] | None = None) -> str:
    """The complete nftables file of a machine, with `rules` in place of its own; empty where none is needed.

    The gateway's rules judge what it passes on, every other machine's what arrives at it.
    """
    on_gateway = host == GATEWAY
    if rules is None:
        rules = topology.forward if on_gateway else topology.by_name[host].rules
    if not rules and not on_gateway:
        return ""
    lines = [line(topology, rule) for rule in rules]
    if on_gateway:
        answers = f"ip daddr {topology.cidr(topology.by_name[STUDENT].network)} accept"
        judged = [answers, *lines]  # rules are about questions; what comes back to the learner concerns none
        chains = [
            *_untracked(topology),
            _chain("forward", "type filter hook forward priority filter", judged),
        ]
    else:
        own = 'iifname "lo" accept'  # what a machine says to itself concerns no firewall
        chains = [_chain("input", "type filter hook input priority filter", [own, *lines])]
    body = "\n".join(chains)
    return f"table ip {TABLE}\ndelete table ip {TABLE}\ntable ip {TABLE} {{\n{body}\n}}\n"


def text(topology: Topology, state: HostState) -> str:
    """The nftables file for a host in this state; without rules, one that takes the table away."""
    if state.nft:
        return state.nft
    return ruleset(topology, state.host, state.rules) or f"table ip {TABLE}\ndelete table ip {TABLE}\n"


def _chain(name: str, hook: str, lines: Iterable[str]) -> str:
    body = "".join(f"\t\t{line}\n" for line in lines)
    return f"\tchain {name} {{\n\t\t{hook}; policy accept;\n{body}\t}}"


def _untracked(topology: Topology) -> list[str]:
    """Only conversations with the tracked hosts are remembered; all others are judged packet by packet."""
    known = _set([topology.address(host) for host in topology.tracked])
    line = f"ip saddr != {known} ip daddr != {known} notrack" if topology.tracked else "notrack"
    hooks = {"untracked_passing": "prerouting", "untracked_own": "output"}
    return [_chain(name, f"type filter hook {hook} priority raw", [line]) for name, hook in hooks.items()]


def line(topology: Topology, rule: Rule) -> str:
    """One rule as nftables writes it, with a counter."""
    words = []
    if rule.hosts:
        words.append(f"ip daddr {_set([topology.address(host) for host in rule.hosts])}")
    if rule.ports:
        words.append(f"{rule.protocol} dport {_set(rule.ports)}")
    elif rule.protocol and rule.flags is None:
        words.append(f"ip protocol {rule.protocol}")
    if rule.flags is not None:
        mask, value = rule.flags
        words.append(f"tcp flags & ({_flags(mask)}) == {_flags(value)}")
    if rule.established:
        words.append("ct state established,related")
    return " ".join([*words, "counter", rule.action.value])


def _set(values: Sequence[object]) -> str:
    """One value as it is, several as an nftables set."""
    return str(values[0]) if len(values) == 1 else f"{{ {', '.join(map(str, values))} }}"


def _flags(bits: int) -> str:
    return "|".join(name for bit, name in FLAG_NAMES.items() if bits & bit) or "0x0"

"""What nmap found on its hosts, as tables: every verdict that the file gives, and a count of what it does not.

nmap lists the interesting ports and sums up the others.  From version 7.92 on it says which ports those are; before,
only how many, and then they are what was asked (`scaninfo`) without what is listed, if all of them came out alike.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from portlab import lab
from portlab.addresses import dotted, number
from portlab.errors import quoted
from portlab.evidence.verdict import NO_PORT, NO_TTL
from portlab.exports.claims import MOST_BYTE, MOST_PORTS, word
from portlab.exports.nmap_verdicts import Verdicts, size_of
from portlab.exports.nmap_words import (
    LISTED_BY,
    TAKEN_FOR_GRANTED,
    Run,
    pings_by_reason,
    runs,
    whole_number,
)
from portlab.model import Answer, Reason, State
from portlab.techniques import is_ping, port_techniques, technique


@dataclass(frozen=True, slots=True)
class ScanInfo:
    """What nmap says it asked of every host by one protocol."""

    type: str
    ports: tuple[Run, ...]


@dataclass(eq=False)
class Hosts:
    """Takes one <host> after the other; `asked` is filled from the <scaninfo> elements before them."""

    asked: dict[str, ScanInfo] = field(default_factory=dict)
    found: Verdicts = field(default_factory=Verdicts)
    silent: list[int] = field(default_factory=list)
    by_status: Counter[str] = field(default_factory=Counter)
    count: int = 0

    def take(self, host: ET.Element) -> None:
        """The verdicts of one host."""
        self.count += 1
        status = host.find("status")
        self.by_status["" if status is None else status.get("state", "")] += 1
        addresses = {item.get("addrtype", ""): item.get("addr", "") for item in host.iterfind("address")}
        if "ipv4" not in addresses:
            what = (
                "with an IPv6 address: PortLab is IPv4 only" if "ipv6" in addresses else "without an address"
            )
            self.found.note("Left out", "host", what)
            if rows := _rows_in(host):
                self.found.note("Left out", "row", f"of a host {what}", rows)
            return
        address = number(addresses["ipv4"])
        self.found.host(address, _name(host, dotted(address)))
        if status is not None:
            self._ping(host, status, address)
        self._ports(host, address)
        if host.get("timedout") == "true":
            ends = "that took too long (--host-timeout): nothing more is said about its ports"
            self.found.note("Given up by nmap", "host", ends)

    # --- whether a host is up -----------------------------------------------------------------------------

    def _ping(self, host: ET.Element, status: ET.Element, address: int) -> None:
        state, reason = status.get("state", ""), status.get("reason", "")
        if state == "up":
            unasked = reason in TAKEN_FOR_GRANTED or (not reason and host.find("ports") is not None)
            if not unasked:
                name = pings_by_reason().get(reason, "ping")
                self.found.add(name, address, ((NO_PORT, NO_PORT),), State.UP, reason, address, _ttl(status))
        elif state == "down" and reason == Reason.NO_RESPONSE:
            self.silent.append(address)
        elif state == "down":
            speaker, ttl = _speaker(status, address), _ttl(status)
            self.found.add("ping", address, ((NO_PORT, NO_PORT),), State.NO_ANSWER, reason, speaker, ttl)
        else:
            self.found.note("Only listed by nmap, never asked", "host")

    def add_silent(self) -> None:
        """Nobody answered, and nmap does not say what it had asked.

        On the own link it asks by ARP; so it did where ARP alone was answered among the 256 addresses around.
        """
        near = {
            name: {piece[1] >> 8 for piece in pieces}
            for name, pieces in self.found.pieces.items()
            if is_ping(name)
        }
        by_arp = near.pop("ping-arp", set()).difference(*near.values())
        for address in self.silent:
            name = "ping-arp" if address >> 8 in by_arp else "ping"
            state = technique(name).MEANINGS[Answer.SILENCE].state
            self.found.add(name, address, ((NO_PORT, NO_PORT),), state, Reason.NO_RESPONSE, 0)
        self.silent.clear()

    # --- ports --------------------------------------------------------------------------------------------

    def _ports(self, host: ET.Element, address: int) -> None:
        listed: dict[str, list[Run]] = defaultdict(list)
        counted: list[tuple[str, int, str]] = []
        for group in host.iterfind("ports/extraports"):
            state, left = group.get("state", ""), whole_number(group.get("count", "0"))
            unlisted = []
            for reasons in group.iterfind("extrareasons"):
                if not reasons.get("ports"):
                    unlisted.append(reasons.get("reason", ""))
                    continue
                ports, protocol = runs(reasons.get("ports", "")), reasons.get("proto", "")
                listed[protocol] += ports
                left -= size_of(ports)
                self._verdict(
                    protocol, address, ports, state, reasons.get("reason", ""), _whose(state, address)
                )
            if left > 0:
                counted.append((state, left, unlisted[0] if len(unlisted) == 1 else ""))
        for port in host.iterfind("ports/port"):
            said, protocol = port.find("state"), port.get("protocol", "")
            ports = (_one(port),)
            listed[protocol] += ports
            if said is None:
                self.found.note("Left out", "row", "without a state")
                continue
            speaker = _speaker(said, address)
            state, reason = said.get("state", ""), said.get("reason", "")
            self._verdict(protocol, address, ports, state, reason, speaker, _ttl(said))
        if counted:
            self._counted(address, listed, counted)

    def _counted(
        self, address: int, listed: Mapping[str, list[Run]], counted: list[tuple[str, int, str]]
    ) -> None:
        """Ports that are counted and not listed: known where one count covers all that is left of what was asked."""
        rest = {
            protocol: np.setdiff1d(_ports_of(asked.ports), _ports_of(listed.get(protocol, ())))
            for protocol, asked in self.asked.items()
        }
        if len(counted) == 1 and counted[0][1] == sum(map(len, rest.values())):
            (state, _, reason), whose = counted[0], _whose(counted[0][0], address)
            for protocol, ports in rest.items():
                self._verdict(protocol, address, _runs_of(ports), state, reason, whose)
            return
        whole_table = self._technique(next(iter(self.asked))) if len(self.asked) == 1 else ""
        for state, count, _ in counted:
            ends = f"that nmap calls {quoted(state)}; {LISTED_BY}"
            self.found.note("Only counted in the file, not listed", "port", ends, count, whole_table)

    def _technique(self, protocol: str) -> str:
        """The technique that asked by this protocol; "" where PortLab knows none."""
        if protocol in self.asked:
            type_ = self.asked[protocol].type
            return type_ if type_ in port_techniques() and protocol == technique(type_).PROTOCOL else ""
        return protocol if protocol == "udp" else ""  # there is but one way to ask by UDP

    def _verdict(
        self,
        protocol: str,
        address: int,
        ports: tuple[Run, ...],
        state: str,
        reason: str,
        speaker: int,
        ttl: int = NO_TTL,
    ) -> None:
        name = self._technique(protocol)
        if not name:
            if protocol in ("tcp", "udp"):
                known = self.asked.get(protocol)
                ends = (
                    f"of a scan of type {quoted(known.type)}" if known else "by a technique that is not told"
                )
            else:
                ends = f"of protocol {quoted(protocol)}"
            self.found.note("Left out", "row", f"{ends}, which PortLab does not know", size_of(ports))
        elif state in _states(name):
            self.found.add(name, address, ports, word(State, state), reason, speaker, ttl)
        else:
            if state != "closed|filtered":  # the one that PortLab lacks
                word(State, state)
            ends = f"in the state {state}, which this technique cannot find"
            self.found.note("Left out", "row", ends, size_of(ports), name)


@cache
def _states(name: str) -> set[State]:
    """The states that a technique can find."""
    return {meaning.state for meaning in technique(name).MEANINGS.values()}


# --- pieces of the file -------------------------------------------------------------------------------------


def _name(host: ET.Element, address: str) -> str:
    """What to call a host: as the user did, as the lab does, or as its reverse lookup."""
    names = {item.get("type"): item.get("name", "") for item in host.iterfind("hostnames/hostname")}
    name = names.get("user") or lab.name_of(address) or names.get("PTR") or address
    return name if name.isprintable() else address


def _rows_in(host: ET.Element) -> int:
    """How many ports a host has in the file, listed or counted."""
    groups = host.iterfind("ports/extraports")
    return len(host.findall("ports/port")) + sum(whole_number(group.get("count", "0")) for group in groups)


def _speaker(said: ET.Element, address: int) -> int:
    """Who gave the reason: the host itself, unless nmap names another."""
    other = said.get("reason_ip")
    return number(other) if other else address


def _ttl(said: ET.Element) -> int:
    """The TTL that the deciding packet came with; nmap writes 0 where it knows of none."""
    return whole_number(said.get("reason_ttl", "0"), MOST_BYTE) or NO_TTL


def _whose(state: str, address: int) -> int:
    """Who spoke for ports that are summed up: of a filter's answers nmap does not say it there."""
    return 0 if state == State.FILTERED else address


def _one(port: ET.Element) -> Run:
    number_ = whole_number(port.get("portid", ""), MOST_PORTS)
    return number_, number_


def _ports_of(ports: tuple[Run, ...] | list[Run]) -> NDArray[np.int64]:
    """Runs as single ports."""
    return np.concatenate([np.arange(first, last + 1) for first, last in ports] or [np.empty(0, np.int64)])


def _runs_of(ports: NDArray[np.int64]) -> tuple[Run, ...]:
    """Single ports, in order, as runs."""
    begins = np.flatnonzero(np.diff(ports, prepend=-2) != 1)
    ends = np.append(begins[1:], len(ports)) - 1
    return tuple(zip(ports[begins].tolist(), ports[ends].tolist(), strict=True)) if len(ports) else ()

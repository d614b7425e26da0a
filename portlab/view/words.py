"""How numbers and technical names are written for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from portlab.addresses import dotted
from portlab.techniques import TECHNIQUES, technique

if TYPE_CHECKING:
    from portlab.evidence.result import Scan

FIDELITIES = {
    "embedded": "real packets, embedded lab",
    "docker": "real packets, Docker lab",
    "host": "real packets, this machine's own network",
    "simulated": "SIMULATED: computed, not measured",
}


def technique_name(name: str) -> str:
    """The technique in words: "syn" is "SYN scan"; what is none keeps its name."""
    return technique(name).TITLE if name in TECHNIQUES else f"{name} scan"


def a_technique(name: str) -> str:
    """The same with its article: "a SYN scan", "an Xmas scan", "a ping by ARP"."""
    words = technique_name(name).replace("Ping", "ping")
    return f"{'an' if words[0] in 'AX' else 'a'} {words}"


ORDINARY = {
    "connect": "Connections",
    "udp": "Datagrams",
    "ack": "ACK of no connection",
    "maimon": "FIN of no connection",
    "syn": "Unfinished connections",
}
"""What the same packets are called where no scanner sent them."""


def traffic_name(name: str, traffic: str) -> str:
    """What these packets are: "SYN scan", but "Connections" where ordinary programs made them."""
    if traffic == "ordinary":
        return ORDINARY.get(name, technique_name(name))
    usual = technique_name(name)
    return f"{usual} or flood" if traffic == "flood" else usual


def asked_by(scan: Scan) -> str:
    """Who asked, of scans read from a capture: " by 10.77.1.100"; "" where it was this machine itself."""
    if scan.fidelity != "capture" or not len(scan):
        return ""
    scanner = int(scan.scanner[0])
    if scanner:
        return f" by {dotted(scanner)}"
    askers = len(set(scan.probes["source"].tolist()))
    return f" by {count(askers, 'address', 'addresses')}" if askers else ""


def fidelity_name(fidelity: str) -> str:
    """How real the packets were, in words."""
    return FIDELITIES.get(fidelity, fidelity)


def duration(ns: float) -> str:
    """Nanoseconds with a unit and three significant digits, whole microseconds: 84 µs, 1.90 ms, 1.75 s."""
    for unit, size in (("s", 1e9), ("ms", 1e6)):
        if ns >= size * 0.9995:
            value = ns / size
            places = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{places}f} {unit}"
    return f"{ns / 1e3:.0f} µs"


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 port", "65,535 ports"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def port_ranges(ports: Iterable[int], most: int = 8) -> str:
    """Port numbers as ranges: "1-21, 23-79, 81"; after `most` ranges the rest is counted."""
    return _ranges(ports, most, str)


def address_ranges(addresses: Iterable[int], most: int = 4) -> str:
    """Addresses as ranges: "10.0.0.2-10.0.0.9, 10.0.0.11"; after `most` ranges the rest is counted."""
    return _ranges(addresses, most, dotted)


def _ranges(numbers: Iterable[int], most: int, written: Callable[[int], str]) -> str:
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [written(a) if a == b else f"{written(a)}-{written(b)}" for a, b in runs[:most]]
    rest = sum(b - a + 1 for a, b in runs[most:])
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")

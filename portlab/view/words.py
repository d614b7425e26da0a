"""How numbers and technical names are written for people."""

from __future__ import annotations

from collections.abc import Iterable

TECHNIQUES = {
    "ping": "Ping by ICMP echo",
    "ping-timestamp": "Ping by ICMP timestamp",
    "ping-arp": "Ping by ARP",
    "ping-syn": "Ping by TCP SYN",
    "ping-ack": "Ping by TCP ACK",
    "connect": "TCP connect scan",
    "syn": "SYN scan",
    "udp": "UDP scan",
    "fin": "FIN scan",
    "null": "NULL scan",
    "xmas": "Xmas scan",
    "ack": "ACK scan",
}

FIDELITIES = {
    "embedded": "real packets, embedded lab",
    "docker": "real packets, Docker lab",
    "host": "real packets, this machine's own network",
    "simulated": "SIMULATED: computed, not measured",
}


def technique_name(technique: str) -> str:
    """The technique in words: "syn" is "SYN scan"."""
    return TECHNIQUES.get(technique, f"{technique} scan")


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
    runs: list[list[int]] = []
    for port in sorted(set(ports)):
        if runs and port == runs[-1][1] + 1:
            runs[-1][1] = port
        else:
            runs.append([port, port])
    text = ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs[:most])
    rest = sum(b - a + 1 for a, b in runs[most:])
    return f"{text} and {rest:,} more" if rest else text

"""IPv4 addresses as numbers and as text."""

from __future__ import annotations

import ipaddress


def dotted(address: int) -> str:
    """How an address is written: 172818698 -> "10.77.1.10"."""
    return str(ipaddress.IPv4Address(int(address)))


def number(address: str) -> int:
    """The number an address is: "10.77.1.10" -> 172818698."""
    return int(ipaddress.IPv4Address(address))

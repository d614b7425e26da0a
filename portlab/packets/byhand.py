"""Packets made by hand: what a learner hands over, as the bytes of each packet, built once.

A Scapy packet may stand for many (`dst="10.77.2.8/30"`, `dport=[80, 81]`) or be another one each time it is looked at
(`RandIP()`): it is laid out here, and what is laid out no longer changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from portlab.addresses import dotted
from portlab.errors import MalformedPacket, quoted
from portlab.packets.headers import IPV4_SIZE

MOST = 256
"""Packets sent at once; whoever wants more wants a scan, which paces itself."""


@dataclass(frozen=True)
class Draft:
    """One packet from its IPv4 header on; `unsigned` is Scapy's own form of it where nobody chose a source."""

    data: bytes
    unsigned: Any = None

    @property
    def destination(self) -> int:
        """The address in its header."""
        return int.from_bytes(self.data[16:20], "big")

    def sent_from(self, source: int) -> bytes:
        """The packet with a source: Scapy guesses one from the computer it runs on, in a lab its own is right."""
        if self.unsigned is None:
            return self.data
        signed = self.unsigned.copy()
        signed.src = dotted(source)
        return _whole(built(signed))


def drafts(made: Any) -> list[Draft]:
    """Every packet that was handed over: Scapy's IP(...)/..., bytes that begin with an IPv4 header, or many of these.

    Raises MalformedPacket for what is no packet, cannot be built, or is more than 256 of them.
    """
    found = list(islice(_every(made), MOST + 1))
    if len(found) > MOST:
        raise MalformedPacket(
            f"These are more than {MOST} packets, which is what send() takes at once.  "
            'To ask many ports or hosts, scan: pl.syn_scan("web", "1-1000").'
        )
    if not found:
        raise MalformedPacket(f"{quoted(made)} holds no packet. Give Scapy's IP(dst=...)/... or bytes.")
    return found


def _every(made: Any) -> Iterator[Draft]:
    many = isinstance(made, Iterable) and not _is_packet(made) and not isinstance(made, str | dict)
    for one in made if many else [made]:
        if not _is_packet(one):
            raise MalformedPacket(f"{quoted(one)} is no packet. Give Scapy's IP(dst=...)/... or bytes.")
        if hasattr(one, "haslayer"):
            yield from _laid_out(one)
        else:
            yield Draft(_whole(bytes(one)))


def _is_packet(made: Any) -> bool:
    as_bytes = hasattr(made, "__bytes__") and not isinstance(made, type)
    return as_bytes or isinstance(made, bytes | bytearray | memoryview | np.ndarray)


def _laid_out(packet: Any) -> Iterator[Draft]:
    """Each packet that one of Scapy's stands for, every field with one value."""
    from scapy.layers.inet import IP
    from scapy.layers.l2 import Ether

    if isinstance(packet, Ether) and not packet.fields:
        packet = packet.payload  # an Ethernet header in which nothing was chosen
    if not isinstance(packet, IP):
        raise MalformedPacket(
            f"{quoted(packet)} does not begin with an IPv4 header. Begin with IP(dst=...)/...: PortLab asks for "
            'the Ethernet address itself, and sends to no other. Of a whole frame send packet["IP"].'
        )
    for one in packet:
        yield Draft(_whole(built(one)), None if "src" in one.fields else one)


def built(packet: Any) -> bytes:
    """The bytes of one of Scapy's packets, of any layer; MalformedPacket where Scapy cannot make them."""
    try:
        return bytes(packet)
    except Exception as error:  # it raises what it likes
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise MalformedPacket(
            f"Scapy cannot build this packet ({why}). Look at it with: packet.show()"
        ) from error


def _whole(data: bytes) -> bytes:
    if len(data) < IPV4_SIZE or data[0] >> 4 != 4:
        raise MalformedPacket(
            f"These {len(data)} bytes do not begin with an IPv4 header of {IPV4_SIZE} bytes (PortLab is IPv4 only).  "
            "Begin with Scapy's IP(dst=...)/..."
        )
    said = int.from_bytes(data[2:4], "big")
    if said != len(data):
        raise MalformedPacket(
            f"The header's total_length says {said}, but there are {len(data)} bytes. Leave Scapy's IP(len=...) "
            "out, then it is filled in."
        )
    return data

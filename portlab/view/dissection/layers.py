"""A frame layer by layer, from Ethernet inwards: Scapy says what follows what, the fields are said in RFC words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from portlab.packets.headers import ETHERNET_SIZE, IPV4_SIZE
from portlab.view.dissection import headers, messages, tls
from portlab.view.dissection.fields import Layer, Reader
from portlab.view.dissection.sums import Datagram

Header = Callable[[Reader, Datagram, bool], None]

UPON_IPV4: dict[str, tuple[str, str, Header]] = {
    "IP": ("IPv4", "ip", headers.ipv4),
    "TCP": ("TCP", "tp", headers.tcp),
    "UDP": ("UDP", "tp", headers.udp),
    "ICMP": ("ICMP", "icmp", headers.icmp),
}
"""Scapy's name of a header -> ours, its colour, and who reads it."""
IPV4_ON_ETHERNET = b"\x06\x04"  # ARP's two address lengths
DNS_HEADER = 12  # bytes


def layers(raw: bytes, checksums_ready: bool = True) -> list[Layer]:
    """The layers of a frame, or of a packet that begins with its IPv4 header.

    `checksums_ready` is False where the frame was captured before its checksums were filled in.
    """
    found: list[Layer] = []
    datagram = Datagram(b"", checksums_ready)
    at, end_of_packet = 0, len(raw)
    for packet in _dissected(raw):
        kind = type(packet).__name__
        end = at + len(_own_bytes(packet))
        if kind == "Padding":
            break
        if kind.removesuffix("error") == "IP":
            datagram = Datagram(raw[at:], checksums_ready)
            end_of_packet = min(at + int.from_bytes(raw[at + 2 : at + 4], "big"), len(raw))
        if found and found[-1].name == "TCP" and tls.looks_like_tls(raw[at:end_of_packet]):
            records = tls.tls_layers(raw, at, end_of_packet)
            found += [Layer("TLS", "data", tuple(read.fields), words=0) for read in records]
            at = end_of_packet
            break
        found += _layer(packet, kind, Reader(raw, at, end), datagram)
        at = end
    if at < len(raw):
        read = Reader(raw, at, len(raw))
        read.rest("Padding", "fills the frame up to the shortest that Ethernet knows")
        found.append(Layer("Padding", "eth", tuple(read.fields), words=0))
    return found


def _layer(packet: Any, kind: str, read: Reader, datagram: Datagram) -> list[Layer]:
    """One of Scapy's packets as a layer; none where it has no bytes."""
    name, hue, in_words = packet.name, "data", 0
    header, quoted = kind.removesuffix("error"), kind.endswith("error")
    if header in UPON_IPV4:
        name, hue, reads = UPON_IPV4[header]
        reads(read, datagram, quoted)
    elif kind == "Ether":
        name, hue = "Ethernet", "eth"
        headers.ethernet(read)
    elif kind == "ARP" and read.data[4:6] == IPV4_ON_ETHERNET:
        hue = "ip"
        headers.arp(read)
    elif kind == "Raw":
        name = "Payload"
        messages.payload(read)
    else:
        messages.message(read, packet)
        in_words = DNS_HEADER if kind == "DNS" else 0
    if hue != "data":
        in_words = read.end - read.begin
    read.rest("Rest", "more than the header says")
    return [Layer(name, hue, tuple(read.fields), in_words, quoted)] if read.fields else []


def _dissected(raw: bytes) -> list[Any]:
    """Scapy's packets inside each other, the outermost first."""
    messages.load()
    from scapy.layers.inet import IP
    from scapy.layers.l2 import Ether
    from scapy.packet import NoPayload, Raw

    outermost = IP if begins_with_ipv4(raw) else Ether if len(raw) >= ETHERNET_SIZE else Raw
    packet: Any = outermost(raw)
    parts = []
    while not isinstance(packet, NoPayload):
        parts.append(packet)
        packet = packet.payload
    return parts


def begins_with_ipv4(raw: bytes) -> bool:
    """Whether the bytes are a packet without an Ethernet header: then its own length is that of all."""
    return len(raw) >= IPV4_SIZE and raw[0] >> 4 == 4 and int.from_bytes(raw[2:4], "big") == len(raw)


def _own_bytes(packet: Any) -> bytes:
    """The bytes of one of Scapy's packets without those of the packet in it."""
    if packet.raw_packet_cache is not None:
        return bytes(packet.raw_packet_cache)
    return bytes(packet.original[: len(packet.original) - len(packet.payload.original or b"")])

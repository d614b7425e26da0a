"""Where a packet leads: every address to which it makes somebody send, itself, its options and what it carries.

The destination is not all.  A source route in the options names the next stops (RFC 791 section 3.1), the end of a
tunnel sends on what is inside (IP in IP, RFC 2003; GRE, RFC 2784), an ICMP redirect turns a host's traffic to a
gateway (RFC 792), and answers go to the source.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portlab.errors import MalformedPacket, OutOfScope
from portlab.packets.headers import ICMP_PROTOCOL, ICMP_SIZE, IPV4_SIZE, UDP_PROTOCOL, UDP_SIZE

IPIP_PROTOCOL, GRE_PROTOCOL = 4, 47
SEALED = {
    41: "IPv6", 50: "ESP", 51: "AH", 55: "minimal IP in IP", 94: "IPIP", 97: "EtherIP", 98: "ENCAP", 103: "PIM",
    108: "IPComp", 115: "L2TP", 137: "MPLS", 143: "Ethernet",
}  # fmt: skip
"""IP protocols whose end sends on what they carry, and into which PortLab does not look."""
TUNNEL_PORTS = {
    1701: "L2TP", 2152: "GTP-U", 3544: "Teredo", 4500: "ESP", 4754: "GRE", 4789: "VXLAN", 4790: "VXLAN",
    6080: "GUE", 6081: "Geneve", 6635: "MPLS", 8472: "VXLAN",
}  # fmt: skip
"""UDP ports of the same kind."""

END, NOP, LOOSE_ROUTE, STRICT_ROUTE, TRACEROUTE, DIRECTED_BROADCAST = 0, 1, 131, 137, 82, 149
"""IP options: RFC 791 section 3.1, RFC 1393, RFC 1770."""
ADDRESSES_AT = {LOOSE_ROUTE: 3, STRICT_ROUTE: 3, DIRECTED_BROADCAST: 2, TRACEROUTE: 8}
"""Options that name addresses to send to, and the byte at which the first of them stands."""
CALLED = {
    LOOSE_ROUTE: "a stop of its loose source route",
    STRICT_ROUTE: "a stop of its strict source route",
    DIRECTED_BROADCAST: "a receiver in its option for selective broadcast",
    TRACEROUTE: "the originator in its traceroute option",
}
HARMLESS = {7, 10, 11, 12, 25, 68, 130, 133, 134, 136, 148}
"""Options that name nobody to send to: record route, MTU probes, quick start, timestamp, security, stream, alert."""

REDIRECT, ROUTER_ADVERTISEMENT = 5, 9  # ICMP types: RFC 792, RFC 1256
GRE_CHECKSUM, GRE_ROUTING, GRE_KEY, GRE_SEQUENCE, GRE_VERSION = 0x8000, 0x4000, 0x2000, 0x1000, 0x7
MORE_FRAGMENTS, FRAGMENT_OFFSET = 0x2000, 0x1FFF


@dataclass(frozen=True, slots=True)
class Lead:
    """One address a packet leads to, in what role; `is_source`: it is the answers that go there."""

    address: int
    role: str
    is_source: bool = False


def leads(packet: bytes) -> list[Lead]:
    """Every address an IPv4 packet leads to, those of the packets inside it included.

    Raises MalformedPacket for options that cannot be read to their end, OutOfScope for a tunnel into which PortLab
    does not look.
    """
    found: list[Lead] = []
    inside, where = memoryview(packet), ""
    while len(inside) >= IPV4_SIZE and inside[0] >> 4 == 4:
        found.append(Lead(_address(inside, 16), f"the destination{where}"))
        found.append(Lead(_address(inside, 12), f"the source{where}: answers go there", is_source=True))
        size = (inside[0] & 0xF) * 4
        if not IPV4_SIZE <= size <= len(inside):
            break  # everybody discards such a packet (RFC 1812 section 5.2.2)
        found += _in_options(inside[IPV4_SIZE:size])
        protocol, flags = inside[9], _word(inside, 6)
        inside, where = inside[size:], " of the packet inside"
        if protocol == ICMP_PROTOCOL:
            found += _in_icmp(inside, flags)
        inside = _carried(protocol, inside, flags)
    return found


def _in_options(options: memoryview) -> Iterator[Lead]:
    """The addresses in the options of one header."""
    at = 0
    while at < len(options):
        kind = options[at]
        if kind == END:
            if any(options[at:]):
                raise _unreadable("something stands behind their end")
            return
        size = 1 if kind == NOP else options[at + 1] if at + 1 < len(options) else 0
        if at + size > len(options) or size < (1 if kind == NOP else 2):
            raise _unreadable(f"option {kind} says a length that cannot be")
        if kind in ADDRESSES_AT:
            yield from _in_option(kind, options[at : at + size])
        elif kind != NOP and kind not in HARMLESS:
            raise OutOfScope(
                f"This packet has the IP option {kind}, and PortLab does not know where that makes routers send it.  "
                "Leave it out."
            )
        at += size


def _in_option(kind: int, option: memoryview) -> Iterator[Lead]:
    first = ADDRESSES_AT[kind]
    if len(option) < first or (len(option) - first) % 4:
        raise _unreadable(f"option {kind} holds no whole addresses")
    for at in range(first, len(option), 4):
        yield Lead(_address(option, at), CALLED[kind])


def _in_icmp(message: memoryview, flags: int) -> Iterator[Lead]:
    """The addresses to which an ICMP message turns other hosts' traffic."""
    if (
        flags & FRAGMENT_OFFSET
        or len(message) < ICMP_SIZE
        or message[0] not in (REDIRECT, ROUTER_ADVERTISEMENT)
    ):
        return
    if flags & MORE_FRAGMENTS:
        raise _hidden("an ICMP message about routes")
    if message[0] == REDIRECT:
        yield Lead(_address(message, 4), "the gateway of its ICMP redirect")
        if len(message) >= ICMP_SIZE + IPV4_SIZE:
            yield Lead(_address(message, ICMP_SIZE + 16), "the destination that its ICMP redirect turns")
        return
    entry = message[5] * 4
    for at in range(ICMP_SIZE, len(message) - 3, entry or len(message)):
        yield Lead(_address(message, at), "a router of its ICMP router advertisement")


def _carried(protocol: int, body: memoryview, flags: int) -> memoryview:
    """The IPv4 packet that a tunnel's end would send on; empty where there is none."""
    nothing, fragment = body[:0], bool(flags & (MORE_FRAGMENTS | FRAGMENT_OFFSET))
    if protocol == UDP_PROTOCOL and not flags & FRAGMENT_OFFSET and len(body) >= 4:
        name = TUNNEL_PORTS.get(_word(body, 2), "")
        if name and (fragment or len(body) > UDP_SIZE):
            raise _sealed(f"{name} (UDP port {_word(body, 2)})")
    if protocol in SEALED and len(body):
        raise _sealed(f"{SEALED[protocol]} (IP protocol {protocol})")
    if protocol not in (IPIP_PROTOCOL, GRE_PROTOCOL) or not len(body):
        return nothing
    if fragment:
        raise _hidden("a tunnel")
    return body if protocol == IPIP_PROTOCOL else _in_gre(body)


def _in_gre(body: memoryview) -> memoryview:
    """What a GRE packet carries (RFC 2784, with key and sequence number by RFC 2890)."""
    if len(body) < 4:
        return body[:0]
    flags, ethertype = _word(body, 0), _word(body, 2)
    if flags & GRE_VERSION > 1:
        return body[:0]  # no such version: it is discarded
    if flags & GRE_VERSION or flags & GRE_ROUTING:
        raise _sealed(
            "GRE with PPP (version 1)" if flags & GRE_VERSION else "GRE with a route of its own (RFC 1701)"
        )
    start = 4 + sum(4 for flag in (GRE_CHECKSUM, GRE_KEY, GRE_SEQUENCE) if flags & flag)
    if ethertype != 0x0800 and len(body) > start:
        raise _sealed(f"GRE with ethertype {ethertype:#06x}")
    return body[start:]


def _address(data: memoryview, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")


def _word(data: memoryview, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _unreadable(why: str) -> MalformedPacket:
    return MalformedPacket(
        f"The IP options of this packet cannot be read to their end ({why}), so nobody can say where it leads.  "
        "Build them with Scapy: IP(dst=..., options=[IPOption_RR()])."
    )


def _sealed(what: str) -> OutOfScope:
    return OutOfScope(
        f"This packet carries another one in {what}: whoever unpacks it sends that on, and PortLab does not look "
        "into it.  Send what is inside by itself."
    )


def _hidden(what: str) -> OutOfScope:
    return OutOfScope(
        f"This fragment is a part of {what}: where the whole leads cannot be seen in it.  Send it in one piece."
    )

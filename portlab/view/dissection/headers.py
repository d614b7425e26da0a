"""Headers field by field: Ethernet, ARP, IPv4, ICMP, TCP, UDP, in the words of their RFCs."""

from __future__ import annotations

from portlab.addresses import dotted
from portlab.packets.headers import (
    ACK,
    ARP_REPLY,
    ARP_REQUEST,
    ECHO_REPLY,
    ECHO_REQUEST,
    FIN,
    ICMP_ERRORS,
    PSH,
    RST,
    SYN,
    TIMESTAMP,
    TIMESTAMP_REPLY,
    UNREACHABLE,
    URG,
)
from portlab.ports import service_name
from portlab.view.dissection.fields import Reader, hardware, hexadecimal
from portlab.view.dissection.options import ip_options, tcp_options
from portlab.view.dissection.sums import Datagram, checksum_meaning
from portlab.view.ladder.packet import icmp_name

ETHERTYPES = {0x0800: "IPv4", 0x0806: "ARP", 0x86DD: "IPv6", 0x8100: "VLAN tag"}
PROTOCOLS = {
    1: "ICMP",
    2: "IGMP",
    6: "TCP",
    17: "UDP",
    47: "GRE",
    50: "ESP",
    51: "AH",
    89: "OSPF",
    132: "SCTP",
}
CONGESTION = ("no congestion signals", "congestion can be signalled (1)", "congestion can be signalled (0)",
              "a router signals congestion")  # fmt: skip
FLAGS = (
    ("CWR", 0x80, "congestion window reduced (RFC 3168)", "no answer to a congestion signal"),
    ("ECE", 0x40, "congestion was signalled (RFC 3168)", "no congestion signal"),
    ("URG", URG, "the urgent pointer counts", "the urgent pointer does not count"),
    ("ACK", ACK, "the acknowledgment number counts", "the acknowledgment number means nothing"),
    ("PSH", PSH, "hand the data over at once", "no hurry"),
    ("RST", RST, "end the connection at once, or: there is none", "nothing is reset"),
    ("SYN", SYN, "synchronize sequence numbers: begin a connection", "no connection begins"),
    ("FIN", FIN, "no more data from the sender", "the sender may say more"),
)
STARTS = (32, 64, 128, 255)
"""Time to Live that systems begin with."""


def ethernet(read: Reader) -> None:
    """Ethernet II frame header."""
    read.take("Destination address", "destination", 48, hardware, _to)
    read.take("Source address", "source", 48, hardware, "who put the frame on this link")
    read.take(
        "EtherType", "type", 16, hexadecimal(4), lambda v: f"{ETHERTYPES.get(v, 'another protocol')} follows"
    )


def _to(address: int) -> str:
    if address == (1 << 48) - 1:
        return "broadcast: everybody on this link takes it"
    return "who on this link takes it: the next hop, not always the last"


def arp(read: Reader) -> None:
    """Address Resolution Protocol for IPv4 on Ethernet (RFC 826)."""
    says = {ARP_REQUEST: "request: who has the target address?", ARP_REPLY: "reply: the sender has it"}
    read.take(
        "Hardware address space", "hardware", 16, str, lambda v: "Ethernet" if v == 1 else "another link"
    )
    read.take(
        "Protocol address space", "protocol", 16, hexadecimal(4), lambda v: ETHERTYPES.get(v, "another")
    )
    read.take("Hardware address length", "hw len", 8, str, lambda v: f"{v} bytes")
    read.take("Protocol address length", "pr len", 8, str, lambda v: f"{v} bytes")
    asks = read.take("Opcode", "opcode", 16, str, lambda v: says.get(v, "another question"))
    read.take(
        "Sender hardware address", "sender hardware", 48, hardware, "the Ethernet address of who speaks"
    )
    read.take("Sender protocol address", "sender address", 32, dotted, "the IPv4 address of who speaks")
    target = "not known yet: that is the question" if asks == ARP_REQUEST else "who is told"
    read.take("Target hardware address", "target hardware", 48, hardware, target)
    asked = "whose Ethernet address is asked for" if asks == ARP_REQUEST else "who had asked"
    read.take("Target protocol address", "target address", 32, dotted, asked)


def ipv4(read: Reader, datagram: Datagram, quoted: bool) -> None:
    """Internet Protocol header (RFC 791)."""
    read.take("Version", "ver", 4, str, "version 4 of the Internet Protocol")
    words = read.take(
        "Internet header length", "IHL", 4, str, lambda v: f"{v} words of 32 bits: {v * 4} bytes"
    )
    read.take(
        "Differentiated services", "DSCP", 6, str, lambda v: f"class {v}" if v else "no special treatment"
    )
    read.take("Congestion notification", "ECN", 2, str, lambda v: CONGESTION[v])
    read.take("Total length", "total length", 16, str, lambda v: f"header and data together: {v:,} bytes")
    read.take("Identification", "identification", 16, hexadecimal(4), "the fragments of one packet share it")
    read.take("Reserved", "0", 1, str, "must be 0")
    read.take(
        "Don't fragment", "DF", 1, str, lambda v: "routers must not cut it" if v else "routers may cut it"
    )
    more = read.take(
        "More fragments", "MF", 1, str, lambda v: "more follow" if v else "the last piece, or the only one"
    )
    read.take("Fragment offset", "fragment offset", 13, str, lambda v: _fragment(v, more))
    read.take("Time to live", "TTL", 8, str, "left when the packet was stopped" if quoted else hops_left)
    read.take("Protocol", "protocol", 8, str, lambda v: f"{PROTOCOLS.get(v, 'another protocol')} follows")
    read.take(
        "Header checksum",
        "header checksum",
        16,
        hexadecimal(4),
        lambda v: datagram.header_checksum(v, quoted),
    )
    read.take("Source address", "source address", 32, dotted, "who had sent it" if quoted else "who sends")
    read.take(
        "Destination address",
        "destination address",
        32,
        dotted,
        "who should have got it" if quoted else "who shall get it",
    )
    if words > 5:
        ip_options(read)


def _fragment(offset: int, more: int) -> str:
    if offset:
        return f"a later fragment: its data begin {offset * 8:,} bytes in"
    return "the first fragment" if more else "not cut: the data begin here"


def hops_left(ttl: int) -> str:
    """What a Time to Live says: that is certain; where it began is inferred."""
    start = next((each for each in STARTS if each >= ttl), 255)
    told = f"at most {ttl} more routers may pass it on"
    if start == ttl:
        return f"{told}; probably sent with {start} on this link, no router yet"
    if start - ttl > 30:
        return told
    routers = "1 router has taken one" if start - ttl == 1 else f"{start - ttl} routers have taken one each"
    return f"{told}; if it began with {start}, as is usual, {routers}"


def tcp(read: Reader, datagram: Datagram, quoted: bool) -> None:
    """Transmission Control Protocol header (RFC 9293 section 3.1)."""
    header = read.data
    flags = header[13] if len(header) > 13 else 0
    begins = bool(flags & SYN)
    _ports(read, "tcp")
    read.take("Sequence number", "sequence number", 32, str, _numbers(flags, quoted))
    read.take("Acknowledgment number", "acknowledgment number", 32, str, _acknowledges(flags))
    words = read.take(
        "Data offset", "offset", 4, str, lambda v: f"{v} words of 32 bits: {v * 4} bytes of header"
    )
    read.take("Reserved", "rsrvd", 4, str, "must be 0")
    for name, _, when_set, when_not in FLAGS:
        read.take(name, name, 1, str, lambda v, told=(when_not, when_set): told[v])  # type: ignore[misc]
    scaled = "" if begins else "; times the factor agreed in the SYNs, if one was"
    read.take("Window", "window", 16, str, lambda v: f"the sender can take {v:,} bytes now{scaled}")
    read.take("Checksum", "checksum", 16, hexadecimal(4), lambda v: checksum_meaning(v, datagram, 16, quoted))
    read.take("Urgent pointer", "urgent pointer", 16, str, "used with URG only")
    if words > 5:
        tcp_options(read, begins)


def _numbers(flags: int, quoted: bool) -> str:
    if quoted:
        return "the number that the probe had: by ports and number an error finds its probe"
    if flags & SYN:
        return "where the sender begins to count its bytes"
    return "number of the first byte of data in here"


def _acknowledges(flags: int) -> str:
    if not flags & ACK:
        return "means nothing: ACK is not set"
    if flags & SYN:
        return "the next byte it expects: one more than the sequence number of the SYN it answers"
    return "the next byte it expects: all before it have come"


def _ports(read: Reader, protocol: str) -> None:
    def meaning(who: str) -> str:
        def told(port: int) -> str:
            service = service_name(port, protocol)
            return f"{who}; usually {service}" if service else who

        return told  # type: ignore[return-value]

    read.take("Source port", "source port", 16, str, meaning("the port it is sent from"))
    read.take("Destination port", "destination port", 16, str, meaning("the port it is sent to"))


def udp(read: Reader, datagram: Datagram, quoted: bool) -> None:
    """User Datagram Protocol header (RFC 768)."""
    _ports(read, "udp")
    read.take("Length", "length", 16, str, lambda v: f"header and data together: {v:,} bytes")
    read.take("Checksum", "checksum", 16, hexadecimal(4), lambda v: checksum_meaning(v, datagram, 6, quoted))


def icmp(read: Reader, datagram: Datagram, quoted: bool) -> None:
    """Internet Control Message Protocol (RFC 792)."""
    header = read.data
    kind, code = header[0] if header else 0, header[1] if len(header) > 1 else 0
    called = icmp_name(kind, code).removeprefix("ICMP ")
    read.take("Type", "type", 8, str, "destination unreachable" if kind == UNREACHABLE else called)
    read.take("Code", "code", 8, str, called if kind in ICMP_ERRORS else "no finer kind")
    read.take("Checksum", "checksum", 16, hexadecimal(4), lambda v: checksum_meaning(v, datagram, 2, quoted))
    if kind in (ECHO_REQUEST, ECHO_REPLY, TIMESTAMP, TIMESTAMP_REPLY):
        read.take("Identifier", "identifier", 16, str, "who asked: a reply carries it back")
        read.take(
            "Sequence number", "sequence number", 16, str, "which of the questions: a reply carries it back"
        )
        if kind in (TIMESTAMP, TIMESTAMP_REPLY):
            for name in ("Originate", "Receive", "Transmit"):
                told = "milliseconds since midnight UT"
                read.take(f"{name} timestamp", name.lower(), 32, str, told)
    elif kind == 5:
        read.take("Gateway address", "gateway address", 32, dotted, "the better way")
    elif kind == UNREACHABLE and code == 4:
        read.take("Unused", "unused", 16, str, "0")
        read.take("Next-hop MTU", "next-hop MTU", 16, str, "how long a packet may be there (RFC 1191)")
    else:
        read.take("Unused", "unused", 32, str, "0 here; the packet that the error is about follows")

"""One packet taken apart: every byte belongs to a field, values and meanings are those of the RFCs."""

from __future__ import annotations

import base64
import re
import ssl
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dns import DNS, DNSQR, DNSRR, dns_compress
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_RR
from scapy.layers.l2 import ARP, Ether
from scapy.layers.ntp import NTP
from scapy.layers.snmp import SNMP, SNMPget, SNMPvarbind

from portlab.errors import MalformedPacket
from portlab.model import CHECKSUM_NOT_READY, frame_table
from portlab.view import anatomy
from portlab.view.dissection.fields import Field
from portlab.view.dissection.headers import hops_left
from tests.portlab.view import made

LINK = Ether(src="02:00:0a:4d:02:0a", dst="02:00:0a:4d:01:64")
ENDS = {"src": "10.77.2.10", "dst": "10.77.1.100"}
SYN = IP(src="10.77.1.100", dst="10.77.2.10") / TCP(
    sport=40_000,
    dport=80,
    seq=1000,
    options=[("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 2)), ("NOP", None), ("WScale", 7)],
)


def client_hello() -> bytes:
    """What Python's own TLS says first."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="web.lab").do_handshake()
    return outgoing.read()


def dns_answer() -> bytes:
    record = DNSRR(rrname="web.lab", rdata="10.77.2.10", ttl=60)
    return bytes(dns_compress(DNS(id=7, qr=1, qd=[DNSQR(qname="web.lab")], an=[record])))


def stream(data: bytes, port: int) -> Any:
    return LINK / IP(**ENDS) / TCP(sport=port, dport=40_000, flags="PA", seq=5, ack=6) / data


PACKETS: dict[str, Any] = {
    "syn": LINK / SYN,
    "syn-ack": LINK
    / IP(ttl=63, **ENDS)
    / TCP(sport=80, dport=40_000, flags="SA", seq=5, ack=1001, options=[("MSS", 1460)]),
    "wrong checksum": LINK / IP(ttl=63, **ENDS) / TCP(sport=80, dport=40_000, flags="R", chksum=1),
    "arp request": Ether(dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, psrc="10.77.1.100", pdst="10.77.1.99"),
    "padded arp reply": Ether(bytes(LINK / ARP(op=2, psrc="10.77.1.99", pdst="10.77.1.100")) + bytes(18)),
    "prohibited": LINK / IP(src="10.77.1.1", dst="10.77.1.100") / ICMP(type=3, code=13) / bytes(SYN)[:28],
    "port unreachable": LINK
    / IP(**ENDS)
    / ICMP(type=3, code=3)
    / bytes(IP(src="10.77.1.100", dst="10.77.2.10") / UDP(sport=40_000, dport=514) / b"hello"),
    "echo": LINK / IP(**ENDS) / ICMP(id=5, seq=1) / b"abcdefgh",
    "timestamp": LINK / IP(**ENDS) / ICMP(type=13, id=5, seq=1, ts_ori=1, ts_rx=2, ts_tx=3),
    "record route": LINK / IP(options=IPOption_RR(routers=["10.77.1.1"]), **ENDS) / ICMP(),
    "dns": LINK / IP(**ENDS) / UDP(sport=53, dport=40_000) / dns_answer(),
    "tls hello": stream(client_hello(), 443),
    "tls data": stream(b"\x17\x03\x03\x00\x10" + bytes(range(16)), 443),
    "telnet": stream(b"Password: ", 23),
    "http": stream(b"GET / HTTP/1.1\r\nHost: web.lab\r\n\r\n", 80),
    "ssh": stream(b"SSH-2.0-OpenSSH_10.0\r\n", 22),
    "snmp": LINK
    / IP(**ENDS)
    / UDP(sport=4000, dport=161)
    / SNMP(community="public", PDU=SNMPget(varbindlist=[SNMPvarbind(oid="1.3.6")])),
    "dhcp": LINK
    / IP(**ENDS)
    / UDP(sport=68, dport=67)
    / BOOTP(chaddr=b"\x02\0\0\0\0\1")
    / DHCP(options=[("message-type", "discover"), "end"]),
    "ntp": LINK / IP(**ENDS) / UDP(sport=123, dport=123) / NTP(sent=1),
    "no ethernet": SYN,
    "fragment": LINK / IP(frag=10, flags="MF", proto=17, **ENDS) / b"xxxxxxxxxxxx",
    "ipv6, by its type only": Ether(type=0x86DD) / bytes(40),
}


def fields(packet: Any) -> dict[str, Field]:
    """Each field by "LAYER field"; of those that occur twice the first."""
    found: dict[str, Field] = {}
    for layer in anatomy(packet).layers:
        for field in layer.fields:
            found.setdefault(f"{layer.name}{' quoted' if layer.quoted else ''} {field.name}", field)
    return found


@pytest.mark.parametrize("name", PACKETS)
def test_every_bit_belongs_to_one_field(name: str) -> None:
    raw = bytes(PACKETS[name])
    place = 0
    for layer in anatomy(raw).layers:
        for field in layer.fields:
            assert field.bit == place, field
            place += field.bits
    assert place == len(raw) * 8


@pytest.mark.parametrize("name", PACKETS)
def test_however_short_it_was_cut(name: str) -> None:
    raw = bytes(PACKETS[name])
    for size in range(1, min(len(raw), 128), 3):
        taken = anatomy(raw[:size])
        assert sum(field.bits for layer in taken.layers for field in layer.fields) == size * 8


@given(
    st.binary(max_size=120), st.sampled_from([53, 67, 69, 123, 161, 443, 9999]), st.sampled_from([TCP, UDP])
)
@settings(max_examples=150)
def test_whatever_bytes_a_packet_carries(data: bytes, port: int, transport: Any) -> None:
    raw = bytes(LINK / IP(**ENDS) / transport(sport=40_000, dport=port)) + data
    raw = raw[:16] + (len(raw) - 14).to_bytes(2, "big") + raw[18:]
    for begin in (b"", b"\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03"):
        taken = anatomy(raw[: len(raw) - len(data)] + begin + data if begin else raw)
        assert sum(field.bits for layer in taken.layers for field in layer.fields) % 8 == 0
        assert sum(layer.size for layer in taken.layers) == len(taken.raw)


@given(st.binary(min_size=1, max_size=90))
@settings(max_examples=150)
def test_whatever_a_frame_is(raw: bytes) -> None:
    assert sum(layer.size for layer in anatomy(raw).layers) == len(raw)


LAYERS = {
    "syn": ["Ethernet", "IPv4", "TCP"],
    "padded arp reply": ["Ethernet", "ARP", "Padding"],
    "prohibited": ["Ethernet", "IPv4", "ICMP", "IPv4 quoted", "TCP quoted"],
    "port unreachable": ["Ethernet", "IPv4", "ICMP", "IPv4 quoted", "UDP quoted", "Payload"],
    "dns": ["Ethernet", "IPv4", "UDP", "DNS"],
    "tls hello": ["Ethernet", "IPv4", "TCP", "TLS"],
    "telnet": ["Ethernet", "IPv4", "TCP", "Payload"],
    "no ethernet": ["IPv4", "TCP"],
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_from_the_outside_in(name: str) -> None:
    found = [layer.name + (" quoted" if layer.quoted else "") for layer in anatomy(PACKETS[name]).layers]
    assert found == LAYERS[name]


VALUES = [
    ("syn", "Ethernet Destination address", "02:00:0a:4d:01:64", "next hop"),
    ("syn", "IPv4 Internet header length", "5", "20 bytes"),
    ("syn", "IPv4 Protocol", "6", "TCP follows"),
    ("syn", "TCP Destination port", "80", "usually http"),
    ("syn", "TCP Sequence number", "1000", "begins to count"),
    ("syn", "TCP Acknowledgment number", "0", "means nothing: ACK is not set"),
    ("syn", "TCP SYN", "1", "begin a connection"),
    ("syn", "TCP Maximum segment size", "1460", "1,460 bytes"),
    ("syn", "TCP Shift count", "7", "times 128"),
    ("syn", "TCP Timestamp echo reply", "2", "other side"),
    ("syn-ack", "TCP Acknowledgment number", "1001", "one more than"),
    ("syn-ack", "IPv4 Time to live", "63", "if it began with 64"),
    ("arp request", "ARP Opcode", "1", "who has"),
    ("arp request", "Ethernet Destination address", "ff:ff:ff:ff:ff:ff", "broadcast"),
    ("prohibited", "ICMP Code", "13", "admin prohibited"),
    ("prohibited", "TCP quoted Sequence number", "1000", "finds its probe"),
    ("prohibited", "IPv4 quoted Destination address", "10.77.2.10", "should have got it"),
    ("port unreachable", "UDP quoted Destination port", "514", "syslog"),
    ("echo", "ICMP Sequence number", "1", "carries it back"),
    ("timestamp", "ICMP Transmit timestamp", "3", "midnight"),
    ("record route", "IPv4 Option kind", "7", "record route"),
    ("dns", "DNS QNAME", "web.lab.", "asked for"),
    ("dns", "DNS RDATA", "10.77.2.10", "answer"),
    ("dns", "DNS QCLASS", "IN", "Internet"),
    ("tls hello", "TLS Extension: server_name", "web.lab", "in clear"),
    ("tls hello", "TLS Extension: ALPN", "h2, http/1.1", "spoken"),
    ("tls data", "TLS Content type", "23", "application data"),
    ("tls data", "TLS Content", "·" * 16, "encrypted"),
    ("telnet", "Payload Data", "Password: ", "10 bytes of text"),
    ("snmp", "SNMP Message", "version 1, community public, PDU SNMPget", "password"),
    ("fragment", "IPv4 Fragment offset", "10", "80 bytes in"),
]


@pytest.mark.parametrize(("packet", "field", "value", "meaning"), VALUES, ids=lambda text: text)
def test_value_and_meaning(packet: str, field: str, value: str, meaning: str) -> None:
    found = fields(PACKETS[packet])[field]
    assert found.value == value
    assert meaning in found.meaning


@pytest.mark.parametrize("name", [name for name in PACKETS if "checksum" not in name])
def test_right_checksums_are_called_right(name: str) -> None:
    sums = {key: field for key, field in fields(PACKETS[name]).items() if "hecksum" in field.name}
    for key, field in sums.items():
        judged = "cannot be checked" if key == "TCP quoted Checksum" else "right"
        assert judged in field.meaning or "not all of it is here" in field.meaning, key


def test_a_wrong_checksum_is_called_wrong_and_put_right() -> None:
    packet = PACKETS["wrong checksum"].copy()
    del packet[TCP].chksum
    right = int.from_bytes(bytes(packet)[50:52], "big")  # as Scapy computes it
    meaning = fields(PACKETS["wrong checksum"])["TCP Checksum"].meaning
    assert f"wrong, it would have to be 0x{right:04x}" in meaning


def frame(packet: Any, kept: int = 2000, marks: int = 0) -> np.ndarray:
    raw = bytes(packet)
    row = np.zeros(1, frame_table(kept))
    row["captured"], row["length"], row["marks"] = min(kept, len(raw)), len(raw), marks
    row["data"][0, : len(raw[:kept])] = np.frombuffer(raw[:kept], np.uint8)
    return row


def test_what_was_not_kept_cannot_be_checked() -> None:
    taken = anatomy(frame(PACKETS["tls hello"], kept=128)[0])
    assert f"first 128 of {len(bytes(PACKETS['tls hello'])):,} bytes" in taken.detail
    assert "cannot be checked, not all of it is here" in str(taken)


def test_a_checksum_that_was_not_ready_is_not_called_wrong() -> None:
    taken = anatomy(frame(PACKETS["wrong checksum"], marks=CHECKSUM_NOT_READY))
    assert "had not filled it in yet" in str(taken)
    assert "wrong" not in str(taken)


@pytest.mark.parametrize(
    ("ttl", "said"),
    [
        (64, "no router yet"),
        (63, "began with 64, as is usual, 1 router has"),
        (126, "2 routers have"),
        (5, "at most 5"),
    ],
)
def test_where_a_time_to_live_began_is_only_inferred(ttl: int, said: str) -> None:
    assert said in hops_left(ttl)
    assert "usual" in hops_left(ttl) or "probably" in hops_left(ttl) or ttl == 5


def test_frames_of_a_scan_are_taken_apart() -> None:
    exchange = made.EXCHANGES["syn open"]()
    assert anatomy(exchange.frames[1]).title == "SYN-ACK"
    with pytest.raises(MalformedPacket, match=r"Choose one of them: frames\[0\]"):
        anatomy(exchange.frames)


@pytest.mark.parametrize("thing", [None, "SYN", 7, b""])
def test_what_is_no_packet_is_refused(thing: Any) -> None:
    with pytest.raises(MalformedPacket, match="is no packet"):
        anatomy(thing)


# --- the picture ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PACKETS)
def test_the_buttons_the_list_and_the_text_say_the_same(name: str) -> None:
    taken = anatomy(PACKETS[name])
    bundle = taken._repr_mimebundle_()
    page = bundle["text/html"]
    total = sum(len(layer.fields) for layer in taken.layers)
    buttons = re.findall(r'<button [^>]*data-i="(\d+)"', page)
    assert buttons == [str(number) for number in range(total)]
    assert len(re.findall(r'<button [^>]*tabindex="0"', page)) == 1  # one stop for the Tab key
    assert len(re.findall(r"<tr>", page)) == total + 1
    lines = bundle["text/plain"].splitlines()
    assert len(lines) >= total + 2
    for layer in taken.layers:
        for field in layer.fields:
            assert field.meaning in bundle["text/plain"]


@pytest.mark.parametrize("name", PACKETS)
def test_all_hexadecimal_bytes_are_there(name: str) -> None:
    raw = bytes(PACKETS[name])
    page = anatomy(raw)._repr_mimebundle_()["text/html"]
    lines = re.findall(r'<span class="hex">(.*?)</span><span class="text">', page)
    shown = bytes.fromhex(" ".join(re.sub(r"<[^>]+>", " ", line) for line in lines))
    assert shown == raw


@pytest.mark.parametrize("name", PACKETS)
def test_a_still_picture_is_left_where_style_is_taken_out(name: str) -> None:
    page = anatomy(PACKETS[name])._repr_mimebundle_()["text/html"]
    (encoded,) = re.findall(r'<img class="still" alt="[^"]+" src="data:image/svg\+xml;base64,([^"]+)"', page)
    still = base64.b64decode(encoded).decode()
    assert "var(" not in still
    ElementTree.fromstring(still)


def test_what_a_packet_says_is_never_taken_for_html() -> None:
    page = anatomy(stream(b"<script>alert(1)</script>", 80))._repr_mimebundle_()["text/html"]
    assert "<script>alert" not in page

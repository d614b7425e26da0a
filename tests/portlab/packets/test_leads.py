"""Where a packet leads: every address is found, wherever it hides; what cannot be looked into is refused."""

import pytest
from scapy.contrib.geneve import GENEVE
from scapy.layers.inet import (
    ICMP,
    IP,
    TCP,
    UDP,
    IPOption,
    IPOption_Address_Extension,
    IPOption_EOL,
    IPOption_LSRR,
    IPOption_NOP,
    IPOption_Router_Alert,
    IPOption_RR,
    IPOption_SDBM,
    IPOption_SSRR,
    IPOption_Timestamp,
)
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from portlab.addresses import dotted
from portlab.errors import MalformedPacket, OutOfScope
from portlab.packets.leads import leads

OWN, TO, ELSEWHERE = "192.0.2.1", "192.0.2.2", "198.51.100.9"


def ip(**fields):
    return IP(**{"src": OWN, "dst": TO} | fields)


def options(*given):
    return ip(options=list(given)) / ICMP()


def raw_options(octets):
    return ip(options=[IPOption(octets)]) / ICMP()


INSIDE = IP(src=OWN, dst=ELSEWHERE) / ICMP()
ROUTE = options(IPOption_LSRR(routers=[ELSEWHERE]))
NUMBER = bytes(map(int, ELSEWHERE.split(".")))
TRACEROUTE = b"\x52\x0c\0\1\0\0\0\0" + NUMBER
ADVERTISED = b"\x09\0\0\0\2\2\7\x08" + bytes(map(int, TO.split("."))) + bytes(4) + NUMBER + bytes(4)

LEADING = {
    "loose source route": ROUTE,
    "strict source route": options(IPOption_SSRR(routers=[TO, ELSEWHERE])),
    "a stop already passed": options(IPOption_LSRR(pointer=8, routers=[ELSEWHERE, TO])),
    "a second option": options(IPOption_NOP(), IPOption_RR(), IPOption_SSRR(routers=[TO, TO, ELSEWHERE])),
    "selective broadcast": options(IPOption_SDBM(addresses=[TO, ELSEWHERE])),
    "traceroute's originator": ip(options=[IPOption(TRACEROUTE)]) / ICMP(),
    "IP in IP": ip() / INSIDE,
    "its source": ip() / IP(src=ELSEWHERE, dst=TO) / ICMP(),
    "IP in IP in IP": ip() / ip() / ip() / INSIDE,
    "a route in a packet inside": ip() / ROUTE,
    "GRE": ip() / GRE() / INSIDE,
    "GRE with all its fields": ip() / GRE(chksum_present=1, key_present=1, seqnum_present=1) / INSIDE,
    "IP in IP in GRE": ip() / GRE() / ip() / INSIDE,
    "redirect to a gateway": ip() / ICMP(type=5, code=1, gw=ELSEWHERE) / ip(),
    "redirect of a destination": ip() / ICMP(type=5, code=1, gw=TO) / IP(src=OWN, dst=ELSEWHERE),
    "redirect in a tunnel": ip() / ip() / ICMP(type=5, code=0, gw=ELSEWHERE),
    "router advertisement": ip(proto=1) / ADVERTISED,
    "the source": IP(src=ELSEWHERE, dst=TO) / TCP(),
    "the destination": IP(src=OWN, dst=ELSEWHERE) / TCP(),
    "destination of a fragment": IP(src=OWN, dst=ELSEWHERE, frag=9) / b"rest",
}


@pytest.mark.parametrize("case", LEADING)
def test_every_address_is_found(case):
    found = leads(bytes(LEADING[case]))
    assert dotted(found[0].address) == (ELSEWHERE if "destination" in case.split("of")[0] else TO)
    assert ELSEWHERE in [dotted(lead.address) for lead in found]


HARMLESS = {
    "nothing special": ip() / TCP(),
    "record route": options(IPOption_RR(routers=[ELSEWHERE, "0.0.0.0"])),
    "timestamp": options(IPOption_Timestamp(flg=3, internet_address=ELSEWHERE)),
    "router alert": options(IPOption_Router_Alert(), IPOption_NOP(), IPOption_EOL()),
    "quoted by an error": ip() / ICMP(type=3, code=3) / INSIDE,
    "an empty tunnel": ip(proto=4),
    "no IP in IP in IP": ip(proto=4) / b"something else that is long enough to be one",
    "an empty sealed tunnel": ip(proto=41),
    "an unknown version of GRE": ip(proto=47) / b"GRE, or so",
    "a word of GRE": ip(proto=47) / b"\0\0",
    "data that look like a packet": ip() / UDP(sport=1, dport=2) / INSIDE,
    "an empty datagram to a tunnel's port": ip() / UDP(dport=4789),
    "a header that is too short": ip(ihl=4) / ICMP(),
    "a header longer than the packet": ip(ihl=15) / ICMP(),
    "a fragment": ip(frag=100) / b"rest",
    "a first fragment": ip(flags="MF") / UDP(dport=53) / b"rest",
    "an error in pieces": ip(flags="MF") / ICMP(type=3) / INSIDE,
    "a late piece of a message": ip(frag=3) / b"\5\1\0\0\1\2\3\4",
}


@pytest.mark.parametrize("case", HARMLESS)
def test_nothing_is_made_up(case):
    found = leads(bytes(HARMLESS[case]))
    assert {dotted(lead.address) for lead in found} == {OWN, TO}


def udp(port, *, fields=None):
    return ip(**fields or {}) / UDP(sport=9, dport=port)


REFUSED = {
    "IPv6 in IPv4": (ip() / IPv6() / ICMP(), "IPv6"),
    "ESP": (ip(proto=50) / b"sealed", "ESP"),
    "AH": (ip(proto=51) / b"\4" / INSIDE, "AH"),
    "minimal encapsulation": (ip(proto=55) / b"\1\0\0\0", "minimal"),
    "Ethernet in IP": (ip(proto=97) / Ether() / INSIDE, "EtherIP"),
    "MPLS in IP": (ip(proto=137) / b"label", "MPLS"),
    "Ethernet in GRE": (ip() / GRE() / Ether() / INSIDE, "0x6558"),
    "IPv6 in GRE": (ip() / GRE() / IPv6(), "0x86dd"),
    "GRE with a route": (ip() / GRE(routing_present=1) / Raw(bytes(INSIDE)), "route of its own"),
    "PPP in GRE": (ip(proto=47) / b"\x20\x01\x88\x0b\0\4\0\0" / INSIDE, "PPP"),
    "VXLAN": (ip() / UDP(sport=9) / VXLAN() / Ether() / INSIDE, "VXLAN"),
    "Geneve": (ip() / UDP(sport=9, dport=6081) / GENEVE() / Ether() / INSIDE, "Geneve"),
    "GTP": (udp(2152) / b"\x30\xff\0\x1c\0\0\0\1" / INSIDE, "GTP-U"),
    "Teredo": (udp(3544) / IPv6(), "Teredo"),
    "a tunnel in a tunnel": (ip() / ip() / IPv6(), "IPv6"),
    "a piece of VXLAN": (udp(4789, fields={"flags": "MF"}), "VXLAN"),
    "a first piece of IP in IP": (ip(flags="MF", proto=4) / b"\x45\0\0\x1c\0\0\0\0", "a tunnel"),
    "a later piece of IP in IP": (ip(frag=1, proto=4) / b"\x40\1\0\0\1\2\3\4", "a tunnel"),
    "a piece of GRE": (ip(frag=2, proto=47) / b"what", "a tunnel"),
    "a piece of a redirect": (ip(flags="MF") / ICMP(type=5, gw=TO), "about routes"),
    "an option nobody here knows": (raw_options(b"\x5e\x06\x01\x02\x03\x04"), "IP option 94"),
    "address extension": (options(IPOption_Address_Extension()), "IP option 147"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_looked_into_is_refused_with_its_reason(case):
    packet, word = REFUSED[case]
    with pytest.raises(OutOfScope, match=word) as caught:
        leads(bytes(packet))
    assert str(caught.value).split(".  ")[-1].split()[0] in ("Send", "Leave")


MALFORMED = {
    "no length": b"\1\1\1\x83",
    "length 0": b"\x83\0\4\0",
    "length 1": b"\x83\1\4\0",
    "longer than the header": b"\x83\x0b\4\xc6\x33\x64\x09\0",
    "no whole address": b"\x83\6\4\xc6\x33\x64\0\0",
    "no pointer": b"\x89\2\0\0",
    "a harmless one cut off": b"\7\x27\4\0",
    "behind the end": b"\0\x83\7\4\xc6\x33\x64\x09",
}


@pytest.mark.parametrize("case", MALFORMED)
def test_options_that_cannot_be_read_to_their_end_are_refused(case):
    header = bytearray(bytes(ip(proto=253)))
    header[0] = 0x40 | (20 + len(MALFORMED[case])) // 4
    with pytest.raises(MalformedPacket, match="cannot be read to their end"):
        leads(bytes(header) + MALFORMED[case])


def test_the_deepest_nest_is_read_to_its_bottom():
    packet = bytes(IP(src=OWN, dst=ELSEWHERE))
    while len(packet) + 20 <= 0xFFFF:
        packet = _around(packet)
    found = leads(packet)
    assert len(found) == 2 * (len(packet) // 20)
    assert dotted(found[-2].address) == ELSEWHERE


def _around(packet):
    header = bytearray(bytes(ip(proto=4)))
    header[2:4] = (20 + len(packet)).to_bytes(2, "big")
    return bytes(header) + packet


def test_each_address_is_told_with_its_role():
    told = {(dotted(lead.address), lead.role) for lead in leads(bytes(ip() / ROUTE))}
    assert told >= {
        (TO, "the destination"),
        (OWN, "the source: answers go there"),
        (TO, "the destination of the packet inside"),
        (ELSEWHERE, "a stop of its loose source route"),
    }
    assert [lead.is_source for lead in leads(bytes(ip() / TCP()))] == [False, True]

"""Whatever the link was, the packet on it is found; what PortLab does not read is named and counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import LLC, CookedLinux, Dot1AD, Dot1Q, Dot3, Ether, Loopback
from scapy.layers.l2 import SNAP as SNAP_HEADER
from scapy.layers.ppp import HDLC, PPP, PPPoE

from portlab.errors import MalformedPacket
from portlab.model import RECEIVED, SENT
from portlab.packets import links, pcap
from portlab.packets.dissect import Dissected
from tests.portlab.packets.made import write_classic

HERE, THERE = "02:00:00:00:00:01", "02:00:00:00:00:02"
LAN = Ether(dst=HERE, src=THERE)
SYN = Ether(src=HERE, dst=THERE) / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(dport=80)
IPV4 = SYN[IP]
ETHER, RAW = bytes(SYN)[:12], bytes(SYN)[14:]
LINKS = [
    ("Ethernet", 1, bytes(SYN), None),
    ("Ethernet with a VLAN tag", 1, bytes(LAN / Dot1Q(vlan=7) / IPV4), None),
    ("Ethernet with two", 1, bytes(LAN / Dot1Q(type=0x8100) / Dot1Q() / IPV4), None),
    ("raw IP", 101, bytes(IPV4), None),
    ("raw IP of BSD", 12, bytes(IPV4), None),
    ("IPv4", 228, bytes(IPV4), None),
    ("null, little endian", 0, b"\x02\0\0\0" + bytes(IPV4), None),
    ("null, big endian", 0, b"\0\0\0\x02" + bytes(IPV4), None),
    ("loopback of OpenBSD", 108, bytes(Loopback(type=2) / IPV4)[:4] + bytes(IPV4), None),
    ("cooked, received", 113, bytes(CookedLinux(pkttype=0, lladdrlen=6) / IPV4), RECEIVED),
    ("cooked, sent", 113, bytes(CookedLinux(pkttype=4, lladdrlen=6) / IPV4), SENT),
    ("cooked v2, sent", 276, b"\x08\0\0\0\0\0\0\x02\0\x01\x04\x06" + bytes(8) + bytes(IPV4), SENT),
    (
        "Ethernet with three, 802.1ad outside",
        1,
        bytes(LAN / Dot1AD() / Dot1Q() / Dot1Q() / IPV4),
        None,
    ),
    ("Ethernet with VLANs of old switches", 1, ETHER + b"\x91\0\0\7\x92\0\0\7\x08\0" + RAW, None),
    ("802.1ah", 1, ETHER + b"\x88\xe7" + bytes(4) + bytes(LAN / IPV4), None),
    (
        "802.1ah in 802.1ad",
        1,
        ETHER + b"\x88\xa8\0\7\x88\xe7" + bytes(4) + bytes(LAN / IPV4),
        None,
    ),
    ("HSR", 1, ETHER + b"\x89\x2f\0\x34\0\1\x08\0" + RAW, None),
    ("PPPoE", 1, bytes(LAN / PPPoE() / PPP(proto=0x21) / IPV4), None),
    (
        "PPPoE in a VLAN",
        1,
        bytes(LAN / Dot1Q() / PPPoE() / PPP(proto=0x21) / IPV4),
        None,
    ),
    ("LLC/SNAP", 1, bytes(Dot3(dst=HERE, src=THERE) / LLC() / SNAP_HEADER() / IPV4), None),
    ("IP over LLC", 1, bytes(Dot3(dst=HERE, src=THERE) / LLC(dsap=6, ssap=6, ctrl=3) / IPV4), None),
    ("MPLS, two labels", 1, ETHER + b"\x88\x47\0\1\0\x40\0\2\x01\x40" + RAW, None),
    ("PPP", 9, b"\xff\x03\0\x21" + RAW, None),
    ("PPP, all compressed", 9, b"\x21" + RAW, None),
    ("PPP over HDLC", 50, bytes(HDLC() / PPP(proto=0x21) / IPV4), None),
    ("PPPoE alone", 51, bytes(PPPoE() / PPP(proto=0x21) / IPV4), None),
    ("PPP of pppd, received", 166, b"\0\x03\0\x21" + RAW, RECEIVED),
    ("PPP of pppd, sent", 166, b"\1\x03\0\x21" + RAW, SENT),
    ("PPP with direction, sent", 204, b"\1\xff\x03\0\x21" + RAW, SENT),
    ("Cisco HDLC", 104, b"\x0f\0\x08\0" + RAW, None),
    ("FDDI", 10, b"\x50" + bytes(12) + bytes(LLC() / SNAP_HEADER() / IPV4), None),
    ("ATM", 100, bytes(LLC() / SNAP_HEADER() / IPV4), None),
    ("IP over FireWire", 138, bytes(16) + b"\x08\0" + RAW, None),
    ("SLIP, sent", 8, b"\1" + bytes(15) + RAW, SENT),
    ("a switch's tag", 284, ETHER + bytes(4) + b"\x08\0" + RAW, None),
    ("a switch's tag of 8 bytes", 285, ETHER + b"\xda\xda" + bytes(6) + b"\x08\0" + RAW, None),
    ("a switch's tag before the frame", 282, bytes(4) + bytes(SYN), None),
    ("netANALYZER", 240, bytes(4) + bytes(SYN), None),
    ("cooked, with a VLAN tag", 113, bytes(CookedLinux(proto=0x8100)) + b"\0\7\x08\0" + RAW, RECEIVED),
    ("cooked, LLC", 113, bytes(CookedLinux(proto=4)) + bytes(LLC() / SNAP_HEADER() / IPV4), RECEIVED),
]


@pytest.mark.parametrize(
    ("link", "data", "direction"), [row[1:] for row in LINKS], ids=[row[0] for row in LINKS]
)
def test_every_link_becomes_ethernet(tmp_path: Path, link: int, data: bytes, direction: int | None) -> None:
    write_classic(tmp_path / "x.pcap", link, data)
    capture = pcap.read(tmp_path / "x.pcap")
    seen = Dissected(capture.frames)
    assert seen.is_tcp.all()
    assert seen.destination_port.tolist() == [80]
    assert capture.directed is (direction is not None)
    assert capture.frames["direction"][0] == (direction or RECEIVED)
    assert capture.frames["length"][0] == len(bytes(SYN))


def test_foreign_link_is_named(tmp_path: Path) -> None:
    write_classic(tmp_path / "x.pcap", 127, bytes(SYN))
    with pytest.raises(MalformedPacket, match=r"Wi-Fi with radiotap header \(link type 127\), which PortLab"):
        pcap.read(tmp_path / "x.pcap")


@pytest.mark.parametrize("link", [0, 1, 12, 101, 113, 276, 9, 51])
@pytest.mark.parametrize("size", range(30))
def test_frames_of_any_size_are_read(tmp_path: Path, link: int, size: int) -> None:
    write_classic(tmp_path / "x.pcap", link, bytes(SYN)[:size], bytes(SYN))
    assert len(pcap.read(tmp_path / "x.pcap").frames) == 2


@pytest.mark.parametrize(
    ("link", "data"),
    [
        (101, bytes(IPv6() / TCP())),
        (0, b"\x1e\0\0\0" + bytes(IPv6() / TCP())),
        (108, b"\0\0\0\x18" + bytes(IPv6() / TCP())),
        (9, b"\xff\x03\0\x57" + bytes(IPv6() / TCP())),
        (1, bytes(Ether(src=HERE, dst=THERE) / Dot1Q() / IPv6() / TCP())),
    ],
)
def test_ipv6_is_known_as_such(tmp_path: Path, link: int, data: bytes) -> None:
    write_classic(tmp_path / "x.pcap", link, data)
    frames = pcap.read(tmp_path / "x.pcap").frames
    assert frames["data"][0, 12:14].tobytes() == b"\x86\xdd"
    assert not Dissected(frames).is_ipv4.any()


def test_addresses_of_the_inner_frame_count(tmp_path: Path) -> None:
    inner = bytes(Ether(src="02:00:00:00:00:03", dst="02:00:00:00:00:04") / IPV4)
    write_classic(tmp_path / "x.pcap", 1, ETHER + b"\x88\xe7" + bytes(4) + inner)
    assert pcap.read(tmp_path / "x.pcap").frames["data"][0, :54].tobytes() == inner


@pytest.mark.parametrize(
    ("link", "name"),
    [
        (1, "Ethernet (link type 1)"),
        (220, "USB (link type 220)"),
        (150, "private use (link type 150)"),
        (60_000, "link type 60000"),
    ],
)
def test_links_have_names(link: int, name: str) -> None:
    assert links.name(link) == name

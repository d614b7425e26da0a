"""Every frame that is not read has a reason that can be said."""

from __future__ import annotations

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP
from scapy.packet import Packet, Raw

from portlab.model import DAMAGED, Frames
from portlab.packets import left_out
from portlab.packets.left_out import CHECKSUM, CUT, FRAGMENT, IPV6, MALFORMED, OTHER, OTHER_PROTOCOL, READ
from tests.portlab.frames import frame_of

TO = IP(src="10.0.0.1", dst="10.0.0.2")
FRAMES: dict[str, tuple[Packet, int, int]] = {
    "TCP": (TO / TCP(), 99, READ),
    "UDP": (TO / UDP(), 99, READ),
    "ICMP": (TO / ICMP(), 99, READ),
    "ARP": (ARP(), 99, READ),
    "the first fragment": (fragment(TO / UDP() / bytes(64), 32)[0], 99, READ),
    "a later fragment": (fragment(TO / UDP() / bytes(64), 32)[1], 99, FRAGMENT),
    "IGMP": (TO / Raw(bytes(8)), 99, OTHER_PROTOCOL),
    "cut in the TCP header": (TO / TCP(), 50, CUT),
    "cut in the IP header": (TO / TCP(), 30, CUT),
    "cut in the ARP packet": (ARP(), 30, CUT),
    "longer than its frame": (IP(src="10.0.0.1", dst="10.0.0.2", len=999) / TCP(), 99, MALFORMED),
    "no room for TCP": (IP(src="10.0.0.1", dst="10.0.0.2", proto=6) / Raw(bytes(9)), 99, MALFORMED),
    "a data offset of 4": (TO / TCP(dataofs=4), 99, MALFORMED),
    "version 7": (IP(src="10.0.0.1", dst="10.0.0.2", version=7) / TCP(), 99, MALFORMED),
}


def frame(packet: Packet, captured: int = 99, marks: int = 0) -> Frames:
    row = frame_of(packet, marks=marks)
    row["captured"] = np.minimum(row["captured"], captured)
    return row


@pytest.mark.parametrize(("packet", "captured", "why"), FRAMES.values(), ids=FRAMES)
def test_reasons(packet: Packet, captured: int, why: int) -> None:
    assert left_out.why(frame(packet, captured)).tolist() == [why]


def test_a_wrong_checksum_is_the_reason_whether_marked_or_seen() -> None:
    assert left_out.why(frame(TO / TCP(), marks=DAMAGED)).tolist() == [CHECKSUM]
    assert left_out.why(frame(TO / TCP(chksum=1))).tolist() == [CHECKSUM]


@pytest.mark.parametrize(("ethertype", "why"), [(0x86DD, IPV6), (0x88CC, OTHER), (0, OTHER)])
def test_what_is_not_ipv4(ethertype: int, why: int) -> None:
    row = frame(IPv6() / TCP())
    row["data"][0, 12:14] = divmod(ethertype, 256)
    assert left_out.why(row).tolist() == [why]


def test_counts_are_said_in_one_sentence() -> None:
    reasons = np.array([READ, CHECKSUM, IPV6, CHECKSUM], np.uint8)
    counts = left_out.counted(reasons, {"USB (link type 220)": 1_234})
    assert left_out.sentence(counts) == (
        "1,237 frames left out: 1,234 on USB (link type 220), 2 with a wrong checksum, 1 of IPv6."
    )
    assert left_out.sentence(left_out.counted(np.zeros(3, np.uint8))) == ""
    assert left_out.sentence((("of IPv6", 1),)) == "1 frame left out: 1 of IPv6."


def test_no_frames_at_all() -> None:
    assert left_out.why(frame(TO / TCP())[:0]).tolist() == []

"""Checksums are right where Scapy made them, wherever the packet lies; any changed byte makes them wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP, fragment
from scapy.packet import Packet

from portlab.packets.verify import EMPTY, PARTIAL, RIGHT, UNJUDGED, WRONG, check

ENDS = {"src": "192.0.2.1", "dst": "198.51.100.255"}
SEGMENTS = [TCP(sport=1, dport=80), UDP(sport=1, dport=53), ICMP()]


def checked(*packets: bytes, before: int = 0, cut: int = 0) -> list[tuple[int, int]]:
    """What `check` says of packets that lie one behind the other, `before` bytes from the beginning."""
    raw = np.frombuffer(bytes(before) + b"".join(packets) + bytes(64), np.uint8)
    sizes = [len(packet) for packet in packets]
    at = before + np.cumsum([0, *sizes[:-1]])
    header, segment = check(raw, at, at + sizes - cut)
    return list(zip(header.tolist(), segment.tolist(), strict=True))


@given(
    st.lists(
        st.tuples(st.sampled_from(SEGMENTS), st.binary(max_size=90), st.integers(0, 10)),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 3),
)
def test_what_scapy_made_is_right(packets: list[tuple[Packet, bytes, int]], before: int) -> None:
    made = [
        bytes(IP(**ENDS, options=[IPOption_NOP()] * (4 * options)) / segment / data)
        for segment, data, options in packets
    ]
    assert checked(*made, before=before) == [(RIGHT, RIGHT)] * len(made)


@given(st.sampled_from(SEGMENTS), st.binary(max_size=30), st.integers(0, 200), st.integers(1, 255))
def test_any_changed_byte_is_wrong(segment: Packet, data: bytes, place: int, change: int) -> None:
    good = bytes(IP(**ENDS) / segment / data)
    bad = bytearray(good)
    place = place % 12 + 8 if place % 3 else place % len(bad)  # often in the header, but not in its lengths
    bad[place] ^= change
    if place in (0, 2, 3, 6, 7, 9) or (place in (24, 25) and isinstance(segment, UDP)):
        return  # how long it is, which protocol, whether a fragment: then something else is judged
    header, body = checked(bytes(bad))[0]
    assert (header, body) != (RIGHT, RIGHT)
    assert UNJUDGED not in (header, body) or bytes(bad[26:28]) == b"\0\0"  # UDP: no checksum


def pseudo(length: int) -> int:
    """The sum of the pseudo header of a TCP segment between ENDS."""
    total = 0xC000 + 0x0201 + 0xC633 + 0x64FF + 6 + length
    return (total & 0xFFFF) + (total >> 16)


SPECIAL = {
    "no UDP checksum": (bytes(IP(**ENDS) / UDP(chksum=0) / b"x"), (RIGHT, UNJUDGED)),
    "UDP shorter than its packet": (bytes(IP(**ENDS) / UDP(len=8, chksum=0) / b"x"), (RIGHT, UNJUDGED)),
    "empty TCP checksum": (bytes(IP(**ENDS) / TCP(chksum=0)), (RIGHT, EMPTY)),
    "empty header checksum": (bytes(IP(**ENDS, chksum=0) / TCP()), (EMPTY, RIGHT)),
    "wrong header checksum": (bytes(IP(**ENDS, chksum=7) / TCP()), (WRONG, RIGHT)),
    "pseudo header alone": (bytes(IP(**ENDS) / TCP(chksum=pseudo(20))), (RIGHT, PARTIAL)),
    "pseudo header without length": (bytes(IP(**ENDS) / TCP(chksum=pseudo(0))), (RIGHT, PARTIAL)),
    "another protocol": (bytes(IP(**ENDS, proto=132) / bytes(30)), (RIGHT, UNJUDGED)),
    "too short for its header": (bytes(IP(**ENDS, proto=6) / bytes(10)), (RIGHT, UNJUDGED)),
    "first fragment": (bytes(fragment(IP(**ENDS) / UDP() / bytes(64), 32)[0]), (RIGHT, UNJUDGED)),
    "later fragment": (bytes(fragment(IP(**ENDS) / UDP() / bytes(64), 32)[1]), (RIGHT, UNJUDGED)),
    "a header that is too short": (b"\x44" + bytes(IP(**ENDS) / TCP())[1:], (UNJUDGED, UNJUDGED)),
}


@pytest.mark.parametrize(("packet", "found"), SPECIAL.values(), ids=SPECIAL)
def test_special_cases(packet: bytes, found: tuple[int, int]) -> None:
    assert checked(packet) == [found]


def test_what_was_not_captured_whole_is_not_judged() -> None:
    packet = bytes(IP(**ENDS) / TCP(chksum=1) / b"abc")
    assert checked(packet, cut=1) == [(RIGHT, UNJUDGED)]
    assert checked(packet, cut=24) == [(UNJUDGED, UNJUDGED)]


def test_bytes_after_the_packet_do_not_count() -> None:
    assert checked(bytes(IP(**ENDS) / TCP()) + b"padding") == [(RIGHT, RIGHT)]

"""What a learner hands over becomes bytes: all of it, and each packet once."""

import itertools
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.volatile import RandIP, RandShort

from portlab.errors import MalformedPacket
from portlab.packets.byhand import MOST, drafts

TO = "192.0.2.2"
PLAIN = bytes(IP(src="192.0.2.1", dst=TO) / UDP(sport=1, dport=9))


def read(made):
    return [IP(draft.data) for draft in drafts(made)]


MANY = {
    "a network": (IP(dst="192.0.2.0/30") / ICMP(), lambda p: p.dst, [f"192.0.2.{n}" for n in range(4)]),
    "a list": (IP(dst=["192.0.2.7", TO]) / ICMP(), lambda p: p.dst, ["192.0.2.7", TO]),
    "ports": (IP(dst=TO) / TCP(dport=[80, 81]), lambda p: p.dport, [80, 81]),
    "a range": (IP(dst=TO) / TCP(dport=(80, 82)), lambda p: p.dport, [80, 81, 82]),
    "both": (
        IP(dst=[TO, "192.0.2.3"], ttl=(1, 2)) / UDP(),
        lambda p: (p.dst, p.ttl),
        [("192.0.2.2", 1), ("192.0.2.3", 1), ("192.0.2.2", 2), ("192.0.2.3", 2)],
    ),
    "a list of packets": ([IP(dst=TO) / ICMP(), PLAIN], lambda p: p.proto, [1, 17]),
    "a generator": ((IP(dst=TO, ttl=n) for n in (5, 6)), lambda p: p.ttl, [5, 6]),
    "one": (IP(dst=TO) / ICMP(), lambda p: p.dst, [TO]),
    "an Ethernet header not chosen": (Ether() / IP(dst=TO) / ICMP(), lambda p: p.dst, [TO]),
    "bytes": (PLAIN, lambda p: bytes(p), [PLAIN]),
    "a bytearray": (bytearray(PLAIN), lambda p: bytes(p), [PLAIN]),
    "a memoryview": (memoryview(PLAIN), lambda p: bytes(p), [PLAIN]),
    "an array": (np.frombuffer(PLAIN, np.uint8), lambda p: bytes(p), [PLAIN]),
    "a packet that was read": (IP(PLAIN), lambda p: bytes(p), [PLAIN]),
}


@pytest.mark.parametrize("case", MANY)
def test_nothing_of_what_stands_for_many_is_left_out(case):
    made, look, expected = MANY[case]
    assert sorted(map(look, read(made)), key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    "packet", [IP(dst=RandIP()) / ICMP(), IP(dst=TO) / TCP(sport=RandShort(), seq=RandShort())]
)
def test_a_random_packet_is_one_packet_and_no_longer_changes(packet):
    (draft,) = drafts(packet)
    with pytest.raises(FrozenInstanceError):
        draft.data = PLAIN
    first, second = IP(draft.sent_from(1)), IP(draft.sent_from(1))
    assert bytes(first) == bytes(second)
    assert IP(draft.data).dst == first.dst == ".".join(map(str, draft.destination.to_bytes(4, "big")))
    if TCP in packet:
        assert (first[TCP].sport, first[TCP].seq) == (IP(draft.data)[TCP].sport, IP(draft.data)[TCP].seq)


def test_a_source_is_filled_in_only_where_none_was_chosen():
    (guessed,) = drafts(IP(dst=TO) / UDP())
    assert IP(guessed.sent_from(0xC0000205)).src == "192.0.2.5"
    for chosen in (IP(src="192.0.2.9", dst=TO) / UDP(), PLAIN):
        (draft,) = drafts(chosen)
        assert draft.sent_from(0xC0000205) is draft.data


REFUSED = {
    "a number": (5, "5 is no packet"),
    "a huge number": (10**12, "1000000000000 is no packet"),
    "text": ("web", "'web' is no packet"),
    "nothing": (None, "None is no packet"),
    "a class": (IP, "is no packet"),
    "a list with a number": ([PLAIN, 3], "3 is no packet"),
    "a list in a list": ([[PLAIN]], "is no packet"),
    "numbers": ([69, 0, 0], "69 is no packet"),
    "a dictionary": ({"dst": TO}, r"\{'dst': '192\.0\.2\.2'\} is no packet"),
    "a dictionary with packets": ({PLAIN: 1}, "is no packet"),
    "an empty list": ([], "holds no packet"),
    "no bytes": (b"", "These 0 bytes"),
    "too few bytes": (PLAIN[:19], "These 19 bytes"),
    "IPv6": (b"\x60" + PLAIN[1:], "IPv4 only"),
    "a byte too many": (PLAIN + b"x", "total_length says 28, but there are 29"),
    "a length of its own": (IP(dst=TO, len=7) / ICMP(), "total_length says 7"),
    "ARP": (ARP(), "does not begin with an IPv4 header"),
    "broadcast Ethernet": (Ether(dst="ff:ff:ff:ff:ff:ff") / IP(dst=TO), r'send packet\["IP"\]'),
    "a chosen Ethernet source": (Ether(src="02:00:00:00:00:01") / IP(dst=TO), r'send packet\["IP"\]'),
    "a VLAN": (Dot1Q() / IP(dst=TO), "does not begin"),
    "what cannot be built": (IP(dst=TO, ttl=999), "cannot build"),
    "too many": (IP(dst=TO) / TCP(dport=(1, MOST + 1)), f"more than {MOST} packets"),
    "without end": ((PLAIN for _ in itertools.count()), f"more than {MOST} packets"),
    "a whole network": (IP(dst="10.0.0.0/8") / ICMP(), f"more than {MOST} packets"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_packet_is_said(case):
    made, words = REFUSED[case]
    with pytest.raises(MalformedPacket, match=words) as caught:
        drafts(made)
    assert "\n" not in str(caught.value)
    assert any(word in str(caught.value) for word in ("Give", "Begin", "Leave", "Look", "scan"))
    assert len(str(caught.value)) < 400


def test_as_many_as_are_allowed():
    assert len(drafts(IP(dst=TO) / TCP(dport=(1, MOST)))) == MOST

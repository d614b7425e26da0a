"""A wrong prediction points to a belief only where that really follows."""

from __future__ import annotations

import itertools

import pytest

from portlab.errors import BadTarget
from portlab.learn import misconceptions
from portlab.learn.evidence import (
    Packet,
    packets_to_choose,
    read_packet,
    read_state,
    says,
    states_to_choose,
)
from portlab.learn.misconceptions import Prediction, match, misconception
from portlab.model import State
from portlab.techniques import TECHNIQUES

# technique, what was said, what was seen -> which belief
CASES = [
    ("syn", "closed, SYN-ACK", "open, SYN-ACK", "M01"),
    ("connect", "closed, SYN-ACK", "open, SYN-ACK", "M01"),
    ("syn", "filtered, RST", "closed, RST", "M02"),
    ("syn", "filtered, nothing", "closed, RST", "M02"),
    ("syn", "closed, nothing", "closed, RST", "M02"),
    ("syn", "closed, nothing", "filtered, nothing", "M02"),
    ("connect", "closed, nothing", "filtered, nothing", "M02"),
    ("syn", "filtered, nothing", "filtered, ICMP error", "M03"),
    ("udp", "filtered, nothing", "filtered, ICMP error", "M03"),
    ("ack", "filtered, nothing", "filtered, ICMP error", "M03"),
    ("syn", "closed, ICMP error", "filtered, ICMP error", "M03"),
    ("udp", "filtered, nothing", "open|filtered, nothing", "M04"),
    ("fin", "filtered, nothing", "open|filtered, nothing", "M04"),
    ("syn", "open, ICMP error", "filtered, ICMP error", "M05"),
    ("udp", "open, ICMP error", "closed, ICMP error", "M05"),
    ("syn", "open, RST", "closed, RST", "M05"),
    ("xmas", "open, RST", "closed, RST", "M05"),
    ("udp", "open, nothing", "open|filtered, nothing", "M06"),
    ("udp", "closed, nothing", "open|filtered, nothing", "M07"),
    ("udp", "closed, nothing", "closed, ICMP error", "M07"),
    ("ping", "down, nothing", "no-answer, nothing", "M09"),
    ("connect", "closed, RST", "closed, ICMP error", "M15"),
    ("connect", "filtered, ICMP error", "closed, ICMP error", "M15"),
    ("null", "open, nothing", "open|filtered, nothing", "M17"),
    ("ack", "open, RST", "unfiltered, RST", "M20"),
    ("ack", "open, SYN-ACK", "unfiltered, RST", "M20"),
    ("ack", "closed, RST", "unfiltered, RST", "M20"),
    # nothing follows
    ("syn", "open, SYN-ACK", "closed, RST", ""),
    ("syn", "open, nothing", "filtered, nothing", ""),
    ("udp", "closed, ICMP error", "filtered, ICMP error", ""),
    ("udp", "closed, RST", "closed, ICMP error", ""),
    ("fin", "closed, RST", "open|filtered, nothing", ""),
    ("ping", "down, nothing", "up, echo reply", ""),
]  # fmt: skip


def prediction(technique: str, words: str) -> Prediction:
    state, packet = words.split(", ")
    return Prediction(read_state(technique, state), read_packet(technique, packet))


@pytest.mark.parametrize(("technique", "said", "seen", "id_"), CASES)
def test_what_a_prediction_points_to(technique: str, said: str, seen: str, id_: str) -> None:
    assert match(technique, prediction(technique, said), prediction(technique, seen)) == id_


def test_every_row_is_reached_by_a_case() -> None:
    reached = set()
    for technique, said, seen, id_ in CASES:
        answers = (technique, prediction(technique, said), prediction(technique, seen))
        fitting = [row for row in misconceptions.ROWS if row.fits(*answers)]
        assert bool(fitting) == bool(id_)
        reached |= set(fitting[:1])
    assert reached == set(misconceptions.ROWS)


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_a_right_prediction_points_to_nothing(technique: str) -> None:
    for each in itertools.product(states_to_choose(technique), packets_to_choose(technique)):
        assert match(technique, Prediction(*each), Prediction(*each)) == ""


def test_all_forty_are_told_in_whole_sentences() -> None:
    known = misconceptions.all_of_them()
    assert list(known) == [f"M{number:02}" for number in range(1, 41)]
    assert len({each.name for each in known.values()}) == 40
    for each in known.values():
        for words in (each.belief, each.sentence, each.example):
            assert words.strip() == words
            assert words[-1] in ".)"
    assert {row.id for row in misconceptions.ROWS} <= set(known)


def test_an_unknown_one_is_named() -> None:
    assert misconception("m04").id == "M04"
    with pytest.raises(BadTarget, match=r"'M99'.*M01 to M40"):
        misconception("M99")


CHOICES = {
    "syn": ("open closed filtered", ["SYN-ACK", "RST", "ICMP error", "nothing"]),
    "connect": ("open closed filtered", ["SYN-ACK", "RST", "ICMP error", "nothing"]),
    "udp": ("open closed filtered open|filtered", ["RST", "UDP datagram", "ICMP error", "nothing"]),
    "fin": ("open closed filtered open|filtered", ["SYN-ACK", "RST", "ICMP error", "nothing"]),
    "ack": ("open closed filtered unfiltered", ["SYN-ACK", "RST", "ICMP error", "nothing"]),
    "ping": ("up no-answer down", ["echo reply", "ICMP error", "nothing"]),
    "ping-arp": ("up no-answer down", ["ARP reply", "nothing"]),
}


@pytest.mark.parametrize("technique", CHOICES)
def test_choices_follow_from_the_technique_s_table(technique: str) -> None:
    states, packets = CHOICES[technique]
    assert states_to_choose(technique) == states.split()
    assert packets_to_choose(technique) == packets


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_whatever_a_technique_can_say_can_be_chosen(technique: str) -> None:
    for packet in Packet:
        for state in says(technique, packet):
            assert state in states_to_choose(technique)
            assert packet in packets_to_choose(technique)


def test_what_a_packet_would_have_said() -> None:
    assert says("syn", Packet.RST) == [State.CLOSED]
    assert says("udp", Packet.ICMP_ERROR) == [State.CLOSED, State.FILTERED]
    assert says("connect", Packet.ICMP_ERROR) == [State.CLOSED, State.FILTERED]
    assert says("fin", Packet.SYN_ACK) == []


@pytest.mark.parametrize("words", ["SYN-ACK", "syn/ack", "SYN ACK", "synack"])
def test_packets_are_read_kindly(words: str) -> None:
    assert read_packet("syn", words) is Packet.SYN_ACK


def test_what_is_not_offered_is_named() -> None:
    with pytest.raises(BadTarget, match=r"'SYN-ACL' is no packet.*SYN-ACK, RST"):
        read_packet("syn", "SYN-ACL")
    with pytest.raises(BadTarget, match=r"'shut' is no state.*open, closed, filtered"):
        read_state("syn", "shut")

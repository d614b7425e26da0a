"""A wrong prediction points to a belief only where that really follows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from portlab.errors import BadTarget
from portlab.learn import explain, misconceptions
from portlab.learn.evidence import (
    Packet,
    packets_to_choose,
    read_packet,
    read_state,
    says,
    states_to_choose,
)
from portlab.learn.explain import holds_together
from portlab.learn.misconceptions import ASKS, FOLLOWS, Prediction, belief_of, misconception
from portlab.model import State
from portlab.techniques import TECHNIQUES

# technique, what was said, what was seen -> the belief that the answer holds; "M02?": the one that is asked about
CASES = [
    # the answer says what a packet means: whatever comes, that is what it holds
    ("syn", "closed, nothing", "closed, RST", "M41"),
    ("syn", "closed, nothing", "filtered, nothing", "M41"),
    ("connect", "closed, nothing", "open, SYN-ACK", "M41"),
    ("xmas", "closed, nothing", "open|filtered, nothing", "M41"),
    ("syn", "filtered, RST", "closed, RST", "M02"),
    ("connect", "filtered, RST", "filtered, nothing", "M02"),
    ("null", "open, nothing", "open|filtered, nothing", "M17"),
    ("udp", "open, nothing", "open|filtered, nothing", "M06"),
    ("udp", "closed, nothing", "open|filtered, nothing", "M07"),
    ("udp", "closed, nothing", "closed, ICMP error", "M07"),
    ("ack", "open, RST", "unfiltered, RST", "M20"),
    ("ack", "open, SYN-ACK", "unfiltered, RST", "M20"),
    ("ack", "closed, nothing", "filtered, nothing", "M20"),
    ("ping", "down, nothing", "no-answer, nothing", "M09"),
    ("ping-syn", "down, nothing", "up, RST", "M09"),
    # a belief fits, and so does not knowing that host
    ("syn", "closed, RST", "filtered, nothing", "M02?"),
    ("connect", "closed, RST", "filtered, ICMP error", "M02?"),
    ("syn", "filtered, nothing", "closed, RST", "M41?"),
    ("syn", "closed, SYN-ACK", "open, SYN-ACK", "M01?"),
    ("syn", "filtered, nothing", "filtered, ICMP error", "M03?"),
    ("connect", "filtered, nothing", "closed, ICMP error", "M03?"),
    ("udp", "filtered, nothing", "filtered, ICMP error", "M03?"),
    ("ack", "filtered, nothing", "filtered, ICMP error", "M03?"),
    ("fin", "closed, ICMP error", "filtered, ICMP error", "M03?"),
    ("ack", "unfiltered, ICMP error", "filtered, ICMP error", "M03?"),
    ("udp", "filtered, nothing", "open|filtered, nothing", "M04?"),
    ("fin", "filtered, nothing", "open|filtered, nothing", "M04?"),
    ("syn", "open, ICMP error", "filtered, ICMP error", "M05?"),
    ("udp", "open, ICMP error", "closed, ICMP error", "M05?"),
    ("xmas", "open, RST", "closed, RST", "M05?"),
    ("connect", "closed, RST", "closed, ICMP error", "M15?"),
    # nothing follows
    ("syn", "open, SYN-ACK", "closed, RST", ""),
    ("syn", "open, nothing", "filtered, nothing", ""),
    ("syn", "filtered, SYN-ACK", "open, SYN-ACK", ""),
    ("syn", "filtered, ICMP error", "filtered, nothing", ""),
    ("syn", "filtered, nothing", "open, SYN-ACK", ""),
    ("connect", "filtered, ICMP error", "closed, ICMP error", ""),  # a filter it was: connect() hides it
    ("udp", "closed, ICMP error", "filtered, ICMP error", ""),
    ("udp", "closed, RST", "closed, ICMP error", ""),
    ("ack", "unfiltered, nothing", "filtered, nothing", ""),
    ("fin", "closed, RST", "open|filtered, nothing", ""),
    ("ping-arp", "down, nothing", "up, ARP reply", ""),
    ("ping", "no-answer, nothing", "up, echo reply", ""),
]  # fmt: skip

# the same at a port that one may know by heart
PORTS = [
    ("udp", 23, "open, UDP datagram", "closed, ICMP error", "M32?"),
    ("udp", 23, "open, nothing", "closed, ICMP error", "M06"),
    ("udp", 23, "filtered, ICMP error", "closed, ICMP error", ""),
    ("connect", 20, "open, SYN-ACK", "closed, RST", "M30?"),
    ("syn", 123, "open, SYN-ACK", "closed, RST", "M27?"),
    ("syn", 69, "open, SYN-ACK", "closed, RST", "M08?"),
    ("syn", 161, "open, SYN-ACK", "filtered, nothing", "M08?"),
    ("connect", 53, "closed, RST", "open, SYN-ACK", "M28?"),
    ("connect", 54, "closed, RST", "open, SYN-ACK", ""),
]


def prediction(technique: str, words: str) -> Prediction:
    state, packet = words.split(", ")
    return Prediction(read_state(technique, state), read_packet(technique, packet))


def points_to(technique: str, said: str, seen: str, port: int | None = None) -> str:
    imputed = belief_of(technique, prediction(technique, said), prediction(technique, seen), port)
    return imputed.id + "?" * imputed.asks if imputed else ""


@pytest.mark.parametrize(("technique", "said", "seen", "id_"), CASES)
def test_what_a_prediction_points_to(technique: str, said: str, seen: str, id_: str) -> None:
    assert points_to(technique, said, seen) == id_


@pytest.mark.parametrize(("technique", "port", "said", "seen", "id_"), PORTS)
def test_what_it_points_to_at_a_port_that_is_known(
    technique: str, port: int, said: str, seen: str, id_: str
) -> None:
    assert points_to(technique, said, seen, port) == id_
    if id_.endswith("?"):
        assert points_to(technique, said, seen, 9) == ""


def every(technique: str) -> Iterator[tuple[Prediction, Prediction]]:
    """All that can be said of what can be seen."""
    everything = [
        Prediction(*each)
        for each in itertools.product(states_to_choose(technique), packets_to_choose(technique))
    ]
    for said, seen in itertools.product(everything, everything):
        if holds_together(technique, seen):
            yield said, seen


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_what_an_answer_holds_contradicts_the_technique_s_own_table_and_follows_whatever_came(
    technique: str,
) -> None:
    held: dict[Prediction, set[str]] = {}
    for said, seen in every(technique):
        imputed = belief_of(technique, said, seen)
        if imputed and not imputed.asks:
            assert not holds_together(technique, said)
            held.setdefault(said, set()).add(imputed.id)
    for said, ids in held.items():
        assert len(ids) == 1
        assert all(belief_of(technique, said, seen) for each, seen in every(technique) if each == said)


def test_every_row_decides_somewhere() -> None:
    """No row stands in the shadow of others."""
    deciding = set()
    for technique in TECHNIQUES:
        for (said, seen), port in itertools.product(every(technique), [None, *{row.port for row in ASKS}]):
            fitting = [row for row in (*FOLLOWS, *ASKS) if row.fits(technique, said, seen, port)]
            deciding |= {id(row) for row in fitting[:1] if said != seen}
    assert [row for row in (*FOLLOWS, *ASKS) if id(row) not in deciding] == []


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_a_right_prediction_points_to_nothing(technique: str) -> None:
    assert not any(belief_of(technique, said, seen) for said, seen in every(technique) if said == seen)


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_whatever_is_predicted_it_is_told_what_would_make_it_true_or_why_nothing_could(
    technique: str,
) -> None:
    for said, seen in every(technique):
        if said != seen:
            told = explain.would_be_true(technique, said, seen)
            assert ("do not go together" in told) != holds_together(technique, said)
            assert told.endswith(".")


def test_contradictions_are_named_as_such() -> None:
    told = explain.contradiction("syn", prediction("syn", "filtered, SYN-ACK"))
    assert told == (
        "A SYN-ACK and filtered do not go together: to a SYN scan a SYN-ACK says open, "
        "and it takes an ICMP error or silence to say filtered."
    )
    told = explain.contradiction("fin", prediction("fin", "open, SYN-ACK"))
    assert "to a FIN scan a SYN-ACK never comes, and it never says open." in told


def test_all_are_told_in_whole_sentences() -> None:
    known = misconceptions.all_of_them()
    assert list(known) == [f"M{number:02}" for number in range(1, 42)]
    assert len({each.name for each in known.values()}) == 41
    for each in known.values():
        for words in (each.belief, each.sentence, each.example):
            assert words.strip() == words
            assert words[-1] in ".)"
    assert {row.id for row in (*FOLLOWS, *ASKS)} <= set(known)


def test_a_belief_can_be_asked_about() -> None:
    asked = {id_: explain.asked(misconception(id_)) for id_ in ("M01", "M27", "M29", "M41")}
    assert asked == {
        "M01": "Did you think that closed means that the port is in use?",
        "M27": "Did you think that TCP and UDP share one set of ports?",
        "M29": "Did you think that SFTP is FTP over TLS?",
        "M41": "Did you think that a closed port is silent?",
    }


def test_an_unknown_one_is_named() -> None:
    assert misconception("m04").id == "M04"
    with pytest.raises(BadTarget, match=r"'M99'.*M01 to M41"):
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

from itertools import pairwise

import pytest
from scapy.layers.inet import IP, TCP

from portlab.model import State
from portlab.view.ladder.describe import describe
from portlab.view.ladder.story import RowKind, Speaker
from tests.portlab.view import made

SAYS, KERNEL = "says", "the scanner's kernel"

# exchange -> (what, speaker, note) of each row; the deciding one marked with "*"
ROWS = {
    "syn open": [
        ("SYN", "the scanner", ""),
        ("*SYN-ACK", "the target", ""),
        ("RST", KERNEL, "sent by the scanner's kernel"),
    ],
    "syn closed": [("SYN", "the scanner", ""), ("*RST-ACK", "the target", "")],
    "syn dropped": [
        ("SYN", "the scanner", ""),
        ("250 ms of silence, then asked again", "nobody", ""),
        ("SYN", "the scanner", "try 2"),
        ("500 ms of silence, then asked again", "nobody", ""),
        ("SYN", "the scanner", "try 3"),
        ("*2.25 s of silence", "nobody", ""),
    ],
    "syn rejected": [("SYN", "the scanner", ""), ("*ICMP admin prohibited (3/13)", "somebody else", "")],
    "syn late": [
        ("SYN", "the scanner", ""),
        ("250 ms of silence, then asked again", "nobody", ""),
        ("SYN", "the scanner", "try 2"),
        ("*SYN-ACK", "the target", ""),
        ("RST", KERNEL, "sent by the scanner's kernel"),
    ],
    "connect open": [
        ("connect() called", "the scanner", ""),
        ("SYN", KERNEL, ""),
        ("*SYN-ACK", "the target", ""),
        ("ACK", KERNEL, ""),
        ("connect() succeeded", "the scanner", ""),
        ("RST-ACK", KERNEL, ""),
    ],
    "connect 8443": [
        ("connect() called", "the scanner", ""),
        ("SYN", KERNEL, ""),
        ("*ICMP port unreachable (3/3)", "somebody else", ""),
        ("connect() returned ECONNREFUSED", "the scanner", ""),
    ],
    "connect timeout": [
        ("connect() called", "the scanner", ""),
        ("SYN", KERNEL, ""),
        ("1.00 s of silence, then asked again", "nobody", ""),
        ("SYN", KERNEL, "try 2"),
        ("2.00 s of silence, then asked again", "nobody", ""),
        ("SYN", KERNEL, "try 3"),
        ("*4.00 s of silence", "nobody", ""),
        ("connect() returned ETIMEDOUT", "the scanner", ""),
    ],
    "connect blind": [
        ("connect() called", "the scanner", ""),
        ("*connect() returned ECONNREFUSED", "the scanner", ""),
    ],
    "udp open": [("UDP 29 B", "the scanner", ""), ("*UDP 61 B", "the target", "")],
    "udp closed": [("UDP, empty", "the scanner", ""), ("*ICMP port unreachable (3/3)", "the target", "")],
    "udp silent": [
        ("UDP, empty", "the scanner", ""),
        ("250 ms of silence, then asked again", "nobody", ""),
        ("UDP, empty", "the scanner", "try 2"),
        ("*2.75 s of silence", "nobody", ""),
    ],
    "ping": [("ICMP echo request", "the scanner", ""), ("*ICMP echo reply", "the target", "")],
    "ping arp up": [
        ("ARP who has 10.77.1.99?", "the scanner", ""),
        ("*ARP 10.77.1.99 is at 02:00:0a:4d:01:63", "the target", ""),
    ],
    "ping arp down": [
        ("ARP who has 10.77.1.99?", "the scanner", ""),
        ("1.00 s of silence, then asked again", "nobody", ""),
        ("ARP who has 10.77.1.99?", "the scanner", "try 2"),
        ("*2.00 s of silence", "nobody", ""),
    ],
}


@pytest.mark.parametrize("name", ROWS)
def test_rows(name: str) -> None:
    story = describe(made.EXCHANGES[name]())
    told = [(("*" if row.decides else "") + row.what, row.speaker.value, row.note) for row in story.rows]
    assert told == ROWS[name]


STATES = {
    "syn open": (State.OPEN, "says open"),
    "syn closed": (State.CLOSED, "says closed"),
    "syn dropped": (State.FILTERED, "suggests filtered"),
    "syn rejected": (State.FILTERED, "says filtered"),
    "connect blind": (State.CLOSED, "says closed"),
    "connect timeout": (State.FILTERED, "suggests filtered"),
    "udp silent": (State.OPEN_FILTERED, "suggests open|filtered"),
    "ping": (State.UP, "says up"),
    "ping arp down": (State.DOWN, "suggests down"),
}


@pytest.mark.parametrize("name", STATES)
def test_an_answer_says_and_silence_suggests(name: str) -> None:
    story = describe(made.EXCHANGES[name]())
    assert story.result is not None
    assert (story.result.state, story.claim) == STATES[name]


@pytest.mark.parametrize("name", made.EXCHANGES)
def test_every_row_has_a_short_sentence_and_one_decides(name: str) -> None:
    rows = describe(made.EXCHANGES[name]()).rows
    assert [row for row in rows if not row.sentence or len(row.sentence.split()) > 25] == []
    assert sum(row.decides for row in rows) == 1
    assert rows[0].at_ns == 0
    assert all(one.at_ns <= other.at_ns for one, other in pairwise(rows))


def test_numbers_are_relative_and_absolute() -> None:
    _, answer, reset = describe(made.exchange("syn", made.SYN_OPEN)).rows
    assert (answer.detail, reset.detail) == ("seq 0 ack 1 TTL 63", "seq 1")
    assert f"seq 777 ack {made.TOKEN + 1}" in answer.absolute
    assert f"seq {made.TOKEN + 1}" in reset.absolute


def test_numbers_wrap_around() -> None:
    last = 2**32 - 1
    syn = IP(src=made.SCANNER, dst=made.WEB) / TCP(sport=5, dport=80, seq=last, flags="S")
    answer = IP(src=made.WEB, dst=made.SCANNER) / TCP(sport=80, dport=5, seq=last, ack=0, flags="SA")
    rows = describe(made.by_hand((0, True, syn), (10, False, answer))).rows
    assert [row.detail for row in rows] == ["seq 0", "seq 0 ack 1 TTL 64"]


def test_the_time_to_live_tells_who_spoke() -> None:
    by_host = describe(made.EXCHANGES["syn closed"]()).rows[1]
    by_firewall = describe(made.EXCHANGES["syn reset by firewall"]()).rows[1]
    assert (by_host.what, by_firewall.what) == ("RST-ACK", "RST-ACK")
    assert by_host.detail.endswith("TTL 63")
    assert by_firewall.detail.endswith("TTL 64")


def test_how_far_a_probe_is_known_to_have_come() -> None:
    reach = {
        name: describe(made.EXCHANGES[name]()).rows[0].reaches
        for name in ("syn open", "syn dropped", "syn rejected")
    }
    assert reach == {"syn open": 1, "syn dropped": None, "syn rejected": 1}
    assert [actor.name for actor in describe(made.EXCHANGES["syn rejected"]()).actors] == [
        "scanner",
        "somebody else",
        "web",
    ]


def test_many_tries_in_vain_are_folded() -> None:
    rows = describe(made.EXCHANGES["syn dropped often"]()).rows
    packets = [row for row in rows if row.kind is RowKind.PACKET]
    assert [row.attempt for row in packets] == [1, 2, 12]
    assert any(row.what.startswith("tries 3 to 11, ") for row in rows)
    assert "asked 12 times" in rows[-1].sentence


def test_a_packet_made_by_hand_concludes_nothing() -> None:
    story = describe(
        made.by_hand((0, True, made.syn()), (9, False, made.tcp_back("SA", 5)), (15, True, made.kernel_rst()))
    )
    assert story.claim == ""
    assert not any(row.decides for row in story.rows)
    assert [row.speaker for row in story.rows] == [Speaker.SCANNER, Speaker.TARGET, Speaker.KERNEL]


def test_a_packet_made_by_hand_and_silence() -> None:
    story = describe(made.by_hand((0, True, made.syn())))
    assert [row.kind for row in story.rows] == [RowKind.PACKET, RowKind.SILENCE]
    assert story.rows[-1].gives_up

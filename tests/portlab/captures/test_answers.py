"""Answers in captures that are easily missed, and what a capture cannot say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.packet import Packet

import portlab as pl
from portlab.errors import MalformedPacket
from portlab.evidence.scans import Scans
from portlab.view.ladder.describe import describe
from portlab.view.plots.picture import about
from tests.portlab.captures.captured import (
    KERNEL,
    ME,
    OTHER,
    WEB,
    back,
    datagram,
    error,
    scans_of,
    session,
    spoilt,
    tcp,
)

SYN = tcp("S", options=[("MSS", 1460)])
TFTP = [
    datagram(69),
    datagram(50_000, 40_000, src=WEB, dst=ME, data=b"block 1"),
    datagram(40_000, data=b"ack 1"),
]

ANSWERS = {
    "a second SYN from the same ports": (
        [tcp("S"), tcp("S", seq=9000), back("SA", ack=9001)],
        "open",
        "syn-ack",
    ),
    "...with a lower number": ([tcp("S"), tcp("S", seq=5), back("RA", ack=6, seq=0)], "closed", "reset"),
    "...and the first is answered": ([tcp("S"), tcp("S", seq=9000), back("RA", seq=0)], "closed", "reset"),
    "...and an error is about the second": (
        [tcp("S"), tcp("S", seq=9000), error(tcp("S", seq=9000), code=13, source=OTHER)],
        "filtered",
        "admin-prohibited",
    ),
    "data with the SYN, taken": ([tcp("S", data=b"GET /"), back("SA", ack=1006)], "open", "syn-ack"),
    "data with the SYN, not taken": ([tcp("S", data=b"GET /"), back("SA")], "open", "syn-ack"),
    "data with the SYN, reset": ([tcp("S", data=b"GET /"), back("RA", ack=1006, seq=0)], "closed", "reset"),
    "data with the SYN, a stranger's number": (
        [tcp("S", data=b"a"), back("SA", ack=1003)],
        "filtered",
        "no-response",
    ),
    "a SYN in return": ([tcp("S"), back("S", ack=0)], "open", "split-handshake-syn"),
    "a probe in fragments": ([*fragment(SYN, 8), back("SA")], "open", "syn-ack"),
    "a probe in bigger fragments": ([*fragment(SYN, 16), back("RA", seq=0)], "closed", "reset"),
    "fragments out of order": ([*reversed(fragment(SYN, 8)), back("SA")], "open", "syn-ack"),
    "FIN with data": ([tcp("F", data=b"abc"), back("RA", ack=1004)], "closed", "reset"),
    "Xmas with data": ([tcp("FPU", data=b"abc"), back("RA", ack=1004)], "closed", "reset"),
    "NULL with data": ([tcp("", data=b"abc"), back("RA", ack=1003)], "closed", "reset"),
    "an ACK that a filter refuses": (
        [tcp("A", seq=4, ack=77), error(tcp("A", seq=4, ack=77), code=13, source=OTHER)],
        "filtered",
        "admin-prohibited",
    ),
    "the scanner's RST proves a SYN-ACK": ([tcp("S"), tcp("R", seq=1001)], "open", "syn-ack"),
    "the scanner's ACK proves a SYN-ACK": ([SYN, tcp("A", seq=1001, ack=8)], "open", "syn-ack"),
    "a RST with another number proves nothing": ([tcp("S"), tcp("R", seq=5)], "filtered", "no-response"),
    "TFTP": (TFTP, "open|filtered", "no-response"),
}


@pytest.mark.parametrize(("packets", "state", "reason"), ANSWERS.values(), ids=ANSWERS)
def test_what_came_back_is_recognised(tmp_path: Path, packets: list[Packet], state: str, reason: str) -> None:
    (scan,) = scans_of(tmp_path, *packets)
    (row,) = scan
    assert (row.state, row.reason) == (state, reason)
    assert row.port == (69 if row.protocol == "udp" else 80)
    if row.state == "open":
        assert row.answered_by == WEB
    scan.exchange(row.address, row.port)


def test_fragments_with_a_gap_stay_fragments(tmp_path: Path) -> None:
    first, _, last = fragment(SYN, 8)
    assert scans_of(tmp_path, first, last) == []


def test_tries_from_one_port_keep_their_own_times(tmp_path: Path) -> None:
    (scan,) = scans_of(tmp_path, tcp("S"), tcp("S", seq=9000), back("SA", ack=9001))
    assert scan.row(0).tries == 2
    assert scan.row(0).rtt_ms == pytest.approx(1, abs=0.01)
    assert [row.note for row in describe(scan.exchange(WEB, 80)).rows if row.attempt] == ["", "try 2"]


def test_rst_before_the_syn_ack_is_said_beside_the_verdict(tmp_path: Path) -> None:
    syn, *rest = session(to=80)
    (scan,) = scans_of(tmp_path, syn, back("RA", seq=0), *rest)
    assert (scan.row(0).state, scan.row(0).reason) == ("open", "syn-ack")
    assert scan.row(0).caveat.startswith("A RST came before the SYN-ACK")
    assert f"! {WEB} 80: A RST came before the SYN-ACK" in repr(scan)
    (scan,) = scans_of(tmp_path, *session(to=80), back("RA", seq=0))
    assert scan.row(0).caveat == ""


def test_answer_from_a_new_port_is_told(tmp_path: Path) -> None:
    (scan,) = scans_of(tmp_path, *TFTP)
    assert scan.row(0).sentence.startswith("A datagram came back, but from another port")
    assert "A datagram comes back from port 40000" in str(scan.exchange(WEB, 69))
    assert f"! {WEB} 69: A datagram came back" in repr(scan)


def test_where_several_ports_asked_from_one_nobody_knows_which_answered_from_a_new_one(
    tmp_path: Path,
) -> None:
    (scan,) = scans_of(tmp_path, datagram(514), datagram(1900), *TFTP[1:2])
    assert [row.sentence.startswith("Nothing came back") for row in scan] == [True, True]


def test_one_direction_is_said_instead_of_silence(tmp_path: Path) -> None:
    (scan,) = scans_of(tmp_path, tcp("S"), tcp("R", seq=1001), tcp("S", to=81), datagram(9, src=OTHER)).only
    assert [str(row.state) for row in scan] == ["open", "filtered"]
    assert scan.row(0).sentence.startswith("The answer was not captured, but the scanner's own segment")
    assert np.isnan(scan.rtt_ms).all()
    assert scan.row(1).sentence.startswith("No frame to the scanner is in this capture")
    assert "! ONE DIRECTION: no frame to the scanner is in this capture." in repr(scan)


def test_silence_beside_other_answers_is_silence(tmp_path: Path) -> None:
    (scan,) = scans_of(tmp_path, tcp("S"), tcp("S", to=81), back("RA", to=81, seq=0))
    assert scan.row(0).sentence.startswith("Nothing came back")
    assert "ONE DIRECTION" not in repr(scan)


def whole_error(about: Packet) -> Packet:
    return IP(src=OTHER, dst=about[IP].src) / ICMP(type=3, code=1) / about


UNASKED = {
    "an error about a segment that begins nothing": [whole_error(tcp("PA", ack=7))],
    "an error about an echo reply": [error(IP(src=ME, dst=WEB) / bytes.fromhex("0000fffe00010001"))],
    "an error about a name server's answer": [error(datagram(50_000, 53, src=WEB, dst=ME), source=ME)],
}


@pytest.mark.parametrize("packets", UNASKED.values(), ids=UNASKED)
def test_errors_about_answers_tell_of_no_question(tmp_path: Path, packets: list[Packet]) -> None:
    whole = [p[IP].copy() for p in packets]
    assert scans_of(tmp_path, *whole) == []


# --- times and order ----------------------------------------------------------------------------------------


def three_in_a_row(tmp_path: Path) -> Scans:
    """FIN, then SYN from the same ports, then Xmas, with another host's frames before, between and after."""
    noise = [datagram(9, 40_000 + at, src=OTHER) for at in range(40)]
    return scans_of(
        tmp_path,
        *noise[:10],
        *[tcp("F"), back("RA")],
        *noise[10:20],
        *[tcp("S"), back("SA"), tcp("R", seq=1001)],
        *noise[20:30],
        *[tcp("FPU", to=81), tcp("FPU", to=82)],
        *noise[30:],
        gap_s=1,
    )


def test_start_duration_and_frames_are_the_scan_s_own(tmp_path: Path) -> None:
    found = [
        (scan.technique, scan.started_ns // 10**9 - 1_700_000_000, scan.elapsed_s, len(scan.recorded.frames))
        for scan in three_in_a_row(tmp_path).only
    ]
    assert found == [("fin", 10, 1.0, 2), ("syn", 22, 2.0, 3), ("xmas", 35, 1.0, 2)]


def test_silence_lasts_to_the_end_of_the_capture(tmp_path: Path) -> None:
    scan = three_in_a_row(tmp_path).only[-1]
    assert scan.exchange(WEB, 82).ended_ns == (1_700_000_000 + 46) * 10**9


def test_one_technique_from_the_same_ports_after_another(tmp_path: Path) -> None:
    """Each segment belongs to the question before it."""
    packets = [tcp("S"), back("SA"), tcp("R", seq=1001), tcp("A", seq=5, ack=77), back("R", seq=77, ack=0)]
    scans = scans_of(tmp_path, *packets, tcp("F", seq=60), back("RA", ack=61))
    assert [(scan.technique, str(scan.row(0).state)) for scan in scans] == [
        ("syn", "open"),
        ("ack", "unfiltered"),
        ("fin", "closed"),
    ]


def test_kernels_options_do_not_make_a_half_open_scan_a_connect(tmp_path: Path) -> None:
    packets = [tcp("S", options=KERNEL), back("SA"), tcp("R", seq=1001), tcp("S", to=81, options=KERNEL)]
    (scan,) = scans_of(tmp_path, *packets)
    assert scan.technique == "syn"
    assert len(scan) == 2


def test_udp_is_read_as_tcp_is_not(tmp_path: Path) -> None:
    """Each datagram before the answer is a try; which of them it is for cannot be told."""
    packets = [datagram(53), datagram(53, data=b"again"), datagram(50_000, 53, src=WEB, dst=ME), datagram(53)]
    (scan,) = scans_of(tmp_path, *packets)
    assert (scan.row(0).tries, scan.row(0).rtt_ms, str(scan.row(0).state)) == (2, None, "open")
    assert isinstance(packets[0][UDP].dport, int)
    assert TCP not in packets[0]


# --- damaged frames and other people's datagrams -------------------------------------------------------------

ROUND = [packet for port in range(1, 6) for packet in (tcp("S", to=port), back("RA", to=port, seq=0))]
NO_WORD = {
    "a SYN": ([*ROUND, spoilt(tcp("S", to=80))], None),
    "a SYN-ACK": ([*ROUND, tcp("S"), spoilt(back("SA"))], "filtered"),
    "a router's error": ([*ROUND, tcp("S"), spoilt(error(tcp("S"), code=13, source=OTHER))], "filtered"),
    "a RST of the scanner's own": ([*ROUND, tcp("S"), spoilt(tcp("R", seq=1001))], "filtered"),
    "a SYN-ACK where only answers were captured": (
        [*(back("SA", to=port) for port in range(1, 6)), spoilt(back("SA"))],
        None,
    ),
    "an error about a SYN that was not captured": (
        [*ROUND, spoilt(error(tcp("S"), code=13, source=OTHER))],
        None,
    ),
}


@pytest.mark.parametrize(("packets", "state"), NO_WORD.values(), ids=NO_WORD)
def test_a_damaged_frame_neither_asks_nor_answers(
    tmp_path: Path, packets: list[Packet], state: str | None
) -> None:
    scans = scans_of(tmp_path, *packets)
    told = {row.port: str(row.state) for scan in scans for row in scan}
    assert (len(scans), told.get(80)) == (1, state)
    assert scans.left_out == scans[0].left_out == (("with a wrong checksum", 1),)


def test_what_answers_one_port_is_not_in_the_ladder_of_another(tmp_path: Path) -> None:
    asked = [datagram(port) for port in (53, 123, 161)]
    answers = [datagram(50_000, port, src=WEB, dst=ME) for port in (53, 123)]
    (scan,) = scans_of(tmp_path, *asked, *answers)
    frames = {port: len(scan.exchange(WEB, port).frames) for port in (53, 123, 161)}
    assert frames == {53: 2, 123: 2, 161: 1}


def test_who_had_an_answer_and_asks_again_is_not_said_to_have_had_none(tmp_path: Path) -> None:
    pings = [
        IP(src=ends[0], dst=ends[1]) / ICMP(type=type_, id=1, seq=number) / b"1234"
        for number in range(3)
        for type_, ends in ((8, (ME, WEB)), (0, (WEB, ME)))
    ]
    (scan,) = scans_of(tmp_path, *pings, gap_s=0.01)
    told = str(scan.exchange(WEB))
    assert "No answer so far" not in told
    assert "timer runs out" not in told
    assert told.count("asks again, although it had an answer") == 2


def test_a_verdict_whose_reason_came_later_than_what_is_told_is_no_silence(tmp_path: Path) -> None:
    tries = [tcp("S", port=50_000 + number, seq=number) for number in range(400)]
    (scan,) = scans_of(tmp_path, *tries, back("SA", port=50_399, ack=400))
    assert str(scan[WEB, 80].state) == "open"
    story = describe(scan.exchange(WEB, 80))
    assert not any(row.decides or "to the end of the capture" in row.what for row in story.rows)


REMARKED = {
    "a RST as well": [tcp("S"), back("RA", seq=0), back("SA")],
    "from a new port": TFTP,
    "one direction": [tcp("S", to=port) for port in range(1, 6)],
    "the scanner's own RST": [tcp("S"), tcp("R", seq=1001)],
}


@pytest.mark.parametrize("packets", REMARKED.values(), ids=REMARKED)
def test_what_is_said_besides_a_verdict_comes_back_from_json(tmp_path: Path, packets: list[Packet]) -> None:
    scans = scans_of(tmp_path, *packets)
    said = [(row.port, row.sentence, row.caveat) for scan in scans for row in scan]
    scans.to_json(tmp_path / "x.json")
    read = pl.read_json(tmp_path / "x.json")
    assert [(row.port, row.sentence, row.caveat) for scan in read for row in scan] == said
    assert [line for line in repr(read).splitlines() if line.startswith("!")] == [
        line for line in repr(scans).splitlines() if line.startswith("!")
    ]


@pytest.mark.parametrize(
    ("remark", "complaint"),
    [("nonsense", "is not a remark"), (7, "is not a remark"), ("from-new-port", "cannot be said of")],
)
def test_remarks_that_cannot_be_are_refused(tmp_path: Path, remark: object, complaint: str) -> None:
    document = json.loads(scans_of(tmp_path, tcp("S"), back("SA")).to_json() or "")
    document["results"][0]["remark"] = remark
    (tmp_path / "x.json").write_text(json.dumps(document))
    with pytest.raises(MalformedPacket, match=complaint):
        pl.read_json(tmp_path / "x.json")


def test_a_plot_says_who_asked(tmp_path: Path) -> None:
    scans = scans_of(tmp_path, *ROUND)
    assert about(scans.to_frame()).scans == f"SYN scan of {WEB} by {ME}"

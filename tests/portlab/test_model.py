"""The words and their codes: arrays and files of before must mean the same tomorrow."""

from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest

from portlab.model import (
    ERRNO,
    FRAME,
    PROBE,
    RECEIVED,
    SENT,
    SNAP,
    WHOLE,
    Answer,
    Coded,
    Events,
    Exchange,
    Meaning,
    Ping,
    PortResult,
    Reason,
    State,
    frame_table,
    no_errnos,
    no_frames,
)

STATES = ["open", "closed", "filtered", "unfiltered", "open|filtered", "up", "no-answer", "down"]


@pytest.mark.parametrize("kind", [State, Reason, Answer])
def test_every_word_has_a_code_of_its_own_that_fits_a_byte(kind: type[Coded]) -> None:
    codes = [word.code for word in kind]
    assert len(set(codes)) == len(codes)
    assert all(0 < code < 256 for code in codes)
    assert all(kind.of(word.code) is word for word in kind)
    assert kind.words(np.array(codes, np.uint8)) == list(kind)
    assert all(str(word) == word == word.value for word in kind)


REASONS = [
    "no-response", "syn-ack", "reset", "conn-refused", "udp-response", "echo-reply", "timestamp-reply",
    "arp-response", "net-unreach", "host-unreach", "proto-unreach", "port-unreach", "net-prohibited",
    "host-prohibited", "admin-prohibited", "time-exceeded", "split-handshake-syn", "dest-unreach", "perm-denied",
]  # fmt: skip
ANSWERS = [
    "port-unreach-by-target", "port-unreach-by-other", "proto-unreach-by-target", "proto-unreach-by-other",
    "net-unreach", "host-unreach", "net-prohibited", "host-prohibited", "admin-prohibited", "time-exceeded",
    "dest-unreach", "no-neighbour", "perm-denied",
]  # fmt: skip


def test_the_codes_are_fixed() -> None:
    assert [str(State.of(code)) for code in range(1, 9)] == STATES
    assert [str(Reason.of(code)) for code in range(1, 20)] == REASONS
    assert [str(Answer.of(code)) for code in range(20, 33)] == ANSWERS
    assert (Reason.UNKNOWN.code, Answer.UNKNOWN.code, Answer.SILENCE.code) == (255, 254, 255)


def test_an_icmp_error_is_an_answer_by_icmp_and_nothing_else_is() -> None:
    assert [str(answer) for answer in Answer if answer.is_icmp_error] == ANSWERS[:11]


def test_a_packet_of_the_protocol_beats_an_error_and_an_error_beats_silence() -> None:
    own = {
        Answer.SYN_ACK, Answer.SYN, Answer.RST, Answer.UDP_RESPONSE, Answer.ECHO_REPLY, Answer.TIMESTAMP_REPLY,
        Answer.ARP_REPLY, Answer.CONNECTED, Answer.REFUSED,
    }  # fmt: skip
    rest = set(Answer) - own - {Answer.SILENCE}
    assert max(word.code for word in own) < min(word.code for word in rest)
    assert max(word.code for word in rest) < Answer.SILENCE.code
    assert Answer.SYN_ACK.code < Answer.RST.code
    assert Answer.CONNECTED.code < Answer.REFUSED.code


def test_no_frame_is_longer_than_the_tables_can_say() -> None:
    assert FRAME is frame_table(SNAP)
    assert frame_table(WHOLE)["data"].shape == (WHOLE,)
    assert np.iinfo(FRAME["captured"]).max >= WHOLE
    assert {RECEIVED, SENT} == {0, 1}


@pytest.mark.parametrize(
    ("name", "most"), [("port", 65_535), ("source_port", 65_535), ("token", 2**32 - 1), ("attempt", 255)]
)
def test_a_probe_holds_every_number_there_is(name: str, most: int) -> None:
    row = np.zeros(1, PROBE)
    row[name] = most
    assert row[name].tolist() == [most]
    row["row"], row["time_ns"] = -1, 2**62
    assert (row["row"][0], row["time_ns"][0]) == (-1, 2**62)


def test_nothing_is_an_empty_table() -> None:
    assert (len(no_frames()), no_frames().dtype) == (0, FRAME)
    assert (len(no_errnos()), no_errnos().dtype) == (0, ERRNO)


def result(**changes: object) -> PortResult:
    facts = {
        "host": "web", "address": "10.77.2.10", "port": 80, "protocol": "tcp", "technique": "syn",
        "state": State.OPEN, "reason": Reason.SYN_ACK, "rtt_ms": 1.0, "tries": 1, "answered_by": "10.77.2.10",
        "icmp_type": None, "icmp_code": None, "service": "http", "fidelity": "embedded",
        "sentence": "A SYN-ACK came back.", "source": "RFC 9293",
    }  # fmt: skip
    return PortResult(**(facts | changes))  # type: ignore[arg-type]


def test_a_result_reads_as_a_sentence() -> None:
    assert str(result()) == "web (10.77.2.10 80/tcp): open, syn-ack. A SYN-ACK came back."
    assert str(result(port=None)) == "web (10.77.2.10): open, syn-ack. A SYN-ACK came back."


VALUES = [
    result(),
    Meaning(State.OPEN, Reason.SYN_ACK, "It is open.", "RFC 9293"),
    Ping("icmp", Reason.ECHO_REPLY),
    Events(no_frames(), no_errnos()),
    Exchange(None, no_frames(), no_errnos(), np.empty(0, PROBE), None, 0),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_what_is_known_is_a_value_and_cannot_be_rewritten(value: PortResult) -> None:
    for field in fields(value):
        with pytest.raises(FrozenInstanceError):
            setattr(value, field.name, getattr(value, field.name))

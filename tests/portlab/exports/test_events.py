"""The events frame: every probe that left, every answer that came, and nothing else."""

from typing import Any

import pytest

from portlab.errors import BadTarget
from portlab.exports import read_json
from portlab.exports.events import COLUMNS
from tests.portlab.frames import TARGET
from tests.portlab.scanning.test_loop import scan
from tests.portlab.view import made
from tests.portlab.view.made import MS, US, Try
from tests.portlab.wires import RuleWire, answer_like_linux

TWICE = [
    Try(
        0,
        (
            (0, True, made.syn()),
            (84 * US, False, made.tcp_back("SA", 7)),
            (99 * US, False, made.tcp_back("SA", 7)),
        ),
    )
]
STRANGER = [Try(0, ((0, True, made.syn()), (84 * US, False, made.tcp_back("SA", 7, ack=5))))]

SENT = [
    ("syn open", made.SYN_OPEN, "syn", 80, [(0, 1)]),
    ("syn dropped", made.dropped(port=22), "syn", 22, [(0, 1), (250, 2), (750, 3)]),
    (
        "connect, its kernel tried again",
        made.CONNECT_TIMEOUT,
        "connect",
        22,
        [(0.011, 1), (1000, 2), (3000, 3)],
    ),
    ("connect open: only the SYN asks", made.CONNECT_OPEN, "connect", 80, [(0.011, 1)]),
    ("ping", made.PING, "ping", None, [(0, 1)]),
]
RECEIVED = [
    ("syn open", made.SYN_OPEN, "syn", 80, [(0.084, 1, "syn-ack", made.WEB, "open")]),
    ("syn rejected", made.SYN_REJECTED, "syn", 8080, [(0.062, 1, "admin-prohibited", made.GATEWAY, "filtered")]),
    ("the second try answered", made.LATE, "syn", 80, [(290, 2, "syn-ack", made.WEB, "open")]),
    ("nobody answered", made.dropped(port=22), "syn", 22, []),
    ("both of a duplicate", TWICE, "syn", 80, [(at, 1, "syn-ack", made.WEB, "open") for at in (0.084, 0.099)]),
    ("a stranger's answer", STRANGER, "syn", 80, []),
    ("connect: when its packet came", made.CONNECT_OPEN, "connect", 80, [(0.091, 1, "connected", made.WEB, "open")]),
    ("udp closed", made.UDP_CLOSED, "udp", 69, [(0.075, 1, "port-unreach-by-target", made.WEB, "closed")]),
    ("ping", made.PING, "ping", None, [(0.058, 1, "echo-reply", made.WEB, "up")]),
]  # fmt: skip


def events(tries: list[Try], technique: str, port: int | None, direction: str) -> Any:
    frame = made.scan(technique, tries, port).to_events_frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame["time_ms"].is_monotonic_increasing
    return frame[frame["direction"] == direction]


@pytest.mark.parametrize(
    ("tries", "technique", "port", "expected"), [c[1:] for c in SENT], ids=[c[0] for c in SENT]
)
def test_every_probe_that_left_is_a_row(tries: Any, technique: str, port: int | None, expected: Any) -> None:
    first = expected[0][0]
    rows = events(tries, technique, port, "sent")
    assert [(time, attempt) for time, attempt in zip(rows["time_ms"], rows["attempt"], strict=True)] == [
        (pytest.approx(time - first), attempt) for time, attempt in expected
    ]
    assert rows["answer"].isna().all()


@pytest.mark.parametrize(
    ("tries", "technique", "port", "expected"), [c[1:] for c in RECEIVED], ids=[c[0] for c in RECEIVED]
)
def test_every_answer_that_came_is_a_row(tries: Any, technique: str, port: int | None, expected: Any) -> None:
    first = 0.011 if technique == "connect" else 0
    rows = events(tries, technique, port, "received")
    columns = ["time_ms", "attempt", "answer", "answered_by", "state"]
    assert [tuple(row) for row in rows[columns].itertuples(index=False)] == [
        (pytest.approx(time - first), *rest) for time, *rest in expected
    ]


def test_whose_clock_it_is_is_told() -> None:
    captured = made.scan("syn", made.SYN_OPEN).to_events_frame()
    assert list(captured["clock"]) == ["capture", "capture"]
    batch = made.scan("syn", [Try(5 * MS, ((6 * MS, False, made.tcp_back("SA", 7)),))]).to_events_frame()
    assert list(batch["clock"]) == ["program", "capture"]
    assert list(batch["time_ms"]) == [0, pytest.approx(1)]


def test_a_scan_without_packets_says_what_to_do(tmp_path: Any) -> None:
    made.scan("syn", made.SYN_OPEN).to_json(tmp_path / "scan.json")
    with pytest.raises(BadTarget, match="no packets"):
        read_json(tmp_path / "scan.json")[0].to_events_frame()


def test_what_had_not_answered_when_the_scan_ended_was_sent_all_the_same() -> None:
    wire = RuleWire(answer_like_linux({80}, {22}))
    found = scan(wire, ports=(22, 80, *range(1000, 1100)), rate=100, deadline=0.5)
    assert (TARGET, 22) in found.unanswered or (TARGET, 22) in found.never_asked
    frame = found.to_events_frame()
    sent = frame[frame["direction"] == "sent"]
    assert len(sent) == len(wire.sent)
    assert set(sent["port"]) == {packet.dport for _, packet in wire.sent}
    assert set(sent["address"]) == set(sent["host"]) == {TARGET}

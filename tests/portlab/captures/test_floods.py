"""Captures of very many askers: one summary, in time that grows as the frames do."""

from __future__ import annotations

import time

import numpy as np
import pytest

from portlab.addresses import number
from portlab.captures.as_scans import scans_in
from portlab.model import FRAME, Frames
from portlab.packets import craft
from portlab.packets.headers import ACK, ETHERNET_SIZE, RST, SYN

VICTIM, SCANNER = "10.10.10.10", "10.77.1.100"


def table(packets: np.ndarray) -> Frames:
    """Packets as captured frames, a microsecond between them."""
    frames = np.zeros(len(packets), FRAME)
    size = packets.shape[1]
    frames["data"][:, ETHERNET_SIZE : ETHERNET_SIZE + size] = packets
    frames["data"][:, 12] = 8
    frames["length"] = frames["captured"] = ETHERNET_SIZE + size
    frames["time_ns"] = 1_700_000_000 * 10**9 + np.arange(len(packets)) * 1000
    return frames


def segments(source, target, source_port, port, flags, sequence=0, acknowledged=0):  # type: ignore[no-untyped-def]
    count = max(np.size(each) for each in (source, target, source_port, port, sequence))
    column = [
        np.broadcast_to(np.asarray(each, np.uint32), count) for each in (source, target, source_port, port)
    ]
    return craft.tcp(
        *column,
        sequence_number=np.broadcast_to(np.asarray(sequence, np.uint32), count),
        acknowledgment_number=np.broadcast_to(np.asarray(acknowledged, np.uint32), count),
        control_bits=flags,
        identification=np.zeros(count, np.uint32),
    )


def flood(count: int, *, source_port: int | None = None) -> np.ndarray:
    random = np.random.default_rng(1)
    ports = random.integers(1024, 65_536, count) if source_port is None else source_port
    sequence = random.integers(0, 1 << 32, count, np.uint32)
    return segments(number("11.0.0.0") + np.arange(count), number(VICTIM), ports, 25_565, SYN, sequence)


@pytest.mark.parametrize("source_port", [None, 4444])
def test_flood_is_one_summary(source_port: int | None) -> None:
    (scan,) = scans_in(table(flood(5000, source_port=source_port)))
    assert (scan.technique, scan.traffic, len(scan), len(scan.probes)) == ("syn", "flood", 1, 5000)
    assert scan.row(0).scanner is None
    text = repr(scan)
    assert text.startswith(f"SYN scan or flood of {VICTIM} by 5,000 addresses")
    assert "! MANY ASKERS" in text


def test_whoever_asked_several_things_keeps_a_table_in_a_flood() -> None:
    probes = segments(number(SCANNER), number(VICTIM), 50_000, np.arange(20, 30), SYN, 9)
    answers = segments(number(VICTIM), number(SCANNER), np.arange(20, 30), 50_000, RST | ACK, 0, 10)
    scans = scans_in(table(np.concatenate([flood(3000), probes, answers])))
    assert {scan.traffic: set(scan.to_frame()["state"]) for scan in scans} == {
        "flood": {"filtered"},
        "scan": {"closed"},
    }


def test_answers_to_a_flood_are_found_among_all_that_share_a_port() -> None:
    syns = flood(3000, source_port=4444)
    last = int.from_bytes(syns[-1, 24:28].tobytes(), "big")
    answer = segments(number(VICTIM), number("11.0.0.0") + 2999, 25_565, 4444, SYN | ACK, 7, last + 1)
    (scan,) = scans_in(table(np.concatenate([syns, answer])))
    assert str(scan.row(0).state) == "open"


def test_clients_of_a_busy_server_are_one_table() -> None:
    clients = number("11.0.0.0") + np.arange(500)
    parts = [
        segments(clients, number(VICTIM), 40_000, 80, SYN, 5),
        segments(number(VICTIM), clients, 80, 40_000, SYN | ACK, 7, 6),
        segments(clients, number(VICTIM), 40_000, 80, ACK, 6, 8),
    ]
    scans = scans_in(table(np.concatenate(parts)))
    assert [(scan.technique, scan.traffic, len(scan)) for scan in scans] == [("connect", "ordinary", 1)]
    assert "500 connections" in repr(scans)


def test_time_grows_as_the_frames_do() -> None:
    """Sixteen times the frames may not take much more than sixteen times as long (with the square: 256 times)."""
    took = []
    for count in (4_000, 64_000):
        frames = table(flood(count))
        begins = time.process_time()
        scans_in(frames)
        took.append(time.process_time() - begins)
    assert took[1] < 60 * max(took[0], 0.005)


def test_ladder_of_a_flood_is_its_beginning() -> None:
    (scan,) = scans_in(table(flood(2000)))
    told = str(scan.exchange(VICTIM, 25_565))
    assert "the first 300 of 2,000 frames" in told
    assert len(told.splitlines()) < 1000

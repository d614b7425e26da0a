"""What both sides of a connection said, put together from its segments: each byte once, in order, gaps named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether

from portlab.addresses import number
from portlab.model import RECEIVED, SENT, Frames, frame_table
from portlab.packets.streams import first_bytes, segments, streams

CLIENT, SERVER = "10.77.1.100", "10.77.3.10"
ISN = 1_000


def segment(mine: bool, seq: int, data: bytes = b"", flags: str = "PA", port: int = 40_000) -> Any:
    """A segment of the client (`mine`) or the server, by its place in what that side says."""
    ends = (CLIENT, SERVER, port, 23) if mine else (SERVER, CLIENT, 23, port)
    seq = (ISN + seq) % 2**32
    return IP(src=ends[0], dst=ends[1]) / TCP(sport=ends[2], dport=ends[3], seq=seq, flags=flags) / data


SYN, SYN_ACK = segment(True, 0, flags="S"), segment(False, 0, flags="SA")


def table(*packets: Any, kept: int = 2000) -> Frames:
    frames = np.zeros(len(packets), frame_table(kept))
    for row, (place, packet) in zip(frames, enumerate(packets), strict=True):
        raw = bytes(Ether(src="02:00:0a:4d:01:64", dst="02:00:0a:4d:01:01") / packet)
        row["time_ns"], row["length"], row["captured"] = place + 1, len(raw), min(len(raw), kept)
        row["direction"] = SENT if packet[IP].src == CLIENT else RECEIVED
        row["data"][: len(raw[:kept])] = np.frombuffer(raw[:kept], np.uint8)
    return frames


def said(*packets: Any, kept: int = 2000) -> list[tuple[str, int, bytes | int]]:
    """(side, when, bytes or how many are missing) of everything said on the one connection there is."""
    (stream,) = streams(table(*packets, kept=kept))
    return [("client" if s.by_client else "server", s.time_ns, s.data or s.missing) for s in stream.said]


ONE, TWO, THREE = segment(True, 1, b"one"), segment(True, 4, b"two"), segment(True, 7, b"three")

CASES: dict[str, tuple[tuple[Any, ...], list[tuple[str, int, bytes | int]]]] = {
    "in order": ((SYN, SYN_ACK, ONE, TWO), [("client", 3, b"one"), ("client", 4, b"two")]),
    "both sides": (
        (SYN, SYN_ACK, segment(False, 1, b"login: "), ONE),
        [("server", 3, b"login: "), ("client", 4, b"one")],
    ),
    "said twice": ((SYN, ONE, ONE, TWO), [("client", 2, b"one"), ("client", 4, b"two")]),
    "said twice with more": (
        (SYN, ONE, segment(True, 1, b"onetwo")),
        [("client", 2, b"one"), ("client", 3, b"two")],
    ),
    "overtaken": (
        (SYN, TWO, THREE, ONE),
        [("client", 4, b"one"), ("client", 4, b"two"), ("client", 4, b"three")],
    ),
    "a gap": ((SYN, ONE, THREE), [("client", 2, b"one"), ("client", 3, 3), ("client", 3, b"three")]),
    "a gap before the end": (
        (SYN, ONE, segment(True, 7, flags="FA")),
        [("client", 2, b"one"), ("client", 3, 3)],
    ),
    "a keepalive says an old byte again": ((SYN, ONE, segment(True, 3, b"\0")), [("client", 2, b"one")]),
    "without its beginning": ((TWO, THREE), [("client", 1, b"two"), ("client", 2, b"three")]),
    "without its beginning, overtaken": ((TWO, ONE), [("client", 2, b"one"), ("client", 2, b"two")]),
}


@pytest.mark.parametrize("name", CASES)
def test_what_was_said(name: str) -> None:
    packets, expected = CASES[name]
    assert said(*packets) == expected


def test_frames_that_were_cut_leave_gaps() -> None:
    long = segment(True, 1, bytes(range(32, 127)) * 2)
    assert said(SYN, long, kept=128) == [("client", 2, bytes(range(32, 32 + 74))), ("client", 2, 190 - 74)]


@pytest.mark.parametrize("isn", [2**32 - 3, 2**31 - 3, 0])
def test_sequence_numbers_go_on_from_zero(monkeypatch: pytest.MonkeyPatch, isn: int) -> None:
    monkeypatch.setitem(globals(), "ISN", isn)
    packets = [segment(True, 0, flags="S"), segment(True, 4, b"two"), segment(True, 1, b"one")]
    assert said(*packets) == [("client", 3, b"one"), ("client", 3, b"two")]


def test_the_same_ports_again_are_another_connection() -> None:
    again = [segment(True, 50_000, flags="S"), segment(True, 50_001, b"again")]
    first, second = streams(table(SYN, ONE, segment(True, 4, flags="R"), *again))
    assert (first.bytes_of(client=True), first.ended) == (b"one", "RST")
    assert (second.bytes_of(client=True), second.ended) == (b"again", "")


def test_a_syn_sent_again_is_the_same_connection() -> None:
    assert len(streams(table(SYN, SYN, SYN_ACK, ONE))) == 1


def test_who_is_the_client() -> None:
    (stream,) = streams(table(SYN_ACK, segment(False, 1, b"hello")))
    assert stream.began
    assert stream.client == (number(CLIENT), 40_000)
    (stream,) = streams(table(segment(False, 1, b"hello")))
    assert not stream.began
    assert stream.server == (number(SERVER), 23)


def test_retransmitted_bytes_are_counted() -> None:
    assert streams(table(SYN, ONE, ONE, segment(True, 1, b"onetwo")))[0].repeated == 6


def test_connections_on_which_nothing_was_said_are_left_out() -> None:
    assert streams(table(SYN, SYN_ACK, segment(True, 1, flags="R"))) == []


def test_only_tcp_with_right_checksums_counts() -> None:
    wrong = segment(False, 1, b"wrong")
    wrong[TCP].chksum = 1
    datagram = IP(src=CLIENT, dst=SERVER) / UDP(dport=53) / b"query"
    assert streams(table(wrong, datagram)) == []


def test_header_options_are_no_data() -> None:
    options = IP(src=CLIENT, dst=SERVER, options=[b"\x07\x07\x04\0\0\0\0\0"]) / TCP(
        dport=23, flags="PA", options=[("Timestamp", (1, 2))]
    )
    (found,) = segments(table(options / b"data"))
    assert (found.data, found.length) == (b"data", 4)


def test_first_bytes_are_those_a_scan_keeps() -> None:
    whole = table(segment(True, 1, b"x" * 300))
    cut = first_bytes(whole)
    assert cut["data"].shape == (1, 128)
    assert (cut["data"] == whole["data"][:, :128]).all()
    assert (int(cut["captured"][0]), int(cut["length"][0])) == (128, 354)

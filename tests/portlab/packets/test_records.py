"""Capture files of every form are read; damage and size end with a sentence, never with a crash or without end."""

from __future__ import annotations

import gzip
import io
import os
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether

from portlab.errors import MalformedPacket
from portlab.model import BATCH_CLOCK, RECEIVED, SENT
from portlab.packets import gather, pcap, records
from portlab.packets.dissect import Dissected
from portlab.packets.streams import first_bytes
from tests.portlab.packets.made import block, classic, interface, packet, section, write_classic

SYN = bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(dport=80))
SECOND, TIME_NS = 1_700_000_000, 1_700_000_000_123_456_000


def read(data: bytes, **how: bool) -> pcap.CaptureFile:
    return pcap.read(io.BytesIO(data), **how)


# --- classic pcap -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("magic", "fraction", "extra", "time_ns"),
    [
        (0xA1B2C3D4, 123_456, b"", TIME_NS),
        (0xA1B23C4D, 123_456_789, b"", TIME_NS + 789),
        (0xA1B2CD34, 123_456, bytes(8), TIME_NS),
    ],
    ids=["microseconds", "nanoseconds", "Kuznetzov's"],
)
def test_classic_pcap(order: str, magic: int, fraction: int, extra: bytes, time_ns: int) -> None:
    header = struct.pack(f"{order}IHHIIII", magic, 2, 4, 0, 0, 65_535, 1)
    record = struct.pack(f"{order}IIII", SECOND, fraction, len(SYN), len(SYN)) + extra + SYN
    capture = read(header + record * 3)
    assert capture.frames["time_ns"].tolist() == [time_ns] * 3
    assert Dissected(capture.frames).destination_port.tolist() == [80] * 3
    assert capture.damage == ""


@pytest.mark.parametrize("size", [2, 4])
def test_a_link_type_may_say_that_a_checksum_follows_each_frame(size: int) -> None:
    capture = read(classic(1 | 0x0400_0000 | (size // 2) << 28, SYN + bytes(size)))
    assert Dissected(capture.frames).is_tcp.tolist() == [True]
    assert capture.frames[["length", "captured"]].tolist() == [(len(SYN), len(SYN))]


@pytest.mark.parametrize("size", [65_536, 65_549, 200_000, 1 << 20])
def test_frames_larger_than_any_ethernet_frame(size: int) -> None:
    """The loopback's MTU is 65,536, and segments of BIG TCP are larger: then the IP header says 0."""
    total = size - 14 if size - 14 <= 65_535 else 0
    sums = {} if total else {"chksum": 1}  # the card that cuts it into segments fills them in
    large = bytes(Ether() / IP(len=total) / TCP(dport=80, **sums) / (b"x" * (size - 54)))
    for whole in (False, True):
        capture = read(classic(1, SYN, large, SYN), whole=whole)
        assert capture.damage == ""
        assert Dissected(first_bytes(capture.frames)).is_tcp.tolist() == [True] * 3
        assert capture.frames["length"].tolist() == [len(SYN), size, len(SYN)]


def test_a_wire_length_that_is_too_short_is_not_believed() -> None:
    record = struct.pack("<IIII", 1, 2, len(SYN), 0) + SYN
    assert Dissected(read(classic(1) + record).frames).is_tcp.tolist() == [True]


# --- pcapng -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["<", ">"])
def test_directions_comments_and_times(order: str) -> None:
    said = pcap.BATCH_COMMENT
    comment = struct.pack(f"{order}HH", 1, len(said)) + said + bytes(-len(said) % 4)
    flags = [struct.pack(f"{order}HHI", 2, 4, number) for number in (1, 2)]
    capture = read(
        section(order)
        + interface(order, 1, resolution=9)
        + packet(order, SYN, TIME_NS, options=comment + flags[1])
        + packet(order, SYN, TIME_NS + 1, options=struct.pack(f"{order}HH", 1, 3) + b"abc\0" + flags[0])
        + packet(order, SYN, TIME_NS + 2)
    )
    assert capture.frames["direction"].tolist() == [SENT, RECEIVED, RECEIVED]
    assert capture.frames["marks"].tolist() == [BATCH_CLOCK, 0, 0]
    assert capture.frames["time_ns"].tolist() == [TIME_NS, TIME_NS + 1, TIME_NS + 2]
    assert capture.directed


@pytest.mark.parametrize(
    ("resolution", "ticks", "time_ns"),
    [
        (None, 1_700_000_000_123_456, TIME_NS),
        (0, 5, 5_000_000_000),
        (3, 5_001, 5_001_000_000),
        (9, TIME_NS, TIME_NS),
        (12, 5_000_000_001_000, 5_000_000_001),
        (0x80 | 10, 5 * 1024 + 512, 5_500_000_000),
        (0x80 | 40, 5 << 40 | 1 << 39, 5_500_000_000),
    ],
)
def test_every_resolution_of_time(resolution: int | None, ticks: int, time_ns: int) -> None:
    described = interface("<", 1, resolution=resolution)
    assert read(section("<") + described + packet("<", SYN, ticks)).frames["time_ns"].tolist() == [time_ns]
    described = interface("<", 1, resolution=resolution, offset=-3)
    found = read(section("<") + described + packet("<", SYN, ticks)).frames["time_ns"].tolist()
    assert found == [time_ns - 3_000_000_000]


def test_sections_have_byte_orders_and_interfaces_of_their_own() -> None:
    capture = read(
        section("<") + interface("<", 1) + packet("<", SYN, 1)
        + section(">") + interface(">", 101) + packet(">", SYN[14:], 2)
        + section("<") + interface("<", 0) + packet("<", b"\2\0\0\0" + SYN[14:], 3)
    )  # fmt: skip
    assert Dissected(capture.frames).destination_port.tolist() == [80] * 3


@pytest.mark.parametrize("order", ["<", ">"])
def test_older_and_simpler_blocks(order: str) -> None:
    old = struct.pack(f"{order}HHIIII", 1, 0, 0, 7, len(SYN), len(SYN)) + SYN + b"\0\0"
    simple = struct.pack(f"{order}I", len(SYN)) + SYN + b"\0\0"
    unknown = block(order, 0xBAD, bytes(8))
    links = interface(order, 1) + interface(order, 1)
    capture = read(section(order) + links + unknown + block(order, 2, old) + block(order, 3, simple))
    assert Dissected(capture.frames).destination_port.tolist() == [80, 80]
    assert sorted(capture.frames["time_ns"].tolist()) == [0, 7_000]


def test_foreign_interfaces_are_left_out_counted_and_named() -> None:
    links = interface("<", 220) + interface("<", 1) + interface("<", 12_345)
    numbers = (0, 1, 0, 2, 1)
    capture = read(section("<") + links + b"".join(packet("<", SYN, 1, interface=n) for n in numbers))
    assert len(capture.frames) == 2
    assert capture.foreign == {"USB (link type 220)": 2, "link type 12345": 1}
    with pytest.raises(
        MalformedPacket, match=r"captured on USB \(link type 220\), which PortLab does not read"
    ):
        read(section("<") + links + packet("<", SYN, 1, interface=0))


LATE = struct.pack("<I", 2**31)
WRONG_BLOCKS = {
    "an interface that is not there": packet("<", SYN, 1, interface=7),
    "more bytes than its block": block("<", 6, struct.pack("<IIIII", 0, 0, 0, 9_999, 9_999) + SYN + b"\0\0"),
    "a time after 2262": block("<", 6, struct.pack("<IIIII", 0, 2**31, 0, 54, 54) + SYN + b"\0\0"),
    "a block without length": struct.pack("<II", 6, 0) + bytes(40),
    "a block that ends otherwise": block("<", 6, bytes(40))[:-4] + bytes(4),
    "a gigantic block": struct.pack("<II", 6, 2**31) + bytes(100),
    "half an interface": block("<", 1, bytes(4)),
    "a section of no byte order": section("<")[:8] + bytes(20),
}


@pytest.mark.parametrize("wrong", WRONG_BLOCKS.values(), ids=WRONG_BLOCKS)
def test_what_came_before_a_wrong_block_is_kept(wrong: bytes) -> None:
    good = section("<") + interface("<", 1) + packet("<", SYN, 1) * 2
    capture = read(good + wrong + packet("<", SYN, 1))
    assert len(capture.frames) == 2
    assert "is damaged after 2 frames" in capture.damage


# --- limits -------------------------------------------------------------------------------------------------


def test_more_frames_than_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "MOST_FRAMES", 5)
    capture = read(classic(1, *[SYN] * 9))
    assert len(capture.frames) == 5
    assert "holds more than PortLab reads of one file: these are its first 5 frames" in capture.damage
    assert "tcpdump -r" in capture.damage
    assert read(classic(1, *[SYN] * 5)).damage == ""


@pytest.mark.parametrize("large_first", [False, True])
def test_more_bytes_than_are_kept(monkeypatch: pytest.MonkeyPatch, large_first: bool) -> None:
    """One huge frame does not push the others out: less is kept of it."""
    monkeypatch.setattr(gather, "LARGEST_TABLE", 100_000)
    monkeypatch.setattr(records, "PIECE", 10_000)
    frames = [bytes(Ether() / IP() / UDP() / bytes(1_000))] * 100
    huge = [bytes(Ether() / IP() / UDP() / bytes(60_000))]
    capture = read(classic(1, *(huge + frames if large_first else frames + huge)), whole=True)
    assert (len(capture.frames), capture.damage) == (101, "")
    assert Dissected(first_bytes(capture.frames)).is_udp.all()
    assert capture.frames.nbytes <= 100_000
    assert sorted(capture.frames["length"].tolist())[-2:] == [1_042, 60_042]
    assert (capture.frames["captured"] == capture.frames["data"].shape[1]).all()


@pytest.mark.parametrize("fill", [SYN, b""], ids=["frames", "empty frames"])
def test_a_bomb_of_gzip_is_read_no_further_than_the_limit(
    monkeypatch: pytest.MonkeyPatch, fill: bytes
) -> None:
    monkeypatch.setattr(pcap, "MOST_BYTES", 3 * records.PIECE)
    monkeypatch.setattr(gather, "MOST_FRAMES", 100_000)
    record = struct.pack("<IIII", 1, 2, len(fill), len(fill)) + fill
    bomb = gzip.compress(classic(1) + record * (8 * records.PIECE // len(record)), 1)
    capture = read(bomb)
    assert 0 < len(capture.frames) <= 100_000
    assert "holds more than PortLab reads" in capture.damage


def test_a_frame_that_cannot_be_so_large_is_damage_and_not_waited_for() -> None:
    class Endless(io.RawIOBase):
        def __init__(self) -> None:
            self.start = io.BytesIO(classic(1, SYN) + struct.pack("<IIII", 1, 2, 2**31, 2**31))

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            data = self.start.read(len(buffer)) or bytes(len(buffer))
            buffer[: len(data)] = data
            return len(data)

    capture = pcap.read(io.BufferedReader(Endless()))
    assert "damaged after 1 frames (a frame of 2,147,483,648 bytes cannot be)" in capture.damage


def test_frames_lie_across_the_pieces_in_which_a_file_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [SYN + bytes([n]) * (n % 97) for n in range(200)]
    whole = read(classic(1, *frames), whole=True).frames
    for piece in (1, 7, 100, 1_000):
        monkeypatch.setattr(records, "PIECE", piece)
        assert np.array_equal(read(classic(1, *frames), whole=True).frames, whole)


# --- where it comes from ------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_read_once_from_beginning_to_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    data = gzip.compress(classic(1, *[SYN] * 1_000))
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data,))
    writer.start()
    capture = pcap.read(tmp_path / "pipe")
    writer.join()
    assert len(capture.frames) == 1_000


def test_an_open_file_stays_open(tmp_path: Path) -> None:
    write_classic(tmp_path / "x.pcap", 1, SYN)
    with (tmp_path / "x.pcap").open("rb") as file:
        assert len(pcap.read(file).frames) == 1
        assert not file.closed
    inside = io.BytesIO(classic(1, SYN))
    assert len(pcap.read(inside).frames) == 1
    assert not inside.closed


# --- damage of any kind -------------------------------------------------------------------------------------

NG = section("<") + interface("<", 1, resolution=9) + packet("<", SYN, 1) * 3
FILES = {"classic": classic(1, SYN, SYN[:20], SYN), "cooked": classic(113, SYN, SYN), "pcapng": NG}


@settings(deadline=None)
@given(
    st.sampled_from(sorted(FILES)),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
    st.integers(0, 400),
)
def test_any_damage_gives_frames_or_one_sentence(kind: str, changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(FILES[kind])
    for place, value in changes:
        data[place % len(data)] = value
    for whole in (False, True):
        try:
            capture = read(bytes(data[: len(data) - cut]), whole=whole)
        except MalformedPacket:
            continue
        assert (capture.frames["captured"] <= capture.frames["data"].shape[1]).all()
        assert (np.diff(capture.frames["time_ns"]) >= 0).all()

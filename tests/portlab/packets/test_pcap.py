import gzip
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import CookedLinux, Dot1Q, Ether, Loopback
from scapy.packet import Packet
from scapy.utils import PcapNgReader, PcapReader

from portlab.errors import BadTarget, MalformedPacket
from portlab.model import BATCH_CLOCK, FRAME, RECEIVED, SENT, SNAP, Frames
from portlab.packets import pcap
from portlab.packets.dissect import Dissected

START = 1_700_000_000_123_456_789
SYN = (
    Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    / IP(src="10.0.0.1", dst="10.0.0.2")
    / TCP(dport=80)
)
LONG = SYN / (b"x" * 400)


def table(*packets: Packet, marks: int = 0) -> Frames:
    frames = np.zeros(len(packets), FRAME)
    for index, packet in enumerate(packets):
        data = bytes(packet)
        kept = data[:SNAP]
        frames[index]["data"][: len(kept)] = np.frombuffer(kept, np.uint8)
        frames[index]["captured"], frames[index]["length"] = len(kept), len(data)
        frames[index]["time_ns"] = START + index * 1_001
        frames[index]["direction"] = SENT if index % 2 == 0 else RECEIVED
        frames[index]["marks"] = marks
    return frames


@pytest.mark.parametrize("name", ["scan.pcapng", "scan.cap", "scan"])
def test_pcapng_comes_back_exactly(tmp_path: Path, name: str) -> None:
    frames = table(SYN, LONG, SYN, marks=BATCH_CLOCK)
    pcap.write(tmp_path / name, frames)
    capture = pcap.read(tmp_path / name)
    assert np.array_equal(capture.frames, frames)
    assert capture.directed
    assert capture.damage == ""


def test_classic_pcap_comes_back_without_directions(tmp_path: Path) -> None:
    frames = table(SYN, LONG)
    pcap.write(tmp_path / "scan.pcap", frames)
    capture = pcap.read(tmp_path / "scan.pcap")
    frames["direction"] = RECEIVED
    assert np.array_equal(capture.frames, frames)
    assert not capture.directed


@pytest.mark.parametrize("name", ["scan.pcapng", "scan.pcap"])
def test_no_frames_at_all(tmp_path: Path, name: str) -> None:
    pcap.write(tmp_path / name, np.empty(0, FRAME))
    assert len(pcap.read(tmp_path / name).frames) == 0


def test_scapy_reads_the_same(tmp_path: Path) -> None:
    pcap.write(tmp_path / "scan.pcapng", table(SYN, LONG, marks=BATCH_CLOCK))
    with PcapNgReader(str(tmp_path / "scan.pcapng")) as reader:
        first, second = list(reader)
    assert bytes(first) == bytes(SYN)
    assert [int(packet.time * 10**9) for packet in (first, second)] == [START, START + 1_001]
    assert [packet.direction for packet in (first, second)] == [pcap.OUTBOUND, pcap.INBOUND]
    assert first.comments == [pcap.BATCH_COMMENT]
    assert second.wirelen == len(bytes(LONG))
    assert len(second) == SNAP
    pcap.write(tmp_path / "scan.pcap", table(SYN, LONG))
    with PcapReader(str(tmp_path / "scan.pcap")) as reader:
        assert [int(packet.time * 10**9) for packet in reader] == [START, START + 1_001]


@pytest.mark.program("tcpdump")
@pytest.mark.parametrize("name", ["scan.pcapng", "scan.pcap"])
def test_tcpdump_reads_the_same(tmp_path: Path, name: str) -> None:
    pcap.write(tmp_path / name, table(SYN, LONG))
    command = ["tcpdump", "-r", str(tmp_path / name), "-tt", "-n", "--nano"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first.startswith("1700000000.123456789 IP 10.0.0.1.20 > 10.0.0.2.80: Flags [S]")
    assert second.startswith("1700000000.123457790 IP 10.0.0.1.20 > 10.0.0.2.80: Flags [S]")
    assert "length 400" in second


@pytest.mark.program("tcpdump")
@pytest.mark.parametrize("options", [[], ["--micro"]])
def test_what_tcpdump_wrote_is_read(tmp_path: Path, options: list[str]) -> None:
    pcap.write(tmp_path / "ours.pcapng", table(SYN, SYN))
    command = ["tcpdump", "-r", str(tmp_path / "ours.pcapng"), "-w", str(tmp_path / "theirs.pcap"), *options]
    subprocess.run(command, capture_output=True, check=True)
    theirs = pcap.read(tmp_path / "theirs.pcap").frames
    assert np.array_equal(theirs["data"], table(SYN, SYN)["data"])
    assert abs(int(theirs["time_ns"][0]) - START) < 1_000


IPV4 = SYN[IP]
LINKS = [
    ("Ethernet", 1, bytes(SYN), None),
    ("Ethernet with a VLAN tag", 1, bytes(Ether() / Dot1Q(vlan=7) / IPV4), None),
    ("Ethernet with two", 1, bytes(Ether() / Dot1Q(type=0x8100) / Dot1Q() / IPV4), None),
    ("raw IP", 101, bytes(IPV4), None),
    ("raw IP of BSD", 12, bytes(IPV4), None),
    ("IPv4", 228, bytes(IPV4), None),
    ("null, little endian", 0, b"\x02\0\0\0" + bytes(IPV4), None),
    ("null, big endian", 0, b"\0\0\0\x02" + bytes(IPV4), None),
    ("loopback of OpenBSD", 108, bytes(Loopback(type=2) / IPV4)[:4] + bytes(IPV4), None),
    ("cooked, received", 113, bytes(CookedLinux(pkttype=0, lladdrlen=6) / IPV4), RECEIVED),
    ("cooked, sent", 113, bytes(CookedLinux(pkttype=4, lladdrlen=6) / IPV4), SENT),
    ("cooked v2, sent", 276, b"\x08\0\0\0\0\0\0\x02\0\x01\x04\x06" + bytes(8) + bytes(IPV4), SENT),
]


@pytest.mark.parametrize(
    ("link", "data", "direction"), [row[1:] for row in LINKS], ids=[row[0] for row in LINKS]
)
def test_every_link_becomes_ethernet(tmp_path: Path, link: int, data: bytes, direction: int | None) -> None:
    write_classic(tmp_path / "x.pcap", link, data)
    capture = pcap.read(tmp_path / "x.pcap")
    seen = Dissected(capture.frames)
    assert seen.is_tcp.all()
    assert seen.destination_port.tolist() == [80]
    assert capture.directed is (direction is not None)
    assert capture.frames["direction"][0] == (direction or RECEIVED)
    assert capture.frames["length"][0] == len(bytes(SYN))


def write_classic(path: Path, link: int, *data: bytes) -> None:
    header = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link)
    records = (struct.pack("<IIII", 1, 2, len(frame), len(frame)) + frame for frame in data)
    path.write_bytes(header + b"".join(records))


def test_foreign_link_is_named(tmp_path: Path) -> None:
    write_classic(tmp_path / "x.pcap", 127, bytes(SYN))
    with pytest.raises(MalformedPacket, match="link of type 127, which PortLab does not read"):
        pcap.read(tmp_path / "x.pcap")


def test_compressed_file(tmp_path: Path) -> None:
    pcap.write(tmp_path / "x.pcap", table(SYN))
    (tmp_path / "x.pcap.gz").write_bytes(gzip.compress((tmp_path / "x.pcap").read_bytes()))
    capture = pcap.read(tmp_path / "x.pcap.gz")
    assert len(capture.frames) == 1
    assert capture.damage == ""


NO_CAPTURES = {
    "empty": b"",
    "one byte": b"\x0a",
    "text": b"this is no capture\n" * 10,
    "elf": b"\x7fELF" + bytes(100),
    "magic only": b"\xd4\xc3\xb2\xa1",
    "pcapng magic only": b"\x0a\x0d\x0d\x0a",
    "pcapng, wrong byte order": b"\x0a\x0d\x0d\x0a" + bytes(60),
    "gzip of nothing": gzip.compress(b""),
    "cut gzip": gzip.compress(b"x" * 1000)[:12],
    "zip": b"PK\x03\x04" + bytes(30),
}


@pytest.mark.parametrize("content", NO_CAPTURES.values(), ids=NO_CAPTURES)
def test_what_is_no_capture_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(content)
    with pytest.raises(MalformedPacket, match="Accepted are pcap and pcapng files") as caught:
        pcap.read(path)
    assert repr(str(path)) in str(caught.value)


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadTarget, match="No such file"):
        pcap.read(tmp_path / "none.pcap")


@pytest.mark.parametrize("name", ["scan.pcapng", "scan.pcap"])
def test_cut_file_keeps_what_came_before(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    frames = table(SYN, SYN, SYN)
    pcap.write(path, frames)
    whole = path.read_bytes()
    pcap.write(path, frames[:2])
    counts = set()
    for cut in set(range(1, 120, 3)) - {len(whole) - len(path.read_bytes())}:
        path.write_bytes(whole[:-cut])
        capture = pcap.read(path)
        count = len(capture.frames)
        assert f"damaged after {count:,} frames" in capture.damage
        assert np.array_equal(capture.frames["data"], frames["data"][:count])
        counts.add(count)
    assert counts == {1, 2}


@given(
    st.binary(max_size=80),
    st.sampled_from([b"", b"\xd4\xc3\xb2\xa1", b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0"]),
)
def test_any_bytes_are_frames_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, rest: bytes, start: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.pcap"
    path.write_bytes(start + rest)
    try:
        capture = pcap.read(path)
    except MalformedPacket:
        return
    assert capture.frames.dtype == FRAME


def test_nothing_is_lost_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(BadTarget, match="cannot be written"):
        pcap.write(tmp_path / "none" / "x.pcap", table(SYN))


@given(st.lists(st.integers(0, 2**62), min_size=1, max_size=20))
def test_times_are_exact_to_the_nanosecond(
    tmp_path_factory: pytest.TempPathFactory, times: list[int]
) -> None:
    path = tmp_path_factory.getbasetemp() / "times.pcapng"
    frames = table(*[SYN / UDP()] * len(times))
    frames["time_ns"] = times
    pcap.write(path, frames)
    assert pcap.read(path).frames["time_ns"].tolist() == sorted(times)

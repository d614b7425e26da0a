"""A file handed to the wrong reader is told what it looks like, and who reads it."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

import portlab as pl
from portlab.errors import MalformedPacket
from portlab.exports.other_readers import CAPTURES, looks_like
from tests.portlab.exports.made import scanned

READERS: dict[str, Callable[[Path], object]] = {
    "read_pcap": pl.read_pcap,
    "read_capture": pl.read_capture,
    "read_json": pl.read_json,
    "read_nmap_xml": pl.read_nmap_xml,
}
WRITTEN = {
    # how it is written, and who reads it
    "a.pcap": ("to_pcap", "read_pcap"),
    "a.pcapng": ("to_pcap", "read_pcap"),
    "a.json": ("to_json", "read_json"),
    "a.xml": ("to_nmap_xml", "read_nmap_xml"),
    "a.csv": ("to_csv", ""),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", WRITTEN)
def test_every_file_in_every_reader(tmp_path: Path, name: str, reader: str) -> None:
    write, whose = WRITTEN[name]
    path = tmp_path / name
    getattr(scanned("syn"), write)(path)
    if reader == whose or (reader, whose) == ("read_capture", "read_pcap"):
        assert READERS[reader](path)
        return
    with pytest.raises(MalformedPacket, match="it looks like") as caught:
        READERS[reader](path)
    named = f"pl.{whose}" if whose else "pandas.read_csv"
    assert f"read it with {named}({str(path)!r})" in str(caught.value)
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "text", ["# Nmap 7.93 scan initiated\n", "Starting Nmap 7.93\n", "\ufeff\n  Nmap scan report for a"]
)
def test_nmaps_output_for_people(tmp_path: Path, text: str, reader: str) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(MalformedPacket, match="looks like nmap's output for people"):
        READERS[reader](tmp_path / "x")


@pytest.mark.parametrize("begins", CAPTURES)
def test_captures_of_any_byte_order(tmp_path: Path, begins: bytes) -> None:
    assert "read it with pl.read_pcap('x')" in looks_like("x", begins + bytes(20), "read_json")


def test_packed_files(tmp_path: Path) -> None:
    scanned("syn").to_json(tmp_path / "x.json")
    path = tmp_path / "x.json.gz"
    path.write_bytes(gzip.compress((tmp_path / "x.json").read_bytes()))
    for reader in ("read_json", "read_nmap_xml"):
        with pytest.raises(MalformedPacket, match="unpack it first with gunzip"):
            READERS[reader](path)
    scanned("syn").to_pcap(tmp_path / "x.pcap")
    path.write_bytes(gzip.compress((tmp_path / "x.pcap").read_bytes()))
    assert len(pl.read_pcap(path)) == 1, "packed captures are read as they are"


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("data", [b"", b"hello", bytes(100), b"\x7fELF", b"\xff\xfe{"])
def test_what_looks_like_nothing_is_said_as_before(tmp_path: Path, data: bytes, reader: str) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(MalformedPacket) as caught:
        READERS[reader](tmp_path / "x")
    assert "looks like" not in str(caught.value)

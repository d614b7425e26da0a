"""A file handed to the wrong reader: what it looks like, by how it begins, and who reads that."""

from __future__ import annotations

import stat
from pathlib import Path

from portlab import files
from portlab.errors import MalformedPacket

NOT_SUCH_A_FILE = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)
"""What parsing something else can raise."""

CAPTURES = (
    b"\xd4\xc3\xb2\xa1",  # pcap, by a little-endian machine
    b"\xa1\xb2\xc3\xd4",
    b"\x4d\x3c\xb2\xa1",  # pcap with nanoseconds
    b"\xa1\xb2\x3c\x4d",
    b"\x0a\x0d\x0d\x0a",  # pcapng, section header block
)
PACKED = (b"\x1f\x8b",)  # gzip
ZIP = b"PK\x03\x04"
CSV = (b"host,address,port",)
NMAPS_TEXT = (b"# nmap", b"starting nmap", b"nmap scan report", b"host: ")
KINDS = (
    # how it begins, what it looks like, who reads it
    (CSV, "a table in CSV", "pandas.read_csv"),
    (NMAPS_TEXT, "nmap's output for people (-oN, -oG); PortLab reads its XML, written by -oX FILE", ""),
    ((b"<?xml", b"<nmaprun", b"<!--", b"<!doctype nmaprun"), "XML", "pl.read_nmap_xml"),
    ((b"{",), "JSON", "pl.read_json"),
)
BLANKS = b"\xef\xbb\xbf \t\r\n"  # and the mark that some editors begin UTF-8 with
ENOUGH = 4096  # bytes to know a file by


def looks_like(path: files.Source, begins: bytes, reader: str) -> str:
    """What a file seems to be and who reads it, as a clause; "" if it seems to be this reader's own, or nobody's."""
    if begins.startswith(CAPTURES):
        return f"it looks like a capture (pcap): read it with pl.read_pcap({files.name_of(path)!r})"
    if begins.startswith(PACKED):
        return "it looks like a file packed by gzip: unpack it first with gunzip"
    words = begins[:ENOUGH].lstrip(BLANKS).lower()
    for starts, what, whose in KINDS:
        if words.startswith(starts) and whose != f"pl.{reader}":
            return f"it looks like {what}" + (
                f": read it with {whose}({files.name_of(path)!r})" if whose else ""
            )
    return ""


def nobody_reads(begins: bytes) -> str:
    """What a file is that none of PortLab's readers takes, as a clause; "" where its beginning does not tell."""
    if begins.startswith(ZIP):
        return "it looks like a zip archive: unpack it first"
    words = begins.lstrip(BLANKS).lower()
    if words.startswith(CSV):
        return "it looks like a table in CSV, which keeps too little. Of a scan to be read again keep --json FILE"
    if words.startswith(NMAPS_TEXT):
        return f"it looks like {KINDS[1][1]}"
    return ""


def no_capture(path: files.Source, error: MalformedPacket) -> MalformedPacket:
    """The error for what could not be read as a capture; an ordinary file is opened again to see what it is."""
    if hasattr(path, "read"):
        return error
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            return error
        with Path(path).open("rb") as file:
            begins = file.read(ENOUGH)
    except (OSError, ValueError):
        return error
    if begins.startswith(CAPTURES + PACKED):  # packed captures are read as they are
        return error
    clause = looks_like(path, begins, "read_pcap")
    return MalformedPacket(f"{str(path)!r} is no capture: {clause}.") if clause else error


def why(error: Exception) -> str:
    """What an exception says, on one line."""
    if isinstance(error, KeyError):
        return f"there is no {error}"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return " ".join(str(error).split()) or type(error).__name__

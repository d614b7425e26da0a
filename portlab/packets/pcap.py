"""Capture files: frames written as pcapng (or classic pcap) and read back, whoever wrote them.

Scapy does the writing; `records` reads, as tables.  Whatever the link was (see `links`), the frames that come back
begin with an Ethernet header; where the file had no addresses these are zeros.
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, cast

from portlab import files
from portlab.errors import MalformedPacket
from portlab.model import BATCH_CLOCK, SENT, SNAP, WHOLE, Frames
from portlab.packets.gather import Gathered, LimitReached
from portlab.packets.pcapng import SECTION, Sections
from portlab.packets.records import CLASSIC, Damage, RecordBatch, classic

BATCH_COMMENT = b"PortLab: sent, not captured; the time is that of its batch"
INBOUND, OUTBOUND = 1, 2  # pcapng's epb_flags
LARGEST_SNAPLEN = 262_144
TIME_RESOLUTION_OPTION, NANOSECONDS = 9, 9  # pcapng's if_tsresol: the power of ten
NS = 1_000_000_000
MOST_BYTES = 1 << 32
"""Bytes of one file (unpacked): what comes after them is not read, and that is said; see also `gather`."""


@dataclass(frozen=True, eq=False)
class CaptureFile:
    """The frames of a capture file, in order of time; `damage` says what was wrong with its end, "" if nothing.

    `directed` tells whether the file itself said which frames were sent; else all count as received.  Frames with a
    wrong checksum are marked, see `damage`; `foreign` counts frames that are not here, by the name of their link.
    """

    frames: Frames
    damage: str
    directed: bool
    foreign: dict[str, int] = field(default_factory=dict)


# --- writing ------------------------------------------------------------------------------------------------


def write(path: str | PathLike[str], frames: Frames) -> None:
    """Write frames with nanoseconds: pcapng with directions, or classic pcap where the name ends in .pcap."""
    classic = files.named(path, "written").lower().endswith(".pcap")
    with files.written_whole(path) as draft, _writer(draft, classic) as writer:
        writer.write_header(None)
        for row in frames:
            seconds, rest = divmod(int(row["time_ns"]), NS)
            exact = Fraction(int(row["time_ns"]), NS)
            time = {"sec": seconds, "usec": rest} if classic else {"sec": exact}
            writer.write_packet(_Row(row), wirelen=int(row["length"]), **time)


class _Row(bytes):
    """The bytes of one frame, with what Scapy's writer looks for on a packet."""

    direction: int
    comments: list[bytes]

    def __new__(cls, row: Any) -> _Row:
        made = super().__new__(cls, row["data"][: int(row["captured"])].tobytes())
        made.direction = OUTBOUND if row["direction"] == SENT else INBOUND
        made.comments = [BATCH_COMMENT] if row["marks"] & BATCH_CLOCK else []
        return made


def _writer(path: Path, classic: bool) -> Any:
    from scapy.data import DLT_EN10MB
    from scapy.utils import RawPcapNgWriter, RawPcapWriter

    if classic:
        return RawPcapWriter(
            str(path), linktype=DLT_EN10MB, nano=True, snaplen=LARGEST_SNAPLEN, endianness="<"
        )

    class NanosecondWriter(RawPcapNgWriter):
        """Scapy writes microseconds; the interface's description may say otherwise."""

        linktype = DLT_EN10MB

        def __init__(self, filename: str) -> None:
            super().__init__(filename)
            self.tsresol = NS

        def _write_block_idb(self, linktype: int, ifname: bytes | None = None) -> None:
            body = struct.pack("<HHI", linktype, 0, LARGEST_SNAPLEN)
            options = struct.pack("<HHB3xHH", TIME_RESOLUTION_OPTION, 1, NANOSECONDS, 0, 0)
            self.f.write(self.build_block(struct.pack("<I", 1), body, options=options))

    return NanosecondWriter(str(path))


# --- reading ------------------------------------------------------------------------------------------------


def read(source: files.Source, *, whole: bool = False) -> CaptureFile:
    """All frames of a pcap or pcapng file, compressed by gzip or not; their first 128 bytes, or `whole` (to 65,535).

    `source` is a path, "-" for standard input, or an open binary file.  Of a file that is cut off, damaged further
    on, or larger than the limits, the frames before that are kept, and `damage` says so.  Frames of a kind of link
    that PortLab does not read are counted.  Raises MalformedPacket where it is no capture at all, or all its frames
    are such.
    """
    name = files.name_of(source)
    gathered = Gathered(WHOLE if whole else SNAP)
    wrong = ""
    with files.reading(source) as file:
        try:
            for batch in _batches(cast(BinaryIO, _Limited(_unpacked(file)))):
                gathered.take(batch)
        except LimitReached:
            wrong = "larger"
        except (Damage, EOFError, OSError, zlib.error) as error:
            wrong = str(error) or type(error).__name__
    count = gathered.count
    if not count and gathered.foreign:
        kinds = " and ".join(gathered.foreign)
        raise MalformedPacket(
            f"{name!r} was captured on {kinds}, which PortLab does not read. "
            "Accepted are Ethernet, Linux cooked, PPP, raw IP, loopback and their like."
        )
    if wrong == "larger":
        wrong = (
            f"{name!r} holds more than PortLab reads of one file: these are its first {count:,} frames. "
            "Make it smaller first, for example: tcpdump -r BIG.pcap -w SMALL.pcap host 192.0.2.1"
        )
    elif wrong and not count:
        raise MalformedPacket(
            f"{name!r} cannot be read as a capture ({wrong}). Accepted are pcap and pcapng files."
        )
    elif wrong:
        wrong = f"{name!r} is damaged after {count:,} frames ({wrong})"
    return CaptureFile(gathered.frames(), wrong, gathered.directed, dict(gathered.foreign))


class _Limited(io.RawIOBase):
    """A file of which no more than MOST_BYTES can be read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, MOST_BYTES

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise LimitReached
        return data


def _unpacked(file: io.BufferedReader) -> BinaryIO:
    if file.peek(2)[:2] == b"\x1f\x8b":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    return file


def _batches(file: BinaryIO) -> Iterator[RecordBatch]:
    """The frames of a capture file, piece by piece.  Raises Damage where it is none, or none any more."""
    begin = file.read(4)
    if begin == SECTION.to_bytes(4, "big"):
        yield from Sections(BATCH_COMMENT).batches(file, begin)
        return
    for order in "<>":
        magic = struct.unpack(f"{order}I", begin)[0] if len(begin) == 4 else 0
        if magic in CLASSIC:
            yield from classic(file, order, *CLASSIC[magic])
            return
    raise Damage("it does not begin as one" if begin else "it is empty")

"""Capture files: frames written as pcapng (or classic pcap) and read back, whoever wrote them.

Scapy does the reading and writing.  Whatever the link was (Ethernet, Linux "cooked", raw IP, loopback), the frames
that come back begin with an Ethernet header; where the file had no addresses these are zeros.
"""

from __future__ import annotations

import contextlib
import logging
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from portlab import files
from portlab.errors import MalformedPacket
from portlab.model import BATCH_CLOCK, RECEIVED, SENT, SNAP, WHOLE, Frames, frame_table
from portlab.packets.headers import ETHERNET_SIZE, ETHERTYPE_IPV4

BATCH_COMMENT = b"PortLab: sent, not captured; the time is that of its batch"
INBOUND, OUTBOUND = 1, 2  # pcapng's epb_flags
LARGEST_SNAPLEN = 262_144
TIME_RESOLUTION_OPTION, NANOSECONDS = 9, 9  # pcapng's if_tsresol: the power of ten
NS = 1_000_000_000
PCAP_HEADER, PCAP_RECORD_HEADER = 24, 16  # bytes


@dataclass(frozen=True, eq=False)
class Capture:
    """The frames of a capture file, in order of time; `damage` says what was wrong with its end, "" if nothing.

    `directed` tells whether the file itself said which frames were sent; else all count as received.
    """

    frames: Frames
    damage: str
    directed: bool


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


def read(path: str | PathLike[str], *, whole: bool = False) -> Capture:
    """All frames of a pcap or pcapng file, compressed by gzip or not; their first 128 bytes, or `whole`.

    Of a file that is cut off or damaged further on, the frames before the damage are kept and `damage` says so.
    Raises MalformedPacket where it is no capture at all, or one of a kind of link that carries no IPv4.
    """
    name = files.named(path, "read")
    with files.opened(path) as file, _complaints() as complaints:
        rows, directed = _rows(name, file, complaints)
    if complaints and not rows:
        raise MalformedPacket(
            f"{name!r} cannot be read as a capture ({complaints[0]}). Accepted are pcap and pcapng files."
        )
    frames = _table(rows, max((row[3] for row in rows), default=SNAP) if whole else SNAP)
    damage = f"{name!r} is damaged after {len(rows):,} frames ({complaints[0]})" if complaints else ""
    return Capture(frames, damage, directed)


Row = tuple[int, int, int, int, int, bytes]


def _table(rows: list[Row], kept: int) -> Frames:
    """The rows as a table of frames, in order of time."""
    frames = np.zeros(len(rows), frame_table(kept))
    for place, name in enumerate(("time_ns", "direction", "marks", "captured", "length")):
        frames[name] = [row[place] for row in rows]
    frames["captured"] = np.minimum(frames["captured"], kept)
    together = b"".join(data[:kept].ljust(kept, b"\0") for *_, data in rows)
    frames["data"] = np.frombuffer(together, np.uint8).reshape(len(rows), kept)
    return frames[np.argsort(frames["time_ns"], kind="stable")]


def _rows(name: str, file: BinaryIO, complaints: list[str]) -> tuple[list[Row], bool]:
    """Every frame of the file as a row of FRAME, and whether any said its direction."""
    from scapy.error import Scapy_Exception
    from scapy.utils import RawPcapNgReader

    rows: list[Row] = []
    directed = False
    end = PCAP_HEADER
    try:
        with contextlib.closing(cast(Any, RawPcapNgReader)(file)) as reader:
            for data, about in reader:
                if getattr(about, "caplen", 0) > len(data):
                    break
                end += PCAP_RECORD_HEADER + len(data)
                link = about.linktype if hasattr(about, "linktype") else reader.linktype
                row, told = _row(data, about, link, getattr(reader, "nano", False), name)
                directed |= told
                rows.append(row)
            # Scapy passes over the beginning of a header; pcapng consists of whole words
            classic, read_to = hasattr(reader, "snaplen"), reader.f.tell()
            if (classic and read_to != end) or (not classic and read_to % 4):
                complaints.append("the last frame is cut off")
    except MalformedPacket:
        raise
    except (
        Scapy_Exception,
        EOFError,
        struct.error,
        OverflowError,
        MemoryError,
        OSError,
        ValueError,
    ) as error:
        complaints.append(str(error) or type(error).__name__)
    return rows, directed


def _row(data: bytes, about: Any, link: int, nano: bool, name: str) -> tuple[Row, bool]:
    """One frame as a row of FRAME, and whether its direction was told."""
    frame, direction = _frame(data, link, name)
    direction = _DIRECTIONS.get(getattr(about, "direction", 0) or 0, direction)
    marks = BATCH_CLOCK if BATCH_COMMENT in (getattr(about, "comments", None) or []) else 0
    length = min(max(about.wirelen + len(frame) - len(data), 0), 0xFFFF_FFFF)
    time_ns = _time_ns(about, nano)
    return (
        time_ns,
        direction or RECEIVED,
        marks,
        min(len(frame), WHOLE),
        length,
        frame[:WHOLE],
    ), direction is not None


_DIRECTIONS: dict[int, int | None] = {INBOUND: RECEIVED, OUTBOUND: SENT}


def _time_ns(about: Any, nano: bool) -> int:
    """The time of one frame, whatever unit its file counts in."""
    if hasattr(about, "sec"):
        return int(about.sec * NS + (about.usec if nano else about.usec * 1000))
    if about.tshigh is None:
        return 0
    time_ns = int(((about.tshigh << 32) | about.tslow) * NS // about.tsresol)
    if time_ns >= 1 << 63:
        raise OverflowError("a frame's time is later than the year 2262")
    return time_ns


@contextlib.contextmanager
def _complaints() -> Iterator[list[str]]:
    """What Scapy would have printed while it read."""
    said: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("scapy.runtime")
    before = logger.handlers, logger.filters, logger.propagate
    logger.handlers, logger.filters, logger.propagate = [handler], [], False  # a filter drops what repeats
    try:
        yield said
    finally:
        logger.handlers, logger.filters, logger.propagate = before


# --- links --------------------------------------------------------------------------------------------------

_NO_ADDRESSES = bytes(12)
_IPV4 = ETHERTYPE_IPV4.to_bytes(2, "big")
_VLAN_TAGS = (b"\x81\x00", b"\x88\xa8")
_FROM_US = 4  # packet type of a cooked frame that this machine sent

Framed = tuple[bytes, int | None]


def _frame(data: bytes, link: int, name: str) -> Framed:
    """The frame as Ethernet would carry it, and its direction where the link's header tells."""
    if link not in _LINKS:
        raise MalformedPacket(
            f"{name!r} was captured on a link of type {link}, which PortLab does not read. "
            "Accepted are Ethernet, Linux cooked (SLL, SLL2), raw IP and loopback."
        )
    return _LINKS[link](data)


def _ethernet(data: bytes) -> Framed:
    while data[12:14] in _VLAN_TAGS:
        data = data[:12] + data[16:]
    return data, None


def _cooked(data: bytes) -> Framed:
    """LINKTYPE_LINUX_SLL: packet type, hardware type, address length, address (8), EtherType."""
    direction = SENT if int.from_bytes(data[0:2], "big") == _FROM_US else RECEIVED
    return bytes(6) + data[6:12] + data[14:], direction


def _cooked2(data: bytes) -> Framed:
    """LINKTYPE_LINUX_SLL2: EtherType, reserved, interface, hardware type, packet type, address length, address."""
    direction = SENT if data[10:11] == bytes([_FROM_US]) else RECEIVED
    return bytes(6) + data[12:18] + data[0:2] + data[20:], direction


def _raw(data: bytes) -> Framed:
    return _NO_ADDRESSES + _IPV4 + data, None


def _loopback(data: bytes) -> Framed:
    """Four bytes of address family, in the byte order of the machine that captured; 2 is IPv4 everywhere."""
    family = max(data[:1], data[3:4])
    ethertype = _IPV4 if family == b"\x02" else b"\0\0"
    return _NO_ADDRESSES + ethertype + data[4:], None


_LINKS: dict[int, Callable[[bytes], Framed]] = {
    0: _loopback,
    1: _ethernet,
    12: _raw,
    14: _raw,
    101: _raw,
    108: _loopback,
    113: _cooked,
    228: _raw,
    276: _cooked2,
}
"""Link type (https://www.tcpdump.org/linktypes.html) -> how to read it."""

assert len(_NO_ADDRESSES) + len(_IPV4) == ETHERNET_SIZE

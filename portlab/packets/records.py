"""The records of a capture file: where each frame lies, when it passed, on which kind of link.

A file is read in pieces, so that a pipe is as good as one.  Only the walk from record to record is a loop; what they
say is read for all of a piece at once.  Here is classic pcap; pcapng has a room of its own.
https://ietf-opsawg-wg.github.io/draft-ietf-opsawg-pcap/draft-ietf-opsawg-pcap.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from portlab.packets.links import FCS_PRESENT, FCS_SHIFT, LINK_BITS, UNTOLD

PIECE = 1 << 22
"""Bytes read at once."""
LARGEST_RECORD = 1 << 24
"""Bytes of one record: a larger one is damage.  (The largest frames known, of BIG TCP, have 512 KiB.)"""
PADDING = 1 << 16
"""Zeros after the end of a piece, so that looking at the beginning of any frame never leaves it."""
NS = 1_000_000_000

Index = NDArray[np.intp]
Bytes = NDArray[np.uint8]

CLASSIC = {0xA1B2C3D4: (16, 1000), 0xA1B23C4D: (16, 1), 0xA1B2CD34: (24, 1000)}
"""Magic number -> bytes of a record's header, and ns of a unit of its times (the last is Kuznetzov's pcap)."""


class Damage(Exception):
    """The file does not go on as a capture would."""


@dataclass(eq=False)
class RecordBatch:
    """Some frames: in `raw` from `start` to `end`; `length` on the wire, `link` its type, `direction` or UNTOLD.

    `batch_clock`: the frames whose comment says that they carry the clock of their batch.
    """

    raw: Bytes
    start: Index
    end: Index
    length: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    link: NDArray[np.int64]
    direction: Bytes
    batch_clock: NDArray[np.bool_]

    def first(self, count: int) -> RecordBatch:
        """The same without the frames after the first `count`."""
        columns = ("start", "end", "length", "time_ns", "link", "direction", "batch_clock")
        return RecordBatch(self.raw, *(getattr(self, name)[:count] for name in columns))


def pieces(file: BinaryIO, begin: bytes = b"") -> Iterator[tuple[memoryview, Bytes, list[int]]]:
    """A piece of the file as (bytes, the same padded, [place]); what lies after `place` comes again."""
    rest = begin
    while True:
        fresh = file.read(PIECE)
        data = np.zeros(len(rest) + len(fresh) + PADDING, np.uint8)
        filled = memoryview(data.data)[: len(rest) + len(fresh)]
        filled[: len(rest)], filled[len(rest) :] = rest, fresh
        place = [0]
        yield filled, data, place
        rest = bytes(filled[place[0] :])
        if not fresh:
            if rest:
                raise Damage("the last frame is cut off")
            return


# --- classic pcap -------------------------------------------------------------------------------------------


def classic(file: BinaryIO, order: str, header: int, unit: int) -> Iterator[RecordBatch]:
    """The frames of a classic pcap file, of which the magic number has been read already."""
    rest = file.read(20)
    if len(rest) < 20:
        raise Damage("its header is cut off")
    link = struct.unpack(f"{order}I", rest[16:])[0]
    fcs = (link >> FCS_SHIFT) * 2 if link & FCS_PRESENT else 0
    for filled, raw, place in pieces(file):
        records, wrong = _classic_records(filled, place, order, header)
        if records:
            at = np.array(records, np.intp)
            seconds, fraction, captured, length = (numbers(raw, at + 4 * n, order) for n in range(4))
            length = np.maximum(np.maximum(length, captured) - fcs, 0)
            yield RecordBatch(
                raw=raw,
                start=at + header,
                end=at + header + np.minimum(captured, length),
                length=length,
                time_ns=seconds * NS + fraction * unit,
                link=np.full(len(at), link & LINK_BITS),
                direction=np.full(len(at), UNTOLD, np.uint8),
                batch_clock=np.zeros(len(at), bool),
            )
        if wrong:
            raise Damage(wrong)


def _classic_records(filled: memoryview, place: list[int], order: str, header: int) -> tuple[list[int], str]:
    """Where the records of a piece begin that lie whole in it, and what is wrong with the next one ("": nothing)."""
    captured_at = struct.Struct(f"{order}8xI").unpack_from
    records: list[int] = []
    at, size = 0, len(filled)
    wrong = ""
    while at + header <= size:
        (captured,) = captured_at(filled, at)
        beyond = at + header + captured
        if beyond > size:
            if captured > LARGEST_RECORD:
                wrong = f"a frame of {captured:,} bytes cannot be"
            break
        records.append(at)
        at = beyond
    place[0] = at
    return records, wrong


def numbers(raw: Bytes, at: Index, order: str) -> NDArray[np.int64]:
    """The 32-bit numbers that stand at these places."""
    four = np.lib.stride_tricks.sliding_window_view(raw, 4)[at]
    return four.view(f"{order}u4")[:, 0].astype(np.int64)

"""The records of a pcapng file: sections, interfaces, packets with options.

https://ietf-opsawg-wg.github.io/draft-ietf-opsawg-pcap/draft-ietf-opsawg-pcapng.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from portlab.model import RECEIVED, SENT
from portlab.packets.links import UNTOLD
from portlab.packets.records import LARGEST_RECORD, NS, Bytes, Damage, Index, RecordBatch, numbers, pieces

LATEST_S = (1 << 63) // NS  # seconds: later times do not fit into ns
SECTION, INTERFACE, OLD_PACKET, SIMPLE_PACKET, PACKET = 0x0A0D0D0A, 1, 2, 3, 6
BYTE_ORDER = 0x1A2B3C4D
MOST_OPTIONS = 64  # of one frame; what stands after them is not looked at
OPTION_END, OPTION_COMMENT, OPTION_FLAGS, OPTION_RESOLUTION, OPTION_OFFSET = 0, 1, 2, 9, 14


@dataclass(frozen=True)
class _Interface:
    link: int
    snaplen: int
    per_second: int = 1_000_000  # units of time
    offset_s: int = 0


@dataclass(eq=False)
class Sections:
    """A pcapng file: sections, each with a byte order and interfaces of its own."""

    comment: bytes
    order: str = "<"
    interfaces: list[_Interface] = field(default_factory=list)

    def batches(self, file: BinaryIO, begin: bytes) -> Iterator[RecordBatch]:
        for filled, raw, place in pieces(file, begin):
            wrong = ""
            while not wrong:
                blocks, wrong, more = self._walk(filled, place)
                if blocks:
                    batch, bad = self._batch(raw, np.array(blocks, np.intp))
                    wrong = bad or wrong
                    yield batch
                if not more:
                    break
            if wrong:
                raise Damage(wrong)

    def _walk(self, filled: memoryview, place: list[int]) -> tuple[list[int], str, bool]:
        """The packet blocks up to the next section, what is wrong after them, and whether there is more."""
        blocks: list[int] = []
        at, size = place[0], len(filled)
        head, last = struct.Struct(f"{self.order}II").unpack_from, struct.Struct(f"{self.order}I").unpack_from
        wrong, more = "", False
        while at + 12 <= size:
            kind, length = head(filled, at)
            if kind == SECTION:
                if blocks:  # they are read in the byte order of their own section
                    more = True
                    break
                self._section(filled, at)
                head, last = (
                    struct.Struct(f"{self.order}II").unpack_from,
                    struct.Struct(f"{self.order}I").unpack_from,
                )
                kind, length = head(filled, at)
            if length % 4 or not 12 <= length <= LARGEST_RECORD:
                wrong = f"a block of {length:,} bytes cannot be"
                break
            beyond = at + length
            if beyond > size:
                break
            if last(filled, beyond - 4)[0] != length:
                wrong = "a block ends otherwise than it begins"
                break
            if kind in (PACKET, SIMPLE_PACKET, OLD_PACKET):
                blocks.append(at)
            elif kind == INTERFACE:
                if length < 20:
                    wrong = "the description of an interface is cut off"
                    break
                self.interfaces.append(self._interface(filled[at + 8 : beyond - 4]))
            at = beyond
        place[0] = at
        return blocks, wrong, more

    def _section(self, filled: memoryview, at: int) -> None:
        order = next((o for o in "<>" if struct.unpack_from(f"{o}I", filled, at + 8)[0] == BYTE_ORDER), None)
        if order is None:
            raise Damage("a section without its byte order")
        self.order, self.interfaces = order, []

    def _interface(self, body: memoryview) -> _Interface:
        link, snaplen = struct.unpack_from(f"{self.order}H2xI", body)
        per_second, offset_s, at = 1_000_000, 0, 8
        while at + 4 <= len(body):
            code, size = struct.unpack_from(f"{self.order}HH", body, at)
            value = bytes(body[at + 4 : at + 4 + size])
            if code == OPTION_END:
                break
            if code == OPTION_RESOLUTION and value:
                exponent = value[0] & 0x7F
                per_second = 2 ** min(exponent, 62) if value[0] & 0x80 else 10 ** min(exponent, 18)
            if code == OPTION_OFFSET and size == 8 and len(value) == 8:
                (offset_s,) = struct.unpack(f"{self.order}q", value)
            at += 4 + size + -size % 4
        return _Interface(link, snaplen, per_second, offset_s)

    def _batch(self, raw: Bytes, at: Index) -> tuple[RecordBatch, str]:
        """The frames in these blocks, and what is wrong with the first that is not among them ("": nothing)."""
        kind, size, number, high, low, captured, length = (
            numbers(raw, at + 4 * n, self.order) for n in range(7)
        )
        simple = kind == SIMPLE_PACKET
        if len(self.interfaces) and simple.any():  # such a block has neither interface nor time
            snaplen = self.interfaces[0].snaplen or LARGEST_RECORD
            length[simple] = number[simple]
            captured[simple] = np.minimum(np.minimum(number, snaplen), size - 16)[simple]
            number[simple] = high[simple] = low[simple] = 0
        old = np.flatnonzero(kind == OLD_PACKET)  # its interface is a number of two bytes
        number[old] = number[old] & 0xFFFF if self.order == "<" else number[old] >> 16
        start = at + np.where(simple, 12, 28)
        time_ns = np.zeros(len(at), np.int64)
        bad = (number >= len(self.interfaces)) | (start + captured > at + size - 4)
        why = "a frame without its interface, or larger than its block"
        late = np.zeros(len(at), bool)
        for place, interface in enumerate(self.interfaces):
            mine = np.flatnonzero((number == place) & ~simple)
            ticks = high[mine].astype(np.uint64) << np.uint64(32) | low[mine].astype(np.uint64)
            time_ns[mine], late[mine] = _in_ns(ticks, interface)
        if late.any() and not bad[: int(np.argmax(late)) + 1].any():
            why = "a frame's time is later than the year 2262"
        bad |= late
        good = int(np.argmax(bad)) if bad.any() else len(at)
        links = np.array([interface.link for interface in self.interfaces] or [0], np.int64)
        direction, batch_clock = self._options(
            raw, at, start + captured + -captured % 4, at + size - 4, simple
        )
        batch = RecordBatch(
            raw,
            start,
            start + captured,
            np.maximum(length, captured),
            time_ns,
            links[np.minimum(number, len(links) - 1)],
            direction,
            batch_clock,
        )
        return batch.first(good), why * (good < len(at))

    def _options(
        self, raw: Bytes, at: Index, options: Index, ends: Index, without: NDArray[np.bool_]
    ) -> tuple[Bytes, NDArray[np.bool_]]:
        """Direction of each frame, and whether its time is that of its batch: one option of all frames at a time."""
        direction, batch_clock = np.full(len(at), UNTOLD, np.uint8), np.zeros(len(at), bool)
        said = np.frombuffer(self.comment, np.uint8)
        words = np.lib.stride_tricks.sliding_window_view(raw, len(said))
        rows = np.flatnonzero(~without & (options + 4 <= ends))
        places = options[rows]
        for _ in range(MOST_OPTIONS):
            if not len(rows):
                break
            both = numbers(raw, places, self.order)
            code, size = both & 0xFFFF, both >> 16
            if self.order == ">":
                code, size = size, code
            inside = (code != OPTION_END) & (places + 4 + size <= ends[rows])
            rows, places, code, size = rows[inside], places[inside], code[inside], size[inside]
            flags = np.flatnonzero((code == OPTION_FLAGS) & (size == 4))
            told = numbers(raw, places[flags] + 4, self.order) & 3
            direction[rows[flags]] = np.select([told == 1, told == 2], [RECEIVED, SENT], UNTOLD)
            comments = np.flatnonzero((code == OPTION_COMMENT) & (size == len(said)))
            batch_clock[rows[comments]] |= (words[places[comments] + 4] == said).all(axis=1)
            places = places + 4 + size + -size % 4
            more = places + 4 <= ends[rows]
            rows, places = rows[more], places[more]
        return direction, batch_clock


def _in_ns(ticks: NDArray[np.uint64], interface: _Interface) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Times in ns, and which of them are too late for that."""
    per_second = np.uint64(interface.per_second)
    seconds, fraction = ticks // per_second, ticks % per_second
    if interface.per_second > NS:  # finer than ns: as fractions of a second, exact enough
        rest = (fraction.astype(np.float64) / interface.per_second * NS).astype(np.int64)
    else:
        rest = (fraction * np.uint64(NS) // per_second).astype(np.int64)
    late = seconds >= LATEST_S
    whole = np.where(late, 0, seconds.astype(np.int64)) + min(max(interface.offset_s, -LATEST_S), LATEST_S)
    late |= (whole >= LATEST_S) | (whole < -LATEST_S)
    return np.where(late, 0, whole) * NS + rest, late

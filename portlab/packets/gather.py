"""The frames of a capture file gathered into one table, within limits, and what their checksums tell together."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from portlab.model import BATCH_CLOCK, CHECKSUM_NOT_READY, RECEIVED, SENT, SNAP, Frames, frame_table
from portlab.packets import damage, links
from portlab.packets.headers import ETHERNET_SIZE, ETHERTYPE_IPV4, IPV4_SIZE, TCP_PROTOCOL, UDP_PROTOCOL
from portlab.packets.records import RecordBatch
from portlab.packets.verify import check

MOST_FRAMES, LARGEST_TABLE = 1_500_000, 1 << 29
"""Frames of one file, and bytes that are kept of them all: what comes after them is not read, and that is said."""

Bytes = NDArray[np.uint8]
Index = NDArray[np.intp]

FACTS = ("time_ns", "direction", "marks", "captured", "length")
_SOURCE, _PROTOCOL = ETHERNET_SIZE + 12, ETHERNET_SIZE + 9  # where they stand in a frame


class LimitReached(Exception):
    """There is more in the file than is read of one."""


class Gathered:
    """The frames of a file as far as they were read, `kept` bytes of each at most."""

    def __init__(self, kept: int) -> None:
        self.count, self.directed = 0, False
        self.foreign: Counter[str] = Counter()
        self._kept = kept
        self._frames, self._checks = np.zeros(0, frame_table(min(kept, SNAP))), np.zeros(0, np.uint8)

    def take(self, batch: RecordBatch) -> None:
        """Add the frames of a batch, as far as there is room."""
        known = np.isin(batch.link, list(links.LINKS))
        for link in np.unique(batch.link[~known]).tolist():
            self.foreign[links.name(link)] += int((batch.link == link).sum())
        rows = np.flatnonzero(known)
        room = self._make_room(len(rows), int((batch.end - batch.start).max(initial=0)) + ETHERNET_SIZE)
        begin, self.count = self.count, self.count + room
        for link in np.unique(batch.link[rows]).tolist():
            of_link = np.flatnonzero(batch.link[rows[:room]] == link)
            self._add(batch, rows[of_link], link, begin + of_link)
        if room < len(rows):
            raise LimitReached

    def _make_room(self, wanted: int, widest: int) -> int:
        """Room for more frames, the largest of which has so many bytes; for how many there is.

        Where whole frames take too much room, less is kept of the large ones: better than none of the later ones.
        """
        room = min(wanted, MOST_FRAMES - self.count)
        width = max(self._frames["data"].shape[1], min(widest, self._kept))
        while (self.count + room) * frame_table(width).itemsize > LARGEST_TABLE and width > SNAP:
            width = self._kept = max(width // 2, SNAP)
        self._set_width(width)
        # in place: two tables of a large capture would not fit
        self._frames.resize(self.count + room, refcheck=False)
        self._checks.resize(self.count + room, refcheck=False)
        return room

    def _set_width(self, width: int) -> None:
        before, kept = self._frames, min(width, self._frames["data"].shape[1])
        if width == before["data"].shape[1]:
            return
        self._frames = np.zeros(self.count, frame_table(width))
        for name in FACTS:
            self._frames[name] = before[name]
        self._frames["captured"] = np.minimum(before["captured"], width)
        self._frames["data"][:, :kept] = before["data"][:, :kept]

    def _add(self, batch: RecordBatch, rows: Index, link: int, places: Index) -> None:
        """Add some frames of a batch, all of one link, at these places of the table."""
        start, end = batch.start[rows], batch.end[rows]
        found = links.find(batch.raw, start, end, link)
        told = np.where(batch.direction[rows] == links.UNTOLD, found.direction, batch.direction[rows])
        self.directed |= bool((told != links.UNTOLD).any())
        self._checks[places], uncut = _checks(found)
        kept = self._frames["data"].shape[1]
        stripped = found.at - start - ETHERNET_SIZE
        table = self._frames
        table["data"][places] = links.as_ethernet(found, kept)
        table["time_ns"][places], table["length"][places] = batch.time_ns[rows], batch.length[rows] - stripped
        table["captured"][places] = np.minimum(end - found.at + ETHERNET_SIZE, kept)
        table["direction"][places] = np.where(told == SENT, SENT, RECEIVED)
        table["marks"][places] = BATCH_CLOCK * batch.batch_clock[rows] | CHECKSUM_NOT_READY * uncut

    def frames(self) -> Frames:
        """All of them in order of time, with marks where checksums are wrong."""
        table = self._frames
        source = np.ascontiguousarray(table["data"][:, _SOURCE : _SOURCE + 4]).view(">u4")[:, 0]
        header, segment = self._checks >> np.uint8(4), self._checks & np.uint8(0xF)
        table["marks"] |= damage.marks(source.astype(np.uint32), table["data"][:, _PROTOCOL], header, segment)
        if (np.diff(table["time_ns"]) < 0).any():
            table = table[np.argsort(table["time_ns"], kind="stable")]
        return table


def _checks(found: links.Located) -> tuple[Bytes, NDArray[np.bool_]]:
    """What the checksums of each packet are, and which packets a network card was still to cut into segments.

    Such a packet may be larger than its header can say: then its total length is 0.
    """
    checks, uncut = np.zeros(len(found.at), np.uint8), np.zeros(len(found.at), bool)
    is_ipv4 = (found.ethertype == ETHERTYPE_IPV4) & (found.end - found.at >= IPV4_SIZE)
    rows = np.flatnonzero(is_ipv4 & (found.number(found.at) >> 12 == 4))
    if len(rows):
        at, end = found.at[rows], found.end[rows]
        header, segment = check(found.raw, at, end)
        checks[rows] = header << 4 | segment
        protocol = found.number(at + 8, rows) & 0xFF
        uncut[rows] = (found.number(at + 2, rows) == 0) & np.isin(protocol, (TCP_PROTOCOL, UDP_PROTOCOL))
    return checks, uncut

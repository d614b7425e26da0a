"""What both sides of a TCP connection said, put together from its segments (RFC 9293 section 3.4).

Each side's bytes come out once and in the order of their sequence numbers, at the time when they could first be read:
a retransmission says nothing new, a segment that overtook another waits for it, and what the capture does not hold is
named as a gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from portlab.model import SNAP, Frames, frame_table
from portlab.packets.dissect import Dissected
from portlab.packets.headers import ACK, ETHERNET_SIZE, FIN, RST, SYN

End = tuple[int, int]
"""Address and port of one side."""

HALF, WHOLE = 1 << 31, 1 << 32  # sequence numbers are counted modulo 2**32


@dataclass(frozen=True, slots=True)
class Said:
    """Bytes that one side said in one go; `missing` of them are in no frame, and then `data` is empty.

    `offset` is the place of the first in all that this side said, `time_ns` when it could be read.
    """

    by_client: bool
    time_ns: int
    offset: int
    data: bytes
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Stream:
    """One TCP connection: its two ends and what was said on it, in order of time.

    `began` is False where the capture holds no SYN of it: then the end with the higher port is taken for the client.
    `ended` is "FIN", "RST", or "" where the capture does not show the end.  `repeated` counts the bytes that
    retransmissions said again.
    """

    client: End
    server: End
    said: tuple[Said, ...]
    time_ns: int
    began: bool
    ended: str
    repeated: int

    def bytes_of(self, client: bool) -> bytes:
        """All that one side said; gaps are left out."""
        return b"".join(said.data for said in self.said if said.by_client is client)

    @property
    def missing(self) -> int:
        """How many bytes the capture lacks."""
        return sum(said.missing for said in self.said)


@dataclass(frozen=True, slots=True)
class Segment:
    """One TCP segment of a capture; `length` counts its bytes of data, `data` holds those that were kept."""

    time_ns: int
    sender: End
    receiver: End
    sequence_number: int
    control_bits: int
    length: int
    data: bytes


def streams(frames: Frames) -> list[Stream]:
    """The TCP connections in a table of frames on which something was said, in order of their beginning."""
    open_: dict[frozenset[End], list[Segment]] = {}
    done: list[list[Segment]] = []
    for segment in segments(frames):
        ends = frozenset((segment.sender, segment.receiver))
        if ends in open_ and _begins_anew(open_[ends], segment):
            done.append(open_.pop(ends))
        open_.setdefault(ends, []).append(segment)
    together = [_stream(parts) for parts in (*done, *open_.values())]
    return sorted((stream for stream in together if stream.said), key=lambda stream: stream.time_ns)


def segments(frames: Frames) -> Iterator[Segment]:
    """The TCP segments among the frames, in order of time; short ones with a wrong checksum are left out.

    Longer ones than a scan keeps of a frame are not checked.
    """
    seen = Dissected(first_bytes(frames))
    rows = np.flatnonzero(seen.is_tcp)
    data = frames["data"]
    header = (data[rows, ETHERNET_SIZE] & 0xF).astype(np.intp) * 4 + ETHERNET_SIZE
    begin = header + (data[rows, header + 12] >> 4).astype(np.intp) * 4
    end = np.minimum(ETHERNET_SIZE + seen.total_length[rows], frames["captured"][rows])
    length = np.maximum(ETHERNET_SIZE + seen.total_length[rows].astype(np.intp) - begin, 0)
    columns = (
        rows, frames["time_ns"][rows], seen.source[rows], seen.source_port[rows], seen.destination[rows],
        seen.destination_port[rows], seen.sequence_number[rows], seen.control_bits[rows], length, begin, end,
    )  # fmt: skip
    for row, time_ns, source, source_port, to, to_port, number, bits, size, first, last in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        said = data[row, first:last].tobytes() if size else b""
        yield Segment(time_ns, (source, source_port), (to, to_port), number, bits, size, said)


def first_bytes(frames: Frames) -> Frames:
    """The frames as a scan keeps them: their first 128 bytes."""
    kept = frames["data"].shape[1]
    if kept == SNAP:
        return frames
    cut = np.zeros(len(frames), frame_table(SNAP))
    for name in ("time_ns", "direction", "marks", "length"):
        cut[name] = frames[name]
    cut["captured"] = np.minimum(frames["captured"], SNAP)
    cut["data"][:, : min(kept, SNAP)] = frames["data"][:, :SNAP]
    return cut


def _begins_anew(before: list[Segment], segment: Segment) -> bool:
    """Whether a SYN begins another connection between the same ports: it has another sequence number."""
    if segment.control_bits & (SYN | ACK) != SYN:
        return False
    own = [each for each in before if each.sender == segment.sender]
    return not any(
        each.control_bits & SYN and each.sequence_number == segment.sequence_number for each in own
    )


def _stream(parts: list[Segment]) -> Stream:
    client, server, began = _ends(parts)
    said, repeated = [], 0
    for side in (client, server):
        own, again = _in_sequence([part for part in parts if part.sender == side], side == client)
        said += own
        repeated += again
    flags = [part.control_bits for part in parts]
    return Stream(
        client=client,
        server=server,
        said=tuple(sorted(said, key=lambda each: each.time_ns)),
        time_ns=parts[0].time_ns,
        began=began,
        ended="RST" if any(f & RST for f in flags) else "FIN" if any(f & FIN for f in flags) else "",
        repeated=repeated,
    )


def _ends(parts: list[Segment]) -> tuple[End, End, bool]:
    """Client, server, and whether a SYN told them apart."""
    for part in parts:
        if part.control_bits & SYN:
            asks = not part.control_bits & ACK
            return (*((part.sender, part.receiver) if asks else (part.receiver, part.sender)), True)
    server, client = sorted((parts[0].sender, parts[0].receiver), key=lambda end: end[1])
    return client, server, False


def _in_sequence(parts: list[Segment], by_client: bool) -> tuple[list[Said], int]:
    """What one side said, in order, and how many bytes it said again."""
    said: list[Said] = []
    waiting: list[tuple[int, Segment]] = []
    place, repeated, now = 0, 0, 0

    def say(at: int, part: Segment) -> None:
        nonlocal place, repeated, now
        now = max(now, part.time_ns)
        if at > place:
            said.append(Said(by_client, now, place, b"", at - place))
            place = at
        known = min(place - at, part.length)
        repeated += known
        if fresh := part.data[known:]:
            said.append(Said(by_client, now, place, fresh))
        if lacking := part.length - max(known, len(part.data)):
            said.append(Said(by_client, now, place + len(fresh), b"", lacking))
        place = max(place, at + part.length)

    for at, part in _places(parts):
        if at > place:
            waiting.append((at, part))
            continue
        say(at, part)
        while ready := [each for each in waiting if each[0] <= place]:
            waiting = [each for each in waiting if each[0] > place]
            now = max(now, part.time_ns)
            for each in sorted(ready, key=lambda each: each[0]):
                say(*each)
    for at, part in sorted(waiting, key=lambda each: each[0]):  # what they wait for never came
        say(at, part)
    return said, repeated


def _places(parts: list[Segment]) -> list[tuple[int, Segment]]:
    """Each segment that takes up sequence numbers, with its place among the bytes this side said."""
    if not parts:
        return []
    syn = next((part for part in parts if part.control_bits & SYN), None)
    talk = [
        part
        for part in parts
        if not part.control_bits & (SYN | RST) and (part.length or part.control_bits & FIN)
    ]
    if not talk:
        return []
    first = (syn or talk[0]).sequence_number
    places = [((part.sequence_number - first + HALF) % WHOLE - HALF, part) for part in talk]
    base = 1 if syn else min(at for at, _ in places)  # the SYN itself takes up one
    # A probe of the keepalive timer says again one byte that may be from before the beginning.
    return [(max(at - base, 0), part) for at, part in places if at - base >= 0 or part.length > base - at]

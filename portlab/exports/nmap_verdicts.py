"""What nmap says of ports and hosts, collected piece by piece and made into one table for each technique."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portlab.addresses import dotted
from portlab.errors import quoted
from portlab.evidence.result import Scan
from portlab.evidence.verdict import NO_TTL
from portlab.exports.claims import NOT_BY_IP
from portlab.exports.nmap_words import Run, reason_named
from portlab.exports.table import answer_of, scan_of_columns
from portlab.model import Answer, Reason, State
from portlab.techniques import is_ping, technique

MOST_ROWS = 16_777_216
"""Rows of one file: 256 hosts with all their ports."""

Note = tuple[str, str, str]  # how a sentence begins, what is counted, and how the sentence ends


@dataclass(eq=False)
class Verdicts:
    """A piece is a row, or several of one host that came out alike.

    It holds the host's place in the file, its address, the first port, the last port, the codes of answer, state and
    reason, who spoke, and the TTL of what was said.  `notes` count what is not in the table of a
    technique, or ("") of none.
    """

    pieces: dict[str, list[tuple[int, ...]]] = field(default_factory=lambda: defaultdict(list))
    notes: dict[str, Counter[Note]] = field(default_factory=lambda: defaultdict(Counter))
    names: dict[int, str] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)
    rows: int = 0

    def note(self, begins: str, one: str, ends: str = "", count: int = 1, name: str = "") -> None:
        """Count what is not in the table (of the technique `name`, or of the whole file)."""
        self.notes[name][begins, one, ends] += count

    def host(self, address: int, name: str) -> None:
        """A host as the file comes to it."""
        self.places.setdefault(address, len(self.places))
        self.names[address] = name

    def add(
        self,
        name: str,
        address: int,
        ports: tuple[Run, ...],
        state: State,
        said: str,
        speaker: int,
        ttl: int = NO_TTL,
    ) -> None:
        """These ports came out so; `said` is nmap's reason, `speaker` 0 where it is not known who gave it."""
        size = size_of(ports)
        self.rows += size
        if self.rows > MOST_ROWS:
            raise ValueError(f"it holds more than {MOST_ROWS:,} rows: split it by hosts")
        reason = reason_named(said)
        if reason is Reason.UNKNOWN and said not in ("", "none"):
            self.note("With a reason that PortLab does not know", "row", f"({quoted(said)})", size, name)
        if reason in (Reason.UNKNOWN, Reason.NO_RESPONSE):
            speaker = 0
        ttl = ttl if speaker and reason not in NOT_BY_IP else NO_TTL
        whose = None if not speaker else "host" if speaker == address else "other"
        alike = (_answer(name, state, reason, whose).code, state.code, reason.code, speaker, ttl)
        self.pieces[name] += [(self.places[address], address, first, last, *alike) for first, last in ports]

    def scans(self, facts: Mapping[str, Any]) -> list[Scan]:
        """One scan for each technique, pings first."""
        names = sorted(self.pieces, key=lambda name: not is_ping(name))
        return [self._scan(name, facts) for name in names]

    def _scan(self, name: str, facts: Mapping[str, Any]) -> Scan:
        """One row a port, by host in the order of the file and by port."""
        pieces = np.array(self.pieces.pop(name), np.int64)
        pieces = pieces[np.lexsort((pieces[:, 2], pieces[:, 0]))]
        place, address, first, last, *said = pieces.T
        size = last - first + 1
        port = np.repeat((first - (np.cumsum(size) - size)).astype(np.int32), size)
        port += np.arange(len(port), dtype=np.int32)
        rows = np.repeat(np.arange(len(size), dtype=np.int32), size)
        if ((np.diff(place) == 0) & (first[1:] <= last[:-1])).any():
            kept = self._each_once(name, place[rows] << 17 | (port + 1), rows, pieces[:, 4:7])
            rows, port = rows[kept], port[kept]
        called = {there: self.names[there] for there in np.unique(address).tolist()}
        return scan_of_columns(
            {**facts, "technique": name, "notes": tuple(sentences(self.notes[name]))},
            {there: name for there, name in called.items() if name != dotted(there)},
            rows,
            port,
            address,
            *said,
        )

    def _each_once(
        self, name: str, asked: NDArray[np.int64], rows: NDArray[np.int32], verdicts: NDArray[np.int64]
    ) -> NDArray[np.intp]:
        """Which rows stay where ports stand there twice: of different verdicts the one by the stronger answer."""
        order = np.argsort(asked << 8 | verdicts[rows, 0], kind="stable")
        again = np.diff(asked[order], prepend=-1) == 0
        one = "host" if is_ping(name) else "port"
        self.note("Twice in the file, once in the table", one, "", int(again.sum()), name)
        other = (np.diff(verdicts[rows[order]], axis=0) != 0).any(axis=1)
        if count := int((again[1:] & other).sum()):
            self.note("With another verdict there, of which the stronger stands", one, "", count, name)
        return order[~again]


@cache
def _answer(name: str, state: State, reason: Reason, whose: str | None) -> Answer:
    """What a technique would have had to hear from the host, from another or from nobody."""
    return answer_of(technique(name).MEANINGS, state, reason, whose, "host", foreign=True)


def size_of(ports: tuple[Run, ...]) -> int:
    """How many ports these are."""
    return sum(last - first + 1 for first, last in ports)


def sentences(notes: Counter[Note]) -> list[str]:
    """What was noted, each in a sentence; counted where there is something to count."""
    return [
        begins + (f": {count:,} {one if count == 1 else one + 's'} {ends}".rstrip() if one else "") + "."
        for (begins, one, ends), count in notes.items()
    ]

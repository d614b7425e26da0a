"""What every port of one host came out as: one value a port, and the same in runs and ranges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from portlab.addresses import dotted
from portlab.evidence.result import Scan
from portlab.evidence.verdict import NO_PORT
from portlab.model import Reason, State
from portlab.ports import reference
from portlab.view import words
from portlab.view.tokens import LOOKS

PORTS = 65_536
NOT_ASKED = 0  # of the kinds of cells; the others count from 1
MOST_RANGES = 300
"""A scan in more pieces than this is told in words by state and reason, not range by range."""
MOST_ALONE = 16
"""So many open ports in a row are told one by one, with their usual services."""
MOST_LISTED = 60


class Outcome(NamedTuple):
    """What a cell may be: a state and the reason for it."""

    state: State
    reason: Reason


class Range(NamedTuple):
    """Ports side by side that came out alike; `ports` says which they are."""

    ports: str
    size: int
    kind: Outcome
    service: str


@dataclass(frozen=True, eq=False, repr=False)
class HostPorts:
    """What every port of one host came out as."""

    host: str
    address: str
    protocol: str
    kinds: tuple[Outcome, ...]
    cells: NDArray[np.uint8]
    """One value for each of the 65,536 ports: NOT_ASKED, or 1 + the place of its kind in `kinds`."""
    unanswered: int
    """How many more were asked that had not answered when the scan ended early."""

    @property
    def asked(self) -> int:
        """How many ports were asked."""
        return int(np.count_nonzero(self.cells)) + self.unanswered

    @property
    def counts(self) -> dict[State, int]:
        """How many ports came out in each state, in the states' order."""
        found = np.bincount(self.states, minlength=len(State) + 1).tolist()
        return {state: found[state.code] for state in State if found[state.code]}

    @cached_property
    def states(self) -> NDArray[np.uint8]:
        """The state's code of each port, 0 where it was not asked."""
        return np.array([0, *(kind.state.code for kind in self.kinds)], np.uint8)[self.cells]

    @cached_property
    def open(self) -> list[int]:
        """The open ports."""
        ports: list[int] = np.flatnonzero(self.states == State.OPEN.code).tolist()
        return ports

    @cached_property
    def services(self) -> dict[int, str]:
        """The usual service of the ports asked, as far as the reference knows one."""
        rows = (row for row in reversed(reference()) if row.protocol == self.protocol)
        return {row.port: row.service for row in rows if self.cells[row.port]}

    @property
    def in_short(self) -> str:
        """The counts as a sentence."""
        told = [f"{count:,} {LOOKS[state].words}" for state, count in self.counts.items()]
        told += [f"{self.unanswered:,} unanswered so far"] if self.unanswered else []
        return f"{words.count(self.asked, 'port')} asked: {', '.join(told)}."

    @cached_property
    def runs(self) -> NDArray[np.int64]:
        """Neighbours that came out alike, one (first, last, kind) a row; also those that were not asked."""
        starts = np.flatnonzero(np.diff(self.cells, prepend=255))
        return np.stack([starts, np.append(starts[1:], PORTS) - 1, self.cells[starts]], axis=1)

    def ranges(self) -> list[Range]:
        """The same map in words: range by range, or by state and reason where there are too many of them."""
        runs, services = self.runs[self.runs[:, 2] != NOT_ASKED], self.services
        if len(runs) > MOST_RANGES:
            return [self._alike(number) for number in range(1, len(self.kinds) + 1)]
        told = []
        for first, last, number in runs.tolist():
            kind = self.kinds[number - 1]
            alone = kind.state is State.OPEN and last - first < MOST_ALONE
            for a, b in [(port, port) for port in range(first, last + 1)] if alone else [(first, last)]:
                service = services.get(a, "") if alone else ""
                told.append(Range(_ports(a, b), b - a + 1, kind, service))
        return told

    def _alike(self, number: int) -> Range:
        """All ports of one kind in one row."""
        runs = self.runs[self.runs[:, 2] == number]
        named = ", ".join(_ports(first, last) for first, last, _ in runs[:MOST_LISTED].tolist())
        more = f" and {len(runs) - MOST_LISTED:,} more ranges" if len(runs) > MOST_LISTED else ""
        return Range(named + more, int((self.cells == number).sum()), self.kinds[number - 1], "")


def _ports(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def ports_of(scan: Scan, address: int) -> HostPorts:
    """What the ports of that address came out as in this scan."""
    rows = (scan.address == address) & (scan.port != NO_PORT)
    kinds, which = np.unique(scan.state[rows].astype(np.uint16) << 8 | scan.reason[rows], return_inverse=True)
    cells = np.zeros(PORTS, np.uint8)
    cells[scan.port[rows]] = which + 1
    return HostPorts(
        scan.asked.names.get(address) or dotted(address),
        dotted(address),
        scan.protocol,
        tuple(Outcome(State.of(code >> 8), Reason.of(code & 255)) for code in kinds.tolist()),
        cells,
        sum(asked == dotted(address) for asked, _ in scan.unanswered),
    )

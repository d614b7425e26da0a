"""What scans have found out about each host, put together: is it up, which ports were asked, which are open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from portlab.addresses import dotted
from portlab.evidence.result import Scan
from portlab.evidence.verdict import NO_PORT
from portlab.model import State
from portlab.ports import service_name
from portlab.view import words
from portlab.view.tokens import LOOKS

MOST_NAMED = 6
LEFT_OPEN = [State.UNFILTERED.code, State.OPEN_FILTERED.code]
"""States that leave a question open: they replace nothing that is known already."""


@dataclass
class Found:
    """What is known of one host so far."""

    state: State | None = None
    """What the last ping said; None where nobody pinged."""
    rtt_ms: float | None = None
    ports: dict[str, NDArray[np.uint8]] = field(default_factory=dict)
    """For each protocol the state's code of every port, 0 where it was not asked."""

    unanswered: int = 0
    """How many questions had not been answered when their scan ended early."""

    @property
    def asked(self) -> int:
        """How many ports were asked."""
        return sum(int(np.count_nonzero(states)) for states in self.ports.values())

    def of(self, state: State) -> list[tuple[int, str]]:
        """The ports that came out so, with their protocol."""
        return [
            (port, protocol)
            for protocol, states in self.ports.items()
            for port in np.flatnonzero(states == state.code).tolist()
        ]

    def learn(self, scan: Scan, rows: NDArray[np.intp]) -> None:
        """Take in what these rows of a scan say; what is newer counts."""
        pings = rows[scan.port[rows] == NO_PORT]
        if len(pings):
            self.state = State.of(scan.state[pings[-1]])
            rtt = float(scan.rtt_ms[pings[-1]])
            self.rtt_ms = None if np.isnan(rtt) else rtt
        asked = rows[scan.port[rows] != NO_PORT]
        if not len(asked):
            return
        states = self.ports.setdefault(scan.protocol, np.zeros(65_536, np.uint8))
        ports, said = scan.port[asked], scan.state[asked]
        newer = ~np.isin(said, LEFT_OPEN) | np.isin(states[ports], [0, *LEFT_OPEN])
        states[ports[newer]] = said[newer]

    def told(self) -> list[tuple[State | None, str]]:
        """What is known as short sentences, each with the state whose shape stands before it."""
        lines: list[tuple[State | None, str]] = []
        if self.state is not None:
            after = "" if self.rtt_ms is None else f", {words.duration(self.rtt_ms * 1e6)} there and back"
            lines.append((self.state, f"{LOOKS[self.state].words}{after}"))
        for state in (State.OPEN, State.OPEN_FILTERED, State.UNFILTERED, State.FILTERED, State.CLOSED):
            if ports := self.of(state):
                named = f": {_named(ports)}" if state is State.OPEN else ""
                lines.append((state, f"{len(ports):,} {LOOKS[state].words}{named}"))
        if self.unanswered:
            lines.append((None, f"{self.unanswered:,} unanswered so far"))
        return lines or [(None, "not asked yet")]


def _named(ports: list[tuple[int, str]]) -> str:
    """Open ports with their usual services, as many as fit."""
    named = [
        f"{port}{'' if protocol == 'tcp' else f'/{protocol}'} {service_name(port, protocol)}".strip()
        for port, protocol in ports[:MOST_NAMED]
    ]
    rest = len(ports) - MOST_NAMED
    return ", ".join(named) + (f" and {rest:,} more" if rest > 0 else "")


def found_in(scans: Iterable[Scan], names: Mapping[str, str]) -> dict[str, Found]:
    """What these scans say, taken in one after the other: name -> what is known.

    `names` says whose each address is, for a host may have several; what is not in it goes by its address.
    """
    known: dict[str, Found] = {}
    for scan in scans:
        for address, _ in scan.unanswered:
            known.setdefault(names.get(address, address), Found()).unanswered += 1
        if not len(scan):  # nothing was asked, or it waits for its prediction
            continue
        order = np.argsort(scan.address, kind="stable")
        addresses, begins = np.unique(scan.address[order], return_index=True)
        for address, rows in zip(map(dotted, addresses.tolist()), np.split(order, begins[1:]), strict=True):
            known.setdefault(names.get(address, address), Found()).learn(scan, rows)
    return known

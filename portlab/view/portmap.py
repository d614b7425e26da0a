"""Port map: every port of one host is one cell, drawn by state; the open ones are named."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from portlab.addresses import dotted
from portlab.errors import BadTarget
from portlab.model import Reason, State
from portlab.ports import reference
from portlab.result import Scan
from portlab.verdict import NO_PORT
from portlab.view import figure, heads, portmap_svg, words
from portlab.view.svg import badge, escape
from portlab.view.tokens import LOOKS, slug

PORTS = 65_536
NOT_ASKED = 0  # of the kinds of cells; the others count from 1
MOST_RANGES = 300
"""A scan in more pieces than this is told in words by state and reason, not range by range."""
MOST_ALONE = 16
"""So many open ports in a row are told one by one, with their usual services."""
MOST_LISTED = 60
HEADS = ("ports", "count", "state", "reason", "usual service")


class Kind(NamedTuple):
    """What a cell may be: a state and the reason for it."""

    state: State
    reason: Reason


class Range(NamedTuple):
    """Ports side by side that came out alike; `ports` says which they are."""

    ports: str
    size: int
    kind: Kind
    service: str


@dataclass(frozen=True, eq=False, repr=False)
class PortMap:
    """The ports of one host: a picture in a notebook, ranges as text."""

    scan: Scan
    host: str
    address: str
    kinds: tuple[Kind, ...]
    cells: NDArray[np.uint8]
    """One value for each of the 65,536 ports: NOT_ASKED, or 1 + the place of its kind in `kinds`."""

    @property
    def title(self) -> str:
        return f"{words.technique_name(self.scan.technique)} of {self.host}: the ports as a map"

    @property
    def detail(self) -> str:
        asked = words.count(int(np.count_nonzero(self.cells)), "port")
        return f"{self.address}, {self.scan.protocol}, {asked} asked"

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
        rows = (row for row in reversed(reference()) if row.protocol == self.scan.protocol)
        return {row.port: row.service for row in rows if self.cells[row.port]}

    @property
    def in_short(self) -> str:
        """The counts as a sentence."""
        told = ", ".join(f"{count:,} {LOOKS[state].words}" for state, count in self.counts.items())
        return f"{int(np.count_nonzero(self.cells)):,} ports asked: {told}."

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

    def __str__(self) -> str:
        head = f"{self.title}   [{words.fidelity_name(self.scan.fidelity)}]"
        told = [f"! {warning}" for warning in heads.warnings(self.scan)]
        lines = [
            f"{row.ports:>13}  {row.size:>6,}  {LOOKS[row.kind.state].character} {LOOKS[row.kind.state].words:<13}  "
            f"{row.kind.reason:<16}  {row.service}".rstrip()
            for row in self.ranges()
        ]
        return "\n".join([head, self.detail, *told, self.in_short, "", *lines])

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self.html()}

    def html(self) -> str:
        """The map as a figure: legend, look-up, picture, list of what is open, and the ranges as a table."""
        ranges = self.ranges()
        name = figure.identity(f"{self.title}{self.address}{ranges}")
        body = (
            heads.head(self.title, self.detail, self.scan)
            + self._legend()
            + _look_up(name)
            + self._pictures(name)
            + self._open_list()
            + f"<figcaption>{escape(self.in_short)}</figcaption>"
            + f"<details{' open' if len(ranges) <= 16 else ''}>"
            + f"<summary>The same map in words ({words.count(len(ranges), 'row')})</summary>"
            + figure.table(HEADS, [_cells(row) for row in ranges], "ranges")
            + "</details>"
        )
        return figure.wrap(
            "portmap",
            self.title,
            body,
            "portmap",
            "portmap_page",
            script_name="portmap",
            data=self._data(),
        )

    def _legend(self) -> str:
        rest = int(np.count_nonzero(self.cells == NOT_ASKED))
        items = [f"<li>{badge(state)} {count:,}</li>" for state, count in self.counts.items()]
        if rest:
            items.append(f'<li><span class="empty"></span> not asked {rest:,}</li>')
        return f'<ul class="legend">{"".join(items)}</ul>'

    def _pictures(self, name: str) -> str:
        """One grid where the ports fit into it; otherwise all of them small, and a strip of them enlarged."""
        asked = np.flatnonzero(self.cells)
        grid = portmap_svg.window(int(asked[0]), int(asked[-1]))
        alternative = f"{self.title}. {self.in_short} The table below says the same in words."
        states, labels = self.states, {port: self.services.get(port, "") for port in self.open}
        pictures = ""
        if grid is None:
            grid = portmap_svg.strip_of(int(asked[0]))
            whole = portmap_svg.draw(portmap_svg.WHOLE, states, labels, f"{name}w", grid)
            pictures = f'<p class="muted">{portmap_svg.WHOLE.caption} The framed strip is enlarged below.</p>'
            pictures += figure.picture(whole.svg, whole.height, alternative, "portmap", left=50, right=206)
        large = portmap_svg.draw(grid, states, labels, f"{name}d")
        pictures += f'<p class="muted caption">{grid.caption}</p>'
        return pictures + figure.picture(large.svg, large.height, alternative, "portmap", left=50, right=206)

    def _open_list(self) -> str:
        """What the margin says, for where there is no room for a margin."""
        ports, services = self.open, self.services
        items = [f"<li><b>{port}</b> {escape(services.get(port, ''))}</li>" for port in ports[:MOST_LISTED]]
        if len(ports) > MOST_LISTED:
            items.append(f"<li>and {len(ports) - MOST_LISTED:,} more</li>")
        return f'<ul class="opens" aria-label="Open ports">{"".join(items)}</ul>' if items else ""

    def _data(self) -> str:
        """For the script: lengths and kinds of the runs in turns, the kinds in words, the usual services."""
        lengths = self.runs[:, 1] - self.runs[:, 0] + 1
        runs = ",".join(map(str, np.stack([lengths, self.runs[:, 2]], axis=1).ravel().tolist()))
        kinds = [["", "not asked"], *([slug(state), f"{state} ({reason})"] for state, reason in self.kinds)]
        told = {"kinds": kinds, "services": self.services}
        return f'data-runs="{runs}" data-words="{escape(json.dumps(told, separators=(",", ":")))}"'


def _ports(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _cells(row: Range) -> list[str]:
    return [row.ports, f"{row.size:,}", badge(row.kind.state), escape(row.kind.reason), escape(row.service)]


def _look_up(name: str) -> str:
    """The keyboard's way to point at a port; shown once the script is there."""
    return (
        f'<div class="look" hidden="hidden"><label for="{name}n">Look up port</label>'
        f'<input id="{name}n" type="number" min="0" max="{PORTS - 1}" inputmode="numeric">'
        f'<output for="{name}n">or point at the map</output></div>'
    )


def port_map(scan: Scan, host: str | None = None) -> PortMap:
    """Every port of one host as a cell, by state: port_map(scan), or port_map(scan, "web") where several were asked.

    What was not asked is left empty.  Raises BadTarget where it is not clear which host is meant, and for a ping.
    """
    address = _which(scan, host)
    rows = (scan.address == address) & (scan.port != NO_PORT)
    if not rows.any():
        raise BadTarget(f"A {scan.technique} asks hosts, not ports.  To see them type: host_table(scan)")
    kinds, which = np.unique(scan.state[rows].astype(np.uint16) << 8 | scan.reason[rows], return_inverse=True)
    cells = np.zeros(PORTS, np.uint8)
    cells[scan.port[rows]] = which + 1
    return PortMap(
        scan,
        scan.asked.names.get(address) or dotted(address),
        dotted(address),
        tuple(Kind(State.of(code >> 8), Reason.of(code & 255)) for code in kinds.tolist()),
        cells,
    )


def _which(scan: Scan, host: str | None) -> int:
    """The address of the host that is meant."""
    first = np.sort(np.unique(scan.address, return_index=True)[1])
    asked = {scan.asked.names.get(a) or dotted(a): a for a in scan.address[first].tolist()}
    few = ", ".join(list(asked)[:8]) + (" and others" if len(asked) > 8 else "")
    if host is None:
        if len(asked) != 1:
            example = next(iter(asked), "web")
            raise BadTarget(
                f"This scan asked {few or 'nobody'}: a port map shows one host.  Name it: "
                f"port_map(scan, {example!r}), or see all of them: host_table(scan)"
            )
        return next(iter(asked.values()))
    wanted = host.lower().removesuffix(".lab")
    for name, address in asked.items():
        if wanted in (name, dotted(address)):
            return address
    raise BadTarget(f"This scan did not ask {host!r}.  It asked {few or 'nobody'}.")

"""A scan as it fills up: one cell for each port or host asked, and when the answers came.

All x are percentages and all y pixels, so that the pictures stretch and their text does not.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from portlab.addresses import dotted, number
from portlab.evidence.result import Scan
from portlab.evidence.verdict import NO_EVENT, NO_PORT
from portlab.model import State
from portlab.view import tiles
from portlab.view.svg import Drawing, element, text
from portlab.view.tokens import LOOKS, slug
from portlab.view.words import duration

NOT_ASKED, WAITING = 0, 255
"""Beside the states' codes: not asked (yet); asked, and nothing came back so far."""

KINDS = {state.code: slug(state) for state in State} | {WAITING: "waiting"}
DASH = '<path d="M.36 .5H.64" stroke="var(--line)" stroke-width=".09"/>'
SMALL_DASH = '<path d="M2 6H3" stroke="var(--line)" stroke-width=".6"/>'
"""A cell that is waiting, as the states' tiles and tints are drawn."""


class Grid(NamedTuple):
    """Cells in rows of `columns`, each `height` pixels high; a row in so many has a label."""

    columns: int
    height: float
    label_every: int


FEW, MANY, MASSES = Grid(32, 16, 2), Grid(64, 14, 2), Grid(256, 1.25, 32)
MOST_FEW, MOST_MANY = 512, 2048  # cells; where there are more, they are too small to have a mark each
MOST_BLOCKS, BETWEEN = 16, 4  # so many hosts begin on a row of their own, pixels between them


# --- the cells ----------------------------------------------------------------------------------------


def cells(scan: Scan, name: str) -> Drawing:
    """One cell for each row of the scan, by address and port.  `name` begins every id.

    What has not answered so far is a dash, what was not asked is empty.
    """
    address, port, kind = _with_those_apart(scan)
    grid = FEW if len(kind) <= MOST_FEW else MANY if len(kind) <= MOST_MANY else MASSES
    hosts, first = np.unique(address, return_index=True)
    by_host = 1 < len(hosts) <= MOST_BLOCKS and port[0] != NO_PORT
    parts, y = [_patterns(name, grid, np.unique(kind))], 0.0
    for start, end in pairwise([*first.tolist(), len(kind)] if by_host else [0, len(kind)]):
        parts.append(_block(kind[start:end], grid, y, name))
        rows = -(-(end - start) // grid.columns)
        for row in range(0, rows, rows if by_host else grid.label_every):
            at = start + row * grid.columns
            label = (
                str(port[at]) if len(hosts) == 1 and port[at] != NO_PORT else _name(scan, int(address[at]))
            )
            parts.append(text(-8, y + row * grid.height + 11, label, "quiet", "end"))
        y += rows * grid.height + BETWEEN
    svg = element(
        "svg",
        *parts,
        css="scan-picture",
        height=f"{y:g}",
        overflow="visible",  # the still image has no style sheet for its place in the page
        aria_hidden="true",
    )
    return Drawing(svg, y)


def _with_those_apart(scan: Scan) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Address, port and kind of every cell in order."""
    apart = scan.unanswered + scan.never_asked
    rest = [(number(address), NO_PORT if port is None else port) for address, port in apart]
    more = np.array(rest, np.int64).reshape(-1, 2)
    why = np.repeat([WAITING, NOT_ASKED], [len(scan.unanswered), len(scan.never_asked)]).astype(np.uint8)
    address = np.concatenate([scan.address.astype(np.int64), more[:, 0]])
    port = np.concatenate([scan.port.astype(np.int64), more[:, 1]])
    kind = np.concatenate([scan.state, why])
    order = np.lexsort((port, address))
    return address[order], port[order], kind[order]


def _name(scan: Scan, address: int) -> str:
    """A host's name, or the end of its address."""
    return scan.asked.names.get(address, "." + dotted(address).rpartition(".")[2])


def _patterns(name: str, grid: Grid, used: NDArray[np.uint8]) -> str:
    small = grid.height < tiles.SMALL
    looks = {KINDS[code]: _tile(code, small) for code in used.tolist() if code != NOT_ASKED}
    return tiles.patterns(name, looks, small)


def _tile(code: int, small: bool) -> str:
    if code == WAITING:
        return SMALL_DASH if small else DASH
    look = LOOKS[State.of(code)]
    return look.tint if small else look.tile


def _block(kind: NDArray[np.uint8], grid: Grid, y: float, name: str) -> str:
    """Cells in rows with their outline: one path for each kind, filled with that kind's pattern."""
    rows, rest = divmod(len(kind), grid.columns)
    across = grid.columns if rows else rest
    short = f"H{rest}V{rows + 0.5}" if rows and rest else ""  # the last row may not be full
    lines = f'<path class="edge" d="M0 -.5H{across}V{(rows or 1) - 0.5}{short}H0Z"/>'
    for code, path in tiles.paths(kind, grid.columns).items():
        if code != NOT_ASKED:
            lines += f'<path d="{path}" stroke="url(#{name}{KINDS[code]})"/>'
    rows += bool(rest)
    return (
        f'<svg class="cells" y="{y:g}" viewBox="0 -.5 {grid.columns} {rows}" width="100%" '
        f'height="{rows * grid.height:g}" overflow="visible" preserveAspectRatio="none">{lines}</svg>'
    )


# --- the time line ------------------------------------------------------------------------------------

BUCKETS = 160
LANE, BAR = 38, 16
AXIS = 20


class Lane(NamedTuple):
    """What happened of one kind, as seconds after the scan began; None stands for the probes sent."""

    state: State | None
    seconds: NDArray[np.float64]

    @property
    def words(self) -> str:
        return f"{len(self.seconds):,} {'sent' if self.state is None else LOOKS[self.state].words}"


def lanes(scan: Scan) -> list[Lane]:
    """When the probes left and when the answers came, by the state that they gave.  Silence has no time."""
    sent = scan.probes["time_ns"]
    found = [Lane(None, (sent[sent > 0] - scan.started_ns) / 1e9)]
    rows = np.flatnonzero(scan.findings.event != NO_EVENT)
    for code in np.unique(scan.state[rows]).tolist():
        came = scan.findings.heard_ns[rows[scan.state[rows] == code]]
        found.append(Lane(State.of(code), (came - scan.started_ns) / 1e9))
    return found


def timeline(scan: Scan) -> Drawing:
    """One lane for what was sent and one for each state that answered, all on one time axis."""
    told = lanes(scan)
    end = _round_up(max([scan.elapsed_s, *(float(lane.seconds.max()) for lane in told if len(lane.seconds))]))
    height = len(told) * LANE + AXIS
    ticks = [
        (0.0, "0 s", "start"),
        (50.0, duration(end * 5e8), "middle"),
        (100.0, duration(end * 1e9), "end"),
    ]
    axis = "".join(text(f"{x:g}%", height - 4, words, "quiet", anchor) for x, words, anchor in ticks)
    svg = element(
        "svg",
        *(_lane(lane, y * LANE, end) for y, lane in enumerate(told)),
        axis,
        css="scan-picture",
        height=f"{height:g}",
        overflow="visible",
        aria_hidden="true",
    )
    return Drawing(svg, height)


def _lane(lane: Lane, y: float, end: float) -> str:
    counts, _ = np.histogram(lane.seconds, BUCKETS, (0.0, end))
    tallest = max(int(counts.max()), 1)
    bars = "".join(
        f"M{at} {BAR}v-{max(2.0, BAR * counts[at] / tallest):.1f}h1V{BAR}z" for at in np.flatnonzero(counts)
    )
    shape, at = "", 0
    if lane.state is not None:
        look = LOOKS[lane.state]
        shape, at = f'<svg y="{y + 2:g}" width="{look.width}" height="12">{look.shape}</svg>', look.width + 6
    css = "sent" if lane.state is None else f"s-{slug(lane.state)}"
    return (
        shape
        + text(at, y + 12, lane.words)
        + f'<svg y="{y + 17:g}" width="100%" height="{BAR}" viewBox="0 0 {BUCKETS} {BAR}" preserveAspectRatio="none">'
        + f'<path class="bars {css}" d="{bars}"/></svg>'
        + element("line", x1="0", x2="100%", y1=f"{y + 17 + BAR:g}", y2=f"{y + 17 + BAR:g}", css="base")
    )


def _round_up(seconds: float) -> float:
    """The next of 10 ms, 20 ms, 50 ms, 100 ms, ...: an axis that does not move with every picture."""
    step = 0.01
    while True:
        for times in (1, 2, 5):
            if seconds <= step * times:
                return step * times
        step *= 10

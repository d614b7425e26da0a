"""The map's cells as SVG: one path a state, filled with a pattern that has one tile a cell.

All x are percentages and all y pixels, so that the map stretches and its text does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from portlab.model import State
from portlab.view.svg import element, escape, text
from portlab.view.tokens import slug

LINE = 16  # pixels from one label to the next
MOST_RINGS = 100  # around single open ports of a small map; more of them can be seen without
A_LINE = 24  # characters that fit into a line of the margin

# One tile a cell, in units of cells.
TILES = {
    State.OPEN: '<rect x=".05" y=".05" width=".9" height=".9" fill="var(--open)"/>',
    State.CLOSED: '<path d="M.27 .36L.73 .64M.73 .36L.27 .64" stroke="var(--closed)" stroke-width=".08"/>',
    State.FILTERED: '<rect width="1" height="1" fill="var(--filtered)" opacity=".16"/>'
    '<path d="M-.1 .6L.6 -.1M.4 1.1L1.1 .4" stroke="var(--filtered)" stroke-width=".2"/>',
    State.UNFILTERED: '<path d="M.5 .2L.8 .5L.5 .8L.2 .5Z" fill="none" stroke="var(--ink)" stroke-width=".1"/>',
    State.OPEN_FILTERED: '<rect x=".14" y=".2" width=".3" height=".6" fill="var(--open)"/>'
    '<path d="M.54 .78L.88 .22" stroke="var(--filtered)" stroke-width=".17"/>',
}
# Cells too small for a mark of their own: a flat tint, and stripes over several of them.
SMALL = {
    State.OPEN: '<rect width="5" height="12" fill="var(--open)"/>',
    State.CLOSED: '<rect width="5" height="12" fill="var(--closed)" opacity=".16"/>',
    State.FILTERED: '<rect width="5" height="12" fill="var(--filtered)" opacity=".16"/>'
    '<path d="M-1 7L3.2 -1.5M1.8 13.5L6 5" stroke="var(--filtered)" stroke-width=".9"/>',
    State.UNFILTERED: '<path d="M0 1.5H5M0 4.5H5M0 7.5H5M0 10.5H5" stroke="var(--ink)" '
    'stroke-width=".9" opacity=".7"/>',
    State.OPEN_FILTERED: '<rect width="2.5" height="12" fill="var(--open)" opacity=".5"/>'
    '<path d="M2.5 12L5 0" stroke="var(--filtered)" stroke-width=".9"/>',
}


class Grid(NamedTuple):
    """A window on the ports: `rows` rows of `columns` cells, each `height` pixels high, from port `first` on."""

    first: int
    columns: int
    rows: int
    height: float
    label_every: int

    @property
    def size(self) -> int:
        return self.columns * self.rows

    @property
    def caption(self) -> str:
        ports = "All 65,536 ports" if self == WHOLE else f"Ports {self.first} to {self.first + self.size - 1}"
        return f"{ports}, {self.columns} a row."


class Drawing(NamedTuple):
    """A piece of SVG and its height in pixels."""

    svg: str
    height: float


WHOLE = Grid(0, 256, 256, 1.25, 32)
STRIP = 1024
MOST_ROWS = 17  # the ports 1 to 1,024 begin in the first row and end in the seventeenth


def strip_of(port: int) -> Grid:
    """The 1,024 ports around a port, enlarged."""
    return Grid(port // STRIP * STRIP, 64, 16, 16, 2)


def window(first: int, last: int) -> Grid | None:
    """The grid that holds all ports from first to last, row by row of 64; None where it would be too large."""
    top, bottom = first // 64, last // 64
    rows = bottom - top + 1
    return Grid(top * 64, 64, rows, 16, 1 if rows < 5 else 2) if rows <= MOST_ROWS else None


def draw(
    grid: Grid, states: NDArray[np.uint8], labels: Mapping[int, str], name: str, framed: Grid | None = None
) -> Drawing:
    """The cells of a grid with the open ports named in the right margin.

    `states` has the state's code of every port (0: not asked), `labels` the open ports with their services;
    `framed` is a strip that is drawn larger elsewhere, with its own names.  `name` begins every id.
    """
    small = grid.height < 4
    here = [port for port in labels if 0 <= port - grid.first < grid.size]
    if framed is not None:
        here = [port for port in here if not 0 <= port - framed.first < framed.size]
    height = grid.rows * grid.height
    rings = "".join(_ring(grid, port) for port in here) if small and len(here) <= MOST_RINGS else ""
    frame = "" if framed is None else _frame(grid, framed)
    margin, lowest = _margin(grid, here, labels)
    svg = element(
        "svg",
        _patterns(name, small),
        element("rect", width="100%", height=f"{height:g}", css="edge"),
        _cells(grid, states, name),
        rings,
        frame,
        element("rect", css="cursor", width=f"{100 / grid.columns:.4f}%", height=f"{grid.height:g}"),
        _axis(grid),
        margin,
        css="portmap",
        height=f"{max(height, lowest):g}",
        overflow="visible",  # the still image has no style sheet for its place in the page
        aria_hidden="true",
        data_first=grid.first,
        data_columns=grid.columns,
        data_rows=grid.rows,
        data_height=f"{grid.height:g}",
        data_do="zoom" if framed is not None else None,
    )
    return Drawing(svg, max(height, lowest))


def _patterns(name: str, small: bool) -> str:
    width, height = (5, 12) if small else (1, 1)
    tiles = (
        f'<pattern id="{name}{slug(state)}" y="-.5" width="{width}" height="{height}" '
        f'patternUnits="userSpaceOnUse">{tile}</pattern>'
        for state, tile in (SMALL if small else TILES).items()
    )
    return f"<defs>{''.join(tiles)}</defs>"


def _cells(grid: Grid, states: NDArray[np.uint8], name: str) -> str:
    """One path a state: its runs as lines one cell thick, cut where the row of cells ends."""
    shown = states[grid.first : grid.first + grid.size]
    starts = np.flatnonzero(np.diff(shown, prepend=255) | (np.arange(grid.size) % grid.columns == 0))
    lengths = np.diff(starts, append=grid.size)
    y, x = np.divmod(starts, grid.columns)
    kind = shown[starts]
    paths = []
    for state in TILES:
        mine = kind == state.code
        runs = zip(x[mine].tolist(), y[mine].tolist(), lengths[mine].tolist(), strict=True)
        line = "".join([f"M{a} {b}h{c}" for a, b, c in runs])
        paths.append(f'<path d="{line}" stroke="url(#{name}{slug(state)})" data-state="{slug(state)}"/>')
    return (
        f'<svg class="cells" viewBox="0 -.5 {grid.columns} {grid.rows}" width="100%" '
        f'height="{grid.rows * grid.height:g}" preserveAspectRatio="none">{"".join(paths)}</svg>'
    )


def _ring(grid: Grid, port: int) -> str:
    row, column = divmod(port - grid.first, grid.columns)
    return element(
        "circle",
        cx=f"{100 * (column + 0.5) / grid.columns:.3f}%",
        cy=f"{(row + 0.5) * grid.height:g}",
        r="4.5",
        css="ring",
    )


def _frame(grid: Grid, strip: Grid) -> str:
    """A frame around the strip of the whole that is drawn enlarged below."""
    top = (strip.first - grid.first) // grid.columns * grid.height
    height = strip.size // grid.columns * grid.height
    return element("rect", css="strip", y=f"{top - 3:g}", height=f"{height + 6:g}")


def _axis(grid: Grid) -> str:
    """The first port of some rows, in the left margin."""
    labels = [
        text(-8, row * grid.height + (grid.height / 2 + 4 if grid.height > 8 else 9), str(first), "", "end")
        for row in range(0, grid.rows, grid.label_every)
        for first in [grid.first + row * grid.columns]
    ]
    return f'<g class="axis">{"".join(labels)}</g>'


def _margin(grid: Grid, ports: list[int], labels: Mapping[int, str]) -> tuple[str, float]:
    """The open ports' names at the height of their row, pushed apart; and how far down they reach."""
    room = max(int(grid.rows * grid.height / LINE) + 2, 4)
    lines = [
        (row, named)
        for row, alike in groupby(ports, key=lambda port: (port - grid.first) // grid.columns)
        for named in _lines(list(alike), labels)
    ]
    rest = sum(len(named) for _, named in lines[room - 1 :]) if len(lines) > room else 0
    y, told = -LINE + 4.0, []
    for row, named in lines[: room - 1] if rest else lines:
        at = (row + 0.5) * grid.height
        y = max(at, y + LINE)
        words = " · ".join(
            f'<tspan class="open">{port}</tspan> {escape(labels[port])}'.strip() for port in named
        )
        told.append(f'<path d="M2 {at:g}h6L20 {y:g}h5"/><text x="29" y="{y + 4:g}">{words}</text>')
    if rest:
        y += LINE
        told.append(f'<text x="29" y="{y + 4:g}">and {rest:,} more open</text>')
    return f'<svg x="100%" overflow="visible" class="margin">{"".join(told)}</svg>', y + 8 if told else 0.0


def _lines(ports: list[int], labels: Mapping[int, str]) -> list[list[int]]:
    """Ports of one row of cells, as many in a line as there is room for."""
    lines: list[list[int]] = []
    room = 0
    for port in ports:
        size = len(f" · {port} {labels[port]}")
        if size > room:
            lines.append([])
            room = A_LINE + 3  # the first has no dot before it
        lines[-1].append(port)
        room -= size
    return lines

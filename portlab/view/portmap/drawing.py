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
from portlab.view import tiles
from portlab.view.svg import Drawing, element, escape, text
from portlab.view.tokens import LOOKS, slug

LINE = 16  # pixels from one label to the next
MOST_RINGS = 100  # around single open ports of a small map; more of them can be seen without
A_LINE = 24  # characters that fit into a line of the margin

OF_A_PORT = (State.OPEN, State.CLOSED, State.FILTERED, State.UNFILTERED, State.OPEN_FILTERED)
"""The states that a port can be in."""


class Window(NamedTuple):
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


WHOLE = Window(0, 256, 256, 1.25, 32)
STRIP = 1024
MOST_ROWS = 17  # the ports 1 to 1,024 begin in the first row and end in the seventeenth


def strip_of(port: int) -> Window:
    """The 1,024 ports around a port, enlarged."""
    return Window(port // STRIP * STRIP, 64, 16, 16, 2)


def window_of(first: int, last: int) -> Window | None:
    """The window that holds all ports from first to last, row by row of 64; None where it would be too large."""
    top, bottom = first // 64, last // 64
    rows = bottom - top + 1
    return Window(top * 64, 64, rows, 16, 1 if rows < 5 else 2) if rows <= MOST_ROWS else None


def draw(
    window: Window,
    states: NDArray[np.uint8],
    labels: Mapping[int, str],
    name: str,
    framed: Window | None = None,
) -> Drawing:
    """The cells of a window with the open ports named in the right margin.

    `states` has the state's code of every port (0: not asked), `labels` the open ports with their services;
    `framed` is a strip that is drawn larger elsewhere, with its own names.  `name` begins every id.
    """
    small = window.height < tiles.SMALL
    looks = {slug(state): LOOKS[state].tint if small else LOOKS[state].tile for state in OF_A_PORT}
    here = [port for port in labels if 0 <= port - window.first < window.size]
    if framed is not None:
        here = [port for port in here if not 0 <= port - framed.first < framed.size]
    height = window.rows * window.height
    rings = "".join(_ring(window, port) for port in here) if small and len(here) <= MOST_RINGS else ""
    frame = "" if framed is None else _frame(window, framed)
    margin, lowest = _margin(window, here, labels)
    svg = element(
        "svg",
        tiles.patterns(name, looks, small),
        element("rect", width="100%", height=f"{height:g}", css="edge"),
        _cells(window, states, name),
        rings,
        frame,
        element("rect", css="cursor", width=f"{100 / window.columns:.4f}%", height=f"{window.height:g}"),
        _axis(window),
        margin,
        css="portmap",
        height=f"{max(height, lowest):g}",
        overflow="visible",  # the still image has no style sheet for its place in the page
        aria_hidden="true",
        data_first=window.first,
        data_columns=window.columns,
        data_rows=window.rows,
        data_height=f"{window.height:g}",
        data_do="zoom" if framed is not None else None,
    )
    return Drawing(svg, max(height, lowest))


def _cells(window: Window, states: NDArray[np.uint8], name: str) -> str:
    """One path for each state, filled with that state's pattern."""
    lines = tiles.paths(states[window.first : window.first + window.size], window.columns)
    paths = [
        f'<path d="{lines.get(state.code, "")}" stroke="url(#{name}{slug(state)})" data-state="{slug(state)}"/>'
        for state in OF_A_PORT
    ]
    return (
        f'<svg class="cells" viewBox="0 -.5 {window.columns} {window.rows}" width="100%" '
        f'height="{window.rows * window.height:g}" preserveAspectRatio="none">{"".join(paths)}</svg>'
    )


def _ring(window: Window, port: int) -> str:
    row, column = divmod(port - window.first, window.columns)
    return element(
        "circle",
        cx=f"{100 * (column + 0.5) / window.columns:.3f}%",
        cy=f"{(row + 0.5) * window.height:g}",
        r="4.5",
        css="ring",
    )


def _frame(window: Window, strip: Window) -> str:
    """A frame around the strip of the whole that is drawn enlarged below."""
    top = (strip.first - window.first) // window.columns * window.height
    height = strip.size // window.columns * window.height
    return element("rect", css="strip", y=f"{top - 3:g}", height=f"{height + 6:g}")


def _axis(window: Window) -> str:
    """The first port of some rows, in the left margin."""
    labels = [
        text(
            -8,
            row * window.height + (window.height / 2 + 4 if window.height > 8 else 9),
            str(first),
            "",
            "end",
        )
        for row in range(0, window.rows, window.label_every)
        for first in [window.first + row * window.columns]
    ]
    return f'<g class="axis">{"".join(labels)}</g>'


def _margin(window: Window, ports: list[int], labels: Mapping[int, str]) -> tuple[str, float]:
    """The open ports' names at the height of their row, pushed apart; and how far down they reach."""
    room = max(int(window.rows * window.height / LINE) + 2, 4)
    lines = [
        (row, named)
        for row, alike in groupby(ports, key=lambda port: (port - window.first) // window.columns)
        for named in _lines(list(alike), labels)
    ]
    rest = sum(len(named) for _, named in lines[room - 1 :]) if len(lines) > room else 0
    y, told = -LINE + 4.0, []
    for row, named in lines[: room - 1] if rest else lines:
        at = (row + 0.5) * window.height
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

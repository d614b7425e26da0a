"""Many small cells in rows, as SVG: patterns that have one tile a cell, and cells alike as one path."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

SMALL = 4
"""Cells less than so many pixels high are too small for a mark of their own: they get a tint."""


def patterns(name: str, tiles: Mapping[str, str], small: bool) -> str:
    """What cells are filled with, by kind: tiles, or tints where cells are `small`.  `name` begins every id."""
    width, height = (5, 12) if small else (1, 1)
    told = (
        f'<pattern id="{name}{kind}" y="-.5" width="{width}" height="{height}" '
        f'patternUnits="userSpaceOnUse">{tile}</pattern>'
        for kind, tile in tiles.items()
    )
    return f"<defs>{''.join(told)}</defs>"


def paths(kinds: NDArray[np.uint8], columns: int) -> dict[int, str]:
    """For each kind its cells as lines one cell thick, a run of them at a time, cut where the row ends.

    `kinds` has one value for each cell, row by row.  In units of cells: "M0 0h3M5 1h2".
    """
    starts = np.flatnonzero(np.diff(kinds, prepend=kinds[:1]) | (np.arange(len(kinds)) % columns == 0))
    lengths = np.diff(starts, append=len(kinds))
    down, right = np.divmod(starts, columns)
    told = {}
    for kind in np.unique(kinds).tolist():
        mine = kinds[starts] == kind
        runs = zip(right[mine].tolist(), down[mine].tolist(), lengths[mine].tolist(), strict=True)
        told[kind] = "".join([f"M{x} {y}h{length}" for x, y, length in runs])
    return told

"""Cells in rows: each cell lies on exactly one path, that of its kind."""

from __future__ import annotations

import re

import numpy as np
import pytest

from portlab.view import tiles

CELLS = [
    ([1], 4, {1: "M0 0h1"}),
    ([1, 1, 2, 2], 4, {1: "M0 0h2", 2: "M2 0h2"}),
    ([1, 1, 1, 1, 1], 2, {1: "M0 0h2M0 1h2M0 2h1"}),
    ([0, 255, 0, 255], 2, {0: "M0 0h1M0 1h1", 255: "M1 0h1M1 1h1"}),
]


@pytest.mark.parametrize(("kinds", "columns", "lines"), CELLS)
def test_cells_alike_are_one_line_cut_where_the_row_ends(
    kinds: list[int], columns: int, lines: dict[int, str]
) -> None:
    assert tiles.paths(np.array(kinds, np.uint8), columns) == lines


def test_every_cell_is_drawn_once() -> None:
    kinds = np.random.default_rng(5).integers(0, 4, 1000).astype(np.uint8)
    drawn = np.full(1000, 9, np.uint8)
    for kind, path in tiles.paths(kinds, 64).items():
        for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)", path):
            cells = slice(start := int(y) * 64 + int(x), start + int(length))
            assert (drawn[cells] == 9).all()
            drawn[cells] = kind
    assert drawn.tolist() == kinds.tolist()


def test_a_pattern_has_one_tile_a_cell_or_a_tint_over_several() -> None:
    assert '<pattern id="xopen" y="-.5" width="1" height="1"' in tiles.patterns("x", {"open": "<a/>"}, False)
    assert '<pattern id="xopen" y="-.5" width="5" height="12"' in tiles.patterns("x", {"open": "<a/>"}, True)

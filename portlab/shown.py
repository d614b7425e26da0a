"""How a value shows itself: as a figure in a notebook, as text everywhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Shown:
    """A figure in a notebook, text in a terminal: whatever has this as its base says `html` and `__str__`, no more.

    (A dataclass needs repr=False for it, or it brings a `__repr__` of its own.)
    """

    __slots__ = ()

    def html(self) -> str:
        """The figure as HTML."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self.html()}


def text_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table as lines of text, its columns aligned and two spaces apart; the first row may be the heads."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]

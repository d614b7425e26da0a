"""Compare: a few header fields of several packets side by side, so that what differs, and what does not, is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from portlab.shown import Shown, text_table
from portlab.view import figure
from portlab.view.dissection import anatomy
from portlab.view.svg import escape

TITLE = "The headers side by side"
NONE = "has none"


@dataclass(frozen=True, eq=False, repr=False)
class Compared(Shown):
    """Packets with the values of the same fields; a packet without such a field says so."""

    fields: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def heads(self) -> tuple[str, ...]:
        """Of the columns."""
        return ("asked", "packet", *self.fields)

    def __str__(self) -> str:
        return "\n".join([TITLE, *text_table([self.heads, *self.rows])])

    def html(self) -> str:
        """The table as a figure."""
        rows = [[escape(cell) for cell in row] for row in self.rows]
        heads = tuple(escape(head) for head in self.heads)
        return figure.wrap(
            "compare", TITLE, figure.heading(TITLE, "") + figure.table(TITLE, heads, rows, "prose")
        )


def compare(packets: Sequence[tuple[str, np.void]], fields: Sequence[str]) -> Compared:
    """Lay header fields side by side: compare([("port 9", frame), ("port 3389", frame)], ["Time to live"])."""
    rows = []
    for called, frame in packets:
        taken_apart = anatomy(frame)
        headers = [field for layer in taken_apart.layers if not layer.quoted for field in layer.fields]
        values = {field.name: field.value for field in headers}  # IPv4 has the last word on addresses
        rows.append((called, taken_apart.title, *(values.get(name, NONE) for name in fields)))
    return Compared(tuple(fields), tuple(rows))

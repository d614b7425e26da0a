"""What listens on a host: its sockets as `ss` shows them there, as a table."""

from __future__ import annotations

from dataclasses import dataclass

from portlab.shown import Shown, text_table
from portlab.view import figure
from portlab.view.svg import escape

HEADS = ("transport", "listens on")


@dataclass(frozen=True, repr=False)
class Listening(Shown):
    """The sockets of one host: transport, and the address and port that each is bound to."""

    host: str
    sockets: tuple[tuple[str, str], ...]

    @property
    def title(self) -> str:
        """Such as: What listens on web, as web itself tells."""
        return f"What listens on {self.host}, as {self.host} itself tells"

    def __str__(self) -> str:
        return "\n".join([self.title, *text_table([HEADS, *self.sockets])])

    def html(self) -> str:
        """The table as a figure."""
        rows = [[escape(cell) for cell in row] for row in self.sockets]
        table = figure.table(self.title, HEADS, rows)
        return figure.wrap("listening", self.title, figure.heading(self.title, "") + table)


def listening(host: str, told: str) -> Listening:
    """What `ss` told on a host, line by line: listening("web", lab.sockets("web"))."""
    lines = (line.split() for line in told.splitlines()[1:])
    return Listening(host, tuple((words[0], words[4]) for words in lines if len(words) > 4))

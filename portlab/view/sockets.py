"""Who listens on a host: its sockets, read from what `ss` shows there, as a table."""

from __future__ import annotations

from dataclasses import dataclass

from portlab.errors import BadTarget, quoted
from portlab.ports import service_name
from portlab.shown import Shown, text_table
from portlab.view import figure
from portlab.view.svg import escape

HEADS = ("port", "transport", "address", "usually there")
BEGINS = "Netid"  # the first word of what ss tells
EXAMPLE = 'type listening("web", lab.sockets("web")).'
ANY, EVERY = {"0.0.0.0", "[::]", "*"}, "every address"


@dataclass(frozen=True, repr=False)
class Listening(Shown):
    """The sockets of one host in the order of their ports: port, transport, and the address each is bound to."""

    host: str
    sockets: tuple[tuple[int, str, str], ...]

    @property
    def title(self) -> str:
        """Such as: What listens on web, as web itself tells."""
        return f"What listens on {self.host}, as {self.host} itself tells"

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The sockets in words, each with the service that its port is usually for."""
        return [(str(port), over, at, service_name(port, over)) for port, over, at in self.sockets]

    def __str__(self) -> str:
        return "\n".join([self.title, *text_table([HEADS, *self.rows])])

    def html(self) -> str:
        """The table as a figure."""
        rows = [[escape(cell) for cell in row] for row in self.rows]
        table = figure.table(self.title, HEADS, rows)
        return figure.wrap("listening", self.title, figure.heading(self.title, "") + table)


def listening(host: str, told: str) -> Listening:
    """What `ss` told on a host, line by line: listening("web", lab.sockets("web")).

    BadTarget for what is not that.
    """
    if not isinstance(host, str) or not host.isidentifier():
        raise BadTarget(f"{quoted(host)} is no host's name: {EXAMPLE}")
    if not isinstance(told, str) or not told.startswith(BEGINS):
        raise BadTarget(f"{quoted(told)} is not what ss tells of a host's sockets: {EXAMPLE}")
    lines = [words for line in told.splitlines()[1:] if len(words := line.split()) > 4]
    return Listening(host, tuple(sorted({_socket(words[0], words[4]) for words in lines})))


def _socket(transport: str, bound: str) -> tuple[int, str, str]:
    address, _, port = bound.rpartition(":")
    return int(port), transport, EVERY if address in ANY else address

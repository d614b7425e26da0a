"""Flash cards from the port reference: number to service, service to number, clear text to the safer way.

A card is a value without a memory; when it falls due is a matter of `learn.memory`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from portlab.ports import Port

WAYS = {"service": "port → service", "port": "service → port", "safer": "clear text → safer way"}
"""The directions a card can be asked in, with their names."""


@dataclass(frozen=True, slots=True)
class Card:
    """One question with its answer, all of it plain text.

    `answer` holds (line, explanation) pairs: a port number may carry two services.  `exams` names the versions of
    the exam that have this port.
    """

    port: int
    way: str
    service: str
    question: str
    hint: str
    answer: tuple[tuple[str, str], ...]
    exams: tuple[str, ...]

    @property
    def key(self) -> str:
        """What the card is remembered by; the same for all time: "22 service", "22 port ssh"."""
        return f"{self.port} {self.way} {self.service}".strip()

    def __str__(self) -> str:
        told = "; ".join(line for line, _ in self.answer)
        return f"{self.question} ({self.hint}): {told}"


def cards_of(rows: Iterable[Port]) -> tuple[Card, ...]:
    """All cards that these rows of the reference give, way by way, by number."""
    by_number = sorted(rows, key=lambda row: row.port)
    cards = [card for _, group in groupby(by_number, key=lambda row: row.port) for card in _of_port([*group])]
    return tuple(sorted(cards, key=lambda card: list(WAYS).index(card.way)))


def _of_port(rows: list[Port]) -> Iterator[Card]:
    """The cards of one number: `rows` are its services and transports."""
    number = rows[0].port
    exams = tuple(sorted({exam for row in rows for exam in row.exams}))
    answer = tuple((_with_transport(row), f"{row.purpose}. {row.remark}".strip()) for row in rows)
    yield Card(number, "service", "", str(number), "Which service, over TCP or UDP?", answer, exams)
    for service in dict.fromkeys(row.service for row in rows):
        yield from _of_service([row for row in rows if row.service == service])


def _of_service(rows: list[Port]) -> Iterator[Card]:
    """The cards of one service on one number: `rows` are its transports."""
    fullest = max(rows, key=lambda row: len(row.name))  # "DNS Domain Name System" rather than "DNS over TCP"
    port, service, exams = fullest.port, fullest.service, fullest.exams
    answer = tuple((row.where, row.remark) for row in rows)
    yield Card(port, "port", service, fullest.name, f"{fullest.purpose}. Which port?", answer, exams)
    safer = max((row.safer for row in rows), key=len)
    if safer and fullest.encrypted in _READABLE:
        hint = f"{_READABLE[fullest.encrypted]}: what is the safer way?"
        yield Card(port, "safer", service, f"{port} {fullest.name}", hint, ((safer, ""),), exams)


def _with_transport(row: Port) -> str:
    """The service with its transport: "SSH Secure Shell · TCP"; "DNS over TCP" says it by itself."""
    transport = row.protocol.upper()
    return row.name if transport in row.name.split() else f"{row.name} · {transport}"


_READABLE = {
    "clear": "Clear text",
    "starttls": "Starts in clear text",
    "optional": "Clear text unless it is set up otherwise",
}

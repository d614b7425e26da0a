"""The learner's deck of port cards: lessons unlock ports, cards fall due, answers are kept on disk."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from os import PathLike
from pathlib import Path
from typing import Any

from portlab import files
from portlab.errors import MalformedPacket
from portlab.exports.anki import write_package
from portlab.learn.kept import locked, put_aside
from portlab.learn.live import Live
from portlab.learn.memory import Memory, aware
from portlab.learn.progress import default_path
from portlab.port_cards import Card
from portlab.view.flash_cards import html
from portlab.view.words import count

SITTING = 10
"""So many cards are asked at a time: as many as one likes to answer, and comes back for more."""


class Deck:
    """The cards of one learner, kept in one file: by default cards.json beside the learner's progress.

        deck = Deck()
        deck.unlock([22, 23])       at the end of a lesson
        deck.review()               at the beginning of the next

    Nothing is held in the kernel: every look reads the file, every answer is in it at once.  A damaged file is put
    aside with a warning, never overwritten.
    """

    def __init__(self, path: str | PathLike[str] | None = None) -> None:
        progress = default_path()  # several learners at one computer have a file each
        own = "cards.json" if progress.name == "progress.json" else f"{progress.stem}-cards.json"
        self.path = progress.with_name(own) if path is None else Path(path)

    @property
    def memory(self) -> Memory:
        """What the file holds now."""
        if not self.path.exists():
            return Memory()
        try:
            return Memory.from_json(files.read(self.path))
        except MalformedPacket as damage:
            aside = put_aside(self.path)
            warnings.warn(
                f"{str(self.path)!r} is damaged ({damage}). It was put aside as {aside.name!r}; a new deck is begun.",
                stacklevel=2,
            )
            return Memory()

    def _change(self, change: Callable[[Memory], Memory]) -> Memory:
        with locked(self.path):
            memory = change(self.memory)
            files.write(self.path, memory.to_json())
        return memory

    def unlock(self, ports: Iterable[int]) -> Deck:
        """Add the cards of these ports.  Ports that are unlocked already stay as they are.

        Raises BadTarget for a port that the reference does not have.
        """
        asked = list(ports)
        self._change(lambda memory: memory.unlock(asked))
        return self

    def due(self, now: datetime | None = None) -> tuple[Card, ...]:
        """The cards to ask now: the longest overdue first, then those never asked."""
        return self.memory.due(now or datetime.now(UTC))

    def answer(self, card: Card | str, knew: bool, now: datetime | None = None) -> datetime:
        """Keep one answer; returns when the card falls due again.  `card` may be its key."""
        key = card.key if isinstance(card, Card) else card
        memory = self._change(lambda memory: memory.answer(key, knew, now or datetime.now(UTC)))
        return memory.due_times()[key] or datetime.now(UTC)

    def to_anki(self, path: str | PathLike[str]) -> None:
        """Write the unlocked cards as a package that Anki imports (.apkg); a newer one updates an older."""
        write_package(self.memory.cards, path)

    def __repr__(self) -> str:
        memory, now = self.memory, datetime.now(UTC)
        held = f"{count(len(memory.cards), 'card')} of {count(len(memory.unlocked), 'port')}"
        return f"Deck {str(self.path)!r}: {held}. {_state(memory, now)}"

    def review(self, now: datetime | None = None) -> Live:
        """The next ten cards that are due, to be answered in the notebook; each answer is kept at once."""
        memory, now = self.memory, aware(now or datetime.now(UTC))
        due = memory.due(now)
        cards = due[:SITTING]
        more = f"Here are {SITTING} of them: run the cell again for the next." if len(due) > SITTING else ""
        kept = f"Answers are kept in {self.path}." if cards else ""
        note = " ".join(filter(None, (_state(memory, now), more, kept)))
        asked = [f"  {card.question} ({card.hint})" for card in cards]
        live = Live(html(cards, note, "Cards that are due", mixed=True), "\n".join([note, *asked]))

        def answered(told: dict[str, Any]) -> None:
            again = self.answer(str(told["card"]), bool(told["knew"]))
            live.send_to_page({"kept": f"Kept. It comes back in {_span(again - datetime.now(UTC))}."})

        live.on_tell(answered)
        return live


def _state(memory: Memory, now: datetime) -> str:
    """How many cards are due, or when the next one is."""
    due = len(memory.due(now))
    if due:
        return f"{count(due, 'card')} {'is' if due == 1 else 'are'} due."
    later = [at for at in memory.due_times().values() if at is not None]
    if not later:
        return "No cards yet: lessons unlock them."
    return f"Nothing is due. The next card falls due in {_span(min(later) - now)}."


def _span(ahead: timedelta) -> str:
    """A time to come, roughly: "10 minutes", "3 days"."""
    minutes = max(1, round(ahead.total_seconds() / 60))
    for unit, size in (("day", 24 * 60), ("hour", 60)):
        if minutes >= size * 1.5 or minutes == size:
            return count(round(minutes / size), unit)
    return count(minutes, "minute")

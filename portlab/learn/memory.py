"""What a learner remembers: which ports are unlocked, what was answered when, and when each card falls due.

Only what happened is kept, as JSON that any program can read; what follows from it is computed anew:

    {"format": "portlab cards", "version": 1,
     "unlocked": [22, 23],
     "answers": [["22 service", "2026-03-01T09:30:00+00:00", true], ...]}      card, when, knew it

The time between two askings is chosen by FSRS, the Free Spaced Repetition Scheduler, with its default parameters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import fsrs

from portlab.errors import BadTarget, MalformedPacket
from portlab.port_cards import Card, cards_of
from portlab.ports import find

FORMAT, VERSION = "portlab cards", 1
_SCHEDULER = fsrs.Scheduler(enable_fuzzing=False)  # chance would let the same answers fall due at other times


@dataclass(frozen=True, slots=True)
class Review:
    """One answer of the learner: to which card, when (with its time zone), and whether it was known."""

    card: str
    at: datetime
    knew: bool


@dataclass(frozen=True)
class Memory:
    """All that is kept of one learner's cards."""

    unlocked: tuple[int, ...] = ()
    answers: tuple[Review, ...] = ()

    @cached_property
    def cards(self) -> tuple[Card, ...]:
        """The cards of the unlocked ports: of their exam services where they have any, otherwise of all."""
        rows = [row for port in self.unlocked for row in find(port)]
        examined = {row.port for row in rows if row.exams}
        return cards_of(row for row in rows if row.exams or row.port not in examined)

    def unlock(self, ports: Iterable[int]) -> Memory:
        """The same memory with more ports.  Raises BadTarget for one that the reference does not have."""
        asked = list(ports)
        for port in asked:
            if not isinstance(port, int) or not find(port):
                raise BadTarget(
                    f"the reference has no port {port!r}, so there is no card for it: type numbers such as 22, 23."
                )
        return replace(self, unlocked=tuple(sorted({*self.unlocked, *asked})))

    def answer(self, key: str, knew: bool, now: datetime) -> Memory:
        """The same memory with one more answer.  Raises BadTarget for a card that is not unlocked."""
        if key not in {card.key for card in self.cards}:
            raise BadTarget(
                f"there is no unlocked card {key!r}: unlock its port first, as in deck.unlock([22])."
            )
        return replace(self, answers=(*self.answers, Review(key, aware(now), knew)))

    def due_times(self) -> dict[str, datetime | None]:
        """When each unlocked card falls due; None for one that was never asked, which is due at once."""
        asked: dict[str, fsrs.Card] = {}
        for answer in self.answers:
            card = asked.get(answer.card) or fsrs.Card(card_id=0, due=answer.at)
            rating = fsrs.Rating.Good if answer.knew else fsrs.Rating.Again
            asked[answer.card], _ = _SCHEDULER.review_card(card, rating, answer.at)
        return {card.key: asked[card.key].due if card.key in asked else None for card in self.cards}

    def due(self, now: datetime) -> tuple[Card, ...]:
        """The cards that are due: the longest overdue first, then the new ones."""
        when, now = self.due_times(), aware(now)
        late = [card for card in self.cards if (at := when[card.key]) is not None and at <= now]
        new = [card for card in self.cards if when[card.key] is None]
        return (*sorted(late, key=lambda card: when[card.key] or now), *new)

    # --- as a file ----------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """The memory as JSON, one answer a line."""
        answers = [json.dumps([a.card, a.at.isoformat(timespec="seconds"), a.knew]) for a in self.answers]
        head = f'{{"format": "{FORMAT}", "version": {VERSION},\n "unlocked": {json.dumps(self.unlocked)},\n'
        return head + ' "answers": [' + ",\n  ".join(answers) + "]}\n"

    @classmethod
    def from_json(cls, text: bytes) -> Memory:
        """What `to_json` wrote.  Raises MalformedPacket for anything else, BadTarget for a newer version's."""
        try:
            kept = json.loads(text.decode("utf-8"))
            if kept["format"] != FORMAT:
                raise ValueError(f"its format is {kept['format']!r}")
            if kept["version"] > VERSION:
                raise BadTarget("the cards were kept by a newer version of PortLab: update PortLab to go on.")
            return cls(tuple(map(int, kept["unlocked"])), tuple(_answer(*row) for row in kept["answers"]))
        except BadTarget:
            raise
        except (ValueError, TypeError, KeyError) as error:
            raise MalformedPacket(f"not the cards of PortLab: {error}") from error


def _answer(card: Any, at: Any, knew: Any) -> Review:
    if not (isinstance(card, str) and isinstance(knew, bool)):
        raise ValueError(f"{[card, at, knew]} is not an answer")
    return Review(card, aware(datetime.fromisoformat(at)), knew)


def aware(now: datetime) -> datetime:
    """The time in UTC.  Raises BadTarget where it does not carry its time zone."""
    if now.tzinfo is None:
        raise BadTarget(f"{now} has no time zone: type datetime.now(UTC), for example.")
    return now.astimezone(UTC)

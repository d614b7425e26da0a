"""Flash cards: one at a time under the learner's hand, and all of them as a list that opens without a script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from portlab.port_cards import WAYS, Card, cards_of
from portlab.ports import Port
from portlab.shown import Shown
from portlab.view import figure, given
from portlab.view.svg import escape
from portlab.view.words import count

KEYS = (
    (("Space",), "turn over"),
    (("1",), "again"),
    (("2",), "knew it"),
    (("←", "→"), "back, skip"),
)


@dataclass(frozen=True, eq=False, repr=False)
class Cards(Shown):
    """Cards to practise with: as a figure, and as a list in plain text."""

    cards: Sequence[Card]

    def __str__(self) -> str:
        lines = [f"{WAYS[card.way]}:  {card}" for card in self.cards]
        return "\n".join([f"Port cards: {count(len(self.cards), 'card')}", *lines])

    def html(self) -> str:
        """The cards as a figure."""
        note = f"{count(len(self.cards), 'card')}. Practice: answers are not kept."
        return html(self.cards, note)


def cards(rows: Iterable[Port]) -> Cards:
    """Cards of these ports to practise with; nothing is kept.  cards(ports.find(exam="009"))."""
    return Cards(cards_of(given.port_rows(rows, 'cards(ports.find("mail"))')))


def html(shown: Sequence[Card], note: str, title: str = "Port cards", mixed: bool = False) -> str:
    """The cards as a figure; `note` says what becomes of the answers.

    Where they are `mixed` all are asked in the order given, otherwise the learner chooses a direction.
    """
    if not shown:
        return figure.wrap("cards", title, figure.heading(title, note), "cards")
    body = (
        figure.heading(title, note)
        + f'<div class="drill" hidden="hidden">{"" if mixed else _ways(shown)}{_STAGE}{_BUTTONS}</div>'
        + f'<details class="all" open="open"><summary>All {count(len(shown), "card")}</summary>'
        + f'<ol class="deck">{"".join(map(_item, shown))}</ol></details>'
    )
    return figure.wrap("cards", title, body, "cards", script_name="cards")


def _ways(shown: Sequence[Card]) -> str:
    """Radio buttons for the directions that these cards have."""
    there = [way for way in WAYS if any(card.way == way for card in shown)]
    name = figure.identity(" ".join(card.key for card in shown))
    options = "".join(
        f'<label><input type="radio" name="{name}" value="{way}"{" checked" if way == there[0] else ""}> '
        f"{WAYS[way]}</label>"
        for way in there
    )
    return f"<fieldset><legend>Direction</legend>{options}</fieldset>"


def _item(card: Card) -> str:
    """One card that opens by itself, and that the script takes question and answer from."""
    answer = "".join(f"<p>{escape(line)}<small>{escape(more)}</small></p>" for line, more in card.answer)
    return (
        f'<li data-key="{escape(card.key)}" data-way="{card.way}"><details><summary>{escape(card.question)}'
        f'<small>{escape(card.hint)}</small></summary><div class="answer">{answer}</div></details></li>'
    )


_HINTS = "".join(f"<li>{' '.join(f'<kbd>{key}</kbd>' for key in keys)} {what}</li>" for keys, what in KEYS)
_STAGE = (
    '<div class="desk"><div class="stage" tabindex="0" role="group" aria-label="Flash card" '
    'aria-roledescription="flash card" aria-keyshortcuts="Space 1 2 ArrowLeft ArrowRight">'
    '<div class="question"></div><div class="answer" role="status"></div></div>'
    f'<ul class="hints">{_HINTS}</ul></div>'
)
_BUTTONS = (
    '<div class="bar" role="group" aria-label="Card">'
    + figure.button("back", '<span aria-hidden="true">←</span> Back')
    + figure.button("turn", "Turn over")
    + figure.button("again", "Again")
    + figure.button("knew", "Knew it")
    + figure.button("skip", 'Skip <span aria-hidden="true">→</span>')
    + '<span class="position muted"></span></div><p class="kept muted"></p>'
)

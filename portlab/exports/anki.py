"""Port cards as a package for Anki, the flash card program; made with genanki."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from os import PathLike

from portlab import files
from portlab.port_cards import Card

# Anki tells decks, kinds of notes and notes apart by these numbers and by each note's own id: as long as they stay
# the same, importing a newer package updates the cards and keeps what the learner has learnt of them.
DECK_ID, MODEL_ID = 1_744_201_337, 1_201_744_733
DECK = "PortLab: ports"

_STYLE = """.card{font:20px/1.4 system-ui,sans-serif;text-align:center}
.question{font-size:32px;font-weight:700}.hint,small{color:#57606a;font-size:15px}small{display:block}
.nightMode .hint,.nightMode small{color:#a0a9b4}"""
_FRONT = '<div class="question">{{Question}}</div><div class="hint">{{Hint}}</div>'
_BACK = '{{FrontSide}}<hr id="answer">{{Answer}}'


def write_package(cards: Iterable[Card], path: str | PathLike[str]) -> None:
    """Write the cards as an .apkg file.  Raises BadTarget where it cannot be written."""
    import genanki

    model = genanki.Model(
        MODEL_ID,
        "PortLab port card",
        fields=[{"name": name} for name in ("Question", "Hint", "Answer")],
        templates=[{"name": "Card", "qfmt": _FRONT, "afmt": _BACK}],
        css=_STYLE,
    )
    deck = genanki.Deck(DECK_ID, DECK)
    for card in cards:
        fields = [escape(card.question), escape(card.hint), _answer(card)]
        tags = [card.way, *(f"N10-{exam}" for exam in card.exams)]
        guid = genanki.guid_for("portlab", card.key)
        deck.add_note(genanki.Note(model=model, fields=fields, tags=tags, guid=guid))
    with files.written_whole(path) as draft:
        genanki.Package(deck).write_to_file(draft)


def _answer(card: Card) -> str:
    lines = (f"<div><b>{escape(line)}</b><small>{escape(more)}</small></div>" for line, more in card.answer)
    return "".join(lines)

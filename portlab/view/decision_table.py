"""The decision table of a technique: what each answer says, and where that is written.  Read from the code itself."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from portlab.model import Answer, Meaning
from portlab.shown import Shown
from portlab.techniques import technique
from portlab.view import figure, words
from portlab.view.svg import badge, escape
from portlab.view.tokens import LOOKS

WIDTH = 100
HEADS = ("what came back", "state", "reason", "what it says", "source")
BY = {"-by-target": " from the target itself", "-by-other": " from somebody else"}


def answer_name(answer: Answer) -> str:
    """An answer in words: "port unreach from somebody else"."""
    name = str(answer)
    for ending, words_ in BY.items():
        name = name.replace(ending, words_)
    return name.upper() if answer in (Answer.SYN_ACK, Answer.SYN, Answer.RST) else name.replace("-", " ")


@dataclass(frozen=True, slots=True, repr=False)
class Meanings(Shown):
    """One technique's table, shown as a table."""

    name: str
    rows: dict[Answer, Meaning]

    def __str__(self) -> str:
        lines = [f"{words.technique_name(self.name)}: what each answer says"]
        for answer, meaning in self.rows.items():
            look = LOOKS[meaning.state]
            lines += ["", f"{answer_name(answer)}  =>  {look.character} {look.words}, {meaning.reason}"]
            told = f"{meaning.sentence} [{meaning.source}]"
            lines.append(textwrap.fill(told, WIDTH, initial_indent="    ", subsequent_indent="    "))
        return "\n".join(lines)

    def html(self) -> str:
        """The table as a figure."""
        title = f"{words.technique_name(self.name)}: what each answer says"
        rows = [
            [
                escape(answer_name(answer)),
                badge(meaning.state),
                escape(meaning.reason),
                escape(meaning.sentence),
                f'<span class="muted">{escape(meaning.source)}</span>',
            ]
            for answer, meaning in self.rows.items()
        ]
        detail = "the table that PortLab itself decides by"
        return figure.wrap(
            "meanings", title, figure.heading(title, detail) + figure.table(title, HEADS, rows, "prose")
        )


def meanings(name: str) -> Meanings:
    """The decision table of a technique: meanings("syn").  Raises BadTarget where there is no such technique."""
    return Meanings(name, technique(name).MEANINGS)

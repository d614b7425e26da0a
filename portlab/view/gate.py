"""Gate: questions that are answered before the evidence is shown, and what is said afterwards.

Drawn here as a figure with native radio buttons, and told as text.  `learn` hears the answer and draws it anew.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

from portlab.model import State
from portlab.view import figure
from portlab.view.svg import escape
from portlab.view.tokens import glyph

WIDTH = 100
CHOOSE = "Choose one of each."
RAN = "The line that ran:"
MARKS = {"✓": "right", "½": "half right", "!": "wrong"}
"""How an answer is marked, and the same in words.  The shapes of states are never used for it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that can be chosen; where it is a state, its shape stands beside the words."""

    value: str
    words: str = ""
    state: State | None = None

    def __str__(self) -> str:
        return self.words or self.value


@dataclass(frozen=True, slots=True)
class Group:
    """One question with its choices: one radio group."""

    name: str
    legend: str
    choices: tuple[Choice, ...]

    def words(self, value: str) -> str:
        """How the choice with that value is called."""
        return next((str(choice) for choice in self.choices if choice.value == value), value)


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered beside an answer: to show something, by button or by `code`; where it asks, one may say no."""

    show: str
    code: str
    no: str = ""

    def __str__(self) -> str:
        return f"{self.show}: {self.code}"

    def html(self) -> str:
        """The buttons; they work while Python hears them."""
        buttons = (
            f'<button type="button" class="go" data-do="tell" data-tell="show">{escape(self.show)}</button>'
        )
        if self.no:
            buttons += (
                f'<button type="button" class="button" data-do="tell" data-tell="no">{escape(self.no)}</button>'
                f'<input class="thought" type="text" maxlength="200" aria-label="{escape(self.no)}">'
            )
        return f'<div class="bar offer needs-python">{buttons}</div>'


@dataclass(frozen=True, slots=True)
class Feedback:
    """What is said about an answer: a mark, a headline, sentences, a line of Python; and what is shown below them.

    `source` says where the facts are written.
    """

    mark: str
    head: str
    lines: tuple[str, ...] = ()
    code: str = ""
    more_html: str = ""
    more_text: str = ""
    source: str = ""
    offer: Offer | None = None

    def __str__(self) -> str:
        head = f"{self.mark} {self.head}".strip()
        layout = textwrap.TextWrapper(
            WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
        )
        told = [layout.fill(line) for line in self.lines]
        code = [f"  {RAN} {self.code}"] if self.code else []
        source = [f"  Source: {self.source}"] if self.source else []
        offer = [f"  {self.offer}"] if self.offer else []
        more = ["", self.more_text] if self.more_text else []
        return "\n".join([head, *told, *offer, *code, *source, *more])

    def html(self) -> str:
        """The words in a region that is read out when it changes; pictures below it, which are not."""
        mark = ""
        if self.mark:
            mark = f'<span class="mark" role="img" aria-label="{MARKS[self.mark]}">{self.mark}</span> '
        lines = "".join(f"<p>{escape(line)}</p>" for line in self.lines)
        code = f"<p>{RAN} <code>{escape(self.code)}</code></p>" if self.code else ""
        source = ""
        if self.source:
            source = f'<details class="source"><summary>source</summary>{escape(self.source)}</details>'
        return f'<p class="verdict">{mark}<b>{escape(self.head)}</b></p>{lines}{code}{source}'


NOTHING_SAID = Feedback("", "")


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate as it stands: the questions, what was chosen, and what is said about it.

    `name` is its own on the page; `picked` maps each group's name to the value chosen, and is empty until then.
    """

    name: str
    title: str
    question: str
    groups: tuple[Group, ...]
    button: str
    hint: str = CHOOSE
    picked: Mapping[str, str] = field(default_factory=dict)
    feedback: Feedback = NOTHING_SAID

    def __str__(self) -> str:
        lines = [self.title, *textwrap.wrap(self.question, WIDTH)]
        for group in self.groups:
            lines += textwrap.wrap(f"{group.legend}: {' / '.join(map(str, group.choices))}", WIDTH,
                                   initial_indent="  ", subsequent_indent="    ")  # fmt: skip
        if self.picked:
            said = ", ".join(group.words(self.picked[group.name]) for group in self.groups)
            lines += textwrap.wrap(f"You said: {said}", WIDTH)
        else:
            lines.append("Not answered yet.")
        if self.feedback.head:
            lines += ["", str(self.feedback)]
        return "\n".join(lines)

    def html(self) -> str:
        """The figure.  Its radio buttons work once Python hears them; before and after, it is a still picture."""
        sets = "".join(self._fieldset(group) for group in self.groups)
        # method="dialog" outside a dialog does nothing: Enter on a radio button must not load a page.
        how_many = {1: " one", 2: ""}.get(len(self.groups), " many")
        form = f'<form method="dialog" class="sets{how_many}">{sets}</form>'
        body = (
            f'<p class="title">{escape(self.title)}</p>'
            + (f'<p class="ask">{escape(self.question)}</p>' if self.question else "")
            + form
            + self._bar()
            + f'<div class="feedback" role="status">{self._said()}</div>'
            + (self.feedback.offer.html() if self.feedback.offer else "")
            + (f'<div class="more">{self.feedback.more_html}</div>' if self.feedback.more_html else "")
        )
        locked = 'data-locked="1"' if self.picked else ""
        return figure.wrap(
            "gate", f"{self.title}. {self.question}", body, "gate", script_name="gate", data=locked
        )

    def _bar(self) -> str:
        button, hint = ("Locked in", "") if self.picked else (self.button, self.hint)
        return (
            '<div class="bar needs-python"><button type="button" class="go" data-do="commit" aria-disabled="true">'
            f'{escape(button)}</button><span class="hint">{escape(hint)}</span></div>'
        )

    def _said(self) -> str:
        return self.feedback.html() if self.feedback.head else ""

    def _fieldset(self, group: Group) -> str:
        options = "".join(self._option(group, choice) for choice in group.choices)
        return f"<fieldset><legend>{escape(group.legend)}</legend>{options}</fieldset>"

    def _option(self, group: Group, choice: Choice) -> str:
        chosen = " checked" if self.picked.get(group.name) == choice.value else ""
        locked = " disabled" if self.picked else ""
        shape = glyph(choice.state, 14) if choice.state else ""
        return (
            f'<label class="option"><input type="radio" name="{escape(self.name)}.{escape(group.name)}" '
            f'data-group="{escape(group.name)}" value="{escape(choice.value)}"{chosen}{locked}>'
            f"{shape}<span>{escape(str(choice))}</span></label>"
        )


def note(feedback: Feedback, more_html: str = "") -> str:
    """The same look without a question: what is said about an answer that was typed into a cell."""
    body = f'<div class="feedback" role="status">{feedback.html()}</div>'
    more = f'<div class="more">{more_html}</div>' if more_html else ""
    return figure.wrap("note", feedback.head, body + more, "gate")

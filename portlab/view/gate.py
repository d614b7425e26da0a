"""Gate: questions that are answered before the evidence is shown, and what is said afterwards.

Drawn here as a figure with native buttons and fields, and told as text.  `learn` hears the answer and draws it anew.
What the gate opens stands below it: beat.py.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
    """One question with its choices: radio buttons, or boxes to tick where `several` may be right.

    Without choices it is a field to write into; `unit` stands behind it, `example` says how to write.
    """

    name: str
    legend: str
    choices: tuple[Choice, ...] = ()
    several: bool = False
    unit: str = ""
    example: str = ""

    def words(self, value: Any) -> str:
        """How the choice with that value is called; several with commas; what was written, with its unit."""
        return f"{self.plain(value)} {self.unit}".strip()

    def plain(self, value: Any) -> str:
        """The same without the unit."""
        values = value if isinstance(value, list | tuple) else (value,)
        called = {choice.value: str(choice) for choice in self.choices}
        return ", ".join(called.get(each, str(each)) for each in values)


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered beside an answer: to show something, by button or by `code`; where it asks, one may say no."""

    show: str
    code: str = ""
    no: str = ""

    def __str__(self) -> str:
        return f"{self.show}: {self.code}" if self.code else self.show

    def html(self) -> str:
        """The buttons; they work while Python hears them."""
        buttons = figure.button("offer", escape(self.show))
        if not self.no:
            return buttons
        thought = f'<input class="thought" type="text" maxlength="200" aria-label="{escape(self.no)}">'
        return buttons + figure.button("no", escape(self.no)) + thought


@dataclass(frozen=True, slots=True)
class Feedback:
    """What is said about an answer: a mark, a headline, sentences, a line of Python, and where it is written."""

    mark: str
    head: str
    lines: tuple[str, ...] = ()
    code: str = ""
    source: str = ""

    def __str__(self) -> str:
        head = f"{self.mark} {self.head}".strip()
        layout = textwrap.TextWrapper(
            WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
        )
        told = [layout.fill(line) for line in self.lines]
        code = [f"  {RAN} {self.code}"] if self.code else []
        source = [f"  Source: {self.source}"] if self.source else []
        return "\n".join([head, *told, *code, *source])

    def html(self) -> str:
        """The words, for a region that is read out when it changes."""
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
    `locked`: it is answered.  `busy`: the packets are still on their way.  `offer`: what else can be
    shown.
    """

    name: str
    title: str
    question: str
    groups: tuple[Group, ...]
    button: str
    hint: str = CHOOSE
    picked: Mapping[str, Any] = field(default_factory=dict)
    locked: bool = False
    busy: bool = False
    feedback: Feedback = NOTHING_SAID
    offer: Offer | None = None

    def __str__(self) -> str:
        lines = [self.title, *textwrap.wrap(self.question, WIDTH)]
        for group in self.groups:
            ways = " / ".join(map(str, group.choices)) or f"____ {group.unit} {group.example}".rstrip()
            lines += textwrap.wrap(f"{group.legend}: {ways}", WIDTH,
                                   initial_indent="  ", subsequent_indent="    ")  # fmt: skip
        if self.picked:
            said = ", ".join(group.words(self.picked[group.name]) for group in self.groups)
            lines += textwrap.wrap(f"You said: {said}", WIDTH)
        else:
            lines.append("Not answered yet.")
        if self.feedback.head:
            lines += ["", str(self.feedback)]
        if self.offer:
            lines.append(f"  {self.offer}")
        return "\n".join(lines)

    def html(self) -> str:
        """The figure.  Its controls work once Python hears them; before and after, it is a still picture."""
        sets = "".join(self._fieldset(group) for group in self.groups)
        # method="dialog" outside a dialog does nothing: Enter on a radio button must not load a page.
        how_many = {1: " one", 2: ""}.get(len(self.groups), " many")
        form = f'<form method="dialog" class="sets{how_many}">{sets}</form>'
        body = (
            f'<p class="title">{escape(self.title)}</p>'
            + (f'<p class="ask">{escape(self.question)}</p>' if self.question else "")
            + form
            + ("" if self.locked else self._bar())
            + f'<div class="feedback" role="status">{self.feedback.html() if self.feedback.head else ""}</div>'
            + (self._after() if self.locked and not self.busy else "")
        )
        state = ' data-locked="1"' * self.locked + ' aria-busy="true"' * self.busy
        label = f"{self.title}. {self.question}".strip()
        return figure.wrap("gate", label, body, "gate", script_name="gate", data=state)

    def _bar(self) -> str:
        """What can be done while it is open."""
        return (
            '<div class="bar needs-python"><button type="button" class="go" data-do="commit" aria-disabled="true">'
            f'{escape(self.button)}</button>{self._offered()}<span class="hint">{escape(self.hint)}</span></div>'
        )

    def _after(self) -> str:
        """What can be done once it is answered."""
        again = figure.button("again", "Answer again")
        return f'<div class="bar needs-python">{self._offered()}{again}</div>'

    def _offered(self) -> str:
        return self.offer.html() if self.offer else ""

    def _fieldset(self, group: Group) -> str:
        options = "".join(self._option(group, choice) for choice in group.choices) or self._field(group)
        return f"<fieldset><legend>{escape(group.legend)}</legend>{options}</fieldset>"

    def _option(self, group: Group, choice: Choice) -> str:
        picked = self.picked.get(group.name, ())
        chosen = " checked" if choice.value == picked or (group.several and choice.value in picked) else ""
        kind = "checkbox" if group.several else "radio"
        shape = glyph(choice.state, 14) if choice.state else ""
        return (
            f'<label class="option"><input type="{kind}" {self._names(group)} value="{escape(choice.value)}"{chosen}>'
            f"{shape}<span>{escape(str(choice))}</span></label>"
        )

    def _field(self, group: Group) -> str:
        value = group.plain(self.picked[group.name]) if self.picked else ""
        return (
            f'<span class="entry"><input type="text" {self._names(group)} value="{escape(value)}" '
            f'aria-label="{escape(group.legend)}" autocomplete="off" spellcheck="false" inputmode="numeric">'
            f'<span class="unit">{escape(group.unit)}</span> <span class="hint">{escape(group.example)}</span></span>'
        )

    def _names(self, group: Group) -> str:
        locked = " disabled" if self.locked else ""
        return f'name="{escape(self.name)}.{escape(group.name)}" data-group="{escape(group.name)}"{locked}'


def note(feedback: Feedback, more_html: str = "") -> str:
    """The same look without a question: what is said about an answer that was typed into a cell."""
    body = f'<div class="feedback" role="status">{feedback.html()}</div>'
    more = f'<div class="more">{more_html}</div>' if more_html else ""
    return figure.wrap("note", feedback.head, body + more, "gate")

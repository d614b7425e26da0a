"""Beat: a question, and in the same place, once it is answered, what happened and why.

    question → feedback → what speaks against a belief, if wanted → pictures → explanation → what comes next

Nothing of what the question is about is in the page before it is answered: it is drawn then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portlab.view import figure
from portlab.view.gate import Gate

NEXT = "Next: Shift+Enter."


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is shown, as HTML and as its twin in words."""

    html: str
    text: str


def part(picture: Any) -> Part:
    """Whatever a notebook can show, as a part of a beat."""
    bundle = picture._repr_mimebundle_()
    return Part(bundle["text/html"], bundle["text/plain"])


def prose(html: str, text: str, label: str) -> Part:
    """Written words that stand among the pictures."""
    body = f'<section class="pl pl-prose" aria-label="{label}">{html}</section>'
    return Part(f"{figure.style('prose', 'prose')}{body}", text)


@dataclass(frozen=True, slots=True)
class Beat:
    """A beat as it stands: `given` is there from the beginning, `against` and `shown` follow the answer."""

    gate: Gate
    given: tuple[Part, ...] = ()
    against: tuple[Part, ...] = ()
    shown: tuple[Part, ...] = ()

    @property
    def done(self) -> bool:
        """Whether it is answered, and its packets are there."""
        return self.gate.locked and not self.gate.busy

    def __str__(self) -> str:
        before = [each.text for each in self.given]
        after = [each.text for each in (*self.against, *self.shown)]
        return "\n\n".join([*before, str(self.gate), *after])

    def html(self) -> str:
        """All of it, one below the other."""
        whole = "".join(each.html for each in self.given) + self.gate.html()
        if not self.done:
            return whole
        after = "".join(each.html for each in (*self.against, *self.shown))
        return f'{whole}{after}<p class="pl next needs-python" hidden="hidden">{NEXT}</p>'

"""Counter-examples: a wrong belief met by packets.  The lab is changed, asked, and put back as it was."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from portlab.errors import PortLabError
from portlab.learn.misconceptions import Misconception
from portlab.model import Exchange
from portlab.view import figure, ladders
from portlab.view.gate import Feedback

NO_CASE = "This lab cannot show it, so here it is in words."


class Question(Protocol):
    """One probe of a case; `port` is None for a ping."""

    technique: str
    host: str
    port: int | None
    payload: str
    method: str


class Case(Protocol):
    """What a lab's case says of itself: what was done, in one sentence, and what to ask meanwhile."""

    title: str
    questions: tuple[Question, ...]


class Lab(Protocol):
    """A lab that can change itself for a while: `with lab.case("M04") as case:`."""

    def case(self, id_: str) -> AbstractContextManager[Case]:
        """Change the lab; undo it at the end of the block."""


@dataclass(frozen=True, repr=False)
class CounterExample:
    """A belief, the sentence that corrects it, and the exchanges that show it (none where no lab could)."""

    held: Misconception
    done: str
    exchanges: tuple[Exchange, ...] = ()

    @property
    def feedback(self) -> Feedback:
        """What is said."""
        lines = (
            (self.done, self.held.sentence)
            if self.exchanges
            else (self.done, self.held.example, self.held.sentence)
        )
        return Feedback("", f"Counter-example to: {self.held.belief}", lines)

    def inside(self) -> str:
        """As HTML to stand in another figure."""
        pictures = ladders(*self.exchanges)._repr_mimebundle_()["text/html"] if self.exchanges else ""
        return self.feedback.html() + pictures

    def __str__(self) -> str:
        pictures = ["", str(ladders(*self.exchanges))] if self.exchanges else []
        return "\n".join([str(self.feedback), *pictures])

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        html = figure.wrap("note", self.feedback.head, f'<div class="more">{self.inside()}</div>', "gate")
        return {"text/plain": str(self), "text/html": html}


def show(held: Misconception, lab: Lab | None, scanner: Any) -> CounterExample:
    """Run the lab's case of that misconception, and ask its questions meanwhile; in words where that cannot be."""
    if not hasattr(lab, "case") or scanner is None:
        return CounterExample(held, NO_CASE)
    try:
        with lab.case(held.id) as case:
            exchanges = tuple(ask(scanner, question) for question in case.questions)
            return CounterExample(held, case.title, exchanges)
    except PortLabError as error:
        return CounterExample(held, f"{NO_CASE} ({error})")


def ask(scanner: Any, question: Question) -> Exchange:
    """Ask one question of a case through the scanner that was handed in."""
    if question.technique == "ping":
        return scanner.ping(question.host, method=question.method or "icmp", progress=False).exchange(
            question.host
        )
    options = {"payload": question.payload} if question.payload else {}
    scan = getattr(scanner, f"{question.technique}_scan")(
        question.host, question.port, progress=False, **options
    )
    return scan.exchange(question.host, question.port)

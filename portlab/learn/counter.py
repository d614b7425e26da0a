"""Counter-examples: a wrong belief met by packets.  The lab is changed, asked, and put back as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from portlab.errors import BadTarget, PortLabError
from portlab.learn.misconceptions import Misconception
from portlab.model import Exchange
from portlab.shown import Shown
from portlab.view import figure, ladders
from portlab.view.gate import Feedback
from portlab.view.ladder import Ladders

NO_LAB = "No lab is at hand that could show it, so here it is in words."
NO_CASE = "No packet of this lab shows it, so here it is in words."


class Question(Protocol):
    """One probe of a case; `port` is None for a ping."""

    @property
    def technique(self) -> str: ...

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int | None: ...

    @property
    def payload(self) -> str: ...

    @property
    def method(self) -> str: ...


class Case(Protocol):
    """What a lab's case says of itself: what is done, in one sentence, to which hosts, and what to ask meanwhile."""

    @property
    def title(self) -> str: ...

    @property
    def questions(self) -> Sequence[Question]: ...

    @property
    def changes(self) -> Mapping[str, Any]: ...


class Lab(Protocol):
    """A lab that can change itself for a while: `with lab.case("M04") as case:`."""

    def case(self, id_: str, /) -> AbstractContextManager[Case]:
        """Change the lab; undo it at the end of the block."""


@dataclass(frozen=True, repr=False)
class CounterExample(Shown):
    """A belief, the sentence that corrects it, and the exchanges that show it (none where no lab could).

    `meanwhile` was asked while the lab was changed, `afterwards` when it had been put back.
    """

    held: Misconception
    done: str
    meanwhile: tuple[Exchange, ...] = ()
    afterwards: tuple[Exchange, ...] = ()

    @property
    def feedback(self) -> Feedback:
        """What is said."""
        told = (
            (self.done, self.held.sentence)
            if self.meanwhile
            else (self.done, self.held.example, self.held.sentence)
        )
        return Feedback("", f"Counter-example to: {self.held.belief}", told)

    def pictures(self) -> list[tuple[str, Ladders]]:
        """The ladders, each row with its heading."""
        rows = (("While the lab is like this", self.meanwhile), ("And put back as it was", self.afterwards))
        shown = [(heading, ladders(*exchanges)) for heading, exchanges in rows if exchanges]
        return shown if len(shown) > 1 else [("", row) for _, row in shown]

    def inside(self) -> str:
        """As HTML to stand in another figure."""
        rows = [
            (f'<p class="row">{heading}:</p>' if heading else "") + row.html()
            for heading, row in self.pictures()
        ]
        return self.feedback.html() + "".join(rows)

    def __str__(self) -> str:
        rows = [(f"--- {heading} ---\n" if heading else "") + str(row) for heading, row in self.pictures()]
        return "\n\n".join([str(self.feedback), *rows])

    def html(self) -> str:
        """The counter-example as a figure of its own."""
        return figure.wrap("note", self.feedback.head, f'<div class="more">{self.inside()}</div>', "gate")


def show(held: Misconception, lab: Lab | None, scanner: Any) -> CounterExample:
    """Run the lab's case of that misconception and ask its questions; in words where that cannot be.

    Where the case changes the lab, the same is asked once more when it has been put back.
    """
    if lab is None or not hasattr(lab, "case") or scanner is None:
        return CounterExample(held, NO_LAB)
    try:
        with lab.case(held.id) as case:
            meanwhile = tuple(ask(scanner, question) for question in case.questions)
        afterwards = tuple(ask(scanner, question) for question in case.questions) if case.changes else ()
        return CounterExample(held, case.title, meanwhile, afterwards)
    except BadTarget:
        return CounterExample(held, NO_CASE)
    except PortLabError as error:
        return CounterExample(held, f"{NO_LAB} ({error})")


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

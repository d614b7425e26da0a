"""Counter-examples: a wrong belief met by packets.  The lab is changed, asked, and put back as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Protocol

import numpy as np

from portlab.errors import BadTarget, PortLabError
from portlab.learn.misconceptions import Misconception
from portlab.learn.recorded import recorded
from portlab.model import SENT, Exchange
from portlab.shown import Shown
from portlab.view import conversations, figure, follow, ladders
from portlab.view.compare import compare
from portlab.view.gate import Feedback
from portlab.view.sockets import listening

TRIES = {"connect": 1}
"""Silence is asked again, as lessons teach, but not for long: twice.  A kernel asks again by itself."""

Frame = np.void
NO_LAB = "No lab is at hand that could show it, so here it is in words."
NO_CASE = "No packet of this lab shows it, so here it is in words."


class Question(Protocol):
    """One probe of a case; `port` is None for a ping, `called` a name for it where its place would not do."""

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

    @property
    def options(self) -> Mapping[str, Any]: ...

    @property
    def called(self) -> str: ...


class Headers(Protocol):
    """Which header fields to lay side by side: of what was sent, or (`answers`) of the packets that decided."""

    @property
    def fields(self) -> Sequence[str]: ...

    @property
    def answers(self) -> bool: ...


class Case(Protocol):
    """What a lab's case says of itself: what is done, in one sentence, to which hosts, and what to ask meanwhile.

    `record` names hosts whose own view is drawn as well, `sockets` one whose sockets are listed, `headers` fields to
    compare, `talks` recorded conversations: the capture's name, the server and its port.
    """

    @property
    def title(self) -> str: ...

    @property
    def questions(self) -> Sequence[Question]: ...

    @property
    def changes(self) -> Mapping[str, Any]: ...

    @property
    def record(self) -> Sequence[str]: ...

    @property
    def sockets(self) -> str: ...

    @property
    def headers(self) -> Headers | None: ...

    @property
    def talks(self) -> Sequence[tuple[str, str, int]]: ...


class Lab(Protocol):
    """A lab that can change itself for a while: `with lab.case("M04", "udp") as case:`."""

    def case(self, id_: str, technique: str = "", /) -> AbstractContextManager[Case]:
        """Change the lab; undo it at the end of the block."""

    def recording(self, *hosts: str) -> AbstractContextManager[Any]:
        """Record what hosts see while the block runs."""

    def sockets(self, host: str, /) -> str:
        """What listens on a host, as `ss` shows it there."""


@dataclass(frozen=True, repr=False)
class CounterExample(Shown):
    """A belief, the sentence that corrects it, and the exchanges that show it (none where no lab could).

    `meanwhile` was asked while the lab was changed, `afterwards` when it had been put back; `beside` stands further
    evidence of the first: sockets, headers to compare, conversations.
    """

    held: Misconception
    done: str
    meanwhile: tuple[Exchange, ...] = ()
    afterwards: tuple[Exchange, ...] = ()
    beside: tuple[Shown, ...] = ()

    @property
    def feedback(self) -> Feedback:
        """What is said."""
        told = (
            (self.done, self.held.sentence)
            if self.meanwhile
            else (self.done, self.held.example, self.held.sentence)
        )
        return Feedback("", f"Counter-example to: {self.held.belief}", told)

    def pictures(self) -> list[tuple[str, Shown]]:
        """The ladders and what stands beside them, each with its heading."""
        shown: list[tuple[str, Shown]] = []
        if self.meanwhile:
            heading = "While the lab is like this" if self.afterwards else ""
            shown = [(heading, ladders(*self.meanwhile)), *(("", each) for each in self.beside)]
        if self.afterwards:
            shown.append(("And put back as it was", ladders(*self.afterwards)))
        return shown

    def inside(self) -> str:
        """As HTML to stand in another figure."""
        rows = [
            (f'<p class="row">{heading}:</p>' if heading else "") + picture.html()
            for heading, picture in self.pictures()
        ]
        return self.feedback.html() + "".join(rows)

    def __str__(self) -> str:
        rows = [(f"--- {heading} ---\n" if heading else "") + str(row) for heading, row in self.pictures()]
        return "\n\n".join([str(self.feedback), *rows])

    def html(self) -> str:
        """The counter-example as a figure of its own."""
        return figure.wrap("note", self.feedback.head, f'<div class="more">{self.inside()}</div>', "gate")


def show(held: Misconception, lab: Lab | None, scanner: Any, technique: str = "") -> CounterExample:
    """Run the lab's case of that misconception, by that technique if it has one; in words where that cannot be.

    Where the case changes the lab, the same is asked once more when it has been put back.
    """
    if lab is None or not hasattr(lab, "case") or scanner is None:
        return CounterExample(held, NO_LAB)
    try:
        with lab.case(held.id, technique) as case:
            meanwhile = _meanwhile(case, lab, scanner)
            beside = [listening(case.sockets, lab.sockets(case.sockets))] if case.sockets else []
        afterwards = tuple(ask(scanner, question) for question in case.questions) if case.changes else ()
        return CounterExample(held, case.title, meanwhile, afterwards, (*beside, *_beside(case, meanwhile)))
    except BadTarget:
        return CounterExample(held, NO_CASE)
    except PortLabError as error:
        return CounterExample(held, f"{NO_LAB} ({error})")


def _meanwhile(case: Case, lab: Lab, scanner: Any) -> tuple[Exchange, ...]:
    """Ask the questions of a case, with what its hosts recorded of them."""
    if not case.record:
        return tuple(ask(scanner, question) for question in case.questions)
    with lab.recording(*case.record) as seen:
        exchanges = [ask(scanner, question) for question in case.questions]
    return tuple(exchange.both_ends(seen) for exchange in exchanges)


def _beside(case: Case, exchanges: Sequence[Exchange]) -> tuple[Shown, ...]:
    """The other pictures of a case."""
    shown: list[Shown] = []
    if case.headers is not None:
        packets = [
            (question.called or _place(exchange), frame)
            for question, exchange in zip(case.questions, exchanges, strict=True)
            for frame in (_decided(exchange) if case.headers.answers else _asked(exchange))
        ]
        shown.append(compare(packets, case.headers.fields))
    if case.talks:
        shown.append(conversations(*(follow(recorded(name), host, port) for name, host, port in case.talks)))
    return tuple(shown)


def _place(exchange: Exchange) -> str:
    assert exchange.result is not None, "a case asks by scans, and a scan has a result"
    return exchange.result.host if exchange.result.port is None else f"port {exchange.result.port}"


def _decided(exchange: Exchange) -> list[Frame]:
    """The frame that decided."""
    return [] if exchange.decides is None else [exchange.frames[exchange.decides]]


def _asked(exchange: Exchange) -> list[Frame]:
    """What was sent before anything came back."""
    asked = takewhile(lambda frame: frame["direction"] == SENT, exchange.frames)
    return list(asked)


def ask(scanner: Any, question: Question) -> Exchange:
    """Ask one question of a case through the scanner that was handed in."""
    options = {"tries": TRIES.get(question.technique, 2), "progress": False, **question.options}
    if question.technique == "ping":
        method = question.method or "icmp"
        return scanner.ping(question.host, method=method, **options).exchange(question.host)
    if question.payload:
        options["payload"] = question.payload
    scan = getattr(scanner, f"{question.technique}_scan")(question.host, question.port, **options)
    return scan.exchange(question.host, question.port)

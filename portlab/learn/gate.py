"""A gate that hears: its question is answered once, then its scan runs, and what it guards may be seen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Protocol

from portlab.errors import BadTarget, PortLabError
from portlab.learn import explain
from portlab.learn.counter import CounterExample
from portlab.learn.live import Detail, Live
from portlab.learn.misconceptions import Imputed
from portlab.learn.runs import Run
from portlab.learn.waiting import Waiting
from portlab.model import Exchange
from portlab.result import Scan
from portlab.view import anatomy, ladders
from portlab.view.anatomy import Anatomy
from portlab.view.gate import NOTHING_SAID, Feedback, Gate, Offer

RUNNING = Feedback("", "Locked in. The scan runs …")
SHOWING, NOTED = "It is put to the test in the lab …", "Noted: it was not that."
ABOVE, NEXT = "What speaks against it stands further up.", "What follows shows what speaks against it."

Picked = Mapping[str, str]
Record = dict[str, Any]


class Desk(Protocol):
    """What a gate needs of its lesson: where answers are kept, and counter-examples."""

    def keep(self, name: str, record: Record) -> None: ...

    def counter_example(self, id_: str, technique: str = "") -> CounterExample: ...

    def first_to_offer(self, id_: str, name: str) -> bool: ...


class Gated:
    """A question in the page, and what it guards.  The kinds of questions say what an answer means.

    `scan`, `ladder`, `ladders` and `show` answer "predict above first" until it is committed.
    """

    def __init__(
        self, desk: Desk, name: str, picture: Gate, run: Run | None, next_shows: Collection[str] = ()
    ) -> None:
        self.name, self._next_shows = name, next_shows
        self._desk, self._picture, self._run = desk, picture, run
        self._scan: Scan | None = None
        self._live = Live(picture.html(), str(picture))
        self._live.on_tell(self._hear)

    # --- what a kind of question says of an answer --------------------------------------------------------

    def _judge(self, picked: Picked) -> Feedback:
        """What is said about an answer, from the evidence."""
        raise NotImplementedError

    def _record(self, picked: Picked) -> Record:
        """What is kept of it."""
        raise NotImplementedError

    def _belief(self, picked: Picked) -> Imputed | None:
        """The misconception that it points to."""
        return None

    # --- committing ---------------------------------------------------------------------------------------

    @property
    def committed(self) -> bool:
        """Whether it was answered and, where there is one, its scan has run."""
        return bool(self._picture.picked) and self._picture.feedback is not RUNNING

    def answer(self, *values: str) -> None:
        """Answer by a line of Python instead of the mouse, in the order of the questions."""
        names = [group.name for group in self._picture.groups]
        if len(values) != len(names):
            raise BadTarget(
                f"{self.name!r} asks for {len(names)}: {', '.join(names)}. You gave {len(values)}."
            )
        self.commit(dict(zip(names, values, strict=True)))

    def commit(self, picked: Picked, fresh: bool = True) -> None:
        """Lock an answer in: the scan runs, the answer is kept and explained.  The first answer stays.

        An answer that is not `fresh` was given in an earlier sitting, and is kept already.
        """
        if self._picture.picked:
            return
        picked = self._checked(picked)
        self._draw(picked, RUNNING if self._run else NOTHING_SAID)
        try:
            self._scan = self._run() if self._run else None
            if self._scan is not None and not self._scan.complete:
                raise BadTarget("The scan was interrupted, so nothing is known yet: answer again.")
            feedback = self._judge(picked)
        except BaseException:  # nothing was learnt: the question is as open as before
            self._scan = None
            self._draw({}, NOTHING_SAID)
            raise
        self._draw(picked, feedback)
        if fresh:
            self._keep(picked)
        if imputed := self._belief(picked):
            self._answer_belief(imputed)

    def recall(self, read: Callable[[], Picked]) -> None:
        """Take up an answer of an earlier sitting.  One that no longer fits the question is left alone."""
        try:
            picked = self._checked(read())
        except (BadTarget, KeyError, TypeError):
            return
        try:
            self.commit(picked, fresh=False)
        except PortLabError as error:
            self._live.report(error)

    def _checked(self, picked: Picked) -> dict[str, str]:
        """The answer, each value one of its group's.  BadTarget names the one that is not."""
        checked = {}
        for group in self._picture.groups:
            values = [choice.value for choice in group.choices]
            if picked.get(group.name) not in values:
                raise BadTarget(
                    f"{picked.get(group.name)!r} is no answer to {self.name!r}. Choose from {', '.join(values)}."
                )
            checked[group.name] = picked[group.name]
        return checked

    def _keep(self, picked: Picked) -> None:
        try:
            self._desk.keep(self.name, self._record(picked))
        except PortLabError as error:  # it counts for this sitting all the same
            self._live.report(error)

    def _answer_belief(self, imputed: Imputed) -> None:
        """Name or ask the belief, and offer what speaks against it, once a lesson, unless the next cell shows it."""
        elsewhere = NEXT if imputed.id in self._next_shows else ""
        if not elsewhere and not self._desk.first_to_offer(imputed.id, self.name):
            elsewhere = ABOVE
        line, show, no = explain.about(imputed, elsewhere)
        technique = f', "{self._run.technique}"' if self._run else ""
        code = f'lesson.counter_example("{imputed.id}"{technique})'
        feedback = self._picture.feedback
        offer = Offer(show, code, no) if show else None
        self._draw(self._picture.picked, replace(feedback, lines=(*feedback.lines, line), offer=offer))

    def counter_example(self) -> None:
        """Run in the lab what speaks against the belief, and show it below."""
        picked, feedback = self._picture.picked, replace(self._picture.feedback, offer=None)
        imputed = self._belief(picked)
        assert imputed is not None, "only what speaks against a belief is offered"
        self._draw(picked, replace(feedback, lines=(*feedback.lines, SHOWING)))
        shown = self._desk.counter_example(imputed.id, self._run.technique if self._run else "")
        self._draw(picked, replace(feedback, more_html=shown.inside(), more_text=str(shown)))

    def _thought_otherwise(self, thought: str) -> None:
        """It was not that belief: what it was is kept beside the answer."""
        picked, feedback = self._picture.picked, self._picture.feedback
        self._desk.keep(self.name, {**self._record(picked), "thought": thought})
        self._draw(picked, replace(feedback, lines=(*feedback.lines, NOTED), offer=None))

    def _draw(self, picked: Picked, feedback: Feedback) -> None:
        self._picture = replace(self._picture, picked=picked, feedback=feedback)
        self._live.draw(self._picture.html(), str(self._picture))

    def _hear(self, detail: Detail) -> None:
        match detail.get("do"):
            case "commit":
                self.commit(detail["picked"])
            case "show" if self._picture.feedback.offer:
                self.counter_example()
            case "no" if self._picture.feedback.offer:
                self._thought_otherwise(str(detail["thought"]).strip())

    # --- what it guards -----------------------------------------------------------------------------------

    @property
    def scan(self) -> Scan | Waiting:
        """The scan that ran on commit."""
        if self._run is None:
            raise BadTarget(f"{self.name!r} is a question without a scan.")
        return self._scan if self._scan is not None else Waiting(self.name)

    def exchange(self, *where: str | int) -> Exchange | Waiting:
        """The conversation of a port: exchange(22), exchange("db", 22); of what was predicted: exchange()."""
        scan = self.scan
        if isinstance(scan, Waiting):
            return scan
        assert self._run is not None, "where there is a scan, a run made it"
        host, port = self._run.about
        if where and isinstance(where[0], str):
            host, port = where[0], None
        if where and isinstance(where[-1], int):
            port = where[-1]
        return scan.exchange(host, port)

    def ladder(self, *where: str | int) -> Exchange | Waiting:
        """The ladder of what was predicted, or of another port: ladder(22)."""
        return self.exchange(*where)

    def ladders(self, *places: int | Exchange | Waiting) -> Any:
        """Several side by side: ladders(80, 9, 22).  Another gate's exchange may be among them."""
        told = [self.exchange(place) if isinstance(place, int) else place for place in places]
        exchanges = [each for each in told if isinstance(each, Exchange)]
        return ladders(*exchanges) if len(exchanges) == len(told) else Waiting(self.name)

    def packet(self, number: int) -> Anatomy | Waiting:
        """One packet of what was predicted, taken apart: packet(2) is the second, such as the SYN-ACK."""
        exchange = self.exchange()
        return anatomy(exchange.frames[number - 1]) if isinstance(exchange, Exchange) else exchange

    def show(self, draw: Any, *more: Any) -> Any:
        """Any other picture of the scan: show(picture) is picture(scan)."""
        scan = self.scan
        return scan if isinstance(scan, Waiting) else draw(scan, *more)

    # --- in the notebook ----------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return str(self._picture)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return self._live._repr_mimebundle_()

    def _ipython_display_(self) -> None:
        self._live._ipython_display_()

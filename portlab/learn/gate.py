"""A gate that hears: it asks, and when it is answered its scan runs and the whole beat fills in its place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Protocol

from portlab.errors import BadTarget, PortLabError
from portlab.evidence.result import Scan
from portlab.learn import explain
from portlab.learn.counter import CounterExample
from portlab.learn.explain import AboutBelief
from portlab.learn.live import Detail, Live
from portlab.learn.misconceptions import Imputed
from portlab.learn.pictures import drawn
from portlab.learn.runs import Run
from portlab.learn.waiting import Waiting
from portlab.model import Exchange
from portlab.view import anatomy, ladders
from portlab.view.beat import Beat, Part, part
from portlab.view.dissection import Anatomy
from portlab.view.gate import NOTHING_SAID, Feedback, Gate, Offer

RUNNING = Feedback("", "Locked in. The scan runs …")
NOTED = "Noted: it was not that."
ABOVE, NEXT = "What speaks against it is offered further up.", "What follows shows what speaks against it."

Picked = Mapping[str, Any]
Record = dict[str, Any]


class Desk(Protocol):
    """What a gate needs of its lesson: where answers are kept, explanations, counter-examples, who else waits."""

    def keep(self, name: str, record: Record, *, again: bool = False) -> None: ...

    def explained(self, name: str) -> tuple[Part, ...]: ...

    def counter_example(self, id_: str, technique: str = "") -> CounterExample: ...

    def first_to_offer(self, id_: str, name: str) -> bool: ...

    def answered(self, name: str) -> None: ...


class Gated:
    """A question in the page, and what it guards.  The kinds of questions say what an answer means.

    `show` is a function of the gate: it returns the picture, or the pictures, that follow the answer.  `given` are
    pictures that stand above the question, or a function that returns them.  Either may be made of other gates: then
    they fill when those are answered.  Until its own answer, `scan` and all that comes of it is `Waiting`.
    """

    def __init__(
        self,
        desk: Desk,
        name: str,
        picture: Gate,
        run: Run | None = None,
        show: Callable[[Any], Any] | None = None,
        given: Any = (),
        next_shows: Collection[str] = (),
    ) -> None:
        self.name, self._next_shows = name, next_shows
        self._desk, self._run, self._show = desk, run, show
        self._scan: Scan | None = None
        self._given = given if callable(given) else lambda: given
        self._changes_mind = False
        given_now, self._given_waits = drawn(self._given(), self.name)
        self._shown_waits: frozenset[str] = frozenset()
        self._beat = Beat(picture, given_now)
        self._live = Live(self._beat.html(), str(self._beat))
        self._live.on_tell(self._hear)

    # --- what a kind of question says of an answer --------------------------------------------------------

    def _checked(self, picked: Picked) -> dict[str, Any]:
        """The answer, each value one of its group's.  BadTarget names the one that is not."""
        checked = {}
        for group in self._beat.gate.groups:
            values = [choice.value for choice in group.choices]
            if picked.get(group.name) not in values:
                raise BadTarget(
                    f"{picked.get(group.name)!r} is no answer to {self.name!r}. Choose from {', '.join(values)}."
                )
            checked[group.name] = picked[group.name]
        return checked

    def _judge(self, picked: Picked) -> Feedback:
        """What is said about an answer, from the evidence."""
        raise NotImplementedError

    def _settled(self, feedback: Feedback) -> bool:
        """Whether that ends it.  (An exercise goes on until it is solved.)"""
        return True

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
        return self._beat.done

    def answer(self, *values: Any) -> None:
        """Answer by a line of Python instead of the mouse, in the order of the questions."""
        names = [group.name for group in self._beat.gate.groups]
        if len(values) != len(names):
            raise BadTarget(
                f"{self.name!r} asks for {len(names)}: {', '.join(names)}. You gave {len(values)}."
            )
        self.commit(dict(zip(names, values, strict=True)))

    def commit(self, picked: Picked, fresh: bool = True) -> None:
        """Lock an answer in: the scan runs, the answer is kept, and the beat fills.

        An answer that is not `fresh` was given in an earlier sitting, and is kept already.
        """
        if self._beat.gate.locked:
            return
        try:
            picked = self._checked(picked)
        except BadTarget:  # what was said before was about another answer
            self._draw(replace(self._beat, gate=replace(self._beat.gate, feedback=NOTHING_SAID)))
            raise
        waits = self._run is not None and self._scan is None
        try:
            if waits:
                self._ask(picked, locked=True, busy=True, feedback=RUNNING)
                self._scan = self._made()
            feedback = self._judge(picked)
            settled = self._settled(feedback)
            shown = self._opened() if settled else ()
        except BaseException:  # nothing was learnt: the question is as open as before
            self._scan = None
            self._ask({})
            raise
        if behind := self._behind(picked):
            feedback = replace(feedback, lines=(*feedback.lines, behind.line))
        self._ask(picked, shown, locked=settled, feedback=feedback, offer=self._offer(picked))
        if settled:
            self._settle(self._record(picked) if fresh else None)

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

    def take_over(self, earlier: Gated) -> None:
        """The cell was run once more: what was seen then is the evidence still, if the same was asked."""
        if earlier._run == self._run:
            self._scan = earlier._scan

    def again(self) -> None:
        """Ask once more.  The first answer stays on the record."""
        if self.committed:
            self._changes_mind = True
            self._ask({})

    def _behind(self, picked: Picked) -> AboutBelief | None:
        """What is said of the belief behind an answer.  What speaks against it is offered once a lesson."""
        imputed = self._belief(picked)
        if imputed is None:
            return None
        elsewhere = NEXT if imputed.id in self._next_shows else ""
        if not elsewhere and not self._desk.first_to_offer(imputed.id, self.name):
            elsewhere = ABOVE
        return explain.about(imputed, elsewhere)

    def counter_example(self) -> None:
        """Run in the lab what speaks against the belief that the answer points to, and show it."""
        gate = self._beat.gate
        imputed = self._belief(gate.picked)
        assert imputed is not None, "only what speaks against a belief is offered"
        against = part(self._desk.counter_example(imputed.id, self._run.technique if self._run else ""))
        self._draw(replace(self._beat, gate=replace(gate, offer=None), against=(against,)))

    def _thought_otherwise(self, thought: str) -> None:
        """It was not that belief: what it was is kept beside the answer."""
        gate = self._beat.gate
        record = {**self._record(gate.picked), "thought": thought}
        self._desk.keep(self.name, record, again=self._changes_mind)
        feedback = replace(gate.feedback, lines=(*gate.feedback.lines, NOTED))
        self._draw(replace(self._beat, gate=replace(gate, feedback=feedback, offer=None)))

    def _offer(self, picked: Picked) -> Offer | None:
        """What else can be shown."""
        imputed, behind = self._belief(picked), self._behind(picked)
        if imputed is None or behind is None or not behind.show:
            return None
        technique = f', "{self._run.technique}"' if self._run else ""
        return Offer(behind.show, f'lesson.counter_example("{imputed.id}"{technique})', behind.no)

    def _offered(self) -> None:
        """That button was pressed."""
        self.counter_example()

    def _made(self) -> Scan:
        assert self._run is not None
        scan = self._run()
        if not scan.complete:
            raise BadTarget("The scan was interrupted, so nothing is known yet: answer again.")
        return scan

    def _opened(self) -> tuple[Part, ...]:
        """What the answer opens: the pictures, and the explanation."""
        pictures, self._shown_waits = drawn(self._show(self) if self._show else (), self.name)
        return (*pictures, *self._desk.explained(self.name))

    def _settle(self, record: Record | None) -> None:
        """Keep the answer, if it is a new one, and tell whoever waits for it."""
        if record is not None:
            try:
                self._desk.keep(self.name, record, again=self._changes_mind)
            except PortLabError as error:  # it counts for this sitting all the same
                self._live.report(error)
        self._desk.answered(self.name)

    # --- other gates ---------------------------------------------------------------------------------------

    @property
    def waits_for(self) -> frozenset[str]:
        """The names of other gates that its pictures wait for."""
        return self._given_waits | self._shown_waits

    def answered(self) -> None:
        """One of them was answered: draw what waited for it."""
        given, self._given_waits = drawn(self._given(), self.name)
        shown = self._opened() if self.committed else ()
        self._draw(replace(self._beat, given=given, shown=shown))

    # --- the page -----------------------------------------------------------------------------------------

    def _ask(
        self,
        picked: Picked,
        shown: tuple[Part, ...] = (),
        *,
        locked: bool = False,
        busy: bool = False,
        feedback: Feedback = NOTHING_SAID,
        offer: Offer | None = None,
    ) -> None:
        gate = replace(
            self._beat.gate, picked=picked, locked=locked, busy=busy, feedback=feedback, offer=offer
        )
        self._draw(replace(self._beat, gate=gate, against=(), shown=shown))

    def _draw(self, beat: Beat) -> None:
        self._beat = beat
        self._live.draw(beat.html(), str(beat))

    def _hear(self, detail: Detail) -> None:
        match detail.get("do"):
            case "commit":
                self.commit(detail["picked"])
            case "again":
                self.again()
            case "offer" if self._beat.gate.offer:
                self._offered()
            case "no" if self._beat.gate.offer:
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

    def ladders(self, *places: int | Exchange | Waiting) -> Any:
        """Several side by side: ladders(80, 9, 22).  Another gate's exchange may be among them."""
        told = [self.exchange(place) if isinstance(place, int) else place for place in places]
        exchanges = [each for each in told if not isinstance(each, Waiting)]
        if len(exchanges) == len(told):
            return ladders(*exchanges)
        return next(each for each in told if isinstance(each, Waiting))

    def packet(self, number: int) -> Anatomy | Waiting:
        """One packet of what was predicted, taken apart: packet(2) is the second, such as the SYN-ACK."""
        exchange = self.exchange()
        return anatomy(exchange.frames[number - 1]) if isinstance(exchange, Exchange) else exchange

    # --- in the notebook ----------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return str(self._beat)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return self._live._repr_mimebundle_()

    def _ipython_display_(self) -> None:
        self._live._ipython_display_()

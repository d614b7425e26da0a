"""The kinds of questions: a prediction of state and packet, and one choice among several.

A test of many is in quiz.py, what is built or written in exercises.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Any

from portlab.addresses import number
from portlab.errors import BadTarget
from portlab.evidence.result import Scan
from portlab.learn import explain
from portlab.learn.evidence import packets_to_choose, read_packet, read_state, states_to_choose
from portlab.learn.gate import Desk, Gated, Picked, Record
from portlab.learn.misconceptions import Imputed, Prediction, belief_of
from portlab.learn.runs import Run
from portlab.model import PortResult
from portlab.view.gate import Choice, Feedback, Gate, Group

GUESS = "Choose one of each. A guess is fine: a wrong one teaches more."


class PredictionGate(Gated):
    """Predict state and deciding packet; the scan runs on commit."""

    def __init__(
        self,
        desk: Desk,
        name: str,
        run: Run,
        question: str = "",
        wrong_means: str = "",
        next_shows: Collection[str] = (),
        show: Callable[[Any], Any] | None = None,
        given: Any = (),
    ) -> None:
        self.run, self._wrong_means = run, wrong_means
        asked = "host" if run.about[1] is None else "port"
        states = tuple(Choice(state, state, state) for state in states_to_choose(run.technique))
        packets = tuple(Choice(packet, packet.phrase) for packet in packets_to_choose(run.technique))
        picture = Gate(
            name=name,
            title="Predict first",
            question=question or f"What will {run.name} say about {run.place}, and what will decide it?",
            groups=(
                Group("state", f"The {asked} will be reported as", states),
                Group("packet", "because what comes back is", packets),
            ),
            button="Lock in and run the scan",
            hint=GUESS,
        )
        super().__init__(desk, name, picture, run, show or (lambda beat: beat.exchange()), given, next_shows)

    @property
    def result(self) -> PortResult:
        """The verdict that was predicted."""
        assert self._scan is not None
        host, port = self.run.about
        return self._scan[host] if port is None else self._scan[host, port]

    def _said(self, picked: Picked) -> Prediction:
        technique = self.run.technique
        return Prediction(read_state(technique, picked["state"]), read_packet(technique, picked["packet"]))

    def _judge(self, picked: Picked) -> Feedback:
        feedback = explain.prediction(self._said(picked), self.result, self._speaker())
        return replace(feedback, code=self.run.line)

    def _speaker(self) -> str:
        """How to call whoever answered."""
        assert self._scan is not None
        by = self.result.answered_by
        if by is None:
            return ""
        return self.result.host if by == self.result.address else self._scan.asked.names.get(number(by), by)

    def _belief(self, picked: Picked) -> Imputed | None:
        said, seen, result = self._said(picked), explain.seen(self.result), self.result
        imputed = belief_of(result.technique, said, seen, result.port)
        if imputed is None and self._wrong_means and said != seen:
            return Imputed(self._wrong_means, asks=True)
        return imputed

    def _record(self, picked: Picked) -> Record:
        result = self.result
        seen = explain.seen(result)
        return {
            **picked,
            "right": self._said(picked) == seen,
            "seen": {
                "state": seen.state,
                "packet": seen.packet,
                "reason": result.reason,
                "technique": result.technique,
                "host": result.host,
                "port": result.port,
                "answered_by": result.answered_by,
                "rtt_ms": result.rtt_ms,
                "tries": result.tries,
                "fidelity": result.fidelity,
            },
        }


@dataclass(frozen=True, slots=True)
class Question:
    """One question with one right choice, and why.

    `wrong_means` maps a wrong choice to the id of the misconception that it says, `wrong_asks` to one that it may
    come from, `why_not` to what is wrong with it; `next_shows` are the misconceptions that the next cell speaks to.
    """

    name: str
    text: str
    choices: Sequence[str]
    answer: str
    because: str = ""
    wrong_means: Mapping[str, str] = field(default_factory=dict)
    wrong_asks: Mapping[str, str] = field(default_factory=dict)
    why_not: Mapping[str, str] = field(default_factory=dict)
    next_shows: Collection[str] = ()

    def __post_init__(self) -> None:
        if self.answer not in self.choices:
            raise BadTarget(f"The answer {self.answer!r} to {self.name!r} is none of its choices.")

    def group(self, legend: str, *more: str) -> Group:
        """Its radio group."""
        return Group(self.name, legend, tuple(Choice(choice) for choice in (*self.choices, *more)))

    def belief(self, choice: str) -> Imputed | None:
        """The misconception that a choice points to."""
        if choice in self.wrong_means:
            return Imputed(self.wrong_means[choice], asks=False)
        return Imputed(self.wrong_asks[choice], asks=True) if choice in self.wrong_asks else None


@cache
def _written() -> dict[str, list[dict[str, Any]]]:
    text = (resources.files("portlab") / "data" / "questions.json").read_text("utf-8")
    return json.loads(text)


def written(name: str) -> list[dict[str, Any]]:
    """What data/questions.json has under a name.  BadTarget where there is nothing."""
    if name not in _written():
        raise BadTarget(f"There are no questions {name!r}. There are {', '.join(_written())}.")
    own = name.rpartition("/")[2]
    return [{"name": own, **fields} for fields in _written()[name]]


def questions_of(name: str) -> list[Question]:
    """The questions that data/questions.json has under a name: one of a lesson, "04/two-resets", or a whole test.

    BadTarget where there are none.
    """
    return [Question(**fields) for fields in written(name)]


class ChoiceGate(Gated):
    """One question, one choice; where it has a scan, that runs on commit."""

    def __init__(
        self,
        desk: Desk,
        question: Question,
        run: Run | None,
        show: Callable[[Any], Any] | None = None,
        given: Any = (),
    ) -> None:
        self.question = question
        picture = Gate(
            name=question.name,
            title="Grade the evidence",
            question="",
            groups=(question.group(question.text),),
            button="Lock in and run the scan" if run else "Lock in",
            hint="Choose one.",
        )
        show = show or (_evidence if run else None)
        super().__init__(desk, question.name, picture, run, show, given, question.next_shows)

    def _judge(self, picked: Picked) -> Feedback:
        return judged(self.question, picked[self.name])

    def _belief(self, picked: Picked) -> Imputed | None:
        return self.question.belief(picked[self.name])

    def _record(self, picked: Picked) -> Record:
        said = picked[self.name]
        return {"answer": said, "right": said == self.question.answer}


def _evidence(gate: Gated) -> Any:
    """The ladder of the one port that was asked, or the whole scan."""
    assert isinstance(gate.scan, Scan)
    return gate.exchange(*_place(gate.scan)) if len(gate.scan) == 1 else gate.scan


def _place(scan: Scan) -> list[str | int]:
    [row] = scan
    return [row.host] if row.port is None else [row.host, row.port]


def judged(question: Question, said: str) -> Feedback:
    """What is said about one choice: what it was, what it is and why, and why the choice is not."""
    if said == question.answer:
        return Feedback("✓", "Right.", (question.because,) if question.because else ())
    it_is = f"It is: {question.answer}. {question.because}".rstrip()
    lines = [f"You said: {said}.", it_is, question.why_not.get(said, "")]
    return Feedback("!", "Not this one.", tuple(filter(None, lines)))

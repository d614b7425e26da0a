"""Exercises: an answer is written into a field or ticked, and held against the evidence until it is right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portlab.errors import BadTarget
from portlab.evidence.result import Scan
from portlab.learn.checks import grade, plain_values, why_not
from portlab.learn.gate import Desk, Gated, Picked, Record
from portlab.view.gate import Choice, Feedback, Gate, Group, Offer

NUMBERS, NUMBER, CHOICES = "numbers", "number", "choices"
EXAMPLES = {NUMBERS: "Numbers with commas between them.", NUMBER: "A number."}
SHOW_ANSWER = "Show the answer"


@dataclass(frozen=True, slots=True)
class Task:
    """What an exercise asks for: several numbers, one number with its unit, or all choices that fit.

    Without an `answer` of its own, the evidence has it.  `hints`: where to look, then what to look for.  `why_not`
    maps likely wrong answers to what is wrong with them.
    """

    name: str
    text: str
    kind: str
    answer: Any = None
    choices: Sequence[str] = ()
    unit: str = ""
    hints: Sequence[str] = ()
    within: float = 0.0
    why_not: Mapping[str, str] = field(default_factory=dict)

    def group(self) -> Group:
        """The field, or the boxes to tick."""
        if self.kind == CHOICES:
            return Group(self.name, self.text, tuple(map(Choice, self.choices)), several=True)
        return Group(self.name, self.text, unit=self.unit, example=EXAMPLES[self.kind])

    def read(self, said: Any) -> Any:
        """An answer as it was written.  BadTarget says what cannot be read."""
        if self.kind == CHOICES:
            said = [said] if isinstance(said, str) else list(said)
            if strange := [each for each in said if each not in self.choices]:
                raise BadTarget(f"{strange[0]!r} is none of {', '.join(self.choices)}.")
            return said
        numbers = [_number(word, self.unit) for word in _words(said, self.unit)]
        if not numbers:
            raise BadTarget("Write a number first.")
        if self.kind == NUMBER and len(numbers) > 1:
            raise BadTarget(f"One number is asked for, and {said!r} has {len(numbers)}.")
        return numbers if self.kind == NUMBERS else numbers[0]


def _words(said: Any, unit: str) -> list[str]:
    """What was written between commas, brackets and spaces; the unit may stand with the number."""
    text = str(said).replace(unit, " ") if unit else str(said)
    return [word for word in re.split(r"[\s,;\[\]()]+|\band\b", text) if word]


def _number(word: str, unit: str) -> int | float:
    try:
        value = float(word)
    except ValueError:
        where = f", without a unit or in {unit}" if unit else ""
        raise BadTarget(f"{word!r} is no number. Write digits{where}.") from None
    return int(value) if value.is_integer() else value


class Exercise(Gated):
    """A task; `truth` says of the evidence `of` (a scan, or a beat whose scan it is) what is right.

    Wrong answers are met by hints, one after the other; then the answer may be shown.
    """

    def __init__(
        self,
        desk: Desk,
        task: Task,
        truth: Callable[[Scan], Any] | None = None,
        of: Scan | Gated | None = None,
        show: Callable[[Any], Any] | None = None,
        given: Any = None,
    ) -> None:
        if (truth is None or of is None) and task.answer is None:
            raise BadTarget(f"What is right in {task.name!r}? Hand in a function, and the scan that it asks.")
        self.task, self._truth, self._of, self._above = task, truth, of, given
        self._wrong = 0
        picture = Gate(task.name, "Exercise", "", (task.group(),), "Check", "")
        super().__init__(desk, task.name, picture, None, show, self._evidence)

    def _evidence(self) -> Any:
        """What the answer is read from."""
        if self._above is not None:
            return self._above() if callable(self._above) else self._above
        return self._of.exchange() if isinstance(self._of, Gated) else (self._of or ())

    def _asked(self) -> Any:
        """The scan that knows."""
        return self._of.scan if isinstance(self._of, Gated) else self._of

    def _right(self) -> Any:
        if self._truth is None:
            return self.task.answer
        scan = self._asked()
        if not isinstance(scan, Scan):
            raise BadTarget(f"This is about {' and '.join(self.waits_for)}: answer that first, above.")
        return plain_values(self._truth(scan))

    def _checked(self, picked: Picked) -> dict[str, Any]:
        return {self.name: self.task.read(picked.get(self.name, ""))}

    def _judge(self, picked: Picked) -> Feedback:
        hints = self.task.hints
        hint = hints[min(self._wrong, len(hints) - 1)] if hints else ""
        why = why_not(self.task.why_not, self._asked())
        feedback = grade(picked[self.name], self._right(), hint, within=self.task.within, why=why)
        self._wrong += not self._settled(feedback)
        return feedback

    def _settled(self, feedback: Feedback) -> bool:
        return feedback.mark == "✓"

    def _offer(self, picked: Picked) -> Offer | None:
        return Offer(SHOW_ANSWER) if self._wrong > len(self.task.hints) else None

    def _offered(self) -> None:
        """Give up: the answer is shown; what is kept is the last one that was tried."""
        tried, right = self._beat.gate.picked, self._right()
        words = self.task.group().words(right)
        self._ask(
            {self.name: right},
            self._opened(),
            locked=True,
            feedback=Feedback("", f"The evidence says {words}."),
        )
        self._settle({"answer": tried[self.name], "right": False})

    def _record(self, picked: Picked) -> Record:
        return {"answer": picked[self.name], "right": True}

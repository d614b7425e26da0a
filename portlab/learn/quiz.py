"""A test of several questions, taken before and after the lessons."""

from __future__ import annotations

from collections.abc import Sequence

from portlab.learn.gate import Desk, Gated, Picked, Record
from portlab.learn.questions import Question, judged
from portlab.view.gate import Feedback, Gate
from portlab.view.words import count

NOT_SURE = "not sure"
"""A test measures what somebody knows, so that it may be said; a prediction is better guessed."""


class Quiz(Gated):
    """A test of several questions.  Answers are kept; whether they were right is told only where `reveal` says so."""

    def __init__(
        self, desk: Desk, name: str, questions: Sequence[Question], reveal: bool, earlier: Record | None
    ) -> None:
        self.questions, self._reveal, self._earlier = questions, reveal, earlier
        groups = tuple(q.group(f"{n}. {q.text}", NOT_SURE) for n, q in enumerate(questions, 1))
        picture = Gate(
            name=name,
            title="What do you know now?" if reveal else "What do you know already?",
            question=f"{count(len(questions), 'question')}. This is no examination: {NOT_SURE!r} is an answer too.",
            groups=groups,
            button="Hand in my answers",
        )
        super().__init__(desk, name, picture)

    def right(self, answers: Picked) -> int:
        """How many of these answers are right."""
        return sum(answers.get(question.name) == question.answer for question in self.questions)

    def _judge(self, picked: Picked) -> Feedback:
        if not self._reveal:
            return Feedback(
                "",
                "Kept.",
                ("You will meet the same questions again at the end, and then see how many were right.",),
            )
        total = len(self.questions)
        lines = [f"{self.right(picked)} of {total} right."]
        if self._earlier:
            first = self._earlier.get("first", self._earlier)
            lines.append(f"At the beginning it was {self.right(first['answer'])} of {total}.")
        for place, question in enumerate(self.questions, 1):
            said = judged(question, picked[question.name])
            lines.append(f"{place}. {said.mark} {question.answer}. {question.because}".rstrip())
        return Feedback("", "The answers", tuple(lines))

    def _record(self, picked: Picked) -> Record:
        return {"answer": dict(picked), "right": self.right(picked) == len(self.questions)}

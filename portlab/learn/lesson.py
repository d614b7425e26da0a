"""A lesson: its predictions, questions and exercises, kept under its number.

    lesson = Lesson("04", scanner=pl, lab=lab)
    door = lesson.predict("open-door", "syn", "web", "9,22,80", about=("web", 80))
    door                        # the gate: choose state and packet, and the scan runs
    door.ladder()               # "Predict above first" until then

An answer given once is known again after the kernel was restarted: the cell then runs its scan at once, for it was
predicted.  `lesson.forget()` starts over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from portlab.errors import BadTarget
from portlab.files import Pathish
from portlab.learn import keys
from portlab.learn.checks import Checked, grade, plain_values, truth_of, why_not
from portlab.learn.counter import CounterExample, Lab, show
from portlab.learn.evidence import read_packet, read_state
from portlab.learn.gate import Gated, Record
from portlab.learn.handin import HandIn
from portlab.learn.live import Live
from portlab.learn.misconceptions import misconception
from portlab.learn.progress import Progress, default_path
from portlab.learn.questions import ChoiceGate, PredictionGate, Question, questions_of
from portlab.learn.quiz import Quiz
from portlab.learn.reference import port_reference
from portlab.learn.runs import planned
from portlab.learn.waiting import Waiting
from portlab.result import Scan


def _now() -> datetime:
    return datetime.now(UTC)


class Lesson:
    """One lesson; `scanner` brings the functions that scan (portlab itself), `lab` the counter-examples."""

    def __init__(
        self,
        number: str,
        *,
        scanner: Any = None,
        lab: Lab | None = None,
        seed: int | None = None,
        progress: Progress | None = None,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self.number, self.seed = number, seed
        self._scanner, self._lab, self._now = scanner, lab, now
        self._progress = progress or Progress(default_path())
        self._key = keys.from_environment()
        self._offered: dict[str, str] = {}
        if self._progress.message:
            print(self._progress.message)

    # --- questions ----------------------------------------------------------------------------------------

    def predict(
        self,
        name: str,
        technique: str,
        target: Any,
        ports: Any = "common",
        *,
        about: Any = None,
        question: str = "",
        wrong_means: str = "",
        next_shows: Collection[str] = (),
        **options: Any,
    ) -> PredictionGate:
        """Have state and packet predicted; then the scan runs.

        `about`: the host and port that are asked about, such as ("web", 80); left out where one port is scanned.
        `wrong_means`: the misconception that a wrong answer may come from here, where the table knows of none: it
        is asked about.  `next_shows`: those that the next cell speaks to.  The rest goes to the scan.
        """
        run = planned(self._scanner, technique, target, ports, about, options)
        gate = PredictionGate(self, name, run, question, wrong_means, next_shows)
        self._recall(gate, lambda said: _prediction(run.technique, said))
        return gate

    def ask(self, name: str, *run: Any, question: Question | None = None, **options: Any) -> ChoiceGate:
        """Ask for one of several choices.  Technique, target and ports may follow: then that scan runs on commit.

        The question is the one that data/questions.json has under that name for this lesson, so that its answer is
        not read in the notebook; or the one handed in.
        """
        asked = question or questions_of(self._full(name))[0]
        technique, target, ports = (*run, "common")[:3] if run else ("", None, None)
        scan = planned(self._scanner, technique, target, ports, (target, None), options) if run else None
        gate = ChoiceGate(self, asked, scan)
        self._recall(gate, lambda said: {name: said if isinstance(said, str) else said["answer"]})
        return gate

    def quiz(
        self,
        name: str,
        questions: str | Sequence[Question] = "pre-test",
        *,
        reveal: bool = False,
        earlier: str = "",
    ) -> Quiz:
        """A test of several questions, by its name in data/questions.json or as they are handed in.

        Unless `reveal`, nobody is told which answers were right.  `earlier` is the full name of the same test taken
        before, such as "00/pre-test", for comparison.
        """
        asked = questions_of(questions) if isinstance(questions, str) else questions
        gate = Quiz(self, name, asked, reveal, self._progress.get(earlier))
        self._recall(gate, lambda said: said.get("answer", said))
        return gate

    def check(
        self,
        name: str,
        answer: Any,
        truth: Any,
        *,
        scan: Any = None,
        hint: str = "",
        because: str = "",
        within: float = 0.0,
        wrong: Mapping[Any, str] | None = None,
        wrong_means: str = "",
    ) -> Checked | Waiting:
        """Hold an answer against the evidence: a value, or a function of `scan`.  A right answer is kept.

        Numbers may be off by `within`.  `wrong` maps likely wrong answers to why they are, `wrong_means` is the
        misconception whose counter-example meets them.
        """
        if isinstance(scan, Waiting) or isinstance(truth, Waiting):
            return scan if isinstance(scan, Waiting) else truth
        given = plain_values(self._key.get(self._full(name), answer))
        why = why_not(wrong or {}, scan)
        checked = Checked(grade(given, truth_of(truth, scan), hint, because, within, why))
        if checked.right:
            self.keep(name, {"answer": given, "right": True})
        elif checked.feedback.mark and wrong_means and self.first_to_offer(wrong_means, name):
            return Checked(checked.feedback, self.counter_example(wrong_means))
        return checked

    def counter_example(self, id_: str, technique: str = "") -> CounterExample:
        """Show in the lab what speaks against a belief: counter_example("M04").  In words where no lab can.

        `technique` asks for it by the technique that the lesson is about, where that matters.
        """
        return show(misconception(id_), self._lab, self._scanner, technique)

    def first_to_offer(self, id_: str, name: str) -> bool:
        """Whether nobody but the gate or exercise of that name has met this belief in this lesson."""
        return self._offered.setdefault(id_, name) == name

    def reference(self, hosts: Sequence[str]) -> Live:
        """The port reference, with a button beside each row that asks these hosts for that port."""

        def probe(port: int, protocol: str) -> Scan:
            scan = self._scanner.udp_scan if protocol == "udp" else self._scanner.syn_scan
            found: Scan = scan(list(hosts), port, progress=False)
            return found

        return port_reference(probe)

    # --- what is kept -------------------------------------------------------------------------------------

    def keep(self, name: str, record: Record) -> None:
        """Write an answer of this lesson down."""
        self._progress.keep(self._full(name), {"at": self._now().isoformat(timespec="seconds"), **record})

    def answers(self) -> dict[str, Record]:
        """What was answered in this lesson, by name."""
        mine = f"{self.number}/"
        return {
            n.removeprefix(mine): kept for n, kept in self._progress.answers().items() if n.startswith(mine)
        }

    def forget(self, *names: str) -> None:
        """Forget these answers, or all of this lesson, to start over: then run the cells again."""
        self._progress.forget([self._full(name) for name in names or self.answers()])

    def hand_in(self, path: Pathish = "") -> HandIn:
        """What you predicted, what the evidence was, what you found: as a table, and as a file to hand in."""
        handed = HandIn(self.number, self.seed, self.answers())
        if path:
            handed.write(path)
        return handed

    def _full(self, name: str) -> str:
        return f"{self.number}/{name}"

    def _recall(self, gate: Gated, read: Callable[[Any], Mapping[str, str]]) -> None:
        """Commit what the key file says, or take up what was answered in an earlier sitting."""
        full = self._full(gate.name)
        if full in self._key:
            gate.commit(read(self._key[full]))
        elif kept := self._progress.get(full):
            gate.recall(lambda: read(kept))


def _prediction(technique: str, said: Any) -> dict[str, str]:
    """A prediction as a key file or the progress file has it.  BadTarget says what is wrong with it."""
    if not isinstance(said, dict) or not {"state", "packet"} <= said.keys():
        raise BadTarget(f'{said!r} is no prediction. Write {{"state": "open", "packet": "SYN-ACK"}}.')
    return {
        "state": read_state(technique, str(said["state"])),
        "packet": read_packet(technique, str(said["packet"])),
    }

"""A lesson: its predictions, questions and exercises, kept under its number.

    lesson = Lesson("04", scanner=pl, lab=lab)
    web_80 = lesson.predict("web-80", "syn", "web", 80)
    web_80                      # asks; once it is answered the scan runs, and feedback, picture, explanation follow
    web_9 = lesson.predict("web-9", "syn", "web", 9, show=lambda beat: beat.packet(2))
    lesson.together("side-by-side", web_80, web_9)      # a picture that waits for both

An answer given once is known again after the kernel was restarted: the cell then runs its scan at once, for it was
predicted.  `lesson.forget()` starts over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from portlab import lab as labs
from portlab.errors import BadTarget
from portlab.evidence.result import Scan
from portlab.files import Pathish
from portlab.learn import keys, slips
from portlab.learn.built import held_against, packet_in
from portlab.learn.checks import Checked, grade, plain_values, truth_of, why_not
from portlab.learn.counter import CounterExample, Lab, show
from portlab.learn.evidence import read_packet, read_state
from portlab.learn.exercises import Exercise, Task
from portlab.learn.explanations import explained
from portlab.learn.gate import Gated, Record
from portlab.learn.handin import HandIn
from portlab.learn.live import Live
from portlab.learn.misconceptions import misconception
from portlab.learn.progress import Progress, default_path
from portlab.learn.questions import ChoiceGate, PredictionGate, Question, questions_of, written
from portlab.learn.quiz import Quiz
from portlab.learn.reference import port_reference
from portlab.learn.runs import planned
from portlab.learn.scan_widget import ScanWidget
from portlab.learn.sitting import Refused, Sitting, attempted
from portlab.learn.together import Together
from portlab.learn.waiting import Waiting
from portlab.view import lab_map
from portlab.view.beat import Part
from portlab.view.gate import Feedback

AnyGate = TypeVar("AnyGate", bound=Gated)
Show = Callable[..., Any]
"""A function of one beat, or of several, that returns a picture, or a list of them."""


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
        self._sitting = Sitting(scanner, self._found)
        self._maps: list[Together] = []
        self._progress = progress or Progress(default_path())
        self._key = keys.from_environment()
        self._slips = slips.watch()
        self._gates: dict[str, Gated] = {}
        self._together: dict[str, Together] = {}
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
        show: Show | None = None,
        given: Any = (),
        **options: Any,
    ) -> PredictionGate:
        """Have state and packet predicted; then the scan runs, and its ladder is drawn.

        `about`: the host and port that are asked about, such as ("web", 80); left out where one port is scanned.
        `show`: a function of the gate that returns other pictures.  `given`: pictures to look at before.
        `wrong_means`: the misconception that a wrong answer may come from here, where the table knows of none: it
        is asked about.  `next_shows`: those that the next cell speaks to.  The rest goes to the scan.
        """
        run = planned(self._sitting, technique, target, ports, about, options)
        gate = PredictionGate(self, name, run, question, wrong_means, next_shows, show, given)
        return self._opened(gate, lambda said: _prediction(run.technique, said))

    def ask(
        self,
        name: str,
        *run: Any,
        question: Question | None = None,
        show: Show | None = None,
        given: Any = (),
        **options: Any,
    ) -> ChoiceGate:
        """Ask for one of several choices.  Technique, target and ports may follow: then that scan runs on commit.

        The question is the one that data/questions.json has under that name for this lesson, so that its answer is
        not read in the notebook; or the one handed in.  What `show` draws is the evidence, and follows the answer;
        `given` is what is to be judged, and stands above the question.
        """
        asked = question or questions_of(self._full(name))[0]
        technique, target, ports = (*run, "common")[:3] if run else ("", None, None)
        scan = planned(self._sitting, technique, target, ports, (target, None), options) if run else None
        gate = ChoiceGate(self, asked, scan, show, given)
        return self._opened(gate, lambda said: {name: said if isinstance(said, str) else said["answer"]})

    def exercise(
        self,
        name: str,
        truth: Callable[[Scan], Any] | None = None,
        *,
        of: Scan | Gated | None = None,
        show: Show | None = None,
        given: Any = None,
        task: Task | None = None,
    ) -> Exercise:
        """Have an answer written into a field, or ticked, and held against the evidence until it is right.

        The task is the one that data/questions.json has under that name for this lesson.  `truth` asks the scan
        `of` (or the beat's, which it then waits for) what is right, and that scan is drawn above, or what is `given`
        (a function of nothing, where that waits for a beat).
        """
        asked = task or Task(**written(self._full(name))[0])
        gate = Exercise(self, asked, truth, of, show, given)
        return self._opened(gate, lambda said: {name: said["answer"] if isinstance(said, dict) else said})

    def together(self, name: str, *beats: Gated, show: Show | None = None) -> Together:
        """A picture of several beats: it waits until all are answered, and fills itself then.

        `show` is a function of the gates, in that order; without it their ladders stand side by side.
        """
        gates = [beat.name for beat in beats]
        drawn = Together(
            name, lambda: [self._gates[each] for each in gates], show or _side_by_side, self.explained(name)
        )
        self._together[name] = drawn
        return drawn

    def summary(self, *beats: Gated) -> Together:
        """What is to be said aloud at the end, once these are answered."""
        return self.together("say-it-aloud", *beats, show=lambda *_: ())

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
        return self._opened(gate, lambda said: said.get("answer", said))

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
        if stale := self._stale():
            return stale
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

    def built(self, name: str, packet: Any, *, like: Gated) -> Checked | Waiting:
        """Hold a packet made by hand against the first one that a beat has sent, byte for byte."""
        exchange = like.exchange()
        if stale := self._stale():
            return stale
        if isinstance(exchange, Waiting):
            return exchange
        theirs = packet_in(exchange.frames[0])
        made = theirs if self._full(name) in self._key else packet  # no key file knows what a beat will send
        checked = Checked(held_against(made, theirs))
        if checked.right:
            self.keep(name, {"answer": theirs.hex(" "), "right": True})
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

    def attempt(self, technique: str, target: Any, ports: Any = "common", **options: Any) -> Scan | Refused:
        """Try a scan that may not be allowed: what it brings, or the refusal."""
        return attempted(planned(self._sitting, technique, target, ports, (target, None), options))

    def panel(self, target: str = "", ports: Any = "common") -> ScanWidget:
        """A panel to scan with as one likes."""
        return ScanWidget(self._sitting.syn_scan, self._sitting.ping, target=target, ports=str(ports))

    def map(self) -> Together:
        """The lab as a map, with all that was found in this lesson since its kernel began; it fills as more is."""

        def drawn() -> Any:
            return lab_map(labs.current(), *self._sitting.scans)  # type: ignore[arg-type]  # None: it says so

        self._maps.append(Together(f"map {len(self._maps)}", lambda: (), drawn, ()))
        return self._maps[-1]

    # --- what is kept -------------------------------------------------------------------------------------

    def keep(self, name: str, record: Record, *, again: bool = False) -> None:
        """Write an answer of this lesson down; where it was answered `again`, with the first one in it."""
        record = {"at": self._now().isoformat(timespec="seconds"), **record}
        if again and (earlier := self._progress.get(self._full(name))):
            record["first"] = earlier.get("first", earlier)
        self._progress.keep(self._full(name), record)

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

    # --- what gates ask of their lesson -------------------------------------------------------------------

    def explained(self, name: str) -> tuple[Part, ...]:
        """What is said of a beat once it is answered."""
        return explained(self.number, name)

    def answered(self, name: str) -> None:
        """A gate was answered: whatever waits for it looks whether it may fill."""
        fillable: list[Gated | Together] = [*self._gates.values(), *self._together.values()]
        for each in fillable:
            if name in each.waits_for:
                each.answered()

    def _stale(self) -> Checked | None:
        """What is said where an answer comes from a cell that stopped at a mistake."""
        if not self._slips or not (stale := self._slips.stale()):
            return None
        cell = f"The cell that sets {' and '.join(stale)} stopped at a mistake."
        return Checked(Feedback("", "Not checked yet.", (f"{cell} Repair it and run it, then this one.",)))

    def _found(self) -> None:
        """A scan has ended: what it found goes on the map."""
        for each in self._maps:
            each.answered()

    def _full(self, name: str) -> str:
        return f"{self.number}/{name}"

    def _opened(self, gate: AnyGate, read: Callable[[Any], Mapping[str, Any]]) -> AnyGate:
        """A gate, as its learner left it: what the key file says, or what was answered in an earlier sitting."""
        full = self._full(gate.name)
        if gate.name in self._gates:
            gate.take_over(self._gates[gate.name])
        self._gates[gate.name] = gate
        if full in self._key:
            gate.commit(read(self._key[full]))
        elif kept := self._progress.get(full):
            gate.recall(lambda: read(kept))
        return gate


def _side_by_side(first: Gated, *more: Gated) -> Any:
    return first.ladders(first.exchange(), *(each.exchange() for each in more))


def _prediction(technique: str, said: Any) -> dict[str, str]:
    """A prediction as a key file or the progress file has it.  BadTarget says what is wrong with it."""
    if not isinstance(said, dict) or not {"state", "packet"} <= said.keys():
        raise BadTarget(f'{said!r} is no prediction. Write {{"state": "open", "packet": "SYN-ACK"}}.')
    return {
        "state": read_state(technique, str(said["state"])),
        "packet": read_packet(technique, str(said["packet"])),
    }

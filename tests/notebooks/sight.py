"""No answer in sight: what a lesson keeps from the learner until the question is answered.

Names, headings, check cells and prose are read before a gate is answered, stored outputs and summaries too.  What is to be said
of an answer stands in the lesson's file of explanations (portlab/data/lessons), and comes to light in the beat's own place.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from tests.notebooks.lesson import FILLS, PROMPTS, Cell, Lesson, Rules, Told, named

RULES = Rules()
rule = RULES.add

TELLING = {
    "open", "opened", "closed", "filtered", "unfiltered", "refused", "refuses", "reset", "resets", "rst", "dropped", "drops",
    "blocked", "silent", "silence", "loud", "up", "down", "nobody", "somebody", "answers", "listens",
}  # fmt: skip
SAYS = {
    "open": ("open", "SYN-ACK", "connected", "answered"),
    "closed": ("closed", "RST", "reset", "refused"),
    "filtered": ("filtered", "silent", "silence", "timed out", "nothing came back", "ICMP error"),
    "open|filtered": ("open|filtered", "silent", "silence", "nothing came back"),
    "unfiltered": ("unfiltered", "RST", "reset"),
    "up": ("up", "echo reply", "answered", "came back"),
    "no-answer": ("no answer", "silent", "silence", "nothing came back"),
}
"""The words that would tell of a state; the packet's among them."""
EVIDENCE = {"exchange", "ladders", "packet", "conversations", "follow", "host_table", "anatomy", "both_ends"}


def words_of(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


@rule
def explanations(lesson: Lesson) -> Told:
    """Every beat has its explanation, and every explanation its beat."""
    first, told = lesson.cells[0].id, lesson.explanations
    if told is None:
        return
    met = set()
    for cell in lesson.code:
        for call in cell.calls(*PROMPTS, *FILLS):
            name, kind = named(call), call.func.attr  # type: ignore[attr-defined]
            met.add(name)
            if name not in told and kind in {"predict", "exercise", *FILLS}:  # a question says why itself
                yield cell.id, f"portlab/data/lessons/{lesson.number}.md has no section {name!r}"
    for name in sorted(told.keys() - met):
        yield first, f"portlab/data/lessons/{lesson.number}.md explains {name!r}, which nothing asks"


@rule
def neutral_names(lesson: Lesson) -> Told:
    """web_80, not closed_door: a name is read before the question."""
    for cell in _read_before(lesson):
        targets = {
            node.id for node in cell.nodes() if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        for name in sorted(targets | {named(call) for call in cell.calls(*PROMPTS, *FILLS)}):
            if telling := words_of(name.replace("_", " ")) & TELLING:
                yield cell.id, f"the name {name!r} tells: {', '.join(sorted(telling))}"


@rule
def neutral_headings(lesson: Lesson) -> Told:
    """Port 9, not "Knock where somebody is silent"."""
    for cell in _read_before(lesson):
        for heading in re.findall(r"^##+ (.*)$", cell.source, re.MULTILINE) if cell.kind == "markdown" else ():
            if telling := words_of(heading) & TELLING:
                yield cell.id, f"the heading {heading!r} tells: {', '.join(sorted(telling))}"


def _read_before(lesson: Lesson) -> list[Cell]:
    return [] if lesson.explanations is None else lesson.cells


@rule
def expected_values(lesson: Lesson) -> Told:
    """What a check expects, and its hints, stand in data/questions.json or are computed from the evidence."""
    if lesson.explanations is None:
        return
    lists = [sorted(map(str, answer)) for answer in lesson.keys.values() if isinstance(answer, list)]
    for cell in lesson.code:
        for call in cell.calls("check", "exercise"):
            truth = [*call.args[2:3], *(each.value for each in call.keywords if each.arg in {"truth", "answer"})]
            if any(_literal(each) is not None for each in truth):
                yield cell.id, f"{named(call)!r} has its expected value in sight"
            for each in call.keywords:
                if each.arg in {"hint", "because", "hints"}:
                    yield cell.id, f"{named(call)!r} has its {each.arg} in sight"
        for node in cell.nodes():
            if isinstance(node, ast.List) and sorted(map(str, _literal(node) or [])) in lists:
                yield cell.id, f"{ast.unparse(node)} is an answer of this lesson"


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


@rule
def prose_after_a_gate(lesson: Lesson) -> Told:
    """Between two gates prose asks, and does not tell what the one before has brought."""
    if lesson.explanations is None:
        return
    gate: Cell | None = None
    for cell in lesson.cells:
        if cell.kind == "code":
            gate = cell if cell.calls("predict", "ask") else gate
        elif gate and cell.tag == "explain":
            yield cell.id, f"it explains {gate.id} in plain sight: portlab/data/lessons is the place"
        elif gate and cell.tag != "further":
            for told in _answers(lesson, gate):
                if _tells(told, cell.source):
                    yield cell.id, f"{told!r} tells the answer to {gate.id}"


def _answers(lesson: Lesson, gate: Cell) -> Iterator[str]:
    """The words that would give a gate's answer away: those of the state, or the right choice."""
    for call in gate.calls("predict", "ask"):
        truth = lesson.truths.get(f"{lesson.number}/{named(call)}", "")
        if gate.calls("predict"):
            yield from SAYS.get(truth, ())
        elif len(truth) > 3:  # "one" and "no" are in every text
            yield truth


@rule
def explanations_before(lesson: Lesson) -> Told:
    """What is said of a beat does not answer a question that is still to come."""
    said: list[str] = []
    for cell in lesson.code if lesson.explanations is not None else ():
        for told in _answers(lesson, cell) if cell.calls("ask") else ():
            for name in said:
                if _tells(told, lesson.explanations[name]):  # type: ignore[index]
                    yield cell.id, f"{told!r} stands in the explanation of {name!r}, before it is asked"
        said += [name for call in cell.calls(*PROMPTS, *FILLS) if (name := named(call)) in (lesson.explanations or {})]


def _tells(answer: str, text: str) -> bool:
    return bool(re.search(rf"(?<![\w-]){re.escape(answer)}(?![\w-])", text, re.IGNORECASE))


@rule
def summary(lesson: Lesson) -> Told:
    """Before the answers a summary only asks; its sentences are an explanation, and wait."""
    if lesson.explanations is None:
        return
    asks = [cell for cell in lesson.cells if cell.kind == "markdown" and cell.tag == "summary"]
    for cell in asks:
        if "?" not in cell.source or re.search(r"^(- |\d+\. )", cell.source, re.MULTILINE):
            yield cell.id, "it tells what is to be said: ask for it, the sentences stand with the explanations"
    if not any(cell.calls("summary") for cell in lesson.code):
        yield lesson.cells[-1].id, "nothing shows the summary: lesson.summary(...)"


@rule
def evidence(lesson: Lesson) -> Told:
    """A picture of what a question is about is drawn by its beat, not by a cell beside it."""
    if lesson.explanations is None:
        return
    for cell in lesson.cells:
        if cell.tag == "stretch":
            return
        if cell.kind != "code" or cell.tag != "see":
            continue
        called = {node.attr for node in cell.nodes() if isinstance(node, ast.Attribute)}
        called |= {node.id for node in cell.nodes() if isinstance(node, ast.Name)}
        if (drawn := called & EVIDENCE) and not cell.calls("together"):
            yield cell.id, f"{', '.join(sorted(drawn))} belongs into the beat: show="

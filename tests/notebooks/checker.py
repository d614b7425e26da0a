"""The notebook checker: what every lesson keeps to, as rules that name the cell and say what is wrong with it.

Each rule is a function from a lesson to its faults.  Every cell carries one tag, its part in the lesson:

    opening  lab  cards                     what it is for; which lab this is; what is due from earlier lessons
    predict  see  explain                   the beat: commit to a prediction, look at the evidence, read why
    exercise  check                         a task, and a check that looks at the evidence
    example                                 a worked example: the only code whose output may be stored
    ask                                     a question without a scan
    stretch  summary  further               for who wants more; to be said aloud; to be read
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

LINE_WIDTH, CODE_LINES, MEDIAN_LINES, PROSE_WORDS, CELLS, MINUTES = 88, 14, 5, 120, 60, 45
EXERCISES = 3
KINDS = {
    "code": {"lab", "cards", "predict", "see", "exercise", "check", "example", "ask"},
    "markdown": {
        "opening", "cards", "predict", "see", "explain", "exercise", "example", "ask", "stretch", "summary",
        "further",
    },
}  # fmt: skip
OPENS_WITH = ("What you'll do", "What you'll learn", "What you need")
ADDRESS = re.compile(r"\b(?:10|127|172|192)(?:\.\d+){3}\b")
FREE = ("192.0.2.", "127.")  # for examples (RFC 5737), and everybody's own
PAST_THE_SCOPE = {"send", "sendp", "sr", "sr1", "srp", "srp1", "srloop", "sniff", "AsyncSniffer", "sendpfast"}
FORBIDDEN_MODULES = {"socket", "subprocess", "os", "requests", "urllib"}
PROMPTS = {"predict", "ask", "check", "quiz"}  # methods of a lesson that want an answer, by name


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, where, and what to do."""

    rule: str
    cell: str
    sentence: str

    def __str__(self) -> str:
        return f"[{self.rule}] {self.cell}: {self.sentence}"


@dataclass(frozen=True)
class Cell:
    """One cell as the rules see it."""

    id: str
    kind: str
    tag: str
    source: str
    outputs: int
    counted: bool

    @property
    def lines(self) -> list[str]:
        return [line for line in self.source.splitlines() if line.strip()]

    @property
    def words(self) -> int:
        """Words of prose; drawings, tables' rules and HTML tags are none."""
        text = re.sub(r"```.*?```|<[^>]+>|[|*`#]", " ", self.source, flags=re.S)
        return len(re.findall(r"[^\W_][\w'’.-]*", text))

    def tree(self) -> ast.Module:
        return ast.parse(self.source)


@dataclass(frozen=True)
class Lesson:
    """A notebook, the folder it lies in, and the names its key file knows."""

    path: Path
    cells: list[Cell]
    whole: dict[str, Any]
    keys: frozenset[str]
    readme: str

    @property
    def code(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.kind == "code"]

    @property
    def number(self) -> str:
        return self.path.stem.split("_")[0]


def read(
    path: Path, whole: dict[str, Any] | None = None, keys: frozenset[str] = frozenset(), readme: str = ""
) -> Lesson:
    """A notebook from the disk, or (for planted faults) one that only bears its name."""
    whole = json.loads(path.read_text("utf-8")) if whole is None else whole
    cells = [
        Cell(
            cell["id"],
            cell["cell_type"],
            str(cell["metadata"].get("tags", [""])[0]),
            "".join(cell["source"]),
            len(cell.get("outputs", [])),
            cell.get("execution_count") is not None,
        )
        for cell in whole["cells"]
    ]
    return Lesson(path, cells, whole, keys, readme)


# --- rules ------------------------------------------------------------------------------------------------

Told = Iterator[tuple[str, str]]
RULES: dict[str, Callable[[Lesson], Told]] = {}


def rule(check: Callable[[Lesson], Told]) -> Callable[[Lesson], Told]:
    RULES[check.__name__] = check
    return check


def faults(lesson: Lesson) -> list[Fault]:
    """Everything that is wrong with a lesson."""
    return [Fault(name, cell, told) for name, check in RULES.items() for cell, told in check(lesson)]


@rule
def tags(lesson: Lesson) -> Told:
    for cell in lesson.cells:
        if cell.tag not in KINDS[cell.kind]:
            yield cell.id, f"a {cell.kind} cell may not be tagged {cell.tag!r}"


@rule
def opening(lesson: Lesson) -> Told:
    first = lesson.cells[0]
    title = first.source.splitlines()[0].removeprefix("# ")
    if not re.match(r"# \w+.*: \w+", first.source):
        yield (
            first.id,
            'a title has a verb and says what about: "# Knock and run: scan with half a handshake"',
        )
    for words in OPENS_WITH:
        if words not in first.source:
            yield first.id, f"the opening does not say {words!r}"
    minutes = re.search(r"About (\d+) minutes", first.source)
    if not minutes or int(minutes[1]) > MINUTES:
        yield first.id, f'the opening says "About N minutes", {MINUTES} at most'
    elif f"[{lesson.number}]({lesson.path.name}) | {title} | {minutes[1]} |" not in lesson.readme:
        yield first.id, "notebooks/README.md lists another title or other minutes"


@rule
def first_code(lesson: Lesson) -> Told:
    if not lesson.code or not lesson.code[0].source.rstrip().endswith("lab.here()"):
        yield lesson.cells[0].id, "the first code cell says which lab this is: it ends with lab.here()"


@rule
def close(lesson: Lesson) -> Told:
    *_, summary, further = lesson.cells
    if not summary.source.startswith("## Say it aloud"):
        yield summary.id, 'the last cell but one is "## Say it aloud"'
    if not further.source.startswith("## Further reading"):
        yield further.id, 'the last cell is "## Further reading"'


@rule
def beat(lesson: Lesson) -> Told:
    """After a prediction the evidence is seen, and only then explained."""
    for place, cell in enumerate(lesson.cells):
        if cell.kind != "code" or cell.tag != "predict":
            continue
        following = [each.tag for each in lesson.cells[place + 1 :]]
        if "see" not in following:
            yield cell.id, "its evidence is never seen"
        elif "explain" not in following:
            yield cell.id, "nothing explains this prediction"
        elif following.index("explain") < following.index("see"):
            yield cell.id, "it is explained before the evidence is seen"
        before = [each for each in lesson.cells[:place] if each.kind == "markdown"]
        if not before or "redict" not in before[-1].source:
            yield cell.id, "the prose before a prediction asks for it"


@rule
def exercises(lesson: Lesson) -> Told:
    last = lesson.cells[-1].id
    tasks = [cell for cell in lesson.cells if cell.kind == "markdown" and cell.tag == "exercise"]
    if len(tasks) < EXERCISES:
        yield last, f"there are {len(tasks)} exercises, {EXERCISES} are the least"
    checks = [cell for cell in lesson.code if cell.tag == "check"]
    if len(checks) < len(tasks):
        yield last, f"{len(tasks)} exercises have only {len(checks)} checks"
    if not any(cell.tag == "stretch" for cell in lesson.cells):
        yield last, "nothing to stretch"


@rule
def sizes(lesson: Lesson) -> Told:
    for cell in lesson.cells:
        if cell.kind == "markdown" and cell.words > PROSE_WORDS:
            yield cell.id, f"{cell.words} words of prose, {PROSE_WORDS} at most"
        if cell.kind == "code" and len(cell.lines) > CODE_LINES:
            yield cell.id, f"{len(cell.lines)} lines of code, {CODE_LINES} at most"
        if cell.kind == "code":
            for line in cell.lines:
                if len(line) > LINE_WIDTH:
                    yield cell.id, f"a line of {len(line)} characters, {LINE_WIDTH} at most"
    if lesson.code and median(len(cell.lines) for cell in lesson.code) >= MEDIAN_LINES:
        yield lesson.cells[0].id, f"half of the code cells have {MEDIAN_LINES} lines or more"
    if len(lesson.cells) > CELLS:
        yield lesson.cells[-1].id, f"{len(lesson.cells)} cells, {CELLS} at most"


@rule
def outputs(lesson: Lesson) -> Told:
    for cell in lesson.code:
        if cell.tag != "example" and (cell.outputs or cell.counted):
            yield cell.id, "an output is stored, and would give the prediction away"
    if "widgets" in lesson.whole["metadata"]:
        yield lesson.cells[0].id, "widgets' state is stored"


@rule
def addresses(lesson: Lesson) -> Told:
    for cell in lesson.cells:
        for address in ADDRESS.findall(cell.source):
            if not address.startswith(FREE):
                yield cell.id, f"hosts are called by name, not {address}"


@rule
def code(lesson: Lesson) -> Told:
    """Nothing is defined that belongs in the package, and nothing is sent past the scope."""
    for cell in lesson.code:
        try:
            nodes = list(ast.walk(cell.tree()))
        except SyntaxError as error:
            yield cell.id, f"does not parse: {error}"
            continue
        if any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in nodes):
            yield cell.id, "functions and classes belong in the package"
        modules = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        modules |= {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
        for module in sorted(modules):
            if module.split(".")[0] in FORBIDDEN_MODULES:
                yield cell.id, f"{module} goes past PortLab"
        for sender in sorted(_called(nodes) & PAST_THE_SCOPE):
            yield cell.id, f"{sender} knows no scope: use pl.send or pl.capture"


def _called(nodes: list[ast.AST]) -> set[str]:
    """Names of functions that are called or imported; pl's own are another matter."""
    names = {name.name for node in nodes if isinstance(node, ast.ImportFrom) for name in node.names}
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            names.add(node.func.id)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            names.add(f"{'pl.' if _is_pl(node.func.value) else ''}{node.func.attr}")
    return names


def _is_pl(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "pl"


@rule
def links(lesson: Lesson) -> Told:
    for cell in lesson.cells:
        if cell.kind != "markdown":
            continue
        for target in re.findall(r"\]\(([^)\s]+)\)|<(?:img|a)[^>]+(?:src|href)=[\"']([^\"']+)", cell.source):
            there = target[0] or target[1]
            if re.match(r"\w+:", there):
                yield cell.id, f"{there} needs the internet"
            elif not (lesson.path.parent / there.partition("#")[0]).exists():
                yield cell.id, f"the link {there} leads nowhere"


@rule
def alternatives(lesson: Lesson) -> Told:
    """Every picture in the prose has a text for who does not see it."""
    for cell in lesson.cells:
        if cell.kind == "markdown":
            for alternative in re.findall(r"!\[([^\]]*)\]\(", cell.source):
                if not alternative.strip():
                    yield cell.id, "a picture without a text beside it"
            for image in re.findall(r"<img[^>]*>", cell.source):
                if not re.search(r"alt=[\"'][^\"']+", image):
                    yield cell.id, "an <img> without alt"


def asked(cell: Cell) -> list[str]:
    """The names that a code cell asks the learner for: lesson.predict("door", ...) asks for "door"."""
    try:
        nodes = list(ast.walk(cell.tree()))
    except SyntaxError:
        return []
    calls = [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    named = [call.args[0] for call in calls if call.args and call.func.attr in PROMPTS]  # type: ignore[attr-defined]
    return [
        first.value for first in named if isinstance(first, ast.Constant) and isinstance(first.value, str)
    ]


def asked_in(path: Path) -> list[str]:
    """Everything that a lesson asks for, as the key file names it: "04/open-door"."""
    lesson = read(path)
    return [f"{lesson.number}/{name}" for cell in lesson.code for name in asked(cell)]


@rule
def keys(lesson: Lesson) -> Told:
    """What asks the learner has one name, and the key file knows it; and the key file knows no more."""
    met: set[str] = set()
    for cell in lesson.code:
        for name in (f"{lesson.number}/{each}" for each in asked(cell)):
            if name not in lesson.keys:
                yield cell.id, f"the key file has no {name!r}"
            if name in met:
                yield cell.id, f"{name!r} is asked twice"
            met.add(name)
    for name in sorted(lesson.keys - met):
        if name.startswith(f"{lesson.number}/"):
            yield lesson.cells[0].id, f"the key file knows {name!r}, which nothing asks"


@rule
def file_format(lesson: Lesson) -> Told:
    whole, first = lesson.whole, lesson.cells[0].id
    if whole["nbformat"] != 4 or whole["metadata"].get("kernelspec", {}).get("name") != "python3":
        yield first, "any Jupyter must open it: nbformat 4, kernel python3"
    ids = [cell.id for cell in lesson.cells]
    if len(ids) != len(set(ids)):
        yield first, "two cells have the same id"

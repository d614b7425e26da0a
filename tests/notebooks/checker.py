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
import re
from dataclasses import dataclass
from statistics import median

from portlab.model import State
from portlab.view.tokens import LOOKS
from tests.notebooks.lesson import Lesson, Rules, Told, asked, words
from tests.notebooks.sight import RULES as SIGHT

LINE_WIDTH, CODE_LINES, MEDIAN_LINES, PROSE_WORDS, CELLS, MINUTES = 88, 14, 5, 120, 60, 45
EXERCISES = 3
KEYS_GO_BACK = "Esc gives them back"
READ = 100  # words a minute, in a language that is not one's own
MINUTES_OF = {"predict": 2.0, "ask": 1.5, "check": 3.0, "see": 1.0, "cards": 5.0}  # to answer, and to look at what comes
SLACK = 3
BEATS = ("predict", "ask", "exercise", "together")
KINDS = {
    "code": {"lab", "cards", "predict", "see", "exercise", "check", "example", "ask", "summary"},
    "markdown": {
        "opening", "cards", "predict", "see", "explain", "exercise", "example", "ask", "stretch", "summary",
        "further",
    },
}  # fmt: skip
OPENS_WITH = ("What you'll do", "What you'll learn", "What you need")
ADDRESS = re.compile(r"\b(?:10|127|172|192)(?:\.\d+){3}\b")
FREE = ("192.0.2.", "127.")  # for examples (RFC 5737), and everybody's own
PAST_THE_SCOPE = {"send", "sendp", "sr", "sr1", "srp", "srp1", "srloop", "sniff", "AsyncSniffer", "sendpfast"}
MARKED = re.compile(r"^\| (\S) (\S+) +\|", re.MULTILINE)
FORBIDDEN_MODULES = {"socket", "subprocess", "os", "requests", "urllib"}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, where, and what to do."""

    rule: str
    cell: str
    sentence: str

    def __str__(self) -> str:
        return f"[{self.rule}] {self.cell}: {self.sentence}"


# --- rules ------------------------------------------------------------------------------------------------

RULES = Rules(SIGHT)
rule = RULES.add


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
def keys_of_pictures(lesson: Lesson) -> Told:
    """Whose the keys are is said once, at the beginning."""
    if lesson.explanations is None:
        return
    said = [cell.id for cell in lesson.cells if KEYS_GO_BACK in cell.source]
    if said != [lesson.cells[0].id]:
        yield lesson.cells[0].id, f"the opening says once what a click does to the keys: {KEYS_GO_BACK!r}"


@rule
def minutes(lesson: Lesson) -> Told:
    """The minutes are those that reading, answering and looking take."""
    said = re.search(r"About (\d+) minutes", lesson.cells[0].source)
    if lesson.explanations is None or not said:
        return
    read = sum(cell.words for cell in lesson.cells) + sum(map(words, lesson.explanations.values()))
    spent = read / READ + sum(MINUTES_OF.get(cell.tag, 0) for cell in lesson.code)
    if abs(spent - int(said[1])) > SLACK:
        yield lesson.cells[0].id, f"it takes about {round(spent)} minutes, and says {said[1]}"


@rule
def first_code(lesson: Lesson) -> Told:
    if not lesson.code or not lesson.code[0].source.rstrip().endswith("lab.here()"):
        yield lesson.cells[0].id, "the first code cell says which lab this is: it ends with lab.here()"


@rule
def close(lesson: Lesson) -> Told:
    headings = [cell for cell in lesson.cells if cell.source.startswith("## ")][-2:]
    if not headings[0].source.startswith("## Say it aloud"):
        yield headings[0].id, 'before the reading stands "## Say it aloud"'
    if not lesson.cells[-1].source.startswith("## Further reading"):
        yield lesson.cells[-1].id, 'the last cell is "## Further reading"'


@rule
def beat(lesson: Lesson) -> Told:
    """What asks is asked for in prose, and explained once it is answered."""
    for place, cell in enumerate(lesson.cells):
        if not cell.calls(*BEATS):
            continue
        before = lesson.cells[place - 1]
        if cell.calls("predict") and "redict" not in before.source:
            yield cell.id, "the prose before a prediction asks for it"
        if lesson.explanations is not None and before.kind != "markdown":
            yield cell.id, "no prose leads to it"


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


@rule
def marks(lesson: Lesson) -> Told:
    """A state's mark in a table is the one that every picture and text has."""
    texts = [(cell.id, cell.source) for cell in lesson.cells if cell.kind == "markdown"]
    for place, text in (*texts, *(lesson.explanations or {}).items()):
        for mark, word in MARKED.findall(text.replace("\\|", "|")):
            if word in list(State) and mark != (own := LOOKS[State(word)].character):
                yield place, f"{word} is shown as {mark}, and as {own} everywhere else"


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
    for name in sorted(lesson.keys.keys() - met):
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

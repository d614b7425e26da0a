"""A lesson as the rules see it: its cells, what it asks for, and what is said of that elsewhere."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portlab.learn.explanations import sections

PROJECT = Path(__file__).resolve().parents[2]
EXPLANATIONS = PROJECT / "portlab" / "data" / "lessons"
PROMPTS = {"predict", "ask", "check", "built", "exercise", "quiz"}  # methods of a lesson that want an answer, by name
FILLS = {"together", "summary"}  # and those that wait for others' answers


def words(markdown: str) -> int:
    """Words of prose; drawings, tables' rules and HTML tags are none."""
    text = re.sub(r"```.*?```|<[^>]+>|[|*`#]", " ", markdown, flags=re.S)
    return len(re.findall(r"[^\W_][\w'’.-]*", text))


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
        """How many words of prose it has."""
        return words(self.source) if self.kind == "markdown" else 0

    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    def nodes(self) -> list[ast.AST]:
        """All of the code, or nothing where it does not parse."""
        try:
            return list(ast.walk(self.tree()))
        except SyntaxError:
            return []

    def calls(self, *methods: str) -> list[ast.Call]:
        """The calls of these methods."""
        found = [node for node in self.nodes() if isinstance(node, ast.Call)]
        return [call for call in found if isinstance(call.func, ast.Attribute) and call.func.attr in methods]


def named(call: ast.Call) -> str:
    """The name of a beat: lesson.predict("web-80", ...) is "web-80"."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "summary":
        return "say-it-aloud"
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


@dataclass(frozen=True)
class Lesson:
    """A notebook, the folder it lies in, what its key file answers, its explanations, and what is true.

    `explanations` is None where the lesson has no file of them; `truths` are the right answers by full name, a
    prediction's state among them.
    """

    path: Path
    cells: list[Cell]
    whole: dict[str, Any]
    keys: Mapping[str, Any]
    readme: str
    explanations: Mapping[str, str] | None
    truths: Mapping[str, str]

    @property
    def code(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.kind == "code"]

    @property
    def number(self) -> str:
        return self.path.stem.split("_")[0]


def read(
    path: Path,
    whole: dict[str, Any] | None = None,
    keys: Mapping[str, Any] | None = None,
    readme: str = "",
    explanations: str | None = None,
    truths: Mapping[str, str] | None = None,
) -> Lesson:
    """A notebook from the disk, or (for planted faults) one that only bears its name."""
    if whole is None:
        whole = json.loads(path.read_text("utf-8"))
        file = EXPLANATIONS / f"{path.stem.split('_')[0]}.md"
        explanations = file.read_text("utf-8") if file.exists() else None
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
    explained = None if explanations is None else sections(explanations)
    return Lesson(path, cells, whole, keys or {}, readme, explained, truths or {})


def asked(cell: Cell) -> list[str]:
    """The names that a code cell asks the learner for: lesson.predict("web-80", ...) asks for "web-80"."""
    return [name for call in cell.calls(*PROMPTS) if (name := named(call))]


def asked_in(path: Path) -> list[str]:
    """Everything that a lesson asks for, as the key file names it: "04/web-80"."""
    lesson = read(path)
    return [f"{lesson.number}/{name}" for cell in lesson.code for name in asked(cell)]


Told = Iterator[tuple[str, str]]
Rule = Callable[[Lesson], Told]


class Rules(dict[str, Rule]):
    """Rules by their names; `@rules.add` puts one in."""

    def add(self, check: Rule) -> Rule:
        self[check.__name__] = check
        return check

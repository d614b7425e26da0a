"""A file to hand in: what was predicted, what the evidence was, and which exercises were solved."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from portlab import files
from portlab.shown import Shown
from portlab.view import figure
from portlab.view.gate import MARKS
from portlab.view.svg import escape

FORMAT = "PortLab hand-in"
HEADS = ("name", "your answer", "the evidence", "mark")


@dataclass(frozen=True, repr=False)
class HandIn(Shown):
    """The answers of one lesson, shown as a table; `seed` is the number that the learner's own lab began with."""

    lesson: str
    seed: int | None
    answers: dict[str, dict[str, Any]]

    def write(self, path: files.Pathish) -> None:
        """Write it as JSON."""
        whole = {
            "format": FORMAT,
            "version": 1,
            "lesson": self.lesson,
            "seed": self.seed,
            "answers": self.answers,
        }
        files.write(path, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")

    def rows(self) -> list[list[str]]:
        """Name, answer, evidence and mark of each."""
        return [[name, _said(kept), _seen(kept), _mark(kept)] for name, kept in self.answers.items()]

    def __str__(self) -> str:
        head = f"Lesson {self.lesson}: what you answered"
        return "\n".join([head, *("  ".join(filter(None, row)) for row in self.rows() or [["nothing yet"]])])

    def html(self) -> str:
        """The table as a figure."""
        title = f"Lesson {self.lesson}: what you answered"
        detail = "nothing yet" if not self.answers else "" if self.seed is None else f"seed {self.seed}"
        rows = [[escape(cell) for cell in row] for row in self.rows()]
        table = figure.table(title, HEADS, rows, "prose") if rows else ""
        return figure.wrap("hand-in", title, figure.heading(title, detail) + table)


def _said(kept: dict[str, Any]) -> str:
    """The answer; where it was changed, with the first one."""
    first = f" (first: {_answer(kept['first'])})" if "first" in kept else ""
    return _answer(kept) + first


def _answer(kept: dict[str, Any]) -> str:
    if "state" in kept:
        return f"{kept['state']}, from {kept['packet']}"
    said = kept.get("answer", "")
    if isinstance(said, dict):
        return ", ".join(f"{name}: {choice}" for name, choice in said.items())
    return ", ".join(map(str, said)) if isinstance(said, list) else str(said)


def _seen(kept: dict[str, Any]) -> str:
    seen = kept.get("seen")
    return f"{seen['state']}, from {seen['packet']} ({seen['reason']}, {seen['fidelity']})" if seen else ""


def _mark(kept: dict[str, Any]) -> str:
    """The mark as the gate had it, with its word; a test of many questions has none."""
    if isinstance(kept.get("answer"), dict):
        return ""
    seen = kept.get("seen", {})
    half = any(name in seen and kept.get(name) == seen[name] for name in ("state", "packet"))
    mark = "✓" if kept.get("right") else "½" if half else "!"
    return f"{mark} {MARKS[mark]}"

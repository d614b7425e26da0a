"""Every lesson keeps to what a lesson keeps to (see `checker`), and the key file answers all that they ask."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest

import portlab as pl
from lab_env import lab
from portlab.learn.questions import _written, questions_of
from portlab.learn.runs import planned
from tests.notebooks.checker import faults
from tests.notebooks.lesson import Lesson, asked_in, named, read

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
RUNS = {"about", "timeout", "tries", "rate", "method"}  # what a scan is told
LESSONS = sorted(FOLDER.glob("*.ipynb"))
KEYS = json.loads(Path(__file__).with_name("key.json").read_text("utf-8"))


def test_there_are_lessons() -> None:
    assert {"00", "01", "03", "04", "08"} <= {path.stem[:2] for path in LESSONS}


def truths(lesson: Lesson) -> dict[str, str]:
    """What is right, by full name: the state that the simulated lab brings, and the right choices."""
    lab.here()
    found = {}
    for cell in lesson.code:
        for call in cell.calls("predict"):
            name, technique, target, *ports = (ast.literal_eval(each) for each in call.args)
            options = {each.arg: ast.literal_eval(each.value) for each in call.keywords if each.arg in RUNS}
            run = planned(pl, technique, target, *(ports or ["common"]), options.pop("about", None), options)
            host, port = run.about
            scan = run()
            found[f"{lesson.number}/{name}"] = str((scan[host] if port is None else scan[host, port]).state)
        for call in cell.calls("ask"):
            full = f"{lesson.number}/{named(call)}"
            found[full] = questions_of(full)[0].answer
    return found


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_has_no_fault(path: Path) -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    lesson = read(path, keys=KEYS, readme=readme)
    assert [str(fault) for fault in faults(replace(lesson, truths=truths(lesson)))] == []


def test_the_key_answers_nothing_else() -> None:
    assert {name[:2] for name in KEYS} == {path.stem[:2] for path in LESSONS}


def test_every_question_of_a_lesson_is_asked() -> None:
    asked = {name for path in LESSONS for name in asked_in(path)}
    assert [name for name in _written() if "/" in name and name not in asked] == []  # the others are whole tests


def test_the_prefix_of_the_lab_is_nowhere() -> None:
    assert [path.name for path in LESSONS if "10.77" in path.read_text("utf-8")] == []

"""Every lesson keeps to what a lesson keeps to (see `checker`), and the key file answers all that they ask."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.notebooks.checker import faults, read

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
LESSONS = sorted(FOLDER.glob("*.ipynb"))
KEYS = frozenset(json.loads(Path(__file__).with_name("key.json").read_text("utf-8")))


def test_there_are_lessons() -> None:
    assert {"00", "03", "04", "08"} <= {path.stem[:2] for path in LESSONS}


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_has_no_fault(path: Path) -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert [str(fault) for fault in faults(read(path, keys=KEYS, readme=readme))] == []


def test_the_key_answers_nothing_else() -> None:
    assert {name[:2] for name in KEYS} == {path.stem[:2] for path in LESSONS}


def test_the_prefix_of_the_lab_is_nowhere() -> None:
    assert [path.name for path in LESSONS if "10.77" in path.read_text("utf-8")] == []

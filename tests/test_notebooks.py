"""Every lesson runs through from a clean kernel: with predictions from the key file, and with nobody there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from portlab.learn import keys, progress
from tests.notebooks.lesson import asked_in

PROJECT = Path(__file__).resolve().parent.parent
LESSONS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
KEY_FILE = PROJECT / "tests" / "notebooks" / "key.json"
PATIENCE = 1800  # seconds: the end of hope
KEY = json.loads(KEY_FILE.read_text("utf-8"))

pytestmark = pytest.mark.slow
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


class Run:
    """All lessons run through in one lab: a folder and a kernel for each, as a learner has them."""

    def __init__(self, folder: Path, fidelity: str, key: Path | None) -> None:
        self.folder = folder
        for lesson in LESSONS:
            (folder / lesson.stem).mkdir()
            shutil.copy(lesson, folder / lesson.stem)
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        for name in (keys.VARIABLE, progress.VARIABLE):
            environment.pop(name, None)
        if key:
            environment[keys.VARIABLE] = str(key)
        lab = [sys.executable, "-m", "lab_env", "exec", "--no-loss", "--fidelity", fidelity, "--"]
        nbval = [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider"]
        nbval += [f"--rootdir={folder}", f"--junitxml={folder / 'told.xml'}"]
        nbval += [str(folder / lesson.stem / lesson.name) for lesson in LESSONS]
        done = subprocess.run(
            [*lab, *nbval],
            cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=PATIENCE,
        )  # fmt: skip
        self.words = done.stdout + done.stderr
        self.passed: dict[str, bool] = {}
        for case in ElementTree.parse(folder / "told.xml").iter("testcase"):
            lesson = next(each.stem for each in LESSONS if each.name in case.attrib["classname"])
            self.passed[lesson] = self.passed.get(lesson, True) and not len(case)

    def answers(self, lesson: Path) -> dict[str, Any]:
        """What was kept of the learner's answers to a lesson, which ran through to its end."""
        assert self.passed.get(lesson.stem), self.words
        kept = self.folder / lesson.stem / ".portlab" / "progress.json"
        return json.loads(kept.read_text("utf-8"))["answers"] if kept.exists() else {}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Path | None], Run]:
    """run(fidelity, key) -> all lessons run through like that, once."""

    @cache
    def begin(fidelity: str, key: Path | None) -> Run:
        return Run(tmp_path_factory.mktemp(fidelity), fidelity, key)

    return begin


@pytest.mark.parametrize("fidelity", [pytest.param("embedded", marks=pytest.mark.lab), "simulated"])
@each_lesson
def test_with_predictions_from_the_key_every_scan_runs_and_every_check_is_passed(
    run: Any, lesson: Path, fidelity: str
) -> None:
    answers = run(fidelity, KEY_FILE).answers(lesson)
    assert answers.keys() == set(asked_in(lesson))
    for name, record in answers.items():
        said = KEY[name]
        if isinstance(said, dict) and "packet" in said:
            assert (record["state"], record["packet"]) == (said["state"], said["packet"]), name
            seen = record["seen"]
            assert seen["fidelity"] == fidelity, name
            unsent = (seen["reason"], seen["answered_by"]) == ("host-unreach", None)  # ARP was not answered
            assert (seen["tries"] == 0) is unsent, name
        elif not isinstance(said, dict):
            assert record["right"], name


@each_lesson
def test_run_all_with_nobody_there_goes_through_and_keeps_nothing(run: Any, lesson: Path) -> None:
    kept = run("simulated", None).answers(lesson)
    assert {name for name, record in kept.items() if "seen" in record} == set()

"""Every lesson runs through from a clean kernel: with predictions from the key file, and with nobody there."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks.checker import asked_in

PROJECT = Path(__file__).resolve().parent.parent
LESSONS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
KEY_FILE = PROJECT / "tests" / "notebooks" / "key.json"
KEY = json.loads(KEY_FILE.read_text("utf-8"))

pytestmark = pytest.mark.slow
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


@pytest.fixture
def run_through(lab_exec: Any, tmp_path: Path) -> Any:
    """Run a copy of a lesson, as a learner has one; returns what was kept of its answers."""

    def run(lesson: Path, fidelity: str, key: Path | None) -> dict[str, Any]:
        copy = Path(shutil.copy(lesson, tmp_path))
        progress = tmp_path / "progress.json"
        environment = {**os.environ, "PORTLAB_PROGRESS": str(progress), "PYTHONPATH": str(PROJECT)}
        if key:
            environment["PORTLAB_KEY"] = str(key)
        nbval = [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider"]
        told = lab_exec(
            *nbval, f"--rootdir={tmp_path}", str(copy),
            options=["--no-loss", "--fidelity", fidelity], timeout=600, env=environment,
        )  # fmt: skip
        assert told.returncode == 0, told.stdout + told.stderr
        assert " passed" in told.stdout.splitlines()[-1]
        return json.loads(progress.read_text("utf-8"))["answers"] if progress.exists() else {}

    return run


@pytest.mark.parametrize("fidelity", [pytest.param("embedded", marks=pytest.mark.lab), "simulated"])
@each_lesson
def test_with_predictions_from_the_key_every_scan_runs_and_every_check_is_passed(
    run_through: Any, lesson: Path, fidelity: str
) -> None:
    answers = run_through(lesson, fidelity, KEY_FILE)
    assert answers.keys() == set(asked_in(lesson))
    for name, record in answers.items():
        said = KEY[name]
        if isinstance(said, dict) and "packet" in said:
            assert (record["state"], record["packet"]) == (said["state"], said["packet"]), name
            assert record["seen"]["fidelity"] == fidelity, name
            assert record["seen"]["tries"] >= 1, name
        elif not isinstance(said, dict):
            assert record["right"], name


@each_lesson
def test_run_all_with_nobody_there_goes_through_and_keeps_nothing(run_through: Any, lesson: Path) -> None:
    kept = run_through(lesson, "simulated", None)
    assert {name for name, record in kept.items() if "seen" in record} == set()

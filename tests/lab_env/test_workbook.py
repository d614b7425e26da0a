"""The learner's copies: nothing of theirs is ever lost, and nothing old is kept by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab_env.workbook import Changes, Workbook
from portlab.errors import BadTarget


@pytest.fixture
def lessons(tmp_path: Path) -> Path:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("00_start_here", "04_knock"):
        (folder / f"{name}.ipynb").write_text(f"{name}, first edition")
    return folder


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return tmp_path / "my notebooks"


def update(mine: Path, lessons: Path) -> Changes:
    return Workbook(mine, lessons).update()


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob("*.ipynb"))}


def test_first_start_copies_all(mine: Path, lessons: Path) -> None:
    assert update(mine, lessons) == Changes(new=["00_start_here", "04_knock"])
    assert texts(mine) == texts(lessons)
    assert update(mine, lessons) == Changes()


@pytest.mark.parametrize(
    ("touched", "lesson_changed", "expected", "text"),
    [
        (False, False, Changes(), "04_knock, first edition"),
        (False, True, Changes(renewed=["04_knock"]), "second edition"),
        (True, False, Changes(), "my work"),
        (True, True, Changes(kept=["04_knock"]), "my work"),
    ],
)
def test_an_update(
    mine: Path, lessons: Path, touched: bool, lesson_changed: bool, expected: Changes, text: str
) -> None:
    update(mine, lessons)
    if touched:
        (mine / "04_knock.ipynb").write_text("my work")
    if lesson_changed:
        (lessons / "04_knock.ipynb").write_text("second edition")
    assert update(mine, lessons) == expected
    assert (mine / "04_knock.ipynb").read_text() == text


def test_a_new_lesson_appears_and_a_deleted_copy_comes_back(mine: Path, lessons: Path) -> None:
    update(mine, lessons)
    (lessons / "05_ask.ipynb").write_text("new")
    (mine / "00_start_here.ipynb").unlink()
    assert update(mine, lessons) == Changes(new=["00_start_here", "05_ask"])


def test_work_stays_through_two_editions_and_is_named_each_time(mine: Path, lessons: Path) -> None:
    update(mine, lessons)
    (mine / "04_knock.ipynb").write_text("my work")
    for edition in ("second", "third"):
        (lessons / "04_knock.ipynb").write_text(edition)
        (sentence,) = update(mine, lessons).sentences()
        assert "04_knock" in sentence
        assert "./run lab --reset 04" in sentence


def test_without_its_records_every_difference_is_the_learners(mine: Path, lessons: Path) -> None:
    update(mine, lessons)
    (mine / ".portlab" / "copies.json").write_text("damaged")
    (lessons / "04_knock.ipynb").write_text("second edition")
    assert update(mine, lessons) == Changes(kept=["04_knock"])
    assert (mine / "04_knock.ipynb").read_text() == "04_knock, first edition"


@pytest.mark.parametrize("number", ["04", "4", "04_knock", "04_knock.ipynb"])
def test_reset_keeps_the_old_copy(mine: Path, lessons: Path, number: str) -> None:
    update(mine, lessons)
    for work in ("first work", "second work"):
        (mine / "04_knock.ipynb").write_text(work)
        name, kept = Workbook(mine, lessons).reset(number)
        assert (name, kept.read_text()) == ("04_knock", work)
    assert texts(mine) == texts(lessons) | {
        "04_knock.bak-1.ipynb": "first work",
        "04_knock.bak-2.ipynb": "second work",
    }
    assert update(mine, lessons) == Changes()


@pytest.mark.parametrize("number", ["07", "", "knock", "-4", "4.5", "../04_knock"])
def test_reset_of_a_lesson_there_is_not(mine: Path, lessons: Path, number: str) -> None:
    with pytest.raises(BadTarget, match=r"there are: 00, 04") as refused:
        Workbook(mine, lessons).reset(number)
    assert repr(number) in str(refused.value)

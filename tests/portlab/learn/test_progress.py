"""Progress is never lost: not by two notebooks at once, not by a damaged file, not by a crash in between."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from portlab.errors import BadTarget
from portlab.learn import progress
from portlab.learn.progress import Progress


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".portlab" / "progress.json"


def test_opening_writes_nothing(path: Path) -> None:
    assert Progress(path).answers() == {}
    assert not path.parent.exists()


def test_what_is_kept_is_there_for_the_next_kernel(path: Path) -> None:
    Progress(path).keep("04/open-door", {"state": "open", "packet": "SYN-ACK"})
    assert Progress(path).get("04/open-door") == {"state": "open", "packet": "SYN-ACK"}
    assert json.loads(path.read_text("utf-8"))["format"] == "PortLab progress"


def test_two_notebooks_open_at_once_keep_each_other_s_answers(path: Path) -> None:
    one, other = Progress(path), Progress(path)
    one.keep("03/first", {"answer": 1})
    other.keep("04/second", {"answer": 2})
    assert set(one.answers()) == set(other.answers()) == {"03/first", "04/second"}


WRITER = """
import sys
from pathlib import Path
from portlab.learn.progress import Progress
kept = Progress(Path(sys.argv[1]))
for number in range(20):
    kept.keep(f"{sys.argv[2]}/{number}", {"answer": number})
"""


def test_processes_that_write_at_the_same_time_lose_nothing(path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*command, name]) for name in ("03", "04", "08")]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert len(Progress(path).answers()) == 60


DAMAGED = {
    "is damaged": [
        '{"format": "PortLab pro',
        "",
        '{"format": "PortLab progress", "version": 1, "answers": []}',
        '{"format": "PortLab progress", "version": null, "answers": {}}',
    ],
    "is no progress file of PortLab": ["[1, 2]", '{"cards": []}'],
}


@pytest.mark.parametrize(("why", "text"), [(why, text) for why, texts in DAMAGED.items() for text in texts])
def test_a_file_that_cannot_be_read_is_put_aside_with_a_word(path: Path, why: str, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text, "utf-8")
    opened = Progress(path)
    assert why in opened.message
    assert "progress.damaged-1.json" in opened.message
    assert path.with_name("progress.damaged-1.json").read_text("utf-8") == text
    opened.keep("04/open-door", {"state": "open"})
    assert list(Progress(path).answers()) == ["04/open-door"]


def test_what_a_newer_portlab_kept_is_left_alone(path: Path) -> None:
    text = '{"format": "PortLab progress", "version": 2, "answers": {}}'
    path.parent.mkdir()
    path.write_text(text, "utf-8")
    opened = Progress(path)
    assert "newer PortLab" in opened.message
    with pytest.raises(BadTarget, match="newer PortLab"):
        opened.keep("04/open-door", {"state": "open"})
    assert path.read_text("utf-8") == text
    assert [each.name for each in path.parent.iterdir() if "damaged" in each.name] == []


def test_a_second_damaged_file_does_not_take_the_place_of_the_first(path: Path) -> None:
    path.parent.mkdir()
    for text in ("one", "two"):
        path.write_text(text, "utf-8")
        Progress(path)
    assert [path.with_name(f"progress.damaged-{n}.json").read_text("utf-8") for n in (1, 2)] == ["one", "two"]


def test_answers_can_be_forgotten(path: Path) -> None:
    kept = Progress(path)
    kept.keep("04/a", {"answer": 1})
    kept.keep("04/b", {"answer": 2})
    kept.forget(["04/a", "04/never"])
    assert list(kept.answers()) == ["04/b"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, no folder", "utf-8")
    with pytest.raises(BadTarget, match=r"progress\.json' cannot be written"):
        Progress(tmp_path / "taken" / "progress.json").keep("04/a", {})


def test_what_cannot_be_read_is_said_and_not_written_over(path: Path) -> None:
    path.mkdir(parents=True)
    opened = Progress(path)
    assert "cannot be read" in opened.message
    assert "What was answered before is not known" in opened.message
    with pytest.raises(BadTarget, match="cannot be read"):
        opened.keep("04/a", {})


def test_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(progress.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    assert progress.default_path() == tmp_path / ".portlab" / "progress.json"
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "other.json"))
    assert progress.default_path() == tmp_path / "other.json"

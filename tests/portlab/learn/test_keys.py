"""A key file commits predictions; what is wrong with it is said by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from portlab.errors import BadTarget
from portlab.learn import keys

CELLS = [
    ("markdown", 'lesson.predict("in-prose")'),
    ("code", 'from portlab.learn import Lesson\nlesson = Lesson("04", scanner=pl)'),
    ("code", 'door = lesson.predict("open-door", "syn", "web", 80)\ndoor'),
    ("code", 'lesson.ask("two-resets", "Which field?", choices=["TTL"], answer="TTL")'),
    ("code", 'lesson.check("mail-doors", mine, truth=len("x"))'),
]


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "04_knock.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": kind, "source": [text]} for kind, text in CELLS]}))
    return path


def test_the_names_that_a_notebook_asks_for(notebook: Path) -> None:
    assert keys.names_asked(notebook) == ["04/open-door", "04/two-resets", "04/mail-doors"]


def test_a_key_that_fits_passes(notebook: Path) -> None:
    keys.check(
        {"04/open-door": {}, "04/two-resets": "TTL", "04/mail-doors": [25]}, keys.names_asked(notebook)
    )


def test_unknown_and_missing_names_are_both_told(notebook: Path) -> None:
    key = {"04/open-dor": {}, "04/two-resets": "TTL", "04/mail-doors": [25]}
    with pytest.raises(BadTarget, match=r"nobody asks for 04/open-dor; it lacks 04/open-door\."):
        keys.check(key, keys.names_asked(notebook))


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(keys.VARIABLE, raising=False)
    assert keys.from_environment() == {}
    (tmp_path / "key.json").write_text('{"04/open-door": {"state": "open", "packet": "RST"}}')
    monkeypatch.setenv(keys.VARIABLE, str(tmp_path / "key.json"))
    assert keys.from_environment() == {"04/open-door": {"state": "open", "packet": "RST"}}


@pytest.mark.parametrize("text", ["[", "[]", '{"open-door": {}}'])
def test_what_is_no_key_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(text)
    with pytest.raises(BadTarget, match=r"The key file .*key\.json'"):
        keys.load(path)


def test_a_key_that_is_not_there_is_named() -> None:
    with pytest.raises(BadTarget, match=r"'no/such/key\.json' cannot be read"):
        keys.load("no/such/key.json")

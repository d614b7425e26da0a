"""The cards as a package for Anki: opened as Anki opens it, a zip with an SQLite database in it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from portlab import ports
from portlab.errors import BadTarget
from portlab.learn import Deck
from portlab.port_cards import cards_of


def notes(package: Path, folder: Path) -> tuple[dict[str, tuple[list[str], set[str]]], set[str], set[str]]:
    """Notes by their id as (fields, tags), the ids of decks, and those of kinds of notes."""
    with zipfile.ZipFile(package) as whole:
        whole.extract("collection.anki2", folder)
    with closing(sqlite3.connect(folder / "collection.anki2")) as base:
        rows = base.execute("select guid, flds, tags from notes").fetchall()
        decks, models = base.execute("select decks, models from col").fetchone()
        assert base.execute("select count(*) from cards").fetchone()[0] == len(rows)
    by_guid = {guid: (fields.split("\x1f"), set(tags.split())) for guid, fields, tags in rows}
    assert len(by_guid) == len(rows)
    return by_guid, set(json.loads(decks)) - {"1"}, set(json.loads(models))


def test_every_card_of_the_exam_is_a_note_with_its_tags(tmp_path: Path) -> None:
    table = ports.find(exam="009")
    table.to_anki(tmp_path / "ports.apkg")
    found, _, _ = notes(tmp_path / "ports.apkg", tmp_path)
    assert {fields[0] for fields, _ in found.values()} == {
        card.question.replace("&", "&amp;") for card in cards_of(table)
    }
    assert all("N10-009" in tags for _, tags in found.values())
    telnet = next(fields for fields, tags in found.values() if fields[0] == "23 Telnet" and "safer" in tags)
    assert "SSH (22)" in telnet[2]


def test_a_newer_package_updates_an_older_one(tmp_path: Path) -> None:
    deck = Deck(tmp_path / "cards.json").unlock([22, 23])
    deck.to_anki(tmp_path / "first.apkg")
    deck.unlock([80]).to_anki(tmp_path / "second.apkg")
    (first, *ids), (second, *same_ids) = (
        notes(tmp_path / f"{name}.apkg", tmp_path) for name in ("first", "second")
    )
    assert set(first) < set(second)
    assert ids == same_ids


def test_where_nothing_can_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadTarget, match="nowhere"):
        ports.find(22).to_anki(tmp_path / "nowhere" / "ports.apkg")


def test_the_library_is_loaded_when_it_is_used() -> None:
    code = "import sys, portlab.learn, portlab.ports; print('genanki' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

"""Progress: what a learner has predicted and answered, kept in one JSON file beside the notebooks.

    {"format": "PortLab progress", "version": 1,
     "answers": {"04/open-door": {"at": "2026-03-01T10:00:00+00:00", "state": "open", "packet": "SYN-ACK",
                                  "seen": {"state": "open", "packet": "SYN-ACK", ...}},
                 "04/mail-doors": {"at": ..., "answer": [25, 110]}}}

The file is read again before each change, under a lock: several notebooks may be open at once.  It is written whole
or not at all.  A damaged one is put aside, never written over.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from portlab import files
from portlab.errors import BadTarget
from portlab.learn.kept import locked, put_aside

FORMAT, VERSION = "PortLab progress", 1
VARIABLE = "PORTLAB_PROGRESS"
"""The environment variable that names another file, for tests and for several learners at one computer."""

Record = dict[str, Any]


class Progress:
    """The answers in one file.  `message` says what had to be done about a damaged one, "" if nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.message = ""
        self.answers()

    def answers(self) -> dict[str, Record]:
        """All answers by their full names, such as "04/open-door", as they stand in the file now."""
        try:
            return self._load()
        except BadTarget as error:
            self.message = f"{error} What was answered before is not known."
            return {}

    def _load(self) -> dict[str, Record]:
        """The same; BadTarget where there is a file that cannot be read: then it must not be written over."""
        if not self.path.exists():
            return {}
        text = files.read(self.path)
        try:
            return _read(text)
        except BadTarget:
            raise
        except ValueError as error:
            aside = put_aside(self.path)
            self.message = (
                f"{str(self.path)!r} {error}. It was put aside as {aside.name!r}; a new one is begun."
            )
            return {}

    def get(self, name: str) -> Record | None:
        """What is kept under that name; None if nothing."""
        return self.answers().get(name)

    def keep(self, name: str, record: Record) -> None:
        """Write one answer down.  BadTarget where the file cannot be written."""
        self._change({name: record})

    def forget(self, names: list[str]) -> None:
        """Take answers out again."""
        self._change(dict.fromkeys(names))

    def _change(self, changes: dict[str, Record | None]) -> None:
        with locked(self.path):
            merged = {**self._load(), **changes}
            whole = {
                "format": FORMAT,
                "version": VERSION,
                "answers": {name: record for name, record in sorted(merged.items()) if record is not None},
            }
            files.write(self.path, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")


def default_path() -> Path:
    """Where progress is kept: $PORTLAB_PROGRESS, else .portlab/progress.json beside the notebook."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path.cwd() / ".portlab" / "progress.json"


def _read(text: bytes) -> dict[str, Record]:
    """The answers in a file's bytes.  ValueError says what is wrong with them; BadTarget: PortLab is too old."""
    try:
        whole = json.loads(text)
    except ValueError as error:
        raise ValueError("is damaged") from error
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise ValueError("is no progress file of PortLab")
    version = whole.get("version")
    if not isinstance(version, int) or version < VERSION:
        raise ValueError("is damaged")
    if version > VERSION:
        raise BadTarget("The answers here were kept by a newer PortLab.  Update this one to go on with them.")
    answers = whole.get("answers")
    if not isinstance(answers, dict) or not all(isinstance(record, dict) for record in answers.values()):
        raise ValueError("is damaged")
    return answers

"""The learner's own copies of the notebooks, so that an update of PortLab never collides with their work.

    notebooks/04_knock.ipynb                 the lesson, as PortLab ships it
    my-notebooks/04_knock.ipynb              the learner's copy
    my-notebooks/04_knock.bak-1.ipynb        an older copy, after `./run lab --reset 04`
    my-notebooks/.portlab/copies.json        the checksum of the lesson each copy was made from

A copy that was never touched is renewed when its lesson changes; a copy with work in it stays as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from portlab.errors import BadTarget

PROJECT = Path(__file__).resolve().parent.parent
LESSONS = PROJECT / "notebooks"
STATE = ".portlab"


@dataclass
class Changes:
    """What `Workbook.update` did, as names of lessons."""

    new: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  # the lesson has changed, but so has the copy

    def sentences(self) -> list[str]:
        """For the person at the terminal."""
        told = []
        if self.renewed:
            told.append(
                f"renewed, since the lesson has changed and your copy had not: {', '.join(self.renewed)}"
            )
        told += [
            f"lesson {name} has changed; your copy has your own work in it and stays.  "
            f"For the new one type: ./run lab --reset {name.split('_')[0]}   (your work is kept beside it)"
            for name in self.kept
        ]
        return told


class Workbook:
    """The copies in `folder` of the lessons in `lessons`."""

    def __init__(self, folder: Path, lessons: Path = LESSONS) -> None:
        self.folder = folder
        self.lessons = {path.stem: path for path in sorted(lessons.glob("*.ipynb"))}

    @property
    def state(self) -> Path:
        """Where PortLab keeps what belongs to these copies: checksums, JupyterLab's settings."""
        return self.folder / STATE

    def update(self) -> Changes:
        """Make the copies that are missing and renew those that nobody has touched."""
        self.state.mkdir(parents=True, exist_ok=True)
        known, changes = self._read_checksums(), Changes()
        for name, lesson in self.lessons.items():
            shipped = checksum(lesson)
            fate = self._fate(name, shipped, known.get(name))
            if fate in ("new", "renewed"):
                _put(lesson, self._copy(name))
            if fate in ("new", "renewed", "same"):
                known[name] = shipped
            if fate in ("new", "renewed", "kept"):
                getattr(changes, fate).append(name)
        self._write_checksums(known)
        return changes

    def _fate(self, name: str, shipped: str, recorded: str | None) -> str:
        """What becomes of a copy: "new", "same", "working" (on the lesson as it is), "renewed" or "kept"."""
        copy = self._copy(name)
        if not copy.exists():
            return "new"
        mine = checksum(copy)
        if mine == shipped:
            return "same"
        if recorded == shipped:
            return "working"
        return "renewed" if mine == recorded else "kept"

    def reset(self, number: str) -> tuple[str, Path]:
        """Give the learner a fresh copy of a lesson, and keep the old one beside it.

        `number` is "04", "4" or the lesson's whole name.  Returns the lesson's name and the path of what was
        kept.  Raises BadTarget for a lesson there is not.
        """
        name = self._lesson(number)
        copy, kept = self._copy(name), self._free_backup(name)
        if copy.exists():
            copy.rename(kept)
        self.update()
        return name, kept

    def first(self) -> str | None:
        """The lesson to begin with."""
        return next(iter(self.lessons), None)

    def _lesson(self, number: str) -> str:
        wanted = number.removesuffix(".ipynb")
        if wanted in self.lessons:
            return wanted
        for name in self.lessons:
            if wanted.isdecimal() and name.split("_")[0] == wanted.zfill(2):
                return name
        numbers = ", ".join(name.split("_")[0] for name in self.lessons) or "none yet"
        raise BadTarget(
            f"there is no lesson {number!r}; there are: {numbers}.  Type for example: ./run lab --reset 04"
        )

    def _copy(self, name: str) -> Path:
        return self.folder / f"{name}.ipynb"

    def _free_backup(self, name: str) -> Path:
        number = 1
        while (path := self.folder / f"{name}.bak-{number}.ipynb").exists():
            number += 1
        return path

    def _read_checksums(self) -> dict[str, str]:
        try:
            known = json.loads((self.state / "copies.json").read_text("utf-8"))
        except (
            OSError,
            ValueError,
        ):  # lost or damaged: then every copy that differs counts as the learner's work
            return {}
        return known if isinstance(known, dict) else {}

    def _write_checksums(self, known: dict[str, str]) -> None:
        unfinished = self.state / f"copies.{os.getpid()}"
        unfinished.write_text(json.dumps(known, indent=1), "utf-8")
        unfinished.replace(self.state / "copies.json")


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _put(lesson: Path, copy: Path) -> None:
    """Copy in one step: whoever looks sees the old file or the whole new one."""
    unfinished = copy.with_name(f".{copy.name}.{os.getpid()}")
    shutil.copyfile(lesson, unfinished)
    unfinished.replace(copy)


def place() -> Path:
    """The folder of this user's copies: in the checkout if it is theirs, else in their home."""
    mine = not hasattr(os, "geteuid") or PROJECT.stat().st_uid == os.geteuid()
    if mine and LESSONS.is_dir() and os.access(PROJECT, os.W_OK):
        return PROJECT / "my-notebooks"
    return Path.home() / "PortLab"

"""Files: written whole or not at all, and "-" for standard output."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, cast

from portlab.errors import BadTarget

Pathish = str | PathLike[str]
Source = Pathish | BinaryIO
"""Where to read from: a path, "-" for standard input, or a binary file that is open already."""

STANDARD_OUTPUT = STANDARD_INPUT = "-"


@contextmanager
def written_whole(path: Pathish) -> Iterator[Path]:
    """A path to write to, moved to `path` at the end; until then what stood there stays as it is.

    "-" is standard output; so is anything that is no ordinary file, such as /dev/stdout, written through.
    Raises BadTarget where nothing can be written there.
    """
    target = _named(path)
    through = str(path) == STANDARD_OUTPUT or (
        target.exists() and not target.is_file() and not target.is_dir()
    )
    try:
        with tempfile.TemporaryDirectory(
            prefix=".portlab-", dir=None if through else target.parent
        ) as folder:
            draft = Path(folder) / target.name
            yield draft
            if through:
                _copy(draft, path)
            else:
                os.replace(draft, target)
    except BrokenPipeError:  # whoever read standard output has gone: not a matter of files
        raise
    except OSError as error:
        raise BadTarget(f"{str(path)!r} cannot be written: {error.strerror or error}.") from error


def check_writable(path: Pathish) -> None:
    """Raise BadTarget where `path` could not be written: better before the work than after it."""
    target = _named(path)
    if str(path) == STANDARD_OUTPUT:
        return
    if target.is_dir():
        raise BadTarget(f"{str(path)!r} cannot be written: it is a folder.")
    if not target.parent.is_dir():
        raise BadTarget(f"{str(path)!r} cannot be written: there is no folder {str(target.parent)!r}.")
    if not os.access(target if target.exists() and not target.is_file() else target.parent, os.W_OK):
        raise BadTarget(f"{str(path)!r} cannot be written: Permission denied.")


def write(path: Pathish, text: str) -> None:
    """Write a text file, as UTF-8 on every system."""
    if str(path) == STANDARD_OUTPUT:
        sys.stdout.write(text)
        return
    with written_whole(path) as draft:
        draft.write_text(text, "utf-8", newline="\n")


def read(path: Source) -> bytes:
    """All bytes of a file.  Raises BadTarget where it cannot be read."""
    with reading(path) as file:
        return file.read()


@contextmanager
def opened(path: Pathish) -> Iterator[BinaryIO]:
    """A file to read.  Raises BadTarget where it cannot be opened."""
    try:
        file = open(path, "rb")  # noqa: SIM115  # closed below; what happens inside is the caller's affair
    except (OSError, ValueError) as error:  # ValueError: no path may hold a zero byte
        raise BadTarget(f"{str(path)!r} cannot be read: {getattr(error, 'strerror', error)}.") from error
    with file:
        yield file


@contextmanager
def reading(source: Source) -> Iterator[io.BufferedReader]:
    """Something to read, once: its first bytes can be looked at with `peek`, since a pipe cannot be opened again."""
    if isinstance(source, str | PathLike) and str(source) == STANDARD_INPUT:
        source = _standard_input()
    if isinstance(source, str | PathLike):
        with opened(source) as file:
            yield cast(io.BufferedReader, file)
    elif isinstance(source, io.BufferedReader):
        yield source
    else:
        buffered = io.BufferedReader(cast(Any, source))
        yield buffered
        buffered.detach()  # else it would close what is not its own


def _standard_input() -> BinaryIO:
    try:
        return open(0, "rb", closefd=False)  # it stays open for others
    except OSError as error:
        raise BadTarget("Standard input is closed: give the name of a file.") from error


def name_of(source: Source) -> str:
    """What messages call it: the path as it was given, "-" for standard input."""
    name = source if isinstance(source, str | PathLike) else getattr(source, "name", "an open file")
    return STANDARD_INPUT if name == 0 else str(name)


def _named(path: Pathish) -> Path:
    """The file that a path means, links followed."""
    try:
        return Path(os.path.realpath(path))
    except ValueError as error:
        raise BadTarget(f"{str(path)!r} cannot be written: {error}.") from error


def _copy(draft: Path, path: Pathish) -> None:
    with draft.open("rb") as source:
        if str(path) == STANDARD_OUTPUT:
            sys.stdout.flush()
            shutil.copyfileobj(source, sys.stdout.buffer)
        else:
            with open(path, "wb") as target:
                shutil.copyfileobj(source, target)

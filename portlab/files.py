"""Files: written whole or not at all, and "-" for standard output.

What is written is made beside its place and moved there at the end, with the rights that stood there before: until
then, and whatever fails, the old file stays.  What is no ordinary file (a device, a pipe, /dev/stdout, /dev/fd/3) has
nothing to be kept and is written into.  A path that cannot be read or written gives BadTarget.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from portlab.errors import BadTarget, PortLabError, quoted

Pathish = str | PathLike[str]
Into = str | int  # what is written into: the path of a device or pipe, or an open descriptor

STANDARD_OUTPUT = "-"
MOST_BYTES = 1 << 29
"""A file that is read whole is no larger: 512 MiB, about two million rows."""

_OUT = 1  # the descriptor of standard output
_DESCRIPTORS = re.compile(r"/dev/fd|/proc/([0-9]+)(?:/task/[0-9]+)?/fd")
_MOST_LINKS = 40


@contextmanager
def written_whole(path: Pathish) -> Iterator[Path]:
    """A path to write to, moved to `path` at the end; until then what stood there stays as it is."""
    target = _checked(path)
    beside = target.parent if isinstance(target, Path) else None
    with _told("written", path), tempfile.TemporaryDirectory(prefix=".portlab-", dir=beside) as folder:
        draft = Path(folder) / (target.name if isinstance(target, Path) else "draft")
        yield draft
        if isinstance(target, Path):
            _keep_rights(target, draft)
            os.replace(draft, target)
        else:
            with draft.open("rb") as source, _into(path, target) as sink:
                shutil.copyfileobj(source, sink)


def write(path: Pathish, text: str) -> None:
    """Write a text file, as UTF-8 on every system."""
    data = text.encode("utf-8", "backslashreplace")
    target = _checked(path)
    if isinstance(target, Path):
        with written_whole(path) as draft:
            draft.write_bytes(data)
    elif path == STANDARD_OUTPUT and sys.stdout is not None and not hasattr(sys.stdout, "buffer"):
        sys.stdout.write(text)  # a notebook's output takes text, and no bytes
    else:
        with _told("written", path), _into(path, target) as sink:
            sink.write(data)


def check_writable(path: Pathish) -> None:
    """Raise BadTarget where `path` could not be written: better before the work than after it."""
    target = _checked(path)
    with _told("written", path):
        if isinstance(target, int):
            os.write(target, b"")  # tells of one that is closed, or only for reading
        elif isinstance(target, Path):
            tempfile.TemporaryDirectory(prefix=".portlab-", dir=target.parent).cleanup()
        elif not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def identity(path: Pathish) -> Hashable:
    """The same for every spelling of one file, links and standard output included; None: nothing is kept there."""
    with _told("written", path):
        followed = _followed(named(path, "written"))
        try:
            there = os.stat(followed)
        except OSError:  # it is not there, or cannot be: that is said where it is read or written
            return os.path.normcase(str(followed))
        if os.path.exists(os.devnull) and os.path.samestat(there, os.stat(os.devnull)):
            return None
        return there.st_dev, there.st_ino


def is_standard_output(path: Pathish) -> bool:
    """Whether a path is standard output: "-", /dev/stdout, /dev/fd/1, or a link to one of them."""
    return _followed(named(path, "written")) == _OUT


def read(path: Pathish) -> bytes:
    """All bytes of a file, at most MOST_BYTES."""
    with opened(path) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise BadTarget(
            f"{_said(path)} cannot be read: it holds more than {MOST_BYTES >> 20} MiB.  Split what it was made of."
        )
    return data


@contextmanager
def opened(path: Pathish) -> Iterator[BinaryIO]:
    """A file to read."""
    name = named(path, "read")
    with _told("read", path), open(name, "rb") as file:
        yield file


def named(path: object, done: str) -> str:
    """A path as text.  A number is none, though the system would take it for an open file."""
    name: object = path
    with contextlib.suppress(TypeError):
        name = os.fspath(path)  # type: ignore[call-overload]  # whether it is a path is the question
    if not isinstance(name, str):
        raise BadTarget(
            f'{quoted(path)} is not the name of a file: type one in quotes, such as "result.json".'
        )
    if not name:
        raise BadTarget(f'{quoted(path)} names no file: type one, such as "result.json".')
    if "\0" in name:
        raise BadTarget(f"{_said(path)} cannot be {done}: no name of a file holds a zero byte.")
    return name


# --- what a path means --------------------------------------------------------------------------------------


def _followed(path: str) -> Into:
    """Where a path leads, links followed; a number: an open descriptor, as /dev/stdout is.

    The descriptors of other processes are not followed: what they lead to is in use.
    """
    if path == STANDARD_OUTPUT:
        return _OUT
    here = path
    for _ in range(_MOST_LINKS):
        folder, name = os.path.split(here)
        if name.isdecimal() and (found := _DESCRIPTORS.fullmatch(os.path.realpath(folder))):
            return int(name) if found[1] in (None, str(os.getpid())) else here
        if not os.path.islink(here):
            break
        here = os.path.join(folder, os.readlink(here))
    return os.path.realpath(path)


def _checked(path: Pathish) -> Path | Into:
    """The file to be replaced or made, or what is to be written into; BadTarget where neither can be."""
    why, mode = "", 0
    with _told("written", path):
        followed = _followed(named(path, "written"))
        if isinstance(followed, int):
            return followed
        target = Path(followed)
        with contextlib.suppress(FileNotFoundError):
            mode = os.stat(target).st_mode
    if _DESCRIPTORS.fullmatch(str(target.parent)) or stat.S_ISCHR(mode) or stat.S_ISFIFO(mode):
        return followed
    if stat.S_ISDIR(mode):
        why = "it is a folder"
    elif mode and not stat.S_ISREG(mode):
        why = "it is neither a file nor a pipe"
    elif mode and not (mode & 0o222 and os.access(target, os.W_OK)):
        why = "it is write-protected.  Give another name, or lift the protection with chmod u+w"
    elif not target.parent.is_dir():
        why = f"there is no folder {_said(target.parent)}"
    elif not os.access(target.parent, os.W_OK):
        why = f"no file may be made in the folder {_said(target.parent)} (Permission denied)"
    if why:
        raise BadTarget(f"{_said(path)} cannot be written: {why}.")
    return target


# --- doing it -----------------------------------------------------------------------------------------------


@contextmanager
def _told(done: str, path: object) -> Iterator[None]:
    """What the system says against a path, as a BadTarget that names it."""
    try:
        yield
    except (BrokenPipeError, PortLabError):  # whoever read our output has gone: that is not a matter of files
        raise
    except OSError as error:
        raise BadTarget(f"{_said(path)} cannot be {done}: {error.strerror or error}.") from error


def _said(path: object) -> str:
    return quoted(str(path), 300)


def _keep_rights(target: Path, draft: Path) -> None:
    """Give a draft the rights, and where we may the owner, of the file that it is to replace."""
    if target.exists():
        there = target.stat()
        with contextlib.suppress(OSError, AttributeError):  # not ours to give, or a system without owners
            os.chown(draft, there.st_uid, there.st_gid)
        draft.chmod(stat.S_IMODE(there.st_mode))


@contextmanager
def _into(path: Pathish, target: Into) -> Iterator[BinaryIO]:
    """Something to write into: it is never cut short, and what is at the end of a log stays before what comes."""
    if str(path) == STANDARD_OUTPUT:
        yield _standard_output()
        sys.stdout.flush()
        return
    if isinstance(target, int):
        if target == _OUT and sys.stdout is not None:
            sys.stdout.flush()
        number = os.dup(target)
    else:
        number = os.open(target, os.O_WRONLY | os.O_APPEND)
    with os.fdopen(number, "wb") as sink:
        yield sink


def _standard_output() -> BinaryIO:
    if sys.stdout is None:
        raise BadTarget("Standard output is closed: give the export a FILE.")
    if not hasattr(sys.stdout, "buffer"):
        raise BadTarget('"-" is the standard output of a terminal; here type the name of a file.')
    sys.stdout.flush()
    return sys.stdout.buffer

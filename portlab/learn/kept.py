"""Files that a learner's work is kept in: changed by one program at a time, and never written over when damaged."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portlab.errors import BadTarget


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until no other program changes the file, and keep others out until the block ends.

    Makes the file's folder if there is none.  Several notebooks may be open at once: read again inside the block.
    Raises BadTarget where nothing can be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_suffix(".lock").open("a+b")
    except OSError as error:
        raise BadTarget(f"{str(path)!r} cannot be written: {error.strerror}.") from error
    with lock:
        if sys.platform == "win32":
            import msvcrt

            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
            try:
                yield
            finally:
                lock.seek(0)
                msvcrt.locking(lock.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
            yield  # closing the file lets go


def put_aside(path: Path) -> Path:
    """Give a damaged file another name, so that a new one can be begun; returns where it is now."""
    names = (path.with_name(f"{path.stem}.damaged-{number}{path.suffix}") for number in range(1, 10_000))
    aside = next(name for name in names if not name.exists())
    try:
        path.rename(aside)
    except OSError as error:
        raise BadTarget(f"{str(path)!r} is damaged and cannot be moved: {error.strerror}.") from error
    return aside

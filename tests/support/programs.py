"""Programs that tests start, as if a person had typed them at a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds: the end of hope
FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)


def plain_signals() -> None:
    """In a new process (`preexec_fn`): heed what `nohup` and `&` have had ignored for whoever runs the tests."""
    for number in FROM_TERMINAL:
        signal.signal(number, signal.SIG_DFL)


def ignored_signals() -> None:
    """In a new process: ignore SIGINT and SIGQUIT as a job in the background does, and SIGHUP as under nohup."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


# --- at a terminal ----------------------------------------------------------------------------------------


def take_terminal() -> None:
    """In a new process: what it reads from becomes its terminal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    plain_signals()


@contextlib.contextmanager
def at_terminal(directory: Path, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A program with a terminal of its own, of which we hold the other end."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        words,
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(directory)},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=take_terminal,
    )
    os.close(theirs)
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


LEFT = "\0"  # read_until: everybody has left the terminal


def read_until(terminal: int, text: str) -> str:
    """What the terminal shows until `text` comes; fails where it does not come."""
    shown = ""
    deadline = time.monotonic() + PATIENCE
    while text not in shown:
        assert select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0], shown
        try:
            shown += os.read(terminal, 4096).decode()
        except OSError:  # EIO: nobody is at the other end
            shown += LEFT
            assert text == LEFT, shown
    return shown

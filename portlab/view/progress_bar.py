"""Progress of a long scan: nothing for the first second, then one line that goes away when the scan is done.

    with Progress("SYN scan of web", now=time.monotonic) as progress:
        progress(done, total)        # as often as the loop likes: it is redrawn at most five times a second

In a terminal it is the last line of standard error, in a notebook an output of plain HTML.  (tqdm's notebook bar is a
widget; saved and reopened, such an output reads "model not found".)  Where nobody is looking, nothing is printed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from html import escape
from typing import Any, Protocol, Self, TextIO

QUIET_S = 1.0
REDRAW_S = 0.2
WIDTH = 30  # characters of the bar in a terminal


class Screen(Protocol):
    """Where one line of progress can be shown, and taken away again."""

    def show(self, text: str, done: int, total: int) -> None: ...

    def clear(self) -> None: ...


class ProgressBar:
    """A bar that the scan loop calls with (done, total); `now` is the clock, in seconds.

    `screen` is for tests; None looks for one: a notebook, a terminal, or nothing.
    """

    def __init__(self, text: str, now: Callable[[], float], screen: Screen | None = None) -> None:
        self.text = text
        self._now = now
        self._screen = find_screen() if screen is None else screen
        self._next = now() + QUIET_S
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        """Say that `done` of `total` are done."""
        now = self._now()
        if self._screen is None or now < self._next:
            return
        self._screen.show(self.text, done, total)
        self._next = now + REDRAW_S
        self._shown = True

    def close(self) -> None:
        """Take the bar away."""
        if self._screen is not None and self._shown:
            self._screen.clear()
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def find_screen() -> Screen | None:
    """The notebook or terminal that somebody is looking at; None where nobody is."""
    if (shell := notebook_shell()) is not None:
        return Notebook(shell)
    return Terminal(sys.stderr) if sys.stderr is not None and sys.stderr.isatty() else None


def notebook_shell() -> Any | None:
    """The running kernel's shell; None outside a notebook.  Nothing is imported that is not there already."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if shell is not None and hasattr(shell, "kernel") else None


def percent(done: int, total: int) -> int:
    """How much is done, 0 to 100."""
    return 100 if total <= 0 else max(0, min(100, 100 * done // total))


class Terminal:
    """One line at the end of a terminal, drawn over itself."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, text: str, done: int, total: int) -> None:
        """Draw the line again."""
        filled = WIDTH * percent(done, total) // 100
        bar = "#" * filled + "." * (WIDTH - filled)
        self._write(f"\r\x1b[K{text}  [{bar}] {done:,} of {total:,}")

    def clear(self) -> None:
        """Erase the line."""
        self._write("\r\x1b[K")

    def _write(self, line: str) -> None:
        with suppress(OSError, ValueError):  # a terminal that has gone ends no scan
            self._stream.write(line)
            self._stream.flush()


class Notebook:
    """An output of the running cell, updated in place."""

    def __init__(self, shell: Any) -> None:
        self._publish = shell.display_pub.publish
        self._id = f"portlab-progress-{id(self)}"
        self._there = False

    def show(self, text: str, done: int, total: int) -> None:
        """Show or update the bar."""
        words = f"{text}: {done:,} of {total:,}"
        bar = f'<progress max="{max(total, 1)}" value="{done}" aria-label="{escape(text)}"></progress>'
        self._send({"text/plain": words, "text/html": f"{bar} {escape(words)}"})

    def clear(self) -> None:
        """Leave an empty output behind."""
        self._send({"text/plain": "", "text/html": ""})

    def _send(self, data: dict[str, str]) -> None:
        self._publish(data=data, metadata={}, transient={"display_id": self._id}, update=self._there)
        self._there = True

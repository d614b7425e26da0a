"""A sitting: every scan that a lesson has made since its kernel began, and what was refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from portlab.errors import OutOfScope
from portlab.evidence.result import Scan
from portlab.learn.runs import Run
from portlab.shown import Shown
from portlab.view.gate import Feedback, note


class Sitting:
    """The functions of `scanner`, remembered: what they bring is kept in `scans`, and `then` is called."""

    def __init__(self, scanner: Any, then: Callable[[], object]) -> None:
        self._scanner, self._then = scanner, then
        self.scans: list[Scan] = []

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._scanner, name)

        @wraps(function)
        def remembered(*where: Any, **how: Any) -> Any:
            scan = function(*where, **how)
            self.scans.append(scan)
            self._then()
            return scan

        return remembered


@dataclass(frozen=True, repr=False)
class Refused(Shown):
    """A scan that was not made: the line that asked for it, and why not."""

    feedback: Feedback

    def __str__(self) -> str:
        return str(self.feedback)

    def html(self) -> str:
        """The same as a figure."""
        return note(self.feedback)


def attempted(run: Run) -> Scan | Refused:
    """What a scan brings, or the refusal of one that nobody has allowed."""
    try:
        return run()
    except OutOfScope as refusal:
        return Refused(Feedback("", "Refused.", tuple(str(refusal).split("  ")), run.line))

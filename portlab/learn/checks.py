"""Checks of exercises: an answer typed into a cell, read kindly and held against the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from portlab.errors import BadTarget
from portlab.evidence.result import Scan
from portlab.learn.counter import CounterExample
from portlab.learn.evidence import plain
from portlab.model import SENT
from portlab.shown import Shown
from portlab.view.gate import Feedback, note
from portlab.view.words import count

NO_ANSWER = "No answer yet."
ALIKE = {
    "rstack": "rst",
    "reset": "rst",
    "noresponse": "nothing",
    "noanswer": "nothing",
    "silence": "nothing",
    "none": "nothing",
    "openorfiltered": "openfiltered",
    "y": "yes",
    "true": "yes",
    "n": "no",
    "false": "no",
}
"""Words that mean the same, letters and digits only."""


def open_ports(scan: Scan) -> list[int]:
    """The ports that a scan reports as open."""
    return sorted({row.port for row in scan if row.state == "open" and row.port is not None})


def seconds_between(scan: Scan) -> list[int]:
    """The gaps between what was sent to the one port of a scan, in whole seconds."""
    [row] = scan
    frames = scan.exchange(row.host, row.port).frames
    sent = np.sort(frames["time_ns"][frames["direction"] == SENT])
    return [round(gap / 1e9) for gap in np.diff(sent).tolist()]


def is_empty(answer: Any) -> bool:
    """Whether nothing was answered yet.  0 and False are answers."""
    return answer is None or (not isinstance(answer, bool | int | float) and len(answer) == 0)


def plain_values(answer: Any) -> Any:
    """The same without NumPy's types, which neither compare nor are stored as Python's are."""
    answer = answer.tolist() if hasattr(answer, "tolist") else answer
    return [plain_values(each) for each in answer] if isinstance(answer, list | tuple | set) else answer


def grade(answer: Any, truth: Any, hint: str = "", because: str = "", within: float = 0.0) -> Feedback:
    """What is said about an answer: numbers may be off by `within`, spelling is free, lists have no order."""
    if isinstance(answer, str) and not answer.strip():
        answer = ""
    if is_empty(answer):
        return Feedback("", NO_ANSWER, tuple(filter(None, (hint,))))
    if isinstance(truth, str | bool | int | float):
        wrong = "" if _same(answer, truth, within) else f"The evidence does not say {answer!r}."
    else:
        wrong = _compare(_items(answer), list(truth), within)
    if wrong:
        return Feedback("!", "Not quite.", tuple(filter(None, (wrong, hint))))
    return Feedback("✓", "Right.", tuple(filter(None, (because,))))


def _compare(mine: list[Any], truth: list[Any], within: float) -> str:
    """What is wrong with a list; "" if nothing."""
    extra = [one for one in mine if not any(_same(one, each, within) for each in truth)]
    missing = [one for one in truth if not any(_same(each, one, within) for each in mine)]
    told = []
    if extra:
        told.append(f"The evidence does not say {', '.join(map(str, extra))}.")
    if missing:
        told.append(f"Still missing: {len(missing)} of {count(len(truth), 'answer')}.")
    return " ".join(told)


def _items(answer: Any) -> list[Any]:
    """An answer as a list: [25, 110], "25, 110" and 25 are all understood."""
    if isinstance(answer, str):
        return [word for word in re.split(r"[,;\s]+", answer) if word]
    return list(answer) if isinstance(answer, Iterable) else [answer]


def _same(mine: Any, truth: Any, within: float) -> bool:
    if isinstance(truth, bool):
        return _word(mine) == ("yes" if truth else "no")
    if isinstance(truth, int | float):
        try:
            return abs(float(mine) - truth) <= within
        except (TypeError, ValueError):
            return False
    return _word(mine) == _word(truth)


def _word(value: Any) -> str:
    letters = plain(str(value))
    return ALIKE.get(letters, letters)


def truth_of(truth: Any, scan: Any) -> Any:
    """What the evidence says: a value, or a function of the scan.  BadTarget where it needs a scan and has none."""
    if not callable(truth):
        return truth
    if scan is None:
        raise BadTarget("This truth is a function of a scan: hand the scan over, too, as scan=...")
    return truth(scan)


@dataclass(frozen=True, repr=False)
class Checked(Shown):
    """What is said about one exercise's answer."""

    feedback: Feedback
    counter: CounterExample | None = None

    @property
    def right(self) -> bool:
        """Whether the answer was right."""
        return self.feedback.mark == "✓"

    def __str__(self) -> str:
        return "\n\n".join(map(str, filter(None, (self.feedback, self.counter))))

    def html(self) -> str:
        """What is said as a figure."""
        return note(self.feedback, self.counter.inside() if self.counter else "")

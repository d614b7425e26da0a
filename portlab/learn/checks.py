"""Checks of exercises: an answer typed into a cell, read kindly and held against the evidence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
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


def seconds_between(scan: Scan) -> list[float]:
    """The gaps between what was sent to the one port of a scan, in seconds."""
    [row] = scan
    frames = scan.exchange(row.host, row.port).frames
    sent = np.sort(frames["time_ns"][frames["direction"] == SENT])
    gaps: list[float] = (np.diff(sent) / 1e9).tolist()
    return gaps


def is_empty(answer: Any) -> bool:
    """Whether nothing was answered yet.  0 and False are answers."""
    return answer is None or (not isinstance(answer, bool | int | float) and len(answer) == 0)


def plain_values(answer: Any) -> Any:
    """The same without NumPy's types, which neither compare nor are stored as Python's are."""
    answer = answer.tolist() if hasattr(answer, "tolist") else answer
    return [plain_values(each) for each in answer] if isinstance(answer, list | tuple | set) else answer


Why = Callable[[Any], str]
"""Why a wrong answer is wrong; "" where nobody knows."""


def why_not(wrong: Mapping[Any, str], scan: Any = None) -> Why:
    """Why an answer is wrong: what the lesson says of it, or else what the scan says of a port of that number."""
    said = {_word(answer): why for answer, why in wrong.items()}
    states: dict[str, set[str]] = {}
    for row in scan if isinstance(scan, Scan) else ():
        states.setdefault(str(row.port), set()).add(row.state)
    came = {port: each for port, (each, *more) in states.items() if not more}

    def why(answer: Any) -> str:
        word = _word(answer)
        return said.get(word) or (f"Port {word} came back {came[word]}." if word in came else "")

    return why


def grade(
    answer: Any,
    truth: Any,
    hint: str = "",
    because: str = "",
    within: float = 0.0,
    why: Why = lambda answer: "",
) -> Feedback:
    """What is said about an answer: numbers may be off by `within`, spelling is free, lists have no order.

    Where the truth is no whole number, and nothing else is allowed, a rounded one is right: 1, 1.0, 1.02 for 1.0175.
    """
    if isinstance(answer, str) and not answer.strip():
        answer = ""
    if is_empty(answer):
        return Feedback("", NO_ANSWER, tuple(filter(None, (hint,))))
    wrong: tuple[str, ...] = ()
    if not isinstance(truth, str | bool | int | float):
        wrong = _compare(_items(answer), list(truth), within, why)
    elif not _same(answer, truth, within):
        wrong = (f"{_not_that([answer])} {why(answer) or _too(answer, truth)}".rstrip(),)
    if wrong:
        return Feedback("!", "Not quite.", tuple(filter(None, (*wrong, hint))))
    return Feedback("✓", "Right.", tuple(filter(None, (because,))))


def _compare(mine: list[Any], truth: list[Any], within: float, why: Why) -> tuple[str, ...]:
    """What is wrong with a list; nothing if nothing."""
    extra = [one for one in mine if not any(_same(one, each, within) for each in truth)]
    missing = [one for one in truth if not any(_same(each, one, within) for each in mine)]
    told = [_not_that(unknown)] if (unknown := [one for one in extra if not why(one)]) else []
    told += [f"{_not_that([one])} {why(one)}" for one in extra if why(one)]
    if missing:
        told.append(f"Still missing: {len(missing)} of {count(len(truth), 'answer')}.")
    return tuple(told)


def _not_that(answers: list[Any]) -> str:
    """The wrong answers as they were given."""
    said = list(map(_quoted, answers))
    return f"Not among the answers: {', '.join(said)}." if len(said) > 1 else f"Not {said[0]}."


def _quoted(answer: Any) -> str:
    """An answer as it stands in a sentence: a word as it is, several in quotes."""
    words = str(answer).rstrip(".")
    return f'"{words}"' if " " in words else words


def _too(mine: Any, truth: Any) -> str:
    """Whether a wrong number is too high or too low."""
    if isinstance(truth, bool) or not isinstance(truth, int | float):
        return ""
    try:
        return "That is too high." if float(mine) > truth else "That is too low."
    except (TypeError, ValueError):
        return "A number is asked for."


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
            return abs(float(mine) - truth) <= (within or (0 if isinstance(truth, int) else _rounding(mine)))
        except (TypeError, ValueError):
            return False
    return _word(mine) == _word(truth)


def _rounding(mine: Any) -> float:
    """By how much a number may be off that was rounded to the places that it has, and read from rounded ones."""
    places = len(str(mine).partition(".")[2].rstrip("0"))
    return 10.0**-places if places else 0.5


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

"""Exercises are read kindly, and held against the evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from portlab.errors import BadTarget
from portlab.learn.checks import Checked, grade, open_ports, plain_values, truth_of
from portlab.model import Reason, State
from tests.portlab.view import made

RIGHT: list[tuple[Any, Any]] = [
    (plain_values(np.int64(3)), 3),
    (plain_values(np.array([25, 110])), [25, 110]),
    (plain_values([np.uint16(25), 110]), [25, 110]),
    (3, 3),
    ("3", 3),
    (" 3 ", 3),
    ("SYN/ACK", "syn-ack"),
    ("syn ack", Reason.SYN_ACK),
    ("RST-ACK", Reason.RESET),
    ("Nothing", Reason.NO_RESPONSE),
    ("open or filtered", State.OPEN_FILTERED),
    ("open/filtered", State.OPEN_FILTERED),
    (True, True),
    ("Yes", True),
    ("no", False),
    (False, False),
    (0, 0),
    ([110, 25], [25, 110]),
    ({25, 110}, [25, 110]),
    ((25, 110, 25), {25, 110}),
    ("25, 110", [25, 110]),
    ("25 110", [25, 110]),
    (25, [25]),
    (["SMTP", "imap"], ["imap", "smtp"]),
]


@pytest.mark.parametrize(("answer", "truth"), RIGHT)
def test_right_however_it_is_written(answer: Any, truth: Any) -> None:
    assert Checked(grade(answer, truth)).right


WRONG: list[tuple[Any, Any, str]] = [
    (4, 3, "The evidence does not say 4."),
    ("three", 3, "The evidence does not say 'three'."),
    ("closed", State.OPEN, "The evidence does not say 'closed'."),
    ("no", True, "The evidence does not say 'no'."),
    ([25], [25, 110, 143], "Still missing: 2 of 3 answers."),
    ([25, 22], [25], "The evidence does not say 22."),
    ("22, 25", [25, 110], "The evidence does not say 22. Still missing: 1 of 2 answers."),
]


@pytest.mark.parametrize(("answer", "truth", "told"), WRONG)
def test_wrong_says_what_the_evidence_does_not(answer: Any, truth: Any, told: str) -> None:
    said = grade(answer, truth, hint="Look again.")
    assert (said.mark, said.lines) == ("!", (told, "Look again."))


@pytest.mark.parametrize("answer", [None, "", "  ", [], (), set(), {}])
@pytest.mark.parametrize("truth", ["open", 3, [25]])
def test_an_empty_answer_is_no_wrong_answer(answer: Any, truth: Any) -> None:
    said = grade(answer, truth, hint="Count the arrows.")
    assert (said.mark, said.head, said.lines) == ("", "No answer yet.", ("Count the arrows.",))


def test_numbers_may_be_off_by_what_the_exercise_allows() -> None:
    assert Checked(grade(1.1, 1.0, within=0.2)).right
    assert not Checked(grade(1.3, 1.0, within=0.2)).right


def test_the_truth_is_a_value_or_a_function_of_the_scan() -> None:
    scan = made.scan("syn", made.SYN_OPEN)
    assert truth_of(open_ports, scan) == [80]
    assert truth_of(7, None) == 7
    with pytest.raises(BadTarget, match="scan="):
        truth_of(open_ports, None)


def test_it_is_shown_as_text_and_as_a_figure() -> None:
    shown = Checked(grade("open", "open", because="A SYN-ACK came <back>."))._repr_mimebundle_()
    assert shown["text/plain"] == "✓ Right.\n  A SYN-ACK came <back>."
    assert 'role="status"' in shown["text/html"]
    assert "A SYN-ACK came &lt;back&gt;." in shown["text/html"]

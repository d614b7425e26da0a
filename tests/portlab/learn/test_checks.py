"""Exercises are read kindly, and held against the evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from portlab.errors import BadTarget
from portlab.learn.checks import Checked, grade, open_ports, plain_values, seconds_between, truth_of, why_not
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
    (4, 3, "Not 4. That is too high."),
    (2, 3, "Not 2. That is too low."),
    ("three", 3, "Not three. A number is asked for."),
    ("closed", State.OPEN, "Not closed."),
    ("no", True, "Not no."),
    ([25], [25, 110, 143], "Still missing: 2 of 3 answers."),
    ([25, 22], [25], "Not 22."),
    ([25, 22, 23], [25], "Not among the answers: 22, 23."),
    (["It is off.", "It is on."], ["It is on."], 'Not "It is off".'),
    ("22, 25", [25, 110], "Not 22. Still missing: 1 of 2 answers."),
]


@pytest.mark.parametrize(("answer", "truth", "told"), WRONG)
def test_wrong_says_which_and_how(answer: Any, truth: Any, told: str) -> None:
    said = grade(answer, truth, hint="Look again.")
    assert (said.mark, " ".join(said.lines)) == ("!", f"{told} Look again.")


@pytest.mark.parametrize("answer", [None, "", "  ", [], (), set(), {}])
@pytest.mark.parametrize("truth", ["open", 3, [25]])
def test_an_empty_answer_is_no_wrong_answer(answer: Any, truth: Any) -> None:
    said = grade(answer, truth, hint="Count the arrows.")
    assert (said.mark, said.head, said.lines) == ("", "No answer yet.", ("Count the arrows.",))


def test_numbers_may_be_off_by_what_the_exercise_allows() -> None:
    assert Checked(grade(1.1, 1.0, within=0.2)).right
    assert not Checked(grade(1.3, 1.0, within=0.2)).right


@pytest.mark.parametrize("answer", [[1, 2], [1.02, 2.01], [1.0, 2.0], "1.02 2.02", [1.017, 2.014]])
def test_what_can_be_read_in_the_picture_is_right_however_it_is_rounded(answer: Any) -> None:
    assert Checked(grade(answer, [1.0174, 2.0141])).right


@pytest.mark.parametrize("answer", [[1, 3], [1.2, 2.01], [1.02, 2.04], [2, 2]])
def test_what_cannot_is_not(answer: Any) -> None:
    assert not Checked(grade(answer, [1.0174, 2.0141])).right


def test_the_gaps_are_those_of_the_frames() -> None:
    scan = made.scan("syn", made.LATE)
    assert seconds_between(scan) == pytest.approx([0.25, 0.04], abs=1e-6)


def test_a_likely_wrong_answer_is_told_why() -> None:
    why = why_not(
        {"vault": "It is a partner's.", 3: "The question counts, too."}, made.scan("syn", made.SYN_CLOSED, 9)
    )
    said = [grade(["Vault", "db"], ["db"], why=why), grade(3, 2, why=why), grade([9, 81], [25], why=why)]
    assert [each.lines for each in said] == [
        ("Not Vault. It is a partner's.",),
        ("Not 3. The question counts, too.",),
        ("Not 81.", "Not 9. Port 9 came back closed.", "Still missing: 1 of 1 answer."),
    ]


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

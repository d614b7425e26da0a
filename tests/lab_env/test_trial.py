"""What learners do first, tried against the contract: what differs is said, port by port."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lab_env import lab, trial
from lab_env.jupyter import session
from lab_env.topology import topology

PLAN = topology()
RIGHT = {80: ("open", "syn-ack"), 1: ("closed", "reset"), 22: ("filtered", "no-response")}


def test_one_port_for_each_outcome_of_one_host() -> None:
    rows = trial.chosen(PLAN)
    assert len({row.host for row in rows}) == 1
    outcomes = [(row.expected.state, row.expected.reason) for row in rows]
    assert outcomes == list(trial.OUTCOMES)


@pytest.mark.parametrize("wrong", [None, ("filtered", "host-unreach")])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_differs_is_said(place: int, wrong: tuple[str, str] | None) -> None:
    rows = trial.chosen(PLAN)
    right = {
        row.port: (str(row.expected.state), str(row.expected.reason)) for row in rows if row.port is not None
    }
    assert list(trial.differences(rows, right)) == []
    row = rows[place]
    assert row.port is not None
    found = {port: verdict for port, verdict in right.items() if port != row.port}
    (told,) = trial.differences(rows, found if wrong is None else found | {row.port: wrong})
    assert told.startswith(f"{row.host} {row.port}/tcp must be {row.expected.state} ({row.expected.reason})")
    assert told.endswith("nothing at all" if wrong is None else "filtered (host-unreach)")


@pytest.mark.parametrize(
    ("found", "complaint", "status"),
    [
        ("right", "", trial.AS_IT_MUST),
        ("right", "a warning", trial.AS_IT_MUST),
        ("nothing", "the link is dead", trial.DIFFERS),
    ],
)
def test_the_status_and_the_complaint(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    found: str,
    complaint: str,
    status: int,
) -> None:
    rows = trial.chosen(PLAN)
    right = {
        row.port: (str(row.expected.state), str(row.expected.reason)) for row in rows if row.port is not None
    }
    monkeypatch.setattr(trial, "scanned", lambda host, ports: (right if found == "right" else {}, complaint))
    assert trial.main() == status
    told = capsys.readouterr().out
    assert told.count("must be") == (3 if status else 0)
    assert ("the link is dead" in told) == bool(status)


@pytest.mark.inlab
def test_in_a_lab_that_works_and_in_one_that_does_not() -> None:
    command = [sys.executable, "-m", "lab_env.trial"]
    assert subprocess.run(command, capture_output=True, text=True).returncode == trial.AS_IT_MUST
    rows = trial.chosen(PLAN)
    (opened,) = [row for row in rows if str(row.expected.state) == "open"]
    assert opened.port is not None
    lab.stop(opened.host, opened.port)
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    finally:
        lab.reset()
    assert done.returncode == trial.DIFFERS
    told = f"{opened.host} {opened.port}/tcp must be open (syn-ack), and the SYN scan found closed (reset)"
    assert done.stdout.strip() == told


@pytest.mark.parametrize("said", ["", "    web 80/tcp must be open\n"])
def test_a_lab_that_has_started_says_what_is_wrong_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: str
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **how: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 3 if said else 0, stdout=said)

    monkeypatch.setattr(subprocess, "run", run)
    session.try_out(4711)
    assert commands[0][commands[0].index("--attach") :][:3] == ["--attach", "--lab", "4711"]
    told = capsys.readouterr().err
    assert said in told
    assert ("type: ./run lab --fidelity simulated" in told) == bool(said)


def test_the_process_that_stays_with_the_lab_starts_no_threads_of_numpy() -> None:
    """They would take the signals that it waits for."""
    code = "import sys, lab_env.jupyter.session; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

"""What asks a command or a lab to end, and what does not."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from lab_env.docker import session
from lab_env.signals import JUPYTERLAB, USUAL, Patience

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")


@pytest.mark.parametrize(
    ("name", "patience", "asked"),
    [
        ("SIGTERM", USUAL, True),
        ("SIGHUP", USUAL, True),
        ("SIGINT", USUAL, False),
        ("SIGINT", JUPYTERLAB, True),
        ("SIGUSR1", JUPYTERLAB, False),
    ],
)
def test_what_asks_a_command_to_end(name: str, patience: Patience, asked: bool) -> None:
    number = signal.Signals[name]
    before = signal.signal(number, lambda *_: None)  # whatever it meant to whoever runs the tests
    try:
        assert patience.is_asked(number) is asked
    finally:
        signal.signal(number, before)


def test_what_is_ignored_asks_for_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert not JUPYTERLAB.is_asked(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_docker_lab_is_taken_down_when_it_is_asked_to_end(name: str) -> None:
    class Lab:
        project, prefix = f"portlab-test-{os.getpid()}", "10.99"

        def __init__(self) -> None:
            self.told: list[str] = []

        def __getattr__(self, verb: str) -> Any:
            return lambda: self.told.append(verb)

    lab: Any = Lab()
    number = signal.Signals[name]
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt), session.running(lab):
            signal.raise_signal(number)
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert lab.told == ["build", "down", "up", "down"]

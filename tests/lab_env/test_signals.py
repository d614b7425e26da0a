"""What asks a command to end, and what does not."""

from __future__ import annotations

import os
import signal

import pytest

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

"""Programs that tests start, as if a person had typed them at a terminal."""

from __future__ import annotations

import signal

FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)


def plain_signals() -> None:
    """In a new process (`preexec_fn`): heed what `nohup` and `&` have had ignored for whoever runs the tests."""
    for number in FROM_TERMINAL:
        signal.signal(number, signal.SIG_DFL)


def ignored_signals() -> None:
    """In a new process: ignore SIGINT and SIGQUIT as a job in the background does, and SIGHUP as under nohup."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)

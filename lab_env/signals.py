"""What signals mean to a lab, which may have been started in the background, and to the command in it."""

from __future__ import annotations

import contextlib
import signal
import sys
from dataclasses import dataclass

REQUESTS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


def take_back_ctrl_c() -> None:
    """Heed SIGINT and SIGQUIT, which a shell has ignored in what it starts with `&`.

    `./run lab &` must still end by `kill -INT`.  SIGHUP stays as it is: who types `nohup` means it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGQUIT"):  # Windows has none
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@dataclass(frozen=True)
class Patience:
    """How long a command that is asked to end may take: `grace` seconds, then it is killed."""

    grace: float = 10.0
    interrupt_ends: bool = (
        False  # whether SIGINT asks it too; to a shell or an interpreter it means something else
    )

    def is_asked(self, number: int) -> bool:
        """Whether this signal asks for the end; one that is ignored, as SIGHUP under nohup, asks for nothing."""
        request = number in REQUESTS or (self.interrupt_ends and number == signal.SIGINT)
        return request and signal.getsignal(number) != signal.SIG_IGN

    def tell_of_the_kill(self) -> None:
        """Say why the command was killed, if somebody is still there to read it."""
        with contextlib.suppress(OSError):  # the terminal may be what went
            print(f"portlab: not ended after {self.grace:g} s, so the lab was killed", file=sys.stderr)


USUAL = Patience()
JUPYTERLAB = Patience(interrupt_ends=True)  # it may wait without end for a kernel or a browser that is gone

"""What signals mean to a program that may have been started in the background."""

from __future__ import annotations

import signal


def take_back_ctrl_c() -> None:
    """Heed SIGINT and SIGQUIT, which a shell has ignored in what it starts with `&`.

    `./run lab &` must still end by `kill -INT`.  SIGHUP stays as it is: who types `nohup` means it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGQUIT"):  # Windows has none
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)

"""Runs a command in the simulated lab: the command is told of a lab whose wire is a model, not a network.

Nothing holds such a command back from the real network, so only programs that use PortLab's wire are run:
PortLab itself, Python, pytest and Jupyter.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from lab_env.lab import simulated
from lab_env.signals import REQUESTS, USUAL, Patience
from lab_env.topology import Topology, topology
from portlab.errors import NotPermitted

ALLOWED = re.compile(r"(portlab|python[\d.]*|pytest|jupyter(-\w+)*|ipython[\d.]*)(\.exe)?")


def descriptor(plan: Topology, seed: int = 0, lossy: bool = True) -> dict[str, object]:
    """What the processes of the lab are told; the format stands in `portlab.lab`."""
    described = asdict(simulated(plan))
    described["self"] = described.pop("self_name")
    return {**described, "seed": seed, "lossy": lossy}


def check_allowed(command: Sequence[str]) -> None:
    """Raise NotPermitted for a program that would use the computer's real network."""
    program = Path(command[0]).name
    if not ALLOWED.fullmatch(program):
        raise NotPermitted(
            f"{program!r} would use this computer's real network: the simulated lab runs only portlab, "
            "python, pytest and jupyter.  How to get the lab with real packets says: ./run doctor"
        )


def run(
    command: Sequence[str],
    *,
    seed: int = 0,
    lossy: bool = True,
    environment: Mapping[str, str] | None = None,
    on_ready: Callable[[], None] | None = None,
    patience: Patience = USUAL,
) -> int:
    """Run `command` in a simulated lab and return its exit status (128 + N for an end by signal N).

    Signals are passed on to it; one that is asked to end and does not loses our `patience`,
    and is killed.
    """
    check_allowed(command)
    with tempfile.TemporaryDirectory(prefix="portlab-") as folder:
        path = Path(folder, "lab.json")
        path.write_text(json.dumps(descriptor(topology(), seed, lossy)), "utf-8")
        variables = {**os.environ, **(environment or {}), "PORTLAB_LAB": str(path)}
        process = subprocess.Popen(command, env=variables, preexec_fn=_end_with_parent)
        if on_ready:
            on_ready()
        return _status(_wait(process, patience))


def _end_with_parent() -> None:
    """In the child: be killed when the parent is, however that ends; where the system can do that."""
    if sys.platform.startswith("linux"):
        from lab_env.embedded.namespaces import die_with_parent

        die_with_parent()


def _wait(process: subprocess.Popen[bytes], patience: Patience) -> int:
    """Wait for the command.  Ctrl-C at a terminal reaches it by itself; other signals are passed on."""
    heard_it_itself = {signal.SIGINT} if _has_the_keyboard() else set()
    ending = {number for number in (signal.SIGINT, *REQUESTS) if patience.is_asked(number)}
    kill = threading.Timer(patience.grace, _kill, [process, patience])
    kill.daemon = True

    def hear(number: int, _frame: object) -> None:
        if number not in heard_it_itself:
            process.send_signal(number)
        if number in ending:
            ending.clear()  # the time runs from the first request
            kill.start()

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *REQUESTS)}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, hear)
    try:
        return process.wait()
    finally:
        kill.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _kill(process: subprocess.Popen[bytes], patience: Patience) -> None:
    process.kill()
    patience.tell_of_the_kill()


def _has_the_keyboard() -> bool:
    """Whether Ctrl-C is sent to this process and all it starts: at a terminal, in the foreground."""
    if os.name != "posix":
        return True  # a console's Ctrl-C goes to everybody in it
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError, AttributeError):  # no terminal; no standard input at all
        return False


def _status(code: int) -> int:
    return code if code >= 0 else 128 - code

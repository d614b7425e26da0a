"""Runs a command in the simulated lab: the command is told of a lab whose wire is a model, not a network.

Nothing holds such a command back from the real network, so only programs that use PortLab's wire are run:
PortLab itself, Python, pytest and Jupyter.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from lab_env.lab import simulated
from lab_env.signals import REQUESTS, USUAL, Patience
from lab_env.topology import Topology, topology
from portlab.errors import NotPermitted

Process = subprocess.Popen[bytes]

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
        relay = Relay(patience)
        with relay.listening():
            process = relay.start(command, variables)
            if on_ready:
                on_ready()
            return _status(process.wait())


def _end_with_parent() -> None:
    """In the child: be killed when the parent is, however that ends; where the system can do that."""
    if sys.platform.startswith("linux"):
        from lab_env.embedded.namespaces import die_with_parent

        die_with_parent()


class Relay:
    """Passes signals on to the process that it starts; one that comes too early waits for it.

    Ctrl-C at a terminal reaches that process by itself.  Nothing is ignored: it would be so in the process too.  A
    process that is asked to end and does not loses our patience, and is killed.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._heard_it_itself = {signal.SIGINT} if _has_the_keyboard() else set()
        self._ending = {number for number in (signal.SIGINT, *REQUESTS) if patience.is_asked(number)}
        self._process: Process | None = None
        self._early: list[int] = []
        self._timer: threading.Timer | None = None

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> Process:
        """Start the process; what has been asked of it meanwhile reaches it now."""
        self._process = subprocess.Popen(command, env=environment, preexec_fn=_end_with_parent)
        for number in self._early:
            self._pass_on(self._process, number)
        return self._process

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Hear signals for as long as the block runs."""
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, *REQUESTS)}
        for number, handler in before.items():
            if handler != signal.SIG_IGN:
                signal.signal(number, self._hear)
        try:
            yield
        finally:
            if self._timer:
                self._timer.cancel()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, number: int, _: object) -> None:
        if self._process:
            self._pass_on(self._process, number)
        else:
            self._early.append(number)

    def _pass_on(self, process: Process, number: int) -> None:
        if number not in self._heard_it_itself:
            process.send_signal(number)
        if number in self._ending:
            self._ending.clear()  # the time runs from the first request
            self._timer = threading.Timer(self._patience.grace, _kill, [process, self._patience])
            self._timer.daemon = True
            self._timer.start()


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

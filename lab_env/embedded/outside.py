"""The embedded lab from outside: run a command in a new lab, or in one that runs; find those that run."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab_env.embedded import network
from lab_env.embedded.attempt import obstacles
from lab_env.signals import USUAL, Patience
from lab_env.topology import STUDENT, topology
from portlab.errors import BadTarget, LabNotRunning


@dataclass(frozen=True, slots=True)
class Handle:
    """A lab that runs: the process number of its init, as seen from here."""

    pid: int

    def hosts(self) -> dict[str, int]:
        """The process that is each host, the student's workstation (which is init) included."""
        found = {STUDENT: self.pid}
        for pid, name, parent in _processes():
            if parent == self.pid and name.removeprefix(network.PROCESS.format("")) in topology().by_name:
                found[name.removeprefix(network.PROCESS.format(""))] = pid
        return found


def run(
    command: Sequence[str],
    *,
    host: str = STUDENT,
    publish: socket.socket | None = None,
    inner_port: int = 0,
    lossy: bool = True,
    seed: int | None = None,
    environment: Mapping[str, str] | None = None,
    on_ready: Callable[[Handle], None] | None = None,
    patience: Patience = USUAL,
) -> int:
    """Build a fresh lab, run `command` on `host` in it and return its exit status; then everything goes.

    `publish` is a listening socket of the caller's; its connections go on to `inner_port` on the loopback
    inside.  `lossy=False` keeps the slow link from losing frames, `seed` makes what it loses repeatable.
    `environment` holds variables for the command; `on_ready` is called out here once the lab stands.  A
    status of 128 + n says that signal n ended the command.  Signals are passed on to it; one that is asked to end
    and does not loses our `patience`, and is killed.
    BadTarget: no such host.  LabNotRunning: this machine cannot build the lab, and the message says why.
    """
    order = {
        "pid": 0,
        "command": list(command),
        "host": _known(host),
        "inner_port": inner_port,
        "lossy": lossy,
        "seed": seed,
        "environment": dict(environment or {}),
    }
    from lab_env.embedded import supervise  # needs Linux; this module may be imported anywhere

    try:
        return supervise.stay_with(
            order, publish, lambda init: on_ready(Handle(init)) if on_ready else None, patience
        )
    except supervise.Failed as error:
        reasons = " ".join(str(obstacle) for obstacle in obstacles())
        raise LabNotRunning(f"The embedded lab could not be built: {error}\n{reasons}".strip()) from None


def attach(command: Sequence[str], *, host: str = STUDENT, lab: int | None = None) -> int:
    """Run `command` on `host` of a lab that runs already and return its exit status.

    `lab` is the pid of a Handle; it is needed only where several labs run.  LabNotRunning: there is none.
    """
    labs = running()
    chosen = [each for each in labs if lab is None or each.pid == lab]
    if not chosen:
        raise LabNotRunning("No lab is running here. Start one with: ./run lab")
    if len(chosen) > 1:
        pids = ", ".join(str(each.pid) for each in chosen)
        raise BadTarget(f"Several labs are running ({pids}). Say which one: --lab {chosen[0].pid}")
    pid = chosen[0].hosts().get(_known(host))
    if pid is None:
        raise LabNotRunning(f"{host!r} is not running in that lab. Start a new one with: ./run lab")
    from lab_env.embedded import supervise

    try:
        return supervise.stay_with({"pid": pid, "command": list(command), "host": host, "environment": {}})
    except supervise.Failed as error:
        raise LabNotRunning(f"The lab could not be entered: {error}") from None


def running() -> list[Handle]:
    """The labs of this user that run now."""
    return [Handle(pid) for pid, name, _ in _processes() if name == network.INIT]


def _known(host: str) -> str:
    machines = [each.name for each in topology().hosts if not each.nobody]
    if host not in machines:
        raise BadTarget(f"The lab has no host {host!r} to run anything on. It has: {', '.join(machines)}")
    return host


def _processes() -> Iterator[tuple[int, str, int]]:
    """Process number, name and parent of every process of the user; of the one who typed sudo, under sudo."""
    from lab_env.embedded import identity  # needs Linux

    owner = identity.owner()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if os.stat(f"/proc/{entry}").st_uid == owner:
                head, _, rest = Path(f"/proc/{entry}/stat").read_text(errors="replace").rpartition(")")
                yield int(entry), head.partition("(")[2], int(rest.split()[1])

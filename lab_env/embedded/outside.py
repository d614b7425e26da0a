"""What stays outside the lab: start it, pass signals to it, hand its exit status on; find labs that run."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab_env.topology import STUDENT, topology
from portlab.errors import BadTarget, LabNotRunning

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MESSAGE_LIMIT = 1 << 20
INIT_NAME = "portlab-init"
ROOT = str(Path(__file__).resolve().parents[2])
START = (
    "import sys; sys.path.insert(0, {root!r}); "
    "from lab_env.embedded.inside import main; main({line}, {listener})"
)


@dataclass(frozen=True, slots=True)
class Handle:
    """A lab that runs: the process number of its init, as seen from here."""

    pid: int

    def hosts(self) -> dict[str, int]:
        """The process that is each host, the student's workstation (which is init) included."""
        found = {STUDENT: self.pid}
        for pid, name, parent in _processes():
            if parent == self.pid and name.removeprefix("portlab-") in topology().by_name:
                found[name.removeprefix("portlab-")] = pid
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
) -> int:
    """Build a fresh lab, run `command` on `host` inside it and return its exit status; everything goes when it ends.

    `publish` is a listening socket of the caller's; its connections go on to `inner_port` on the loopback inside.
    `lossy=False` keeps the slow link from losing frames, `seed` makes what it loses repeatable.  `environment` are
    variables for the command, `on_ready` is called out here once the lab stands.  128 + n says that signal n ended
    the command.  BadTarget: no such host.  LabNotRunning: this machine cannot build the lab; the message says why.
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
    return _supervise(order, publish, on_ready)


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
    return _supervise({"pid": pid, "command": list(command), "host": host, "environment": {}}, None, None)


def running() -> list[Handle]:
    """The labs of this user that run now."""
    return [Handle(pid) for pid, name, _ in _processes() if name == INIT_NAME]


def _known(host: str) -> str:
    machines = [each.name for each in topology().hosts if not each.nobody]
    if host not in machines:
        raise BadTarget(f"There is no host {host!r} in the lab to run anything on. There are: {', '.join(machines)}")
    return host


def _processes() -> Iterator[tuple[int, str, int]]:
    """Process number, name and parent of every process of the user; of the one who typed sudo, under sudo."""
    owner = int(os.environ.get("SUDO_UID", 0)) or os.geteuid() if os.geteuid() == 0 else os.geteuid()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if os.stat(f"/proc/{entry}").st_uid == owner:
                head, _, rest = Path(f"/proc/{entry}/stat").read_text(errors="replace").rpartition(")")
                yield int(entry), head.partition("(")[2], int(rest.split()[1])


def _supervise(
    order: Mapping[str, object], listener: socket.socket | None, on_ready: Callable[[Handle], None] | None
) -> int:
    """Start the process that goes inside, and stay with it until it ends.

    It is a new interpreter, not a fork: namespaces want a process with a single thread, and the caller may have many.
    """
    line, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    try:
        with line, far_end, _terminal_given_back():
            process = _start(far_end, listener)
            try:
                far_end.close()
                line.send(json.dumps(order).encode())
                return _watch(process, line, on_ready)
            finally:
                process.kill()
                process.wait()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(far_end: socket.socket, listener: socket.socket | None) -> subprocess.Popen[bytes]:
    descriptors = [far_end.fileno()] + ([listener.fileno()] if listener is not None else [])
    code = START.format(root=ROOT, line=descriptors[0], listener=descriptors[1] if listener is not None else -1)
    options = ["-B"] if os.geteuid() == 0 and "SUDO_UID" in os.environ else []  # no compiled files that are root's
    return subprocess.Popen([sys.executable, *options, "-c", code], pass_fds=descriptors)


def _watch(
    process: subprocess.Popen[bytes], line: socket.socket, on_ready: Callable[[Handle], None] | None
) -> int:
    """Pass signals in, take news out, until the process ends."""
    # imported here: the functions need Linux, this module may be imported anywhere
    from lab_env.embedded import namespaces

    signals, ended = namespaces.signal_descriptor(PASSED_ON), os.pidfd_open(process.pid)
    poller = select.poll()
    for descriptor in (signals, ended, line.fileno()):
        poller.register(descriptor, select.POLLIN)
    init, ready, failure = 0, False, ""
    try:
        while True:
            happened = [descriptor for descriptor, _ in poller.poll()]
            if line.fileno() in happened:
                news = _read_news(line)
                if news is None:
                    poller.unregister(line)
                    continue
                init, ready, failure = news.get("init", init), ready or "ready" in news, news.get("failed", failure)
                if "ready" in news and on_ready is not None:
                    on_ready(Handle(init))
            elif signals in happened:
                number, from_keyboard = namespaces.read_signal(signals)
                if not ready:
                    return 128 + number
                if not from_keyboard:  # else the command has it already
                    with contextlib.suppress(OSError):
                        line.send(bytes([number]))
            elif ended in happened:
                break
    finally:
        os.close(signals)
        os.close(ended)
    if failure:
        raise LabNotRunning(failure)
    code = process.wait()
    return code if code >= 0 else 128 - code


def _read_news(line: socket.socket) -> dict[str, object] | None:
    try:
        message = line.recv(MESSAGE_LIMIT)
    except ConnectionError:
        return None
    return json.loads(message) if message else None


@contextlib.contextmanager
def _terminal_given_back() -> Iterator[None]:
    """After a shell with job control inside, make our own process group the terminal's foreground group again."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        in_front = os.tcgetpgrp(terminal) == os.getpgrp()
        yield
        if in_front:
            before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
            with contextlib.suppress(OSError):
                os.tcsetpgrp(terminal, os.getpgrp())
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    finally:
        os.close(terminal)

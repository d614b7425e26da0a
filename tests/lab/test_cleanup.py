"""Nothing of a lab outlives it, whichever of its processes is killed and whenever."""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import shlex
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.programs import LEFT, at_terminal, plain_signals, read_until

PROJECT = Path(__file__).resolve().parents[2]
DEADLINE = 60.0  # seconds for everything to be gone; it takes milliseconds where nobody else works
MARK = "PORTLAB_TEST_MARK"
READY = "stands"
STARTER = ("-m", "lab_env.embedded", "--")
WAITING = ("sh", "-c", f"sleep 60 & echo {READY}; wait")

pytestmark = pytest.mark.lab


class Lab:
    """A lab in a process of its own, all of whose processes carry a mark in their environment."""

    def __init__(self, directory: Path, *command: str, starter: Sequence[str] = STARTER) -> None:
        self.directory = directory
        self.mark = uuid.uuid4().hex
        environment = dict(os.environ)
        for name in ("TMPDIR", "XDG_RUNTIME_DIR", "HOME"):
            path = directory / name.lower()
            path.mkdir()
            environment[name] = str(path)
        environment[MARK] = self.mark
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        self.process = subprocess.Popen(
            [sys.executable, *starter, *command],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=plain_signals,
        )

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == READY

    def processes(self) -> dict[int, str]:
        """Every process of this lab with its name."""
        found = {}
        wanted = f"{MARK}={self.mark}".encode()
        for entry in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if entry.isdigit() and wanted in Path(f"/proc/{entry}/environ").read_bytes().split(b"\0"):
                    found[int(entry)] = Path(f"/proc/{entry}/comm").read_text().strip()
        return found

    def by_name(self) -> dict[str, int]:
        """The number of the first process of each name."""
        return {name: pid for pid, name in sorted(self.processes().items(), reverse=True)}

    def left_behind(self) -> list[str]:
        """Files, interfaces and mounts of the lab that are still here."""
        found = [str(path) for path in self.directory.rglob("*") if not path.is_dir()]
        found += [str(path) for path in self.directory.glob("*/*")]
        return found


@pytest.fixture
def labs(tmp_path: Path) -> Iterator[list[Lab]]:
    """The labs of a test; whatever happens, they end with it."""
    started: list[Lab] = []
    yield started
    for lab in started:
        lab.process.kill()
        lab.process.communicate()


def start(labs: list[Lab], tmp_path: Path, *command: str, starter: Sequence[str] = STARTER) -> Lab:
    directory = tmp_path / str(len(labs))
    directory.mkdir()
    labs.append(Lab(directory, *command, starter=starter))
    return labs[-1]


def host_state() -> dict[str, object]:
    """What a lab could leave on this computer beside processes."""
    interfaces = subprocess.run(["ip", "-j", "link"], capture_output=True, text=True, check=True).stdout
    return {
        "interfaces": sorted(interface["ifname"] for interface in json.loads(interfaces)),
        "mounts": sorted(Path("/proc/self/mounts").read_text().splitlines()),
        "run": sorted(path.name for path in Path("/run").glob("*portlab*")),
    }


def wait_for_end(descriptors: dict[int, int]) -> float:
    """Seconds until all these processes (by pidfd) have ended; fails after the deadline."""
    started = time.monotonic()
    open_ones = dict(descriptors)
    poller = select.poll()
    for descriptor in open_ones:
        poller.register(descriptor, select.POLLIN)
    while open_ones:
        left = DEADLINE - (time.monotonic() - started)
        assert left > 0, f"still alive: {list(open_ones.values())}"
        for descriptor, _ in poller.poll(left * 1000):
            poller.unregister(descriptor)
            os.close(descriptor)
            del open_ones[descriptor]
    return time.monotonic() - started


def pidfds(pids: dict[int, str]) -> dict[int, int]:
    opened = {}
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            opened[os.pidfd_open(pid)] = pid
    return opened


def kill_and_check(lab: Lab, victim: int, before: dict[str, object]) -> None:
    descriptors = pidfds(lab.processes())
    os.kill(victim, signal.SIGKILL)
    took = wait_for_end(descriptors)
    lab.process.communicate(timeout=DEADLINE)  # reads to the end: nobody holds the other end of its pipes
    assert lab.processes() == {}
    assert lab.left_behind() == []
    assert host_state() == before
    print(f"all gone after {took * 1000:.0f} ms")


PASSING = ("ip", "nft")  # programs that may have ended by themselves before they are killed
VICTIMS = ["outermost", "middle", "portlab-init", "portlab-web", "portlab-gateway", "portlab-switch", "sh"]


@pytest.mark.parametrize("role", VICTIMS)
def test_kill_9_of_any_process_leaves_nothing(role: str, labs: list[Lab], tmp_path: Path) -> None:
    before = host_state()
    lab = start(labs, tmp_path, *WAITING)
    lab.wait_until_ready()
    deadline = time.monotonic() + DEADLINE
    while not {"portlab-init", *VICTIMS[2:]} <= (by_name := lab.by_name()).keys():
        assert time.monotonic() < deadline, by_name  # a process that is just looked at may not be seen
    by_name["outermost"] = lab.process.pid
    by_name["middle"] = int(
        Path(f"/proc/{by_name['portlab-init']}/stat").read_text().rpartition(")")[2].split()[1]
    )
    kill_and_check(lab, by_name[role], before)
    expected = {"outermost": -9, "middle": 137, "portlab-init": 137, "sh": 137}.get(role, 1)
    assert lab.process.returncode == expected


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_kill_9_at_any_moment_leaves_nothing(seed: int, labs: list[Lab], tmp_path: Path) -> None:
    choice = random.Random(seed)
    before = host_state()
    lab = start(labs, tmp_path, "sleep", "60")
    moment = choice.uniform(0, 1.2)
    with contextlib.suppress(subprocess.TimeoutExpired):
        lab.process.wait(moment)  # the moment is what is tested: there is nothing to await
    stays = {pid: name for pid, name in lab.processes().items() if name not in PASSING}
    kill_and_check(lab, choice.choice(sorted(stays)), before)


def test_a_member_that_dies_takes_the_lab_along_and_is_named(labs: list[Lab], tmp_path: Path) -> None:
    lab = start(labs, tmp_path, *WAITING)
    lab.wait_until_ready()
    by_name = lab.by_name()
    os.kill(by_name["portlab-mail"], signal.SIGKILL)
    _, complaint = lab.process.communicate(timeout=DEADLINE)
    assert lab.process.returncode == 1
    assert "mail of the lab has ended" in complaint


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_reach_the_command_once(number: int, labs: list[Lab], tmp_path: Path) -> None:
    script = (
        f"import os, signal\n"  # a handler may not print while something is being printed
        f"signal.signal({int(number)}, lambda *_: (os.write(1, b'got it\\n'), exit(9)))\n"
        f"os.write(1, b'{READY}\\n')\n"
        f"signal.pause()\n"
    )
    lab = start(labs, tmp_path, sys.executable, "-c", script)
    lab.wait_until_ready()
    lab.process.send_signal(number)
    output, _ = lab.process.communicate(timeout=DEADLINE)
    assert output.splitlines() == ["got it"]
    assert lab.process.returncode == 9
    assert lab.processes() == {}


def test_an_unheeded_signal_ends_the_command_as_in_a_shell(labs: list[Lab], tmp_path: Path) -> None:
    lab = start(labs, tmp_path, *WAITING)
    lab.wait_until_ready()
    lab.process.terminate()
    lab.process.communicate(timeout=DEADLINE)
    assert lab.process.returncode == 128 + signal.SIGTERM


def no_patience(interrupt_ends: bool) -> tuple[str, ...]:
    """What starts a lab whose command is killed as soon as it has been asked to end and has not."""
    return (
        "-c",
        "import sys; from lab_env import embedded; from lab_env.signals import Patience; "
        f"sys.exit(embedded.run(sys.argv[1:], patience=Patience(0, {interrupt_ends})))",
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_does_not_end_when_it_is_asked_to_is_killed(
    number: int, labs: list[Lab], tmp_path: Path
) -> None:
    stubborn = f"trap '' INT TERM HUP; sleep 600 & echo {READY}; while :; do wait; done"
    lab = start(labs, tmp_path, "sh", "-c", stubborn, starter=no_patience(interrupt_ends=True))
    lab.wait_until_ready()
    lab.process.send_signal(number)
    _, complaint = lab.process.communicate(timeout=DEADLINE)
    assert lab.process.returncode == 128 + signal.SIGKILL
    assert complaint == "portlab: not ended after 0 s, so the lab was killed\n"
    assert lab.processes() == {}


def test_an_interrupt_is_the_command_s_own_business(labs: list[Lab], tmp_path: Path) -> None:
    heard = f"heard=$((heard + 1)); echo {READY}"
    script = f"heard=0; trap '{heard}' INT; echo {READY}; while [ $heard -lt 2 ]; do sleep 0.1; done; exit 9"
    lab = start(labs, tmp_path, "sh", "-c", script, starter=no_patience(interrupt_ends=False))
    lab.wait_until_ready()
    for _ in range(2):
        lab.process.send_signal(signal.SIGINT)
        lab.wait_until_ready()
    assert lab.process.wait(DEADLINE) == 9


def test_a_signal_while_the_lab_is_built_ends_it(labs: list[Lab], tmp_path: Path) -> None:
    lab = start(labs, tmp_path, "sleep", "60")
    deadline = time.monotonic() + DEADLINE
    while "portlab-web" not in lab.processes().values():  # built, but hardly ready
        assert time.monotonic() < deadline
    lab.process.send_signal(signal.SIGINT)
    lab.process.communicate(timeout=DEADLINE)
    assert lab.process.returncode == 128 + signal.SIGINT
    assert lab.processes() == {}


def test_an_orphan_ends_with_the_command(labs: list[Lab], tmp_path: Path) -> None:
    lab = start(labs, tmp_path, "sh", "-c", "(setsid sleep 60 >/dev/null 2>&1 &) ; sleep 0.1; exit 4")
    assert lab.process.wait(DEADLINE) == 4
    assert lab.processes() == {}


# --- at a terminal ----------------------------------------------------------------------------------------


def test_ctrl_c_reaches_the_command_once(tmp_path: Path) -> None:
    script = (
        "import signal\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])\n"
        f"print({READY!r}, flush=True)\n"
        "patience = 5\n"
        "while signal.sigtimedwait([signal.SIGINT], patience):\n"
        "    print('got it', flush=True)\n"
        "    patience = 0.3\n"
        "raise SystemExit(9)\n"
    )
    words = [sys.executable, "-m", "lab_env.embedded", "--", sys.executable, "-c", script]
    with at_terminal(tmp_path, *words) as (process, terminal):
        read_until(terminal, READY)
        os.write(terminal, b"\x03")
        assert read_until(terminal, LEFT).count("got it") == 1
        assert process.wait(DEADLINE) == 9


def test_a_terminal_that_is_closed_ends_the_lab(tmp_path: Path) -> None:
    with at_terminal(tmp_path, sys.executable, "-m", "lab_env.embedded", "--", *WAITING) as (
        process,
        terminal,
    ):
        read_until(terminal, READY)
        os.dup2(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), terminal)  # we were the last to hold it
        assert process.wait(DEADLINE) == 128 + signal.SIGHUP


def test_a_shell_inside_gives_the_terminal_back(tmp_path: Path) -> None:
    lab = f"{shlex.quote(sys.executable)} -m lab_env.embedded -- bash --norc -ic 'tty; exit 5'"
    with at_terminal(tmp_path, "sh", "-c", f"{lab}; echo status $?; read line; echo heard $line") as (
        _,
        terminal,
    ):
        shown = read_until(terminal, "status 5")
        assert "/dev/pts/" in shown
        assert "job control" not in shown
        os.write(terminal, b"a line\n")
        read_until(terminal, "heard a line")

"""A command in the simulated lab: what it is told, what may run, and how it ends."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab_env import simulated_run
from lab_env.topology import topology
from portlab import lab
from portlab.errors import NotPermitted
from tests.support.programs import LEFT, at_terminal, ignored_signals, plain_signals, read_until

PROJECT = Path(__file__).resolve().parents[2]
TELL = "import json, os, sys; path = os.environ['PORTLAB_LAB']; print(path); print(open(path).read())"


@pytest.mark.parametrize(
    "program",
    ["portlab", "python", "python3", "python3.12", "/usr/bin/python3", "pytest", "jupyter", "jupyter-lab", "ipython3",
     "portlab.exe"],
)  # fmt: skip
def test_these_may_run(program: str) -> None:
    simulated_run.check_allowed([program, "anything"])


@pytest.mark.parametrize(
    "program", ["nmap", "ping", "sh", "pythonic", "xpython", "sudo", "jupyter-lab;nmap", ""]
)
def test_others_may_not(program: str) -> None:
    with pytest.raises(NotPermitted, match="real network"):
        simulated_run.check_allowed([program, "python"])


def test_the_descriptor_is_one_that_portlab_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lab.json"
    path.write_text(json.dumps(simulated_run.descriptor(topology())))
    monkeypatch.setenv("PORTLAB_LAB", str(path))
    assert lab.fidelity() == "simulated"
    assert lab.resolve("web.lab") == topology().address("web")
    assert lab.resolve("office") == topology().cidr("office")


def test_it_is_told_and_nothing_is_left(capfd: pytest.CaptureFixture[str]) -> None:
    assert simulated_run.run([sys.executable, "-c", TELL], seed=5, lossy=False) == 0
    path, text = capfd.readouterr().out.splitlines()
    assert not Path(path).parent.exists()
    assert (json.loads(text)["seed"], json.loads(text)["lossy"]) == (5, False)


@pytest.mark.parametrize(
    ("code", "status"), [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 128 + 9)]
)
def test_exit_status(code: str, status: int) -> None:
    assert simulated_run.run([sys.executable, "-c", code]) == status


UNTIL_A_SIGNAL = [
    *(sys.executable, "-m", "lab_env", "exec", "--fidelity", "simulated", "--", "python", "-c"),
    "import os, signal, sys\n"
    # It may not print while something is being printed.
    "def end(number, frame): os.write(1, b'ended %d\\n' % number); sys.exit(5)\n"
    "signal.signal(signal.SIGTERM, end); signal.signal(signal.SIGINT, end)\n"
    "os.write(1, b'ready\\n')\n"
    "while True: signal.pause()\n",
]


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("started", [plain_signals, ignored_signals], ids=["as usual", "in the background"])
def test_signals_reach_the_command(number: int, started: Callable[[], None], tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        UNTIL_A_SIGNAL,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        cwd=PROJECT, env=environment, start_new_session=True, preexec_fn=started,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.read() == f"ended {number}\n"
        assert process.wait(60) == 5
    assert list(tmp_path.iterdir()) == []


STUBBORN = (
    "import signal, sys\n"
    "from lab_env import simulated_run\n"
    "from lab_env.signals import Patience\n"
    "words = [sys.executable, '-c', sys.argv[1]]\n"
    "sys.exit(simulated_run.run(words, patience=Patience(0, interrupt_ends=True)))\n",
    "import signal\n"
    "for name in ('SIGINT', 'SIGTERM', 'SIGHUP'): signal.signal(signal.Signals[name], signal.SIG_IGN)\n"
    "print('ready', flush=True)\n"
    "while True: signal.pause()\n",
)
KILLED = "portlab: not ended after 0 s, so the lab was killed\n"


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_command_that_does_not_end_when_it_is_asked_to_is_killed(number: str, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", *STUBBORN],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=PROJECT, env=os.environ | {"TMPDIR": str(tmp_path)}, start_new_session=True, preexec_fn=plain_signals,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.Signals[number])
        assert process.communicate(timeout=60) == ("", KILLED)
        assert process.returncode == 128 + 9
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="terminals as POSIX has them")
def test_ctrl_c_reaches_the_command_once(tmp_path: Path) -> None:
    with at_terminal(tmp_path, *UNTIL_A_SIGNAL) as (process, terminal):
        read_until(terminal, "ready")
        os.write(terminal, b"\x03")
        shown = read_until(terminal, LEFT)
        assert shown.count("ended") == 1, shown
        assert process.wait(60) == 5, shown


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells a child of its parent's end"
)
def test_the_command_ends_with_its_starter() -> None:
    code = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
    command = [sys.executable, "-m", "lab_env", "exec", "--fidelity", "simulated", "--", "python", "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as process:
        assert process.stdout is not None
        ended = os.pidfd_open(int(process.stdout.readline()))
        process.kill()
        assert select.select([ended], [], [], 10)[0]
        os.close(ended)

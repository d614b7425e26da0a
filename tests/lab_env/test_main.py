"""The command line of `python -m lab_env`: what is read, what is refused, and with which words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab_env import __main__ as front
from lab_env import fidelity

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _environment_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("exec -- portlab syn web -p 80", ["portlab", "syn", "web", "-p", "80"]),
        ("exec portlab syn web -p 80", ["portlab", "syn", "web", "-p", "80"]),
        ("exec --host web -- ls --help", ["ls", "--help"]),
        ("exec -- sh -c x -- y", ["sh", "-c", "x", "--", "y"]),
        ("exec grep -- -v", ["grep", "--", "-v"]),
        ("exec", []),
        ("exec --", []),
    ],
)
def test_the_command_for_the_lab(words: str, command: list[str]) -> None:
    assert front.read(words.split()).command == command


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("lab --port 0", "'0' is not a port number (1 to 65535)"),
        ("lab --port 65536", "'65536' is not a port number"),
        ("lab --port http", "'http' is not a port number"),
        ("lab --port -1", "--port"),
        ("lab -- ls", "only `exec` takes a command"),
        ("lab --fidelity docker", "'docker'"),
        ("exec --fidelity real -- ls", "'real'"),
        ("exec --seed x -- ls", "'x'"),
        ("dance", "'dance'"),
        ("", "VERB"),
    ],
)
def test_wrong_use(capsys: pytest.CaptureFixture[str], words: str, complaint: str) -> None:
    with pytest.raises(SystemExit) as left:
        front.main(words.split())
    assert left.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        ("exec", 2, "what should run in the lab?"),
        (
            "exec --host nowhere -- ls",
            2,
            "no host 'nowhere' to run anything on; there are: student, gateway, infra",
        ),
        ("exec --host ghost -- ls", 2, "no host 'ghost'"),
        ("exec --attach --host nowhere -- ls", 2, "no host 'nowhere'"),
        ("exec --attach --fidelity simulated -- ls", 2, "--attach joins an embedded lab"),
        ("exec --fidelity simulated --host web -- python", 1, "the simulated lab has no web to run"),
        ("exec --fidelity simulated -- nmap web", 1, "'nmap' would use this computer's real network"),
        ("shell --host nowhere", 2, "no host 'nowhere'"),
        ("lab --reset 77 --fidelity simulated --no-browser", 2, "there is no lesson '77'"),
    ],
)
def test_refusals(capsys: pytest.CaptureFixture[str], words: str, status: int, complaint: str) -> None:
    assert front.main(words.split()) == status
    told = capsys.readouterr()
    assert told.out == ""
    assert complaint in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    "words", ["--help", "help", "lab --help", "exec --help", "shell --help", "doctor --help"]
)
def test_help(words: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "lab_env", *words.split()], capture_output=True, text=True, cwd=PROJECT
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert "./run" in told.stdout


def test_bench_says_what_is_not_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(front, "PROJECT", tmp_path)
    assert front.main(["bench"]) == 1
    assert "there are no measurements yet" in capsys.readouterr().err


# --- which lab --------------------------------------------------------------------------------------


@pytest.fixture
def nowhere_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fidelity, "obstacles", lambda: ["this kernel says no.  Type: sudo ./run lab"])


@pytest.mark.usefixtures("nowhere_embedded")
def test_without_the_embedded_lab_the_simulated_one_loudly(capsys: pytest.CaptureFixture[str]) -> None:
    assert fidelity.choose(None) == "simulated"
    told = capsys.readouterr().err
    assert "SIMULATED" in told
    assert "this kernel says no.  Type: sudo ./run lab" in told


@pytest.mark.usefixtures("nowhere_embedded")
@pytest.mark.parametrize("words", ["exec --fidelity embedded -- true", "lab --fidelity embedded", "shell"])
def test_the_embedded_lab_or_nothing(capsys: pytest.CaptureFixture[str], words: str) -> None:
    assert front.main(words.split()) == 1
    assert "the embedded lab cannot run here.\n  this kernel says no" in capsys.readouterr().err


@pytest.mark.usefixtures("nowhere_embedded")
def test_asking_for_the_simulated_lab_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    code = "import json, os; print(json.load(open(os.environ['PORTLAB_LAB']))['fidelity'])"
    assert front.main(["exec", "--fidelity", "simulated", "--", "python", "-c", code]) == 0
    told = capfd.readouterr()
    assert (told.out, told.err) == ("simulated\n", "")


def test_other_systems_have_the_simulated_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "needs Linux, and this is darwin" in fidelity.obstacles()[0]


# --- in a real lab ----------------------------------------------------------------------------------


@pytest.mark.lab
@pytest.mark.parametrize(
    ("words", "out", "status"),
    [
        (["sh", "-c", "exit 7"], "", 7),
        (["sh", "-c", "kill -9 $$"], "", 137),
        (["hostname"], "student\n", 0),
        (["no-such-command"], "", 127),
        (["python", "-c", "import sys; print(sys.prefix)"], f"{sys.prefix}\n", 0),
        (["sh", "-c", "echo $JUPYTER_CONFIG_PATH"], f"{PROJECT}/lab_env/jupyter/config\n", 0),
    ],
)
def test_exec(lab_exec: Any, words: list[str], out: str, status: int) -> None:
    told = lab_exec(*words)
    assert (told.stdout, told.returncode) == (out, status), told.stderr


@pytest.mark.lab
def test_attach_without_a_lab(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab_env.embedded.outside.running", list)  # whatever else runs on this computer
    assert front.main(["exec", "--attach", "--", "true"]) == 1
    assert "No lab is running here. Start one with: ./run lab" in capsys.readouterr().err

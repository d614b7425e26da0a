"""The public face: the names people type, as the README shows them, each with a sentence that explains it."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import portlab as pl
from portlab.techniques import port_techniques

PROJECT = Path(__file__).resolve().parent.parent

FUNCTIONS = {
    "ping": ["target"],
    **{f"{technique}_scan": ["target", "ports"] for technique in port_techniques()},
    "send": ["packet"],
    "authorise": ["network"],
    "capture": ["interface"],
    "read_capture": ["path"],
    "read_pcap": ["path"],
    "read_json": ["path"],
}
ERRORS = ["BadTarget", "LabNotRunning", "MalformedPacket", "NotPermitted", "OutOfScope", "PortLabError"]


@pytest.mark.parametrize("name", [*FUNCTIONS, *ERRORS, "ports"])
def test_the_name_is_there_and_explained(name: str) -> None:
    thing = getattr(pl, name)
    assert name in pl.__all__
    assert name in dir(pl)
    assert (inspect.getdoc(thing) or "").strip()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_asked_for_comes_first(name: str) -> None:
    parameters = list(inspect.signature(getattr(pl, name)).parameters.values())
    assert [p.name for p in parameters][: len(FUNCTIONS[name])] == FUNCTIONS[name]
    assert all(p.annotation is not p.empty for p in parameters)


@pytest.mark.parametrize("name", ERRORS)
def test_one_root_catches_all(name: str) -> None:
    assert issubclass(getattr(pl, name), pl.PortLabError)


def test_a_wrong_name_is_quoted() -> None:
    with pytest.raises(AttributeError, match="'syn_scann'"):
        pl.syn_scann  # noqa: B018 - looking is what is tested


def test_everything_public_can_be_had() -> None:
    assert [name for name in pl.__all__ if not hasattr(pl, name)] == []


def test_the_command_line_is_there() -> None:
    code = "import sys; from portlab.cli import main; sys.exit(main())"
    told = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, cwd=PROJECT)
    assert told.returncode == 0, told.stderr
    for verb in ("ping", "connect", "syn", "udp", "ports", "read"):
        assert verb in told.stdout

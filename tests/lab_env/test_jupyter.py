"""JupyterLab in the lab, as `./run lab` opens it: its address, its settings, its terminal, its end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab_env import jupyter
from lab_env.jupyter import Desk, session
from lab_env.workbook import Workbook
from portlab.errors import BadTarget

PROJECT = Path(__file__).resolve().parents[2]


# --- ports ------------------------------------------------------------------------------------------


def test_a_busy_port_is_passed_over() -> None:
    with jupyter.listen(20_000) as first, jupyter.listen(first.getsockname()[1]) as second:
        assert second.getsockname()[0] == "127.0.0.1"
        assert second.getsockname()[1] > first.getsockname()[1]


def test_the_last_port_busy() -> None:
    with jupyter.listen(65535) as last:
        if last.getsockname()[1] == 65535:
            with pytest.raises(BadTarget, match="no port from 65535 on is free"):
                jupyter.listen(65535)


def test_the_token_is_new_each_time_and_on_no_command_line(tmp_path: Path) -> None:
    desks = [Desk(tmp_path, 8888), Desk(tmp_path, 8888)]
    assert desks[0].token != desks[1].token
    for desk in desks:
        assert len(desk.token) >= 32
        assert desk.token in desk.url
        assert desk.token not in " ".join(desk.command()) + repr(desk)
        assert desk.environment()["JUPYTER_TOKEN"] == desk.token


@pytest.mark.parametrize(
    ("variables", "expected"),
    [({}, False), ({"DISPLAY": ":0"}, True), ({"WAYLAND_DISPLAY": "wayland-0"}, True)],
)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a screen")
def test_a_browser_needs_a_screen(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: bool
) -> None:
    monkeypatch.setattr(os, "environ", variables)
    assert jupyter.has_display() == expected


def test_the_first_lesson_is_opened_only_the_first_time(tmp_path: Path) -> None:
    (tmp_path / "lessons").mkdir()
    for name in ("00_start_here", "01_find"):
        (tmp_path / "lessons" / f"{name}.ipynb").touch()
    workbook = Workbook(tmp_path / "mine", tmp_path / "lessons")
    assert session.prepare_copies(workbook, []) == "00_start_here.ipynb"
    assert session.prepare_copies(workbook, []) == ""


# --- a whole sitting --------------------------------------------------------------------------------


@dataclass
class Sitting:
    """A running `./run lab`."""

    process: subprocess.Popen[str]
    words: str
    url: str
    token: str

    def end(self) -> int:
        self.process.communicate(timeout=20)
        return self.process.returncode

    def get(self, path: str, token: str | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}{path}", headers={"Authorization": f"token {self.token if token is None else token}"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            return json.load(answer)


def open_lab(project: Path, fidelity: str, port: int, stdin: int = subprocess.DEVNULL) -> Sitting:
    process = subprocess.Popen(
        [sys.executable, "-m", "lab_env", "lab", "--no-browser", "--port", str(port), "--fidelity", fidelity],
        cwd=project,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    words = ""
    for line in process.stdout:
        words += line
        if found := re.match(r"\s+(http://127\.0\.0\.1:\d+)/lab\S*\?token=(\S+)", line):
            return Sitting(process, words, found[1], found[2])
    raise AssertionError(words)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, so that no learner's folder appears in the real one."""
    copy = tmp_path_factory.mktemp("a learner's") / "Port Lab"
    for name in ("portlab", "lab_env", "notebooks"):
        shutil.copytree(PROJECT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "notebooks" / "99_a_test.ipynb").write_text(
        '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    )
    return copy


@pytest.fixture(scope="module", params=[pytest.param("embedded", marks=pytest.mark.lab), "simulated"])
def sitting(project: Path, request: pytest.FixtureRequest) -> Iterator[Sitting]:
    with jupyter.listen(23_000) as busy:
        opened = open_lab(project, request.param, busy.getsockname()[1])
    yield opened
    opened.process.terminate()
    assert opened.end() in (0, 143)


@pytest.mark.slow
class TestSitting:
    def test_a_busy_port_is_named(self, sitting: Sitting) -> None:
        named = re.search(r"Port (\d+) is taken by another program, so this lab uses (\d+)", sitting.words)
        assert named
        assert sitting.url == f"http://127.0.0.1:{named[2]}"

    def test_only_with_the_token(self, sitting: Sitting) -> None:
        assert sitting.get("/api/status")["kernels"] == 0
        with pytest.raises(urllib.error.HTTPError, match="403") as refused:
            sitting.get("/api/status", token="wrong")
        refused.value.close()

    def test_the_copies_are_there(self, sitting: Sitting, project: Path) -> None:
        names = {entry["name"] for entry in sitting.get("/api/contents")["content"]}
        assert "99_a_test.ipynb" in names
        assert (project / "my-notebooks" / "99_a_test.ipynb").exists()

    def test_settings(self, sitting: Sitting) -> None:
        def default(plugin: str, setting: str) -> Any:
            return sitting.get(f"/lab/api/settings/{plugin}")["schema"]["properties"][setting]["default"]

        assert default("@jupyterlab/apputils-extension:notification", "fetchNews") == "false"
        assert default("@jupyterlab/apputils-extension:notification", "checkForUpdates") is False
        assert default("@jupyterlab/apputils-extension:kernels-settings", "commsOverSubshells") == "disabled"

    def test_the_terminal_has_the_programs(self, sitting: Sitting) -> None:
        told = asyncio.run(
            in_terminal(sitting, "echo $PATH; hostname; echo $PORTLAB_LAB; python3 -c 'import portlab'")
        )
        assert str(Path(sys.executable).parent) in re.split(r"[:\r\n]", told)
        assert "No module named" not in told
        if "/run/portlab" in told:
            assert "\nstudent\r" in told

    def test_nothing_is_warned_of(self, sitting: Sitting) -> None:
        assert not re.search(r"^\[[WEC] ", sitting.words, re.MULTILINE), sitting.words


async def in_terminal(sitting: Sitting, command: str) -> str:
    """Type a command into a JupyterLab terminal; what the terminal then shows."""
    from tornado.httpclient import AsyncHTTPClient, HTTPRequest
    from tornado.websocket import websocket_connect

    headers = {"Authorization": f"token {sitting.token}"}
    made = await AsyncHTTPClient().fetch(
        f"{sitting.url}/api/terminals", method="POST", body="", headers=headers
    )
    name = json.loads(made.body)["name"]
    address = f"{sitting.url.replace('http', 'ws')}/terminals/websocket/{name}"
    line = await websocket_connect(HTTPRequest(address, headers=headers))
    await line.write_message(json.dumps(["stdin", f"{command}; echo the-'end'\n"]))
    shown = ""
    while "the-end" not in shown:
        message = await asyncio.wait_for(line.read_message(), timeout=30)
        assert message is not None
        kind, *text = json.loads(message)
        shown += text[0] if kind == "stdout" else ""
    line.close()
    return shown


@pytest.mark.slow
@pytest.mark.parametrize("fidelity", [pytest.param("embedded", marks=pytest.mark.lab), "simulated"])
def test_ctrl_c_ends_it_without_a_question(project: Path, fidelity: str) -> None:
    ours, theirs = os.openpty()  # JupyterLab minds Ctrl-C only where it has a terminal
    opened = open_lab(project, fidelity, 24_000, stdin=theirs)
    try:
        os.killpg(opened.process.pid, signal.SIGINT)
        opened.end()
    finally:
        opened.process.kill()
        os.close(ours)
        os.close(theirs)
    with socket.socket() as again:
        again.settimeout(5)
        with pytest.raises(ConnectionRefusedError):
            again.connect(("127.0.0.1", int(opened.url.rsplit(":", 1)[1])))

"""One Docker lab for all tests in here, with addresses of its own, started when the first test asks for it.

Timeouts in here are the ends of hope: how long a thing takes depends on what else the computer does.
"""

import contextlib
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest

from lab_env.docker.engine import PROJECT, DockerLab
from lab_env.docker.session import variables
from lab_env.jupyter import Desk, listen

PREFIX = "10.79"
OWNER = 1234  # uid and gid of the learner's folder
HOPE = 1200  # seconds

TESTS = ".tests"  # in the learner's folder: what pytest runs on the workstation
FOR_THE_WORKSTATION = (
    "pyproject.toml",  # in there, too, a warning is a failure
    "tests/docker/inside.py",
    "tests/docker/inside_hands.py",
    "tests/docker/inside_lessons.py",
    "tests/lab/test_against_nmap.py",
    "tests/lab/test_both_ends.py",
    "tests/lab/test_contract.py",
    "tests/lab/test_hands.py",
    "tests/notebooks/key.json",
)
PYTEST = ("pytest", "pluggy", "iniconfig")  # of Python alone; what else it uses, JupyterLab has brought


class Running:
    """A lab that runs, and the learner's desk in it."""

    def __init__(self, lab: DockerLab, desk: Desk) -> None:
        self.lab, self.desk = lab, desk

    def run(self, *words: str, host: str = "student") -> subprocess.CompletedProcess[str]:
        command = self.lab.command(host, list(words))
        return subprocess.run(command, capture_output=True, text=True, timeout=HOPE, stdin=subprocess.DEVNULL)

    def on_all(self, hosts: Iterable[str], *words: str) -> dict[str, str]:
        """What a command says on each of these hosts; they run it side by side."""
        started = {
            host: subprocess.Popen(
                self.lab.command(host, list(words)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
            )
            for host in hosts
        }
        return {host: process.communicate(timeout=HOPE)[0] for host, process in started.items()}

    def containers(self) -> list[str]:
        label = f"label=com.docker.compose.project={self.lab.project}"
        return docker("ps", "-aq", "--filter", label).split()

    def pytest(self, *words: str) -> dict[str, dict[str, str]]:
        """One pytest on the student's workstation: file -> {test: complaint, or "" where it passed}."""
        environment = ["env", "-C", f"/work/{TESTS}", "PYTHONDONTWRITEBYTECODE=1"]
        command = ["python3", "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=../told.xml"]
        done = self.run(*environment, *command, *words)
        told = self.desk.folder / "told.xml"
        assert told.exists(), done.stdout[-6000:] + done.stderr[-2000:]
        outcomes: dict[str, dict[str, str]] = {}
        for case in ET.parse(told).iter("testcase"):
            complaints = [element.tag + ": " + (element.text or "") for element in case]
            outcomes.setdefault(case.get("classname", ""), {})[case.get("name", "")] = "".join(complaints)
        told.unlink()
        return outcomes


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="session")
def images():
    """Both images from this checkout; the one they stand on is made here where no registry can be asked."""
    subprocess.run([PROJECT / ".ci" / "debian-base"], check=True)
    DockerLab(PREFIX).build()


def bring_tests(folder: Path) -> None:
    """Lay what the workstation's pytest needs into the learner's folder: its image is the one that learners have."""
    for test in FOR_THE_WORKSTATION:
        (folder / test).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / test, folder / test)
    for name in PYTEST:
        for file in metadata.files(name) or ():
            if file.suffix != ".pyc" and ".." not in file.parts:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), folder / file)


@pytest.fixture(scope="session")
def running(images, tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("desk") / "my-notebooks"
    folder.mkdir()
    with contextlib.suppress(PermissionError):  # the learner's files are ours then
        os.chown(folder, OWNER, OWNER)
    bring_tests(folder / TESTS)
    with listen(18888) as listener:
        desk = Desk(folder, listener.getsockname()[1])
    lab = DockerLab(PREFIX, variables(folder, desk) | {"PORTLAB_LOSS": "off"})
    lab.down()
    try:
        lab.up()
        yield Running(lab, desk)
    finally:
        lab.down()

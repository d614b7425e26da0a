"""One Docker lab for all tests in here, with addresses of its own, started when the first test asks for it.

Timeouts in here are the ends of hope: how long a thing takes depends on what else the computer does.
"""

import contextlib
import os
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path

import pytest

from lab_env.docker.engine import PROJECT, Lab, obstacle
from lab_env.docker.session import variables
from lab_env.jupyter import Desk, listen

PREFIX = "10.79"
TOOLS, IMAGE = "portlab-student-tools", "portlab-student-test"
OWNER = 1234  # uid and gid of the learner's folder
HOPE = 1200  # seconds


@pytest.fixture(autouse=True)
def _docker(request):
    if request.node.get_closest_marker("docker") and (why := obstacle()):
        pytest.skip(why)


class Running:
    """A lab that runs, and the learner's desk in it."""

    def __init__(self, lab: Lab, desk: Desk) -> None:
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
        command = [
            "python3",
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-q",
            "--junitxml=/work/told.xml",
            *words,
        ]
        done = self.run("env", "-C", "/opt/portlab", *command)
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


def build(tag: str, dockerfile: Path, context: Path, *words: str) -> None:
    subprocess.run(["docker", "build", "-q", "-t", tag, "-f", dockerfile, *words, context], check=True)


@pytest.fixture(scope="session")
def images():
    """All images from this checkout; the one they stand on is made here where no registry can be asked."""
    subprocess.run([PROJECT / ".ci" / "debian-base"], check=True)
    Lab(PREFIX).build()
    student, tests = PROJECT / "lab_env" / "docker" / "student.Dockerfile", PROJECT / "tests"
    build(
        TOOLS, student, PROJECT, "--target", "tools", "--build-arg", "PIP_INDEX_URL"
    )  # made already: given a name
    build(IMAGE, tests / "docker" / "Dockerfile", tests, "--build-arg", "PIP_INDEX_URL")


@pytest.fixture(scope="session")
def running(images, tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("desk") / "my-notebooks"
    folder.mkdir()
    with contextlib.suppress(PermissionError):  # the learner's files are ours then
        os.chown(folder, OWNER, OWNER)
    with listen(18888) as listener:
        desk = Desk(folder, listener.getsockname()[1])
    lab = Lab(PREFIX, variables(folder, desk) | {"PORTLAB_LOSS": "off", "PORTLAB_STUDENT_IMAGE": IMAGE})
    lab.down()
    try:
        lab.up()
        yield Running(lab, desk)
    finally:
        lab.down()

"""One Docker lab for all tests in here, with addresses of its own, started when the first test asks for it."""

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from lab_env.docker.engine import PROJECT, Lab, obstacle
from lab_env.docker.session import variables
from lab_env.jupyter import Desk, listen

PREFIX = "10.79"
IMAGE = "portlab-student-test"
OWNER = 1234  # uid and gid of the learner's folder


@pytest.fixture(autouse=True)
def _docker(request):
    if request.node.get_closest_marker("docker") and (why := obstacle()):
        pytest.skip(why)


class Running:
    """A lab that runs, and the learner's desk in it."""

    def __init__(self, lab: Lab, desk: Desk) -> None:
        self.lab, self.desk = lab, desk

    def run(
        self, *words: str, host: str = "student", timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        command = self.lab.command(host, list(words))
        return subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL
        )

    def containers(self) -> list[str]:
        label = f"label=com.docker.compose.project={self.lab.project}"
        return docker("ps", "-aq", "--filter", label).split()


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="session")
def images():
    """All images from this checkout; the one they stand on is made here where no registry can be asked."""
    subprocess.run([PROJECT / ".ci" / "debian-base"], check=True)
    Lab(PREFIX).build()
    tests = PROJECT / "tests"
    subprocess.run(
        ["docker", "build", "-q", "-t", IMAGE, "-f", tests / "docker" / "Dockerfile", tests], check=True
    )


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

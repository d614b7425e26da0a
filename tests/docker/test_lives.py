"""Labs beside each other, after a crash, and gone."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from lab_env.docker.engine import PROJECT, SOURCES

from .conftest import HOPE, PREFIX, docker

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def portlab(*words, prefix, **more):
    return subprocess.run(
        [sys.executable, "-m", "lab_env", *words],
        capture_output=True,
        text=True,
        timeout=HOPE,
        cwd=PROJECT,
        env=os.environ | {"PORTLAB_PREFIX": prefix},
        **({"stdin": subprocess.DEVNULL} | more if "input" not in more else more),
    )


def left_behind(project):
    label = f"label=com.docker.compose.project={project}"
    kinds = (("ps", "-aq"), ("network", "ls", "-q"), ("volume", "ls", "-q"))
    return [docker(*words, "--filter", label) for words in kinds]


def test_two_labs_beside_each_other_and_one_leaves_nothing(running):
    done = portlab(
        "exec", "--docker", "--", "portlab", "syn", "web", "-p", "80", "--json", "-", prefix="10.80"
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout[done.stdout.index("{") :])["results"]
    assert (row["address"], row["state"]) == ("10.80.2.10", "open")
    assert left_behind("portlab-10-80") == ["", "", ""]
    assert running.run("portlab", "ping", "web").returncode == 0


def test_a_seed_for_the_slow_link_needs_a_lab_of_its_own(running):
    done = portlab("exec", "--docker", "--seed", "7", "--", "true", prefix=PREFIX)
    assert done.returncode == 1
    assert "PORTLAB_PREFIX=10.99" in done.stderr


def test_a_shell_on_a_host(running):
    done = portlab("shell", "--docker", "--host", "web", prefix=PREFIX, input="hostname; exit 3\n")
    assert (done.returncode, done.stdout) == (3, "web\n")


def test_a_lab_comes_up_after_a_crash_and_beside_a_busy_port_and_ctrl_c_takes_it_down(images, tmp_path):
    """Killed outright, `./run` leaves its containers; the next one clears them, and keeps the learner's work."""
    project = copy_project(tmp_path / "PortLab")
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as busy:
        port = busy.getsockname()[1]
        with sitting(port, project) as (first, told):
            assert f"Port {port} is taken by another program" in told
            work = next((project / "my-notebooks").glob("00_*.ipynb"))
            work.write_text(work.read_text().replace("PortLab", "my own words", 1))
            first.kill()
            first.wait()
        assert left_behind("portlab-10-82")[0]
        with sitting(port, project) as (second, _):
            assert "my own words" in work.read_text()
            second.send_signal(signal.SIGINT)
            second.wait(HOPE)
    assert left_behind("portlab-10-82") == ["", "", ""]
    assert "my own words" in work.read_text()


def copy_project(target):
    """A checkout of its own, with notebooks of its own."""
    for name in (*SOURCES, ".dockerignore"):
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        target.mkdir(exist_ok=True)
        copy(PROJECT / name, target / name)
    return target


@contextlib.contextmanager
def sitting(port, project):
    """`./run lab --docker` in this checkout, from the line with its address on.

    It is started as a script starts what goes on in the background: with SIGINT ignored, until the lab takes it back.
    """
    lab = [sys.executable, "-m", "lab_env", "lab", "--docker", "--no-browser", "--port", str(port)]
    command = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *lab]
    environment = os.environ | {"PORTLAB_PREFIX": "10.82"}
    with subprocess.Popen(
        command, cwd=project, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        told = ""
        for line in process.stdout:
            told += line
            if "?token=" in line:
                break
        try:
            yield process, told
        finally:
            process.stdout.close()
            if process.poll() is None:
                process.terminate()
                process.wait(HOPE)


def test_taken_addresses_are_told(images):
    docker("network", "create", "--subnet", "10.81.2.0/24", "portlab-test-taken")
    try:
        done = portlab("exec", "--docker", "--", "true", prefix="10.81")
    finally:
        docker("network", "rm", "portlab-test-taken")
    assert done.returncode == 1
    assert "portlab-test-taken" in done.stderr
    assert "PORTLAB_PREFIX=" in done.stderr
    assert left_behind("portlab-10-81") == ["", "", ""]

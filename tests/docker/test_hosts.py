"""What is done to hosts of the Docker lab from outside, and what becomes of a learner's changes then."""

import json
import subprocess

import pytest

from .conftest import HOPE, docker

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def state_of(running, host, port):
    said = running.run("portlab", "syn", host, "-p", str(port), "--json", "-").stdout
    return json.loads(said[said.index("{") :])["results"][0]["state"]


def learner(running, *lines):
    """The learner's lines of Python, run to their end."""
    return running.run("python3", "-c", "\n".join(["from lab_env import lab", *lines]))


def test_a_change_leaves_docker_s_own_rules_alone(running):
    """They answer for the resolver of the container; `lab.counters` does not tell of them."""
    rules = ("nft", "list", "tables")
    before = running.run(*rules, host="files").stdout
    assert learner(running, 'lab.stop("files", 21)', "lab.reset()").returncode == 0
    assert running.run(*rules, host="files").stdout == before
    assert learner(running, 'assert lab.counters("files") == []').returncode == 0


def test_a_reset_heals_what_was_done_by_hand(running):
    container = running.lab.container("web")
    docker("exec", container, "ip", "route", "del", "default")
    assert state_of(running, "web", 80) == "filtered"
    assert learner(running, "lab.reset()").returncode == 0
    assert state_of(running, "web", 80) == "open"


def test_a_host_that_is_started_again_is_as_at_the_start_and_its_loan_has_ended(running):
    learner(running, "lab.listen('web', 8081)")
    holding = [
        "import subprocess, sys",
        "with lab.case('stopped'):",
        " print('open', flush=True)",
        " sys.stdin.read()",
    ]
    command = running.lab.command(
        "student", ["python3", "-c", "\n".join(["from lab_env import lab", *holding])]
    )
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as client:
        assert client.stdout.readline() == "open\n"
        assert state_of(running, "web", 80) == "closed"
        docker("restart", "-t", "0", running.lab.container("web"))
        wait_until_ready(running)
        assert (state_of(running, "web", 80), state_of(running, "web", 8081)) == ("open", "closed")
        _, said = client.communicate("", timeout=HOPE)
    assert client.returncode == 1
    assert "LabNotRunning: web takes no orders" in said
    assert state_of(running, "web", 80) == "open"


def test_a_host_comes_back(running):
    docker("restart", "-t", "0", running.lab.container("gateway"))
    wait_until_ready(running)


def wait_until_ready(running):
    done = running.run("python3", "-m", "lab_env.docker.ready")
    assert done.returncode == 0, done.stderr


def test_a_host_that_is_started_again_in_the_middle_of_a_scan_ends_neither_scan_nor_lab(running):
    """What is missed meanwhile is silence, and silence is called filtered: never open, never an error."""
    assert learner(running, "lab.reset()").returncode == 0  # the gateway counts anew
    command = running.lab.command(
        "student", ["portlab", "syn", "web", "-p", "1-2000", "--rate", "500", "--json", "-"]
    )
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as scan:
        learner(running, "while not any(rule.packets for rule in lab.counters()): pass")
        docker("restart", "-t", "0", running.lab.container("web"))
        said, complaints = scan.communicate(timeout=HOPE)
    assert scan.returncode == 0, complaints
    told = json.loads(said[said.index("{") :])["results"]
    assert len(told) == 2000
    assert {result["port"] for result in told if result["state"] == "open"} <= {80, 443}
    wait_until_ready(running)
    assert state_of(running, "web", 80) == "open"

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from lab_env import embedded
from lab_env.embedded import attempt

PROJECT = Path(__file__).resolve().parents[3]
DOCKER = {"self/status": "Name:\tpython\nSeccomp:\t2\n"}
UBUNTU = {"sys/kernel/apparmor_restrict_unprivileged_userns": "1"}
OLD_DEBIAN = {"sys/kernel/unprivileged_userns_clone": "0"}


@pytest.mark.parametrize(
    ("step", "number", "settings", "word", "command"),
    [
        (attempt.NAMESPACES, errno.EACCES, UBUNTU, "AppArmor", "sudo ./run lab"),
        (attempt.FILES, errno.EPERM, UBUNTU, "AppArmor", "sudo ./run lab"),
        (attempt.NAMESPACES, errno.EPERM, UBUNTU | DOCKER, "AppArmor", "sudo ./run lab"),
        (attempt.NAMESPACES, errno.EPERM, OLD_DEBIAN, "unprivileged_userns_clone", "sudo ./run lab"),
        (attempt.NAMESPACES, errno.EPERM, DOCKER, "container", "./run lab --fidelity simulated"),
        (attempt.FILES, errno.EPERM, DOCKER, "container", "./run lab --fidelity simulated"),
        (attempt.NAMESPACES, errno.EPERM, {}, "refused", "./run lab --fidelity simulated"),
        (
            attempt.NAMESPACES,
            errno.ENOSPC,
            {},
            "no more namespaces",
            "sudo sysctl user.max_user_namespaces=",
        ),
        (attempt.NAMESPACES, errno.ENOSYS, {}, "5.8", "./run lab --fidelity simulated"),
        (attempt.CABLES, 0, {}, "bridges", "sudo modprobe -a bridge veth"),
        (attempt.FIREWALL, 0, {}, "firewall", "sudo modprobe -a nf_tables"),
        (attempt.PACKETS, errno.EPERM, {}, "packet sockets", "./run lab --fidelity simulated"),
    ],
)
def test_each_failure_is_explained_with_the_next_command(
    step: str, number: int, settings: dict[str, str], word: str, command: str
) -> None:
    obstacle = attempt.explain(step, number, "the kernel's word", lambda path: settings.get(path, ""))
    assert word in obstacle.problem
    assert obstacle.command.startswith(command)
    assert str(obstacle) == f"{obstacle.problem} Type: {obstacle.command}"


@pytest.fixture
def fresh() -> None:
    attempt._obstacles.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt.shutil, "which", lambda name, path: None if name == "nft" else name)
    try:
        (obstacle,) = embedded.obstacles()
    finally:
        attempt._obstacles.cache_clear()
    assert (obstacle.problem, obstacle.command) == ("Not installed: nft.", "sudo apt-get install nftables")


@pytest.mark.lab
@pytest.mark.usefixtures("fresh")
def test_a_machine_that_runs_labs_has_no_obstacle() -> None:
    assert embedded.obstacles() == []


@pytest.mark.lab
@pytest.mark.parametrize("limit", ["max_user_namespaces", "max_net_namespaces"])
def test_a_limit_is_met_and_explained(limit: str) -> None:
    """In a user namespace of its own, whose limit is lowered, the attempt meets the kernel's refusal."""
    script = "from lab_env import embedded; print(*embedded.obstacles())"
    done = with_none(limit, "-c", script)
    assert done.stdout.startswith("This machine allows no more namespaces"), done.stderr
    assert "Type: sudo sysctl user.max_user_namespaces=15000" in done.stdout


@pytest.mark.lab
def test_a_lab_that_cannot_be_built_says_why_and_what_to_type() -> None:
    done = with_none("max_user_namespaces", "-m", "lab_env.embedded", "--", "true")
    assert done.returncode == 1
    assert "The embedded lab could not be built: " in done.stderr
    assert "unshare: No space left on device" in done.stderr
    assert "Type: sudo sysctl" in done.stderr


def with_none(limit: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a user namespace that allows none of what `limit` counts."""
    script = f'echo 0 >/proc/sys/user/{limit} && exec "$@"'
    return subprocess.run(
        ["unshare", "-Ur", "sh", "-c", script, "sh", sys.executable, *words],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

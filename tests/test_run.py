"""`./run` as people meet it: fresh, moved, interrupted, twice at once, as root, as somebody else, under sudo.

Most tests use a copy of the project that asks for no packages, so that an installation takes seconds; the
tests of a whole first start, as an ordinary user, share one.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.needs import PACKAGES, PACKAGES_FOR_ALL

PROJECT = Path(__file__).resolve().parent.parent
INSTALLING = "installing what PortLab needs"
DEBIAN_PYTHON = "/usr/bin/python3"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="tested on Linux")


def copy_project(target: Path, needs_packages: bool = False) -> Path:
    """What a clone of the project would hold."""
    ignored = shutil.ignore_patterns(
        ".venv*", ".git", "__pycache__", ".*_cache", "my-notebooks", "*.egg-info"
    )
    shutil.copytree(PROJECT, target, ignore=ignored, symlinks=True)
    if not needs_packages:
        for file in [
            target / "requirements.txt",
            *target.glob("constraints/*.txt"),
            target / "tests/requirements.txt",
        ]:
            file.write_text("# nothing\n")
    return target


def run(
    checkout: Path,
    *words: str,
    user: pwd.struct_passwd | None = None,
    env: Mapping[str, str] | None = None,
    **more: Any,
) -> subprocess.CompletedProcess[str]:
    """Call the checkout's ./run, as `user`, with `env` on top of the environment."""
    variables = {**os.environ, "XDG_CACHE_HOME": "", **(env or {})}
    if user:
        more |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        variables |= {"HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name}
    if not variables["XDG_CACHE_HOME"]:
        del variables["XDG_CACHE_HOME"]
    more = {"cwd": "/", "stdin": subprocess.DEVNULL, "timeout": 300, **more}
    return subprocess.run([checkout / "run", *words], capture_output=True, text=True, env=variables, **more)


def owners(*places: Path) -> set[int]:
    """Who owns what lies there."""
    found = set()
    for place in places:
        for directory, directories, files in os.walk(place):
            found |= {os.lstat(Path(directory, name)).st_uid for name in [".", *directories, *files]}
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return copy_project(tmp_path / "my projects" / "Port Lab")


# --- what it says -----------------------------------------------------------------------------------


def test_help_needs_no_installation(checkout: Path) -> None:
    for words in [], ["help"], ["--help"]:
        told = run(checkout, *words)
        assert told.returncode == 0
        assert "./run lab " in told.stdout
    assert not (checkout / ".venv").exists()


def test_an_unknown_verb_is_quoted(checkout: Path) -> None:
    told = run(checkout, "lap")
    assert told.returncode == 2
    assert '"lap" is none of: lab,' in told.stderr


@pytest.mark.parametrize(
    "shell",
    [
        pytest.param(words, id=words[0], marks=pytest.mark.program(words[0]))
        for words in (["dash"], ["busybox", "sh"], ["bash", "--posix"])
    ],
)
def test_other_shells_read_it_too(checkout: Path, shell: list[str]) -> None:
    told = subprocess.run([*shell, checkout / "run", "help"], capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.program("shellcheck")
def test_shellcheck_has_nothing_to_say() -> None:
    scripts = [PROJECT / "run", *(each for each in (PROJECT / ".ci").iterdir() if not each.suffix)]
    told = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True)
    assert told.stdout == ""


def test_no_python_is_new_enough(checkout: Path, tmp_path: Path) -> None:
    """The candidates all say that they are too old."""
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.1\nexit 1\n')
    old.chmod(0o755)
    script = checkout / "run"
    script.write_text(script.read_text().replace("/usr/bin/python3", "python3"))
    for name in ("python3.11", "python3.12", "python3.13", "python3.14"):
        (tmp_path / name).symlink_to(old)
    told = run(checkout, "prepare", env={"PATH": f"{tmp_path}:/usr/bin:/bin", "PORTLAB_PYTHON": "python3"})
    assert told.returncode == 1
    assert "needs Python 3.11 or newer; Python 3.9.1 is what is here" in told.stderr


# --- the environment --------------------------------------------------------------------------------


@pytest.fixture
def prepared(checkout: Path) -> Path:
    done = run(checkout, "prepare")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{checkout}/.venv\n"
    assert INSTALLING in done.stderr
    return checkout


def test_the_second_start_installs_nothing(prepared: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(prepared / "run")
    no_python = {"PORTLAB_PYTHON": "/nonexistent"}
    for command in ["./run"], [link]:
        started = time.monotonic()
        told = subprocess.run(
            [*command, "prepare"], cwd=prepared, capture_output=True, text=True, env=os.environ | no_python
        )
        assert (told.returncode, told.stdout, told.stderr) == (0, f"{prepared}/.venv\n", "")
        assert time.monotonic() - started < 2  # it is about 0.03; the machine may be busy


def test_a_change_of_the_requirements_adds_to_it(prepared: Path) -> None:
    (prepared / ".venv/kept").touch()
    (prepared / "requirements.txt").write_text("# something else\n")
    assert INSTALLING in run(prepared, "prepare").stderr
    assert (prepared / ".venv/kept").exists()
    assert run(prepared, "prepare").stderr == ""


def test_another_python_makes_it_anew(prepared: Path) -> None:
    (prepared / ".venv/old").touch()
    stamp = prepared / ".venv/portlab-lab"
    stamp.write_text("\n".join([*stamp.read_text().splitlines()[:-1], "/usr/bin/python3.99"]))
    assert INSTALLING in run(prepared, "prepare").stderr
    assert not (prepared / ".venv/old").exists()


def test_a_moved_checkout_gets_its_paths_right_again(prepared: Path, tmp_path: Path) -> None:
    moved = prepared.rename(tmp_path / "somewhere else")
    assert INSTALLING in run(moved, "prepare").stderr
    where = subprocess.run(
        [moved / ".venv/bin/python3", "-P", "-c", "import lab_env; print(lab_env.__path__[0])"],
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert where.stdout == f"{moved}/lab_env\n"


def test_the_environment_has_the_command_line(prepared: Path) -> None:
    (prepared / "portlab/cli/__init__.py").write_text(
        "import sys\ndef main():\n    print(sys.argv[1:])\n    return 3\n"
    )
    told = subprocess.run(
        [prepared / ".venv/bin/portlab", "syn", "a b"], capture_output=True, text=True, cwd="/"
    )
    assert (told.stdout, told.returncode) == ("['syn', 'a b']\n", 3)


def test_two_first_starts_at_once_share_one_installation(checkout: Path) -> None:
    starts = [
        subprocess.Popen(
            [checkout / "run", "prepare"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    ends = [start.communicate(timeout=120) for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0]
    assert {out for out, _ in ends} == {f"{checkout}/.venv\n"}
    assert sum(INSTALLING in words for _, words in ends) == 1


def test_a_killed_installation_is_repaired(checkout: Path) -> None:
    start = subprocess.Popen(
        [checkout / "run", "prepare"], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not (checkout / ".venv/bin").exists():
        assert start.poll() is None
        time.sleep(0.01)
    os.killpg(start.pid, signal.SIGKILL)
    start.communicate()
    assert not (checkout / ".venv/portlab-lab").exists()
    assert INSTALLING in run(checkout, "prepare").stderr
    assert (
        subprocess.run(
            [checkout / ".venv/bin/python3", "-m", "pip", "--version"], capture_output=True
        ).returncode
        == 0
    )


def test_a_failed_installation_says_so_and_is_tried_again(checkout: Path) -> None:
    (checkout / "requirements.txt").write_text("./not-there\n")
    told = run(checkout, "prepare")
    assert told.returncode == 1
    assert told.stdout == ""
    assert "the installation failed" in told.stderr
    (checkout / "requirements.txt").write_text("# nothing\n")
    assert run(checkout, "prepare").returncode == 0


def test_only_the_tests_need_the_test_packages(prepared: Path) -> None:
    assert not (prepared / ".venv/portlab-test").exists()
    told = run(
        prepared,
        "test",
        "--version",
        env={"PATH": with_fake_programs(prepared, "nmap", "tcpdump", "chromium")},
    )
    assert "No module named pytest" in told.stderr  # there is none in a copy that asks for nothing
    assert (prepared / ".venv/portlab-test").exists()


def with_fake_programs(checkout: Path, *names: str, script: str = "exit 0") -> str:
    """A PATH on which these programs exist."""
    directory = checkout.parent / "programs"
    directory.mkdir(exist_ok=True)
    for name in names:
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
        (directory / name).chmod(0o755)
    return f"{directory}:{os.environ['PATH']}"


# --- other users ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def user() -> Iterator[pwd.struct_passwd]:
    """An ordinary user with a home, for as long as the tests run (only root can make one)."""
    name = f"portlab-test-{os.getpid()}"
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", name], check=True)
    yield pwd.getpwnam(name)
    subprocess.run(["userdel", "--remove", name], check=True, capture_output=True)


@pytest.fixture
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory that everybody may read."""
    directory = Path("/var/tmp", f"portlab-{os.getpid()}-{time.monotonic_ns()}")
    directory.mkdir(mode=0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.mark.root
def test_somebody_elses_checkout_stays_as_it_is(public: Path, user: pwd.struct_passwd) -> None:
    checkout = copy_project(public / "Port Lab")
    told = run(checkout, "prepare", user=user, env={"PORTLAB_PYTHON": DEBIAN_PYTHON})
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(f"{user.pw_dir}/.cache/portlab/venv-")
    assert "is not yours to write" in told.stderr
    assert not (checkout / ".venv").exists()
    assert run(checkout, "prepare", user=user).stderr == ""
    assert owners(checkout) == {0}


@pytest.mark.root
def test_everybody_may_use_an_environment_that_stands_ready(public: Path, user: pwd.struct_passwd) -> None:
    checkout = copy_project(public / "Port Lab")
    mine = run(checkout, "prepare", env={"PORTLAB_PYTHON": DEBIAN_PYTHON})
    theirs = run(checkout, "prepare", user=user)
    assert (theirs.returncode, theirs.stdout, theirs.stderr) == (0, mine.stdout, "")


def hiding(directory: str, user: pwd.struct_passwd | None, *command: str | Path) -> list[str | Path]:
    """The command, in a mount namespace where `directory` is empty; as `user`."""
    become = f"setpriv --reuid={user.pw_uid} --regid={user.pw_gid} --clear-groups" if user else ""
    script = f'mount -t tmpfs none {directory} && exec {become} "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh", *command]


@pytest.mark.root
def test_missing_programs_one_line_to_type(public: Path, user: pwd.struct_passwd) -> None:
    checkout = copy_project(public / "Port Lab")
    command = hiding("/usr/sbin", user, checkout / "run", "lab")
    told = subprocess.run(
        command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "HOME": user.pw_dir}
    )
    assert told.returncode == 1
    assert "sudo apt-get install -y" in told.stderr
    assert "nftables" in told.stderr
    assert "./run lab --fidelity simulated" in told.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.root
def test_missing_programs_are_installed_by_root(public: Path) -> None:
    checkout = copy_project(public / "Port Lab")
    path = with_fake_programs(checkout, "apt-get", script='echo "$@" >>"${0%/*}/asked"')
    command = hiding("/usr/sbin", None, checkout / "run", "lab", "--help")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SUDO_")}
    told = subprocess.run(command, capture_output=True, text=True, env=environment | {"PATH": path})
    assert "usage: ./run lab" in told.stdout, told.stderr
    assert "nftables" in (public / "programs/asked").read_text()


@pytest.mark.parametrize(
    ("words", "packages"),
    [(["--version"], PACKAGES), (["--all", "--version"], PACKAGES | PACKAGES_FOR_ALL)],
    ids=["test", "test --all"],
)
@pytest.mark.root
def test_root_gets_what_the_tests_call(public: Path, words: list[str], packages: dict[str, str]) -> None:
    """On a machine where hardly anything is on the PATH, root is asked for the package of each program."""
    checkout = copy_project(public / "Port Lab")
    path = with_fake_programs(checkout, "apt-get", script='echo "$@" >>"${0%/*}/asked"')
    few = public / "few"
    few.mkdir()
    for name in ("sh", "readlink", "dirname", "id", "uname", "cat", "cksum", "cut"):
        (few / name).symlink_to(str(shutil.which(name)))
    told = run(
        checkout,
        "test",
        *words,
        env={"PATH": f"{path.partition(':')[0]}:{few}", "PORTLAB_PYTHON": DEBIAN_PYTHON},
    )
    asked = (public / "programs/asked").read_text().split()
    assert set(packages.values()) - {"bash", "dash"} <= set(asked), told.stderr


@pytest.mark.root
def test_a_python_without_venv(public: Path, user: pwd.struct_passwd) -> None:
    checkout = copy_project(public / "Port Lab")
    ask = [DEBIAN_PYTHON, "-c", "import ensurepip; print(*ensurepip.__path__)"]
    ensurepip = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    command = hiding(ensurepip, user, checkout / "run", "prepare")
    told = subprocess.run(
        command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "HOME": user.pw_dir}
    )
    assert told.returncode == 1
    assert "sudo apt-get install -y python3-venv" in told.stderr


# --- a whole first start, and what can be done after it ----------------------------------------------


@pytest.fixture(scope="session")
def home_checkout(user: pwd.struct_passwd) -> Path:
    """The project in the user's home, started once by the user, with the system's own Python."""
    checkout = copy_project(Path(user.pw_dir, "my work", "Port Lab"), needs_packages=True)
    subprocess.run(["chown", "-R", f"{user.pw_uid}:{user.pw_gid}", checkout.parent], check=True)
    told = run(
        checkout, "exec", "--", "id", "-un", user=user, env={"PORTLAB_PYTHON": DEBIAN_PYTHON}, timeout=600
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout == f"{user.pw_name}\n"
    return checkout


def as_sudo(user: pwd.struct_passwd) -> dict[str, str]:
    """What sudo tells the program it runs as root."""
    return {
        "SUDO_UID": str(user.pw_uid),
        "SUDO_GID": str(user.pw_gid),
        "SUDO_USER": user.pw_name,
        "HOME": "/root",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }


@pytest.mark.root
@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.parametrize(
    "sudo", [False, pytest.param(True, marks=pytest.mark.program("sudo"))], ids=["user", "sudo"]
)
class TestWholeStart:
    def call(
        self, checkout: Path, user: pwd.struct_passwd, sudo: bool, *words: str
    ) -> subprocess.CompletedProcess[str]:
        if sudo:
            return run(checkout, *words, env=as_sudo(user))
        return run(checkout, *words, user=user)

    def test_exec(self, home_checkout: Path, user: pwd.struct_passwd, sudo: bool) -> None:
        script = 'id -un; hostname; echo "$HOME"; exit 7'
        told = self.call(home_checkout, user, sudo, "exec", "--host", "web", "--", "sh", "-c", script)
        assert (told.stdout, told.returncode) == (f"{user.pw_name}\nweb\n{user.pw_dir}\n", 7), told.stderr

    def test_raw_packets(self, home_checkout: Path, user: pwd.struct_passwd, sudo: bool) -> None:
        command = ["portlab", "syn", "web", "-p", "9,22,80", "--csv", "-"]
        told = self.call(home_checkout, user, sudo, "exec", "--no-loss", "--", *command)
        assert told.returncode == 0, told.stderr
        for verdict in ("closed,reset", "filtered,no-response", "open,syn-ack"):
            assert verdict in told.stdout

    def test_doctor(self, home_checkout: Path, user: pwd.struct_passwd, sudo: bool) -> None:
        told = self.call(home_checkout, user, sudo, "doctor")
        assert told.returncode == 0, told.stdout + told.stderr
        assert "`./run lab` will work, with real packets." in told.stdout

    def test_simulated(self, home_checkout: Path, user: pwd.struct_passwd, sudo: bool) -> None:
        script = "import os, getpass; print(os.getuid(), os.geteuid()); open('written', 'w')"
        command = ["--fidelity", "simulated", "--", "python", "-c", script]
        told = self.call(home_checkout, user, sudo, "exec", *command)
        assert told.stdout == f"{user.pw_uid} {user.pw_uid}\n", told.stderr

    def test_nothing_belongs_to_root(self, home_checkout: Path, user: pwd.struct_passwd, sudo: bool) -> None:
        assert self.call(home_checkout, user, sudo, "exec", "--", "true").returncode == 0
        assert owners(Path(user.pw_dir)) == {user.pw_uid}


@pytest.mark.root
@pytest.mark.slow
@pytest.mark.program("sudo")
def test_sudo_alone_makes_the_environment_as_the_user(public: Path, user: pwd.struct_passwd) -> None:
    checkout = copy_project(public / "Port Lab")
    subprocess.run(["chown", "-R", f"{user.pw_uid}:{user.pw_gid}", checkout], check=True)
    told = run(checkout, "lab", "--help", env=as_sudo(user))
    assert "usage: ./run lab" in told.stdout, told.stderr
    assert owners(checkout) == {user.pw_uid}

"""Labs started from here: what `run`, `attach` and `running` promise."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab_env import embedded
from lab_env.embedded import Handle
from portlab.errors import BadTarget, LabNotRunning
from tests.support.programs import ignored_signals, plain_signals

PROJECT = Path(__file__).resolve().parents[3]
PYTHON = sys.executable

pytestmark = pytest.mark.lab


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["true"], 0),
        (["false"], 1),
        (["sh", "-c", "exit 255"], 255),
        (["sh", "-c", "kill -9 $$"], 137),
        (["sh", "-c", "kill -TERM $$"], 143),
        (["no-such-command"], 127),
        (["/etc/passwd"], 126),
    ],
)
def test_the_exit_status_is_passed_on(command: list[str], status: int) -> None:
    assert embedded.run(command) == status


def test_a_missing_command_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    embedded.run(["no-such-command"])
    assert capfd.readouterr().err == "portlab: no-such-command: no such command\n"


@pytest.mark.parametrize("host", ["nothere", "ghost", "lost", ""])
def test_only_a_machine_can_run_something(host: str) -> None:
    with pytest.raises(BadTarget, match="student, gateway, infra"):
        embedded.run(["true"], host=host)


def test_a_command_runs_on_the_host_that_was_named(capfd: pytest.CaptureFixture[str]) -> None:
    script = "hostname; cat /etc/hostname; ip -br -4 address; cat $PORTLAB_LAB"
    assert embedded.run(["sh", "-c", script], host="vault") == 0
    name, file, _, eth0, described = capfd.readouterr().out.splitlines()
    assert (name, file) == ("vault", "vault")
    assert eth0.split()[2] == "10.77.2.30/24"
    assert json.loads(described)["self"] == "vault"


def test_the_command_keeps_directory_streams_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OF_THE_CALLER", "kept")
    monkeypatch.setenv("OF_BOTH", "the caller's")
    script = 'pwd; echo "$OF_THE_CALLER, $OF_BOTH" >&2'
    assert embedded.run(["sh", "-c", script], environment={"OF_BOTH": "for the command"}) == 0
    assert capfd.readouterr() == (f"{tmp_path}\n", "kept, for the command\n")


def test_files_in_the_current_directory_are_not_taken_for_modules(tmp_path: Path) -> None:
    for name in ("socket.py", "asyncio.py", "random.py"):
        (tmp_path / name).write_text("raise SystemExit('taken')\n")
    with contextlib.chdir(tmp_path):
        assert embedded.run(["true"]) == 0


@pytest.mark.parametrize(
    ("inherited", "ignored"),
    [
        pytest.param(plain_signals, set(), id="in a terminal"),
        pytest.param(ignored_signals, {signal.SIGHUP}, id="in the background, under nohup"),
    ],
)
def test_the_command_has_signals_as_a_shell_gives_them(
    inherited: Callable[[], None], ignored: set[int]
) -> None:
    done = subprocess.run(
        [PYTHON, "-m", "lab_env.embedded", "--", "sh", "-c", "grep -E '^Sig(Blk|Ign)' /proc/self/status"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=inherited,
    )
    masks = {name: int(mask, 16) for name, mask in (line.split(":\t") for line in done.stdout.splitlines())}
    assert masks["SigBlk"] == 0
    assert masks["SigIgn"] == sum(1 << (number - 1) for number in ignored)


def test_the_caller_keeps_its_signal_mask() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    embedded.run(["true"])
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


def test_on_ready_gets_a_handle_of_the_lab_that_runs() -> None:
    seen: dict[str, object] = {}

    def look(handle: Handle) -> None:
        seen["handle"], seen["running"], seen["hosts"] = handle, embedded.running(), handle.hosts()

    embedded.run(["sleep", "0.5"], on_ready=look)
    assert seen["handle"] in seen["running"]
    assert seen["hosts"].keys() >= {"student", "gateway", "web", "desk"}
    assert seen["handle"] not in embedded.running()


REACH_WEB = "import socket; socket.create_connection(('web', 80), 60)"


@contextlib.contextmanager
def lab_running() -> Iterator[Handle]:
    """A lab that runs beside the test, in a thread of it."""
    ready = threading.Event()
    handles: list[Handle] = []

    def stands(handle: Handle) -> None:
        handles.append(handle)
        ready.set()

    work = threading.Thread(target=embedded.run, args=(["sleep", "60"],), kwargs={"on_ready": stands})
    work.start()
    assert ready.wait(60)
    try:
        yield handles[0]
    finally:
        os.kill(handles[0].pid, signal.SIGKILL)
        work.join(60)


def test_two_labs_run_side_by_side(capfd: pytest.CaptureFixture[str]) -> None:
    with lab_running() as one, lab_running() as other:
        assert one != other
        assert {one, other} <= set(embedded.running())
        for lab in (one, other):
            assert embedded.attach([PYTHON, "-c", REACH_WEB], lab=lab.pid) == 0
            assert embedded.attach(["readlink", "/proc/self/ns/net"], lab=lab.pid) == 0
        spaces = re.findall(r"net:\[\d+\]", capfd.readouterr().out)
        assert len(set(spaces)) == 2


def test_attach_enters_a_host_of_the_lab(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with lab_running() as lab, contextlib.chdir(tmp_path):
        assert embedded.attach(["sh", "-c", "hostname; pwd; exit 6"], host="db", lab=lab.pid) == 6
        assert capfd.readouterr().out.splitlines() == ["db", str(tmp_path)]


def test_attach_needs_a_lab() -> None:
    with pytest.raises(LabNotRunning, match=r"\./run lab"):
        embedded.attach(["true"], lab=1)


# --- published ports --------------------------------------------------------------------------------------

SERVER = """
import http.server
http.server.ThreadingHTTPServer(("127.0.0.1", 8899), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def test_a_socket_of_the_caller_leads_to_a_server_inside(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(3_000_000))
    answers: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def ask(handle: Handle) -> None:
            for _ in range(2):
                with socket.create_connection(("127.0.0.1", port), timeout=60) as visitor:
                    visitor.sendall(b"GET /big HTTP/1.0\r\n\r\n")
                    visitor.shutdown(socket.SHUT_WR)  # half closed: the answer must still come
                    answers.append(b"".join(iter(lambda: visitor.recv(65536), b"")))
            os.kill(handle.pid, signal.SIGKILL)

        with contextlib.chdir(tmp_path):
            embedded.run([PYTHON, "-c", SERVER], publish=listener, inner_port=8899, on_ready=ask)
    assert [answer.endswith((tmp_path / "big").read_bytes()) for answer in answers] == [True, True]


# --- as somebody else -------------------------------------------------------------------------------------

USER = f"portlab-lab-{os.getpid()}"


@pytest.fixture(scope="module")
def ordinary_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., list[str]]]:
    """An ordinary user, with an environment of the system's Python and a copy of the sources it can read.

    The libraries are the tests' own.  They may lie in root's home, where nobody else looks: so the user's
    commands run in a mount namespace that shows them beside the sources.
    """
    subprocess.run(["useradd", "--create-home", USER], check=True)
    account = pwd.getpwnam(USER)
    place = Path(account.pw_dir, "portlab-test")
    for room in ("lab_env", "portlab"):
        shutil.copytree(PROJECT / room, place / room, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", place / "venv"], check=True)
    (place / "libraries").mkdir()
    target = next((place / "venv/lib").glob("python3*/site-packages"))
    (target / "libraries.pth").write_text(f"{place}/libraries\n")
    subprocess.run(["chown", "-R", USER, place], check=True)

    def command(*words: str, become: bool = True) -> list[str]:
        user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups"] if become else []
        show = 'mount --bind "$0" "$1" && shift && exec "$@"'
        beside = ["unshare", "--mount", "sh", "-c", show, sysconfig.get_path("purelib"), f"{place}/libraries"]
        python = ["env", "-C", f"{place}", f"HOME={account.pw_dir}", f"{place}/venv/bin/python", "-B"]
        return [*beside, *user, *python, *words]

    yield command
    subprocess.run(["userdel", "--remove", USER], check=True, capture_output=True)


LOOK = f"""id -un; grep CapEff /proc/self/status; python3 -c "{REACH_WEB}" && echo reached
ls -ld $TMPDIR; touch /root/x"""


def system_python_fits() -> str:
    mine = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = subprocess.run(["/usr/bin/python3", "--version"], capture_output=True, text=True).stdout
    fits = found.startswith(f"Python {mine}.")
    why = f"the libraries here are for {mine}, not for the system's {found.strip()}"
    return "" if fits else f"{why}; type: PORTLAB_PYTHON=/usr/bin/python3 ./run test"


@pytest.mark.root
def test_an_ordinary_user_has_a_lab(ordinary_user: Callable[..., list[str]]) -> None:
    if why := system_python_fits():
        pytest.skip(why)
    done = subprocess.run(
        ordinary_user("-m", "lab_env.embedded", "--", "sh", "-c", LOOK), capture_output=True, text=True
    )
    name, capabilities, answer, directory = done.stdout.splitlines()
    assert (name, answer) == (USER, "reached"), done.stderr
    assert int(capabilities.split()[1], 16) & (1 << 12 | 1 << 13)  # CAP_NET_ADMIN, CAP_NET_RAW
    assert directory.split()[2] == USER
    assert "Permission denied" in done.stderr  # may do all inside, and nothing new outside


@pytest.mark.root
def test_an_ordinary_user_meets_no_obstacle(ordinary_user: Callable[..., list[str]]) -> None:
    if why := system_python_fits():
        pytest.skip(why)
    script = "from lab_env import embedded; print(embedded.obstacles())"
    done = subprocess.run(ordinary_user("-c", script), capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.root
def test_under_sudo_the_lab_is_the_users(ordinary_user: Callable[..., list[str]]) -> None:
    if why := system_python_fits():
        pytest.skip(why)
    account = pwd.getpwnam(USER)
    place = Path(account.pw_dir, "portlab-test")
    before = {path for path in place.rglob("*") if path.stat().st_uid == 0}
    sudo = {"SUDO_UID": str(account.pw_uid), "SUDO_GID": str(account.pw_gid), "SUDO_USER": USER}
    look = f"echo $HOME $SUDO_UID; {LOOK}"
    done = subprocess.run(
        ordinary_user("-m", "lab_env.embedded", "--", "sh", "-c", look, become=False),
        env={**os.environ, **sudo},
        capture_output=True,
        text=True,
    )
    home, name, _, answer, directory = done.stdout.splitlines()
    assert (home, name, answer) == (account.pw_dir, USER, "reached"), done.stderr
    assert directory.split()[2] == USER
    assert "Permission denied" in done.stderr
    assert {path for path in place.rglob("*") if path.stat().st_uid == 0} == before

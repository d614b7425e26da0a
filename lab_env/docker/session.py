"""What the person at the terminal asks of the Docker lab: open it, run a command in it, carry its images."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lab_env import sudo
from lab_env.docker.engine import IMAGES, DockerLab, ask, obstacle
from lab_env.jupyter import Desk, listen
from lab_env.jupyter.session import prepare_copies
from lab_env.signals import REQUESTS, USUAL
from lab_env.topology import STUDENT, topology
from lab_env.workbook import Workbook, place
from portlab.errors import LabNotRunning


def open_lab(port: int, browser: bool, reset: list[str]) -> int:
    """JupyterLab in the Docker lab until Ctrl-C; then the lab is taken down.

    Raises LabNotRunning where Docker cannot be used, or a lab with these addresses is open already.
    """
    need_docker()
    with sudo.as_user():
        workbook = Workbook(place())
        first_page = prepare_copies(workbook, reset)
    with listen(port) as listener:
        free = listener.getsockname()[1]
    if free != port:
        print(f"Port {port} is taken by another program, so this lab uses {free}.")
    desk = Desk(workbook.folder, free, first_page)
    lab = DockerLab(topology().prefix, variables(workbook.folder, desk))
    print(f"Starting the Docker lab.  Your notebooks are in {workbook.folder}", flush=True)
    with running(lab):
        desk.announce(browser)
        with contextlib.suppress(KeyboardInterrupt):
            subprocess.run(["docker", "wait", lab.container(STUDENT)], stdout=subprocess.DEVNULL)
    return 0


def execute(words: list[str], host: str, lossy: bool = True, seed: int | None = None) -> int:
    """Run a command on a host of the Docker lab; if none runs, one is started for it and taken down after.

    Returns the command's exit status.  Raises LabNotRunning where the lab that runs cannot be as it is wanted.
    """
    need_docker()
    lab = DockerLab(topology().prefix)
    if lab.container(STUDENT):
        if seed is not None:
            raise LabNotRunning(
                f"a Docker lab with the addresses {lab.prefix}.x.x runs already, and what its slow link loses was "
                "settled when it started.  For one of your own set another prefix: PORTLAB_PREFIX=10.99"
            )
        return in_lab(lab, host, words)
    with tempfile.TemporaryDirectory(prefix="portlab-") as folder, listen(8888) as listener:
        desk = Desk(Path(folder), listener.getsockname()[1])
        listener.close()
        link = {"PORTLAB_LOSS": "" if lossy else "off", "PORTLAB_SEED": "" if seed is None else str(seed)}
        fresh = DockerLab(lab.prefix, variables(Path(folder), desk) | link)
        with running(fresh):
            return in_lab(fresh, host, words)


def in_lab(lab: DockerLab, host: str, words: list[str]) -> int:
    """A command on a host of a lab that runs."""
    terminal = sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    return subprocess.run(lab.command(host, words, terminal=terminal)).returncode


def variables(folder: Path, desk: Desk) -> dict[str, str]:
    """What compose.yaml is told of the learner's desk."""
    status = folder.stat()
    owner = f"{status.st_uid}:{status.st_gid}" if os.name == "posix" and sys.platform != "darwin" else ""
    return {
        "PORTLAB_WORK": str(folder),
        "PORTLAB_PORT": str(desk.port),
        "PORTLAB_TOKEN": desk.token,
        "PORTLAB_OWNER": owner,
    }


@contextlib.contextmanager
def running(lab: DockerLab) -> Iterator[None]:
    """The lab is up meanwhile, and down after, however it ends; what an earlier one left is cleared first."""
    with alone(lab):
        before = {number: signal.getsignal(number) for number in REQUESTS if USUAL.is_asked(number)}
        for number in before:  # a terminal that is closed must not leave a lab either
            signal.signal(number, signal.default_int_handler)
        try:
            lab.build()
            lab.down()
            lab.up()
            yield
        finally:
            for number in (signal.SIGINT, *before):  # a second Ctrl-C must not leave half a lab
                signal.signal(number, signal.SIG_IGN)
            with contextlib.suppress(OSError):  # the terminal may be what went
                print("portlab: taking the Docker lab down", file=sys.stderr)
            lab.down()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for number, handler in before.items():
                signal.signal(number, handler)


@contextlib.contextmanager
def alone(lab: DockerLab) -> Iterator[None]:
    """Hold this lab's lock, which a program that is killed loses; LabNotRunning where somebody else has it."""
    if os.name != "posix":
        yield
        return
    import fcntl

    path = Path(tempfile.gettempdir(), f"{lab.project}-{os.geteuid()}.lock")
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabNotRunning(
                f"a Docker lab with the addresses {lab.prefix}.x.x is open already.  For a second one type: "
                "PORTLAB_PREFIX=10.99 ./run lab --docker"
            ) from None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def need_docker() -> None:
    """Raise LabNotRunning where Docker cannot be used."""
    if why := obstacle():
        raise LabNotRunning(why)


def save(path: Path) -> int:
    """Write both images into one file, to carry to a class without internet."""
    need_docker()
    DockerLab(topology().prefix).build()
    with (
        subprocess.Popen(["docker", "save", *IMAGES], stdout=subprocess.PIPE) as saving,
        gzip.open(path, "wb", compresslevel=1) as file,
    ):
        assert saving.stdout is not None
        shutil.copyfileobj(saving.stdout, file)
    if saving.returncode:
        path.unlink()
        raise LabNotRunning("`docker save` failed, see above")
    print(f"{path}: {path.stat().st_size / 1e6:.0f} MB.  There, type: ./run lab --load-images {path.name}")
    return 0


def load(path: Path) -> int:
    """Take both images from a file."""
    need_docker()
    print(ask("load", "-i", str(path)))
    return 0

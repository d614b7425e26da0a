"""Makes PortLab's virtual environment, or brings it up to date.

`./run` calls it by its path with any Python of 3.11 or newer, so it uses the standard library only:

    python3 lab_env/install.py CHECKOUT ELSEWHERE LAB_KEY [TEST_KEY]

The environment is CHECKOUT/.venv, or the directory ELSEWHERE if the checkout is somebody else's or cannot be
written.  Its path is the only thing written to standard output.  The keys are what the environment has to
agree with.  They are written into it as stamps when all is done: an interrupted installation leaves no stamp,
and the next start repairs it. The environment finds the checkout by a path file, so that a change of the code
needs no new installation.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LAB_STAMP, TEST_STAMP = "portlab-lab", "portlab-test"

LAUNCHER = """#!/bin/sh
exec "${0%/*}/python3" -P -m portlab "$@"
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment at `path` for the checkout at `checkout`."""

    path: Path
    checkout: Path

    @property
    def python(self) -> Path:
        """The interpreter in it."""
        return self.path / "bin" / "python3"

    def stamped(self, stamp: str, key: str) -> bool:
        """Whether the installation this stamp stands for was finished, with this key and interpreter."""
        try:
            return (self.path / stamp).read_text() == self._stamp_text(key)
        except OSError:
            return False

    def sound(self) -> bool:
        """Whether a finished installation is there that may be added to."""
        try:
            text = (self.path / LAB_STAMP).read_text()
        except OSError:
            return False
        return text.endswith(self._stamp_text("")) and os.access(self.python, os.X_OK)

    def stamp(self, stamp: str, key: str) -> None:
        """Say that all is done; in one step, so that there is no half a stamp."""
        unfinished = self.path / f"{stamp}.new"
        unfinished.write_text(self._stamp_text(key))
        unfinished.replace(self.path / stamp)

    def _stamp_text(self, key: str) -> str:
        """The key, and where all of it stands: an environment can be moved as little as its interpreter."""
        return f"{key}\n{self.checkout}\n{os.path.realpath(self.python)}\n"

    def create(self) -> None:
        """Make it, from nothing."""
        venv.EnvBuilder(clear=True, symlinks=True, with_pip=True, prompt="portlab").create(self.path)
        ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
        packages = subprocess.run(
            [self.python, "-I", "-c", ask], check=True, capture_output=True, text=True
        ).stdout
        Path(packages.rstrip("\n"), "portlab.pth").write_bytes(os.fsencode(self.checkout) + b"\n")
        launcher = self.path / "bin" / "portlab"
        launcher.write_text(LAUNCHER)
        launcher.chmod(0o755)

    def fill(self, requirements: list[str]) -> None:
        """Install what these files ask for, in the versions tested with this Python.

        The machine's own pip settings (index, proxy, certificates) hold; only an installation into the user's
        home, which some machines make the default, would miss the environment.
        """
        command = [
            str(self.python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-user",
        ]
        for file in requirements:
            command += ["--requirement", str(self.checkout / file)]
        tested = self.checkout / "constraints" / f"{sys.version_info[0]}.{sys.version_info[1]}.txt"
        if tested.exists():
            command += ["--constraint", str(tested)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)

    def update(self, lab_key: str, test_key: str) -> None:
        """Do what is missing; the stamps say what is."""
        if not self.stamped(LAB_STAMP, lab_key):
            whole = not self.sound()
            for stamp in (LAB_STAMP, TEST_STAMP):
                (self.path / stamp).unlink(missing_ok=True)
            if whole:
                self.create()
            self.fill(["requirements.txt"])
            self.stamp(LAB_STAMP, lab_key)
        if test_key and not self.stamped(TEST_STAMP, test_key):
            self.fill(["requirements.txt", "tests/requirements.txt"])
            self.stamp(TEST_STAMP, test_key)

    def ready(self, lab_key: str, test_key: str) -> bool:
        """Whether nothing is left to do."""
        return self.stamped(LAB_STAMP, lab_key) and (not test_key or self.stamped(TEST_STAMP, test_key))


def place(checkout: Path, elsewhere: Path) -> Path:
    """Where this user's environment for the checkout belongs."""
    if checkout.stat().st_uid == os.geteuid() and os.access(checkout, os.W_OK):
        return checkout / ".venv"
    say(f"{checkout} is not yours to write, so the environment goes to {elsewhere}")
    return elsewhere


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the environment alone.  The kernel gives the lock back however the holder ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{path}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another ./run is installing at the moment; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(sentence: str) -> None:
    """One sentence for the person at the terminal."""
    print(f"portlab: {sentence}", file=sys.stderr, flush=True)


def main(checkout: str, elsewhere: str, lab_key: str, test_key: str = "") -> int:
    """Make the environment ready and print its path."""
    environment = Environment(place(Path(checkout), Path(elsewhere)), Path(checkout))
    try:
        with locked(environment.path):
            if not environment.ready(lab_key, test_key):
                say(
                    f"installing what PortLab needs into {environment.path} (a minute or two, only this once)"
                )
                started = time.monotonic()
                environment.update(lab_key, test_key)
                say(f"installed in {time.monotonic() - started:.0f} s")
    except subprocess.CalledProcessError:
        say("the installation failed; what went wrong stands above.  Check the internet connection (and the")
        say("proxy's settings, if there is one), then type the same command again.")
        return 1
    except OSError as error:
        say(f"cannot make {environment.path}: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; the next start goes on from here")
        return 130
    print(environment.path)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""JupyterLab for the lab: its command line, its settings, its address, and opening it in the browser.

The server runs inside the lab and listens on the lab's own loopback.  A socket bound here, outside, leads to
it, on the same port number (JupyterLab checks the Host header).  Its settings and the reasons for them are in
config/README.md.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from lab_env import sudo
from portlab.errors import BadTarget

CONFIG = Path(__file__).parent / "config"
PROJECT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"
USUAL_PORT = 8888
TRIES = 100  # ports tried after the one asked for
START_PATIENCE = 900.0  # seconds for JupyterLab to answer: the end of hope; it says itself what is wrong
ASK_EVERY = 0.1


def listen(port: int) -> socket.socket:
    """A listening socket on the loopback, at `port` or the next free one after it.

    Raises BadTarget where the system gives none.
    """
    for candidate in range(port, min(port + TRIES, 65536)):
        listener = socket.socket()
        if os.name == "posix":  # elsewhere this option would share a port that is in use
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, candidate))
        except PermissionError:
            listener.close()
            raise BadTarget(
                f"port {candidate} may only be used by root; type a number from 1024 on"
            ) from None
        except OSError:
            listener.close()
            continue
        listener.listen(128)
        return listener
    raise BadTarget(f"no port from {port} on is free; type another number after --port")


@dataclass(frozen=True)
class Desk:
    """One JupyterLab: the learner's folder, a port, and a token that is new each time."""

    folder: Path
    port: int
    first_page: str = ""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def url(self) -> str:
        """What to open in a browser."""
        page = f"/tree/{self.first_page}" if self.first_page else ""
        return f"http://{LOOPBACK}:{self.port}/lab{page}?token={self.token}"

    def command(self) -> list[str]:
        """The server's command line.  The token is not on it: everybody on the computer can read that."""
        return [
            sys.executable, "-P", "-m", "jupyterlab",
            f"--ServerApp.ip={LOOPBACK}",
            f"--ServerApp.port={self.port}",
            f"--ServerApp.root_dir={self.folder}",
            # Named, so that it is no login shell: Debian's /etc/profile would hide the environment's
            # programs.
            f"--ServerApp.terminado_settings=shell_command={os.environ.get('SHELL') or shutil.which('sh')}",
        ]  # fmt: skip

    def environment(self) -> dict[str, str]:
        """Variables for the server: its token, and a place of our own for what JupyterLab remembers."""
        return {"JUPYTER_TOKEN": self.token, "JUPYTER_CONFIG_DIR": str(self.folder / ".portlab" / "jupyter")}

    def announce(self, browser: bool) -> None:
        """Print the address once the server answers, and open it; in the background, the caller goes on."""
        threading.Thread(target=self._announce, args=(browser,), daemon=True).start()

    def _announce(self, browser: bool) -> None:
        if not self._answers():
            return  # it ended, or says itself what is wrong
        print(
            f"\n    {self.url}\n\nJupyterLab is at this address.  Ctrl-C here ends it, and the lab with it.",
            flush=True,
        )
        if browser and has_display():
            # A program of its own: under sudo it must be the user's, and what a browser prints is not for
            # this terminal.
            command = [sys.executable, "-P", "-m", "webbrowser", self.url]
            subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **sudo.credentials()
            )

    def _answers(self) -> bool:
        deadline = time.monotonic() + START_PATIENCE
        while time.monotonic() < deadline:
            connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=START_PATIENCE)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
                connection.request("GET", "/api")
                if connection.getresponse().status == http.HTTPStatus.OK:
                    return True
            time.sleep(ASK_EVERY)
        return False


def has_display() -> bool:
    """Whether a browser would have a screen; a text browser would fight with the terminal."""
    graphical = os.name == "nt" or sys.platform == "darwin"
    return graphical or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def common_environment() -> dict[str, str]:
    """Variables for all that runs in a lab: this environment's programs first, our Jupyter settings."""
    programs = str(Path(sys.executable).parent)
    variables = {
        "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)]),
        "JUPYTER_CONFIG_PATH": str(CONFIG),
    }
    if not sys.flags.safe_path:  # not by ./run, whose environment knows the checkout
        paths = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
        variables["PYTHONPATH"] = os.pathsep.join(paths)
    return variables

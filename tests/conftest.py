"""What all tests share.

`support/needs.py`: what this machine must offer, and the table of what did not run.  `support/inlab.py`: tests that
run inside a lab.  `support/workers.py`: which of several workers runs what.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

PROJECT = Path(__file__).resolve().parent.parent

pytest_plugins = ["tests.support.needs", "tests.support.inlab", "tests.support.workers"]

hypothesis.settings.register_profile(
    "portlab", deadline=None
)  # how long one example takes depends on who else works
hypothesis.settings.load_profile("portlab")

# --- a browser -----------------------------------------------------------------------------------

BROWSER_ARGUMENTS = [
    "--no-sandbox",  # root may not use the sandbox; the pages are our own
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """The system's Chromium; one for all tests, since Playwright's event loop stays."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=BROWSER_ARGUMENTS)
        yield chromium
        chromium.close()


# --- commands in a lab ----------------------------------------------------------------------------

Exec = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def lab_exec() -> Exec:
    """Run a command in a fresh lab, as `./run exec` does: lab_exec("portlab", "ping", "web")."""

    def run(
        *command: str, options: list[str] | None = None, timeout: float = 120, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lab_env", "exec", *(options or []), "--", *command],
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            check=False,
            **more,
        )

    return run

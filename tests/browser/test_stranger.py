"""An ordinary user runs this Python although it lies where only root may look."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.desk import PROJECT

pytestmark = pytest.mark.root

ASKED = """import os, subprocess, sys
sys.path.insert(0, sys.argv[1])
from tests.browser.stranger import as_user, ordinary_user
with ordinary_user() as user:
    seen = [sys.executable, "-c", "import os, numpy; print(os.getuid(), os.listdir(os.path.dirname(os.sys.prefix)))"]
    done = subprocess.run([*as_user(user), *seen], cwd="/", capture_output=True, text=True)
    print(done.stdout == f"{user.pw_uid} ['venv']\\n", done.stdout, done.stderr)
"""


def test_a_python_in_a_closed_home_is_read_and_nothing_else_there(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "venv").mkdir()
    (home / "secret").touch()
    script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    there = home / "venv" / "bin" / "python"
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", sys.prefix, home / "venv"]
        + [there, "-c", ASKED, PROJECT],
        capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    assert done.stdout.startswith("True"), done.stdout + done.stderr

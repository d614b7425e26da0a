"""A learner's desk for the tests: a lab with JupyterLab in it, a notebook opened there, and what hands do with it."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browser.quiet import QUIET
from tests.browser.stranger import as_user

PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
(KNOCK,) = (path.name for path in NOTEBOOKS if path.name.startswith("04"))
KEY_FILE = PROJECT / "tests" / "notebooks" / "key.json"
SIZE = {"width": 1200, "height": 9000}  # so high that JupyterLab keeps every cell in the page
PATIENCE_MS = 300_000  # the end of hope, not a measure
ENDS_WITHIN = 120  # seconds

ALL_THERE = "count => document.querySelectorAll('.jp-Notebook .jp-Cell').length === count"
# The notebook's own indicator begins as idle, before there is a kernel; the words of the status bar are true.
READY = "() => / \\| Idle/.test(document.querySelector('#jp-main-statusbar')?.innerText)"
ALL_RUN = """() => [...document.querySelectorAll(".jp-CodeCell .jp-InputArea-prompt")]
  .every((prompt) => /\\[\\d+\\]/.test(prompt.textContent))"""
ALL_WAIT = """() => [...document.querySelectorAll(".jp-CodeCell .jp-InputArea-prompt")]
  .every((prompt) => /\\[ \\]/.test(prompt.textContent))"""
COUNTS = """(() => [...document.querySelectorAll(".jp-CodeCell .jp-InputArea-prompt")]
  .map((prompt) => prompt.textContent).join())"""
ERRORS = ".jp-RenderedText[data-mime-type*=error], .jp-RenderedText[data-mime-type*=stderr]"

# In a folder with a key file, that file commits the predictions.
STARTUP = """import os
if os.path.exists("key.json"):
    os.environ["PORTLAB_KEY"] = os.path.abspath("key.json")
"""


@dataclass
class Sitting:
    """A running lab with JupyterLab in it."""

    process: subprocess.Popen[str] | None
    fidelity: str
    project: Path
    url: str
    token: str
    predicted: bool = False  # whether a key file commits the predictions of notebooks that lie in no folder

    def open(self, browser: Any, notebook: str) -> Any:
        """A page with that notebook, as soon as JupyterLab has begun to show it.

        `browser`: a browser, or a context of it, which keeps JupyterLab's own files from page to page.
        """
        page = browser.new_page(viewport=SIZE) if hasattr(browser, "new_context") else browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{self.url}/lab/tree/{notebook}?token={self.token}&reset")
        page.wait_for_function(ALL_THERE, arg=len(self.saved(notebook)["cells"]), timeout=PATIENCE_MS)
        return page

    def page(self, browser: Any, notebook: str) -> Any:
        """The same, when its kernel is there."""
        page = self.open(browser, notebook)
        page.wait_for_function(READY, timeout=PATIENCE_MS)
        return page

    def saved(self, notebook: str) -> dict[str, Any]:
        """The learner's copy as it lies on the disk."""
        found: dict[str, Any] = json.loads(self.copy(notebook).read_text("utf-8"))
        return found

    def copy(self, notebook: str) -> Path:
        return self.project / "my-notebooks" / notebook

    def put(self, notebook: str, cells: list[str]) -> None:
        """A notebook with these cells of code, in a folder of its own where its name has one."""
        code = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        whole = {
            "cells": [{**code, "id": f"cell-{n}", "source": source} for n, source in enumerate(cells)],
            "metadata": {"kernelspec": kernel},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        self.copy(notebook).parent.mkdir(exist_ok=True)
        self.copy(notebook).write_text(json.dumps(whole), "utf-8")

    def fresh(self, notebook: str, folder: str) -> str:
        """Another copy of a lesson, in a folder that remembers nothing; its name."""
        self.copy(folder).mkdir(exist_ok=True)
        shutil.copy(PROJECT / "notebooks" / notebook, self.copy(folder))
        return f"{folder}/{notebook}"


@contextmanager
def sitting_of(fidelity: str, user: pwd.struct_passwd | None = None) -> Iterator[Sitting]:
    """`./run lab`, as this user or as an ordinary one, from a copy of the project; it ends with the block.

    The key file commits the predictions of the lessons that lie at the top of the learner's folder.
    """
    with tempfile.TemporaryDirectory(prefix="portlab-browser-", dir="/var/tmp") as directory:
        project = Path(directory, "Port Lab")
        for name in ("portlab", "lab_env", "notebooks"):
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(PROJECT / name, project / name, ignore=ignore)
        startup = project / ".ipython" / "profile_default" / "startup"
        startup.mkdir(parents=True)
        (startup / "key.py").write_text(STARTUP)
        (project / "my-notebooks").mkdir()
        shutil.copy(KEY_FILE, project / "my-notebooks")
        if user:
            os.chmod(directory, 0o755)
            subprocess.run(["chown", "-R", user.pw_name, project], check=True)
        opened = start(project, fidelity, user)
        try:
            yield opened
        finally:
            assert opened.process is not None
            opened.process.terminate()
            opened.process.communicate(timeout=ENDS_WITHIN)


def start(project: Path, fidelity: str, user: pwd.struct_passwd | None) -> Sitting:
    environment = dict(os.environ)
    if user:
        environment = {
            "HOME": user.pw_dir,
            "USER": user.pw_name,
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
        }
    environment["IPYTHONDIR"] = str(project / ".ipython")
    command = [sys.executable, "-m", "lab_env", "lab", "--no-browser", "--port", "25000"]
    process = subprocess.Popen(
        [*QUIET.enter(), *(as_user(user) if user else []), *command, "--fidelity", fidelity],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=environment,
    )
    assert process.stdout is not None
    words = ""
    for line in process.stdout:
        words += line
        if found := re.search(r"(http://127\.0\.0\.1:\d+)/lab\S*\?token=(\S+)", line):
            return Sitting(process, fidelity, project, found[1], found[2], predicted=True)
    raise AssertionError(words)


# --- what a learner does ----------------------------------------------------------------------------


def menu(page: Any, name: str, *entries: str) -> None:
    page.locator(".lm-MenuBar-itemLabel", has_text=name).first.click()
    for entry in entries[:-1]:
        page.get_by_text(entry, exact=True).first.hover()
    page.get_by_text(entries[-1], exact=True).first.click()


def run_all(page: Any) -> None:
    """Run all cells, and wait until the last has run."""
    fresh = page.evaluate(ALL_WAIT)
    before = page.evaluate(f"{COUNTS}()")
    menu(page, "Run", "Run All Cells")
    if not fresh:  # the numbers of the run before are still there
        page.wait_for_function(f"before => {COUNTS}() !== before", arg=before, timeout=PATIENCE_MS)
    page.wait_for_function(ALL_RUN, timeout=PATIENCE_MS)
    page.wait_for_function(READY, timeout=PATIENCE_MS)


def restart(page: Any) -> None:
    """Restart the kernel, and wait until it listens again."""
    menu(page, "Kernel", "Restart Kernel…")
    with page.expect_response(lambda answer: answer.url.partition("?")[0].endswith("/restart")):
        page.locator(".jp-Dialog .jp-mod-accept").click()
    page.wait_for_function(READY, timeout=PATIENCE_MS)


def save(page: Any, sitting: Sitting, notebook: str) -> dict[str, Any]:
    name = Path(notebook).name
    with page.expect_response(lambda answer: answer.request.method == "PUT" and name in answer.url):
        menu(page, "File", "Save Notebook")
    return sitting.saved(notebook)


def outputs(saved: dict[str, Any]) -> list[dict[str, Any]]:
    return [output for cell in saved["cells"] if cell["cell_type"] == "code" for output in cell["outputs"]]

"""The lessons in a real JupyterLab in the lab: opened, run from top to bottom, looked at."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
(KNOCK,) = (path.name for path in NOTEBOOKS if path.name.startswith("04"))
KEY_FILE = PROJECT / "tests" / "notebooks" / "key.json"
SIZE = {"width": 1200, "height": 9000}  # so high that JupyterLab keeps every cell in the page
PATIENCE_MS = 120_000

pytestmark = [pytest.mark.browser, pytest.mark.slow]


# --- a sitting: ./run lab, as this user or as an ordinary one ---------------------------------------


@dataclass
class Sitting:
    """A running lab with JupyterLab in it."""

    process: subprocess.Popen[str]
    fidelity: str
    project: Path
    url: str
    token: str
    predicted: bool = False  # whether a key file commits the predictions

    def page(self, browser: Any, notebook: str) -> Any:
        page = browser.new_page(viewport=SIZE)
        # JupyterLab asks where it has opened a notebook before it has learned which kernels there are.
        dialog = page.locator(".jp-Dialog", has_text="Select Kernel")
        page.add_locator_handler(dialog, lambda: dialog.locator(".jp-mod-accept").click())
        page.goto(f"{self.url}/lab/tree/{notebook}?token={self.token}&reset")
        page.wait_for_function(ALL_THERE, arg=len(self.saved(notebook)["cells"]), timeout=PATIENCE_MS)
        page.wait_for_selector(IDLE, timeout=PATIENCE_MS)
        return page

    def saved(self, notebook: str) -> dict[str, Any]:
        """The learner's copy as it lies on the disk."""
        found: dict[str, Any] = json.loads(self.copy(notebook).read_text("utf-8"))
        return found

    def copy(self, notebook: str) -> Path:
        return self.project / "my-notebooks" / notebook


ALL_THERE = "count => document.querySelectorAll('.jp-Notebook .jp-Cell').length === count"
IDLE = ".jp-Notebook-ExecutionIndicator[data-status=idle]"


def copy_project(target: Path) -> Path:
    for name in ("portlab", "lab_env", "notebooks"):
        shutil.copytree(PROJECT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def start(
    project: Path, fidelity: str, user: pwd.struct_passwd | None = None, key: Path | None = None
) -> Sitting:
    as_user: dict[str, Any] = {}
    environment = dict(os.environ)
    if user:
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        environment = {
            "HOME": user.pw_dir,
            "USER": user.pw_name,
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
        }
    if key:
        environment["PORTLAB_KEY"] = str(shutil.copy(key, project))
    process = subprocess.Popen(
        [sys.executable, "-m", "lab_env", "lab", "--no-browser", "--port", "25000", "--fidelity", fidelity],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=environment,
        **as_user,
    )
    assert process.stdout is not None
    words = ""
    for line in process.stdout:
        words += line
        if found := re.search(r"(http://127\.0\.0\.1:\d+)/lab\S*\?token=(\S+)", line):
            return Sitting(process, fidelity, project, found[1], found[2], bool(key))
    raise AssertionError(words)


@pytest.fixture(scope="module")
def ordinary_user() -> Iterator[pwd.struct_passwd]:
    if os.geteuid():
        pytest.skip("this is an ordinary user already: the other sittings are its own")
    name = f"portlab-browser-{os.getpid()}"
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", name], check=True)
    user = pwd.getpwnam(name)
    readable = subprocess.run(
        [sys.executable, "-c", "import numpy"],
        user=user.pw_uid, group=user.pw_gid, extra_groups=[], cwd="/", capture_output=True,
    )  # fmt: skip
    if readable.returncode == 0:
        yield user
    subprocess.run(["userdel", "--remove", name], check=True, capture_output=True)
    if readable.returncode:
        pytest.skip(f"{sys.executable} cannot be read by an ordinary user")


@contextmanager
def sitting_of(
    fidelity: str, user: pwd.struct_passwd | None = None, key: Path | None = KEY_FILE
) -> Iterator[Sitting]:
    """A learner's sitting, from a copy of the project, that ends with the block."""
    directory = Path("/var/tmp", f"portlab-browser-{os.getpid()}-{time.monotonic_ns()}")  # others may read it
    project = copy_project(directory / "Port Lab")
    if user:
        subprocess.run(["chown", "-R", user.pw_name, directory], check=True)
    opened = start(project, fidelity, user, key)
    try:
        yield opened
    finally:
        opened.process.terminate()
        opened.process.communicate(timeout=30)
        shutil.rmtree(directory)


@pytest.fixture(scope="module")
def sitting() -> Iterator[Sitting]:
    with sitting_of("embedded") as opened:
        yield opened


# --- what a learner sees ----------------------------------------------------------------------------


def menu(page: Any, name: str, *entries: str) -> None:
    page.locator(".lm-MenuBar-itemLabel", has_text=name).first.click()
    for entry in entries[:-1]:
        page.get_by_text(entry, exact=True).first.hover()
    page.get_by_text(entries[-1], exact=True).first.click()


PROMPTS = """kind => {
  const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputArea-prompt")].map(p => p.textContent);
  const number = prompts.map(p => /\\[\\d+\\]/.test(p)), begun = prompts.map(p => !/\\[ \\]/.test(p));
  return prompts.length > 0 && (kind === "begun" ? begun.some(Boolean) : number.every(Boolean));
}"""


def run_all(page: Any) -> None:
    """Run all cells, and wait until the last has run.

    JupyterLab may give a notebook another kernel while it is still loading; cells begun before that wait for
    ever.  So a run that does not end is begun once more on the page loaded anew.
    """
    from playwright.sync_api import TimeoutError as NotYet

    try:
        run_once(page, PATIENCE_MS // 2)
    except NotYet:
        page.reload()
        page.wait_for_selector(IDLE, timeout=PATIENCE_MS)
        run_once(page, PATIENCE_MS)


def run_once(page: Any, patience_ms: int) -> None:
    from playwright.sync_api import TimeoutError as NotYet

    for _ in range(6):  # the menu is there before the kernel listens: then the click does nothing
        menu(page, "Run", "Run All Cells")
        try:
            page.wait_for_function(PROMPTS, arg="begun", timeout=5_000)
            break
        except NotYet:
            continue
    page.wait_for_function(PROMPTS, arg="done", timeout=patience_ms)
    page.wait_for_selector(IDLE, timeout=patience_ms)


def save(page: Any, sitting: Sitting, notebook: str) -> dict[str, Any]:
    before = sitting.copy(notebook).stat().st_mtime_ns
    with page.expect_response(lambda answer: answer.request.method == "PUT" and notebook in answer.url):
        menu(page, "File", "Save Notebook")
    assert sitting.copy(notebook).stat().st_mtime_ns > before
    return sitting.saved(notebook)


def outputs(saved: dict[str, Any]) -> list[dict[str, Any]]:
    return [output for cell in saved["cells"] if cell["cell_type"] == "code" for output in cell["outputs"]]


ERRORS = ".jp-RenderedText[data-mime-type*=error], .jp-RenderedText[data-mime-type*=stderr]"
FORMULAS = ".jp-OutputArea mjx-container"  # bytes and prompts that were taken for mathematics


def look_through(browser: Any, sitting: Sitting, notebook: str, tmp_path: Path) -> None:
    """Run a lesson from top to bottom: no errors, whole pictures, nothing of it lost when it is saved."""
    page = sitting.page(browser, notebook)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    run_all(page)
    page.screenshot(path=tmp_path / f"{notebook}.png")
    assert page.locator(ERRORS).all_inner_texts() == []
    ladders = page.locator("figure.pl-ladder svg.ladder")
    assert all(
        box and box["height"] > 100 and box["width"] > 100
        for box in (one.bounding_box() for one in ladders.all())
    )
    waiting = page.get_by_text("Predict above first.").count()
    if sitting.predicted:
        assert ladders.count() >= 3
        assert waiting == 0
    else:
        assert waiting > 0
    assert page.locator("img.still:visible").count() == 0
    assert page.locator(FORMULAS).count() == 0
    assert complaints == []
    told = outputs(save(page, sitting, notebook))
    assert [
        output for output in told if output["output_type"] == "error" or output.get("name") == "stderr"
    ] == []
    assert ("SIMULATED" in str(told)) == (sitting.fidelity == "simulated")
    page.close()


@pytest.mark.lab
@pytest.mark.parametrize("notebook", [path.name for path in NOTEBOOKS])
def test_run_all(browser: Any, sitting: Sitting, notebook: str, tmp_path: Path) -> None:
    look_through(browser, sitting, notebook, tmp_path)


@pytest.mark.lab
@pytest.mark.root
def test_an_ordinary_user_runs_all(browser: Any, ordinary_user: pwd.struct_passwd, tmp_path: Path) -> None:
    with sitting_of("embedded", ordinary_user) as sitting:
        look_through(browser, sitting, KNOCK, tmp_path)


def test_run_all_where_no_lab_can_be_made(browser: Any, tmp_path: Path) -> None:
    with sitting_of("simulated") as sitting:
        look_through(browser, sitting, KNOCK, tmp_path)


@pytest.fixture(scope="module")
def ran(browser: Any, sitting: Sitting) -> Iterator[Any]:
    """Lesson 00, run."""
    page = sitting.page(browser, NOTEBOOKS[0].name)
    run_all(page)
    yield page
    page.close()


@pytest.mark.lab
def test_the_figure_follows_jupyterlab_s_theme(ran: Any) -> None:
    page = ran
    colour = "getComputedStyle(document.querySelector('figure.pl .title')).color"
    light = page.evaluate(colour)
    menu(page, "Settings", "Theme", "JupyterLab Dark")
    page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
    assert (light, page.evaluate(colour)) == ("rgb(28, 33, 40)", "rgb(230, 233, 237)")
    menu(page, "Settings", "Theme", "JupyterLab Light")
    page.wait_for_selector("body[data-jp-theme-light=true]", state="attached")


@pytest.mark.lab
def test_a_notebook_from_somebody_else_shows_the_still_picture_and_the_table(
    browser: Any, sitting: Sitting, ran: Any
) -> None:
    saved = save(ran, sitting, NOTEBOOKS[0].name)
    saved["metadata"]["changed_by"] = "somebody else"  # so it is no longer the notebook that was trusted
    sitting.copy("from_somebody_else.ipynb").write_text(json.dumps(saved), "utf-8")
    page = sitting.page(browser, "from_somebody_else.ipynb")
    page.wait_for_selector("img.still", timeout=PATIENCE_MS)
    assert page.locator("img.still").first.is_visible()
    assert page.locator("svg.ladder").count() == 0
    figure = page.locator("figure.pl-ladder").first
    assert "The same in words" in figure.inner_text()
    hidden = figure.locator(".live")
    assert hidden.count() == 0 or not hidden.first.is_visible()  # the SVG's words, run together
    page.close()

"""What all tests share: what this machine must offer, and tests that run inside a lab.

A test marked `inlab` runs inside an embedded lab.  When its module's turn comes, one fresh lab is started and
a second pytest inside it runs the module's marked tests; each report travels back and is shown and counted
here as if it had run here:

    host:  pytest ── python -m lab_env exec ──▶  lab:  pytest tests/lab/test_x.py::test_y ...
             ▲                                            │ one line of JSON for each report
             └──────────────── file ──────────────────────┘

`inlab(loss=True)` keeps the slow link's loss (it is off otherwise), `inlab(seed=7)` seeds it; tests of a
module with different arguments get labs of their own.

PORTLAB_REQUIRE=1 turns every skip into a failure: for machines on which everything must run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

PROJECT = Path(__file__).resolve().parent.parent
REQUIRE = os.environ.get("PORTLAB_REQUIRE", "") not in ("", "0")
REPORTS = "PORTLAB_TEST_REPORTS"  # set inside the lab: the file that takes the reports
LAB_TESTS_TIMEOUT = 900  # seconds for one module's tests inside a lab

hypothesis.settings.register_profile(
    "portlab", deadline=None
)  # how long one example takes depends on who else works
hypothesis.settings.load_profile("portlab")

# --- a skip is a failure where everything must run ------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Turn a skipped test into a failed one, if PORTLAB_REQUIRE says so."""
    return required((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """The same for a module that skips itself while it is read."""
    return required((yield))


def required(report: Any) -> Any:
    if REQUIRE and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but PORTLAB_REQUIRE is set: {report.longrepr[2]}"
    return report


# --- what the machine offers ----------------------------------------------------------------------


def lab_obstacle() -> str:
    """Why no embedded lab can run here; empty: one can."""
    from lab_env import embedded

    return "; ".join(str(obstacle) for obstacle in embedded.obstacles())


def program_missing(*names: str) -> str:
    return "" if any(shutil.which(name) for name in names) else f"{names[0]} is not installed"


NEEDS: dict[str, Callable[[], str]] = {
    "lab": lab_obstacle,
    "inlab": lab_obstacle,
    "nmap": lambda: program_missing("nmap"),
    "browser": lambda: program_missing("chromium", "chromium-browser", "google-chrome"),
    "root": lambda: "" if os.geteuid() == 0 else "has to be root",
}


@pytest.fixture(scope="session")
def missing() -> Callable[[str], str]:
    """Ask once a session why a need cannot be met."""
    answers: dict[str, str] = {}

    def why(need: str) -> str:
        if need not in answers:
            inside = REPORTS in os.environ and need in ("lab", "inlab")
            answers[need] = "" if inside else NEEDS[need]()
        return answers[need]

    return why


@pytest.fixture(autouse=True)
def _needs(request: pytest.FixtureRequest, missing: Callable[[str], str]) -> None:
    for need in NEEDS:
        if request.node.get_closest_marker(need) and (why := missing(need)):
            pytest.skip(f"{need}: {why}")


# --- tests inside the lab -------------------------------------------------------------------------


class InLab:
    """Runs the tests marked `inlab` inside labs, a module at a time, and reports them here."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.groups: dict[tuple[Any, ...], list[pytest.Item]] = {}
        self.done: set[str] = set()

    @staticmethod
    def key(item: pytest.Item) -> tuple[Any, ...] | None:
        marker = item.get_closest_marker("inlab")
        return marker and (item.path, marker.kwargs.get("loss", False), marker.kwargs.get("seed", 0))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Group them and put them last: pytest takes down what a test of its own needed at its own next one.

        Before them come those with a browser: Playwright's event loop stays, and another cannot run beside it.
        """
        for item in items:
            if key := self.key(item):
                self.groups.setdefault(key, []).append(item)
        items.sort(
            key=lambda item: (self.key(item) is not None, item.get_closest_marker("browser") is not None)
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        key = self.key(item)
        if key is None or lab_obstacle():
            return None  # an ordinary test, or one that will be skipped with its reason
        if item.nodeid not in self.done:
            self.run_group(key)
        return True

    def run_group(self, key: tuple[Any, ...]) -> None:
        """One lab, one pytest in it, for all tests of this module with the same marks."""
        _, loss, seed = key
        items = {item.nodeid: item for item in self.groups[key]}
        self.done |= items.keys()
        options = ([] if loss else ["--no-loss"]) + (["--seed", str(seed)] if seed else [])
        reports = self.config._tmp_path_factory.mktemp("inlab") / "reports"
        reports.touch()
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            str(PROJECT),
            *items,
        ]
        with (output := reports.with_name("output")).open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "lab_env", "exec", *options, "--", *command],
                cwd=PROJECT,
                env={**os.environ, REPORTS: str(reports)},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        unfinished = dict(items)
        for line in lines_while_running(process, reports):
            self.relay(json.loads(line), items, unfinished)
        for item in unfinished.values():
            self.report_lost(item, output.read_text(errors="replace"))

    def relay(
        self, data: dict[str, Any], items: dict[str, pytest.Item], unfinished: dict[str, pytest.Item]
    ) -> None:
        report = self.config.hook.pytest_report_from_serializable(config=self.config, data=data)
        if isinstance(report.longrepr, list):
            report.longrepr = tuple(report.longrepr)  # a skip's place and reason; JSON knows no tuples
        item = items[report.nodeid]
        if report.when == "setup":
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        item.ihook.pytest_runtest_logreport(report=report)
        if report.when == "teardown":
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
            del unfinished[item.nodeid]

    def report_lost(self, item: pytest.Item, output: str) -> None:
        """A test of which no (complete) report came back has failed: show what the lab said."""
        words = "the pytest inside the lab ended before this test did; its last words:\n" + output[-3000:]
        report = pytest.TestReport(item.nodeid, item.location, {}, "failed", words, "call")
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        item.ihook.pytest_runtest_logreport(report=report)


def lines_while_running(process: subprocess.Popen[bytes], path: Path) -> Iterator[str]:
    """The complete lines of a growing file, until its writer has ended."""
    rest = ""
    ended = False
    deadline = LAB_TESTS_TIMEOUT
    with path.open() as file:
        while not ended:
            try:
                process.wait(timeout=0.2)
                ended = True
            except subprocess.TimeoutExpired:
                deadline -= 0.2
                if deadline < 0:
                    process.terminate()
            *lines, rest = (rest + file.read()).split("\n")
            yield from lines


class Inside:
    """In the pytest inside the lab: write each report down for the one outside."""

    def __init__(self, config: pytest.Config, path: str) -> None:
        self.config = config
        self.file = Path(path).open("a", buffering=1)  # noqa: SIM115 - open until pytest ends

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        self.file.write(json.dumps(data) + "\n")

    def pytest_unconfigure(self) -> None:
        self.file.close()


def pytest_configure(config: pytest.Config) -> None:
    path = os.environ.get(REPORTS)
    config.pluginmanager.register(Inside(config, path) if path else InLab(config))


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

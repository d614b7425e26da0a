"""Tests that run inside an embedded lab.

A test marked `inlab` runs inside an embedded lab.  When its module's turn comes, one fresh lab is started and
a second pytest inside it runs the module's marked tests; each report travels back and is shown and counted
here as if it had run here:

    host:  pytest ── python -m lab_env exec ──▶  lab:  pytest tests/lab/test_x.py::test_y ...
             ▲                                            │ one line of JSON for each report
             └──────────────── file ──────────────────────┘

`inlab(loss=True)` keeps the slow link's loss (it is off otherwise), `inlab(seed=7)` seeds it; tests of a
module with different arguments get labs of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.needs import PROJECT, lack

REPORTS = "PORTLAB_TEST_REPORTS"  # set inside the lab: the file that takes the reports
LAB_TESTS_TIMEOUT = 900  # seconds for one module's tests inside a lab


class InLab:
    """Runs the tests marked `inlab` inside labs, a module at a time, and reports them here, each at its turn."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.groups: dict[tuple[Any, ...], list[str]] = {}
        self.running: dict[tuple[Any, ...], Group] = {}

    @staticmethod
    def key(item: pytest.Item) -> tuple[Any, ...] | None:
        marker = item.get_closest_marker("inlab")
        return marker and (item.path, marker.kwargs.get("loss", False), marker.kwargs.get("seed", 0))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Group them: one lab for each."""
        for item in items:
            if key := self.key(item):
                self.groups.setdefault(key, []).append(item.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        key = self.key(item)
        if key is None or lack("inlab"):
            return None  # an ordinary test, or one that will be skipped with its reason
        if key not in self.running:
            _, loss, seed = key
            options = ([] if loss else ["--no-loss"]) + (["--seed", str(seed)] if seed else [])
            folder = self.config._tmp_path_factory.mktemp("inlab")
            self.running[key] = Group(self.config, folder, options, self.groups[key])
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self.running[key].reports(item):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        # What an ordinary test of this module needed is taken down here: pytest leaves that to the item before.
        item.session._setupstate.teardown_exact(nextitem)
        return True

    def pytest_sessionfinish(self) -> None:
        for group in self.running.values():
            group.end()


class Group:
    """One lab, one pytest in it, for all tests of a module with the same marks."""

    def __init__(self, config: pytest.Config, folder: Path, options: list[str], nodeids: list[str]) -> None:
        self.config = config
        reports, self.output = folder / "reports", folder / "output"
        reports.touch()
        command = ["pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(PROJECT), *nodeids]
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lab_env", "exec", *options, "--", sys.executable, "-m", *command],
                cwd=PROJECT,
                env={**os.environ, REPORTS: str(reports)},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self.lines = lines_while_running(self.process, reports)
        self.early: dict[str, list[pytest.TestReport]] = {}  # of tests whose turn has not come

    def reports(self, item: pytest.Item) -> Iterator[pytest.TestReport]:
        """A test's reports, as they come."""
        while True:
            waiting = self.early.setdefault(item.nodeid, [])
            while waiting:
                report = waiting.pop(0)
                yield report
                if report.when == "teardown":
                    return
            line = next(self.lines, None)
            if line is None:
                yield self.lost(item)
                return
            report = self.config.hook.pytest_report_from_serializable(
                config=self.config, data=json.loads(line)
            )
            if isinstance(report.longrepr, list):
                report.longrepr = tuple(report.longrepr)  # a skip's place and reason; JSON knows no tuples
            self.early.setdefault(report.nodeid, []).append(report)

    def lost(self, item: pytest.Item) -> pytest.TestReport:
        """A test of which no (complete) report came back has failed: show what the lab said."""
        said = self.output.read_text(errors="replace")
        words = "the pytest inside the lab ended before this test did; its last words:\n" + said[-3000:]
        return pytest.TestReport(item.nodeid, item.location, {}, "failed", words, "call")

    def end(self) -> None:
        """Nothing of it stays behind, whatever became of the tests."""
        self.process.terminate()
        self.process.wait()


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

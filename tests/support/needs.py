"""What tests need of this machine, and the table at the end: what did not run, why, and what to type for it.

A test names its needs by marks (`nmap`, `browser`, `program("ssh")` ...).  One that cannot be met skips the test
with a sentence of two parts, `why; type: what`, from which the table is made.  Without --all, tests with a browser,
Docker or a long wait are left out altogether, unless somebody names their file.

PORTLAB_REQUIRE=1 turns every skip into a failure: for machines on which everything must run.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
REQUIRE = os.environ.get("PORTLAB_REQUIRE", "") not in ("", "0")
IN_A_LAB = "PORTLAB_TEST_REPORTS" in os.environ  # see inlab.py

ONLY_WITH_ALL = ("browser", "docker", "slow")
LEFT_OUT = pytest.StashKey[int]()

# A program that tests call, and Debian's package of it.  `./run test` installs them as root; tests/test_run.py
# holds it to this table.
PACKAGES = {
    "nmap": "nmap",
    "ping": "iputils-ping",
    "tcpdump": "tcpdump",
}
PACKAGES_FOR_ALL = {
    "bash": "bash",
    "busybox": "busybox",
    "chromium": "chromium",
    "dash": "dash",
    "shellcheck": "shellcheck",
    "ssh": "openssh-client",
    "sudo": "sudo",
    "xmllint": "libxml2-utils",
}


@dataclass(frozen=True)
class Lack:
    """Something that this machine does not offer, and the line to type for it."""

    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.why}; type: {self.remedy}"


def program(name: str) -> Lack | None:
    """Whether a program is missing."""
    names = ("chromium", "chromium-browser", "google-chrome") if name == "chromium" else (name,)
    if any(shutil.which(each) for each in names):
        return None
    package = (PACKAGES | PACKAGES_FOR_ALL)[name]
    return Lack(f"{name} is not installed", f"sudo apt-get install -y {package}")


def lab() -> Lack | None:
    """Why no embedded lab can run here."""
    from lab_env import embedded

    obstacles = "; ".join(str(obstacle) for obstacle in embedded.obstacles())
    return Lack(f"no embedded lab: {obstacles}", "./run doctor") if obstacles else None


def docker() -> Lack | None:
    """Why no Docker lab can run here."""
    from lab_env.docker.engine import obstacle

    return Lack(f"no Docker lab: {why}", "./run doctor") if (why := obstacle()) else None


def root() -> Lack | None:
    """Whether this is an ordinary user, who cannot make others to be."""
    return None if os.geteuid() == 0 else Lack("has to be root", "sudo -E ./run test")


NEEDS: dict[str, Callable[[], Lack | None]] = {
    "lab": lambda: None if IN_A_LAB else lab(),
    "inlab": lambda: None if IN_A_LAB else lab(),
    "docker": docker,
    "nmap": lambda: program("nmap"),
    "browser": lambda: program("chromium"),
    "root": root,
}


@cache
def lack(need: str) -> Lack | None:
    """Whether a need can be met, asked once a session."""
    return NEEDS[need]()


def lacks(item: pytest.Item) -> Iterator[Lack]:
    """What this machine does not offer to a test."""
    for need in NEEDS:
        if item.get_closest_marker(need) and (missing := lack(need)):
            yield missing
    for mark in item.iter_markers("program"):
        for name in mark.args:
            if missing := program(name):
                yield missing


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test before any of its fixtures is made, if a need of it cannot be met."""
    for missing in lacks(item):
        pytest.skip(str(missing))


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


# --- what takes long is asked for ------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all", action="store_true", help="also the tests with a browser, with Docker, and slow ones"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, unless somebody asked for it: by --all, by its mark, or by its place."""
    named = config.args_source == pytest.Config.ArgsSource.ARGS
    if config.option.all or config.option.markexpr or named:
        return
    left_out = [item for item in items if any(map(item.get_closest_marker, ONLY_WITH_ALL))]
    items[:] = [item for item in items if item not in set(left_out)]
    config.stash[LEFT_OUT] = len(left_out)


# --- the table at the end --------------------------------------------------------------------------


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells the one that prints how many tests it left out."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear a worker: all of them leave out the same."""
    if output := getattr(node, "workeroutput", None):
        node.config.stash[LEFT_OUT] = output["left_out"]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What did not run, why, and what to type for it."""
    skipped = Counter(reason(report) for report in terminalreporter.stats.get("skipped", []))
    rows = [(count, *sentence.partition("; type: ")[::2]) for sentence, count in skipped.most_common()]
    if left_out := config.stash.get(LEFT_OUT, 0):
        rows.append((left_out, "take long, or need a browser or Docker", "./run test --all"))
    if not rows:
        return
    width = max(len(why) for _, why, _ in rows)
    terminalreporter.section("what did not run")
    for count, why, remedy in rows:
        terminalreporter.line(
            f"{count:5} {'tests' if count > 1 else 'test '}  {why:{width}}  {remedy}".rstrip()
        )


def reason(report: Any) -> str:
    """A skipped test's sentence."""
    said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return str(said).removeprefix("Skipped: ")

"""Which worker runs which tests, where pytest runs several (`./run test` does; `-n0` is one after the other).

A file is run by one worker, from top to bottom, so that its fixtures and its lab are made once.  Some files go
together: all that use the Docker lab, which stands once, with what looks at the whole machine; and all that use
JupyterLab.
"""

from __future__ import annotations

import os
from fnmatch import fnmatch
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

MOST_WORKERS = 8

TOGETHER = {
    "tests/lab/test_cleanup.py": "the machine",  # compares its interfaces and mounts, which containers change
    "tests/docker/*": "the machine",
    "tests/browser/test_notebooks.py": "JupyterLab",
    "tests/browser/*_in_jupyterlab.py": "JupyterLab",
}


def group(file: str) -> str:
    """The files that a file goes together with; empty: it stands alone."""
    return next((name for pattern, name in TOGETHER.items() if fnmatch(file, pattern)), "")


class Files(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Hands out whole files, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return group(file) or file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Files:
    config.option.loadscopereorder = False  # the order is that of `cost`
    return Files(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two a core: tests of a lab mostly wait for silence."""
    return min(MOST_WORKERS, 2 * len(os.sched_getaffinity(0)))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, so that no worker is left with it at the end.

    Browsers come last all the same: Playwright's event loop stays, and another cannot run beside it.
    """
    items.sort(key=cost)


def cost(item: pytest.Item) -> int:
    """A test's place in the order."""
    if item.get_closest_marker("browser"):
        return 4 if group(item.nodeid.partition("::")[0]) else 5
    if item.nodeid.startswith("tests/lab/test_cleanup.py"):
        return 0
    for place, marks in enumerate((("docker",), ("inlab", "lab", "slow")), start=1):
        if any(map(item.get_closest_marker, marks)):
            return place
    return 3

"""The browser, the learner's desk in it, and what is looked at besides the picture itself.

All tests that need JupyterLab share one (the fixture `sitting`) and one context of the browser (`window`), which
keeps JupyterLab's own files from page to page; each has a folder or a notebook of its own.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.desk import SIZE, Sitting, sitting_of
from tests.browser.quiet import QUIET

ARGUMENTS = [
    "--no-sandbox",  # root may not use the sandbox; the pages are our own
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # a container's may be small
]


@pytest.fixture(scope="session")
def browser(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Another Chromium, in a network where nothing comes or goes; the same one where that cannot be made."""
    if not (enter := QUIET.enter()):
        yield browser
        return
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium  # or the other browser would not be here
    program = tmp_path_factory.mktemp("browser") / "chromium"
    program.write_text(f'#!/bin/sh\nexec {shlex.join([*enter, chromium])} "$@"\n')
    program.chmod(0o755)
    opened = browser.browser_type.launch(executable_path=program, args=ARGUMENTS)
    yield opened
    opened.close()


@pytest.fixture(scope="session", autouse=True)
def quiet() -> Iterator[None]:
    yield
    QUIET.end()


@pytest.fixture(scope="session")
def window(browser: Any) -> Iterator[Any]:
    """What the pages with JupyterLab are opened in."""
    context = browser.new_context(viewport=SIZE)
    yield context
    context.close()


@pytest.fixture(scope="session")
def sitting() -> Iterator[Sitting]:
    """The one embedded lab with JupyterLab."""
    with sitting_of("embedded") as opened:
        yield opened


@pytest.fixture(scope="session")
def axe() -> Callable[..., list[str]]:
    """axe(page) -> what axe-core finds in PortLab's pictures on that page, as "rule: where"; [] is what we want.

    `context`: a CSS selector of what is looked at, where it is something else.  `colours`: only what a theme changes,
    for a page that was looked at in the other one.
    """
    from axe_playwright_python.sync_playwright import Axe

    def violations(page: Any, context: str = ".pl", colours: bool = False) -> list[str]:
        # Without this, axe-core also writes down in full all that is as it should be, which takes as long again.
        options: dict[str, Any] = {"resultTypes": ["violations"]}
        if colours:
            options["runOnly"] = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
        found = Axe().run(page, context, options).response["violations"]
        return [f"{rule['id']}: {node['target']}" for rule in found for node in rule["nodes"]]

    return violations

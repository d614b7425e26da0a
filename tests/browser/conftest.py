"""A real browser (the system's Chromium), and places for what it saw."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

ARGUMENTS = [
    "--no-sandbox",  # root may not use the sandbox; the pages are our own
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def axe() -> Callable[..., list[str]]:
    """axe(page) -> what axe-core finds in PortLab's pictures on that page, as "rule: where"; [] is what we want.

    `context`: a CSS selector of what is looked at, where it is something else.
    """
    from axe_playwright_python.sync_playwright import Axe

    def violations(page: Any, context: str = ".pl") -> list[str]:
        found = Axe().run(page, context).response["violations"]
        return [f"{rule['id']}: {node['target']}" for rule in found for node in rule["nodes"]]

    return violations

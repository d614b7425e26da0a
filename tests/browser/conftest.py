"""What is looked at in the browser besides the picture itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


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

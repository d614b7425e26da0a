"""A notebook that is opened gets its kernel, whatever comes late or is lost: no dialog, no cell forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.desk import ALL_RUN, PATIENCE_MS, READY, Sitting, menu

pytestmark = [pytest.mark.browser, pytest.mark.lab, pytest.mark.slow]

CELLS = ["6 * 7", "_ + 1"]


@pytest.fixture
def page(window: Any) -> Iterator[Any]:
    opened = window.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


def visit(page: Any, sitting: Sitting, notebook: str) -> None:
    """Open a notebook that was never opened: no kernel runs for it."""
    sitting.put(notebook, CELLS)
    page.goto(f"{sitting.url}/lab/tree/{notebook}?token={sitting.token}&reset")


def test_a_lost_list_of_kernels_is_asked_for_again_and_no_dialog_shown(page: Any, sitting: Sitting) -> None:
    """As Chromium loses it (ERR_NETWORK_CHANGED) where a network interface comes or goes."""
    lost: list[str] = []

    def lose_the_first(route: Any) -> None:
        if len(lost) < 2:
            lost.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    page.route("**/api/kernelspecs?*", lose_the_first)
    visit(page, sitting, "start/lost.ipynb")
    page.wait_for_function(f"() => document.querySelector('.jp-Dialog') || ({READY})()")
    assert page.locator(".jp-Dialog").all_inner_texts() == []
    assert len(lost) == 2


def test_cells_that_are_run_before_the_kernel_is_there_wait_for_it(page: Any, sitting: Sitting) -> None:
    held: list[Any] = []

    def hold_the_start(route: Any) -> None:
        if route.request.method == "POST":
            held.append(route)
        else:
            route.continue_()

    page.route("**/api/sessions?*", hold_the_start)
    with page.expect_request(lambda request: request.method == "POST" and "/api/sessions" in request.url):
        visit(page, sitting, "start/late.ipynb")
    page.wait_for_selector(".jp-CodeCell")
    menu(page, "Run", "Run All Cells")
    (start,) = held
    start.continue_()
    page.wait_for_function(ALL_RUN)
    assert page.locator(".jp-OutputArea-output").all_inner_texts() == ["42", "43"]

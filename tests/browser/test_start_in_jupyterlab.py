"""A notebook that is opened gets its kernel, whatever comes late or is lost: no dialog, no cell forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.desk import ALL_RUN, PATIENCE_MS, READY, Sitting, menu, run_all

pytestmark = [pytest.mark.browser, pytest.mark.lab, pytest.mark.slow]

CELLS = ["6 * 7", "_ + 1"]
EXTENSION = "**/extensions/portlab/**"
NUMBERED = """numbers => [...document.querySelectorAll(".jp-CodeCell .jp-InputArea-prompt")]
  .map((prompt) => prompt.textContent.match(/\\d+/)?.[0]).join() === numbers"""
SHOWN = """words => [...document.querySelectorAll(".jp-OutputArea-output")]
  .map((output) => output.innerText.trim()).join() === words"""


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
    awaits_outputs(page)


def awaits_outputs(page: Any) -> None:
    """A cell's number can be there a moment before its output is."""
    page.wait_for_function(SHOWN, arg="42,43")


def test_jupyterlab_s_own_ways_to_run_cells_are_as_ever(page: Any, sitting: Sitting) -> None:
    visit(page, sitting, "start/ways.ipynb")
    page.wait_for_function(READY)
    run_all(page)
    run_all(page)  # 3 and 4: so that 1 and 2 are those of the new kernel
    awaits_outputs(page)
    menu(page, "Kernel", "Restart Kernel and Run All Cells…")
    with page.expect_response(lambda answer: answer.url.partition("?")[0].endswith("/restart")):
        page.locator(".jp-Dialog .jp-mod-accept").click()
    page.wait_for_function(NUMBERED, arg="1,2")
    page.wait_for_function(READY)
    awaits_outputs(page)
    page.locator(".jp-CodeCell .cm-content").first.click()
    for numbers in ("3,2", "3,4,"):  # after the last cell comes a new one
        page.keyboard.press("Shift+Enter")
        page.wait_for_function(NUMBERED, arg=numbers)
    page.wait_for_function(READY)
    awaits_outputs(page)


def test_where_the_extension_cannot_be_loaded_notebooks_run_all_the_same(page: Any, sitting: Sitting) -> None:
    page.route(EXTENSION, lambda route: route.abort())
    visit(page, sitting, "start/without.ipynb")
    page.wait_for_function(READY)
    assert page.evaluate("'portlab' in (window._JUPYTERLAB ?? {})") is False
    run_all(page)
    awaits_outputs(page)


def test_where_a_kernel_does_not_start_cells_run_in_the_one_chosen(page: Any, sitting: Sitting) -> None:
    refused: list[str] = []

    def refuse_the_first(route: Any) -> None:
        if route.request.method == "POST" and not refused:
            refused.append(route.request.url)
            route.fulfill(status=500, json={"message": "no kernel today", "traceback": ""})
        else:
            route.continue_()

    page.route("**/api/sessions?*", refuse_the_first)
    visit(page, sitting, "start/refused.ipynb")
    for words in ("no kernel today", "Select Kernel"):
        page.locator(".jp-Dialog", has_text=words).locator(".jp-mod-accept").click()
    page.wait_for_function(READY)
    run_all(page)
    awaits_outputs(page)

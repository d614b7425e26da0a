"""The scan widget in a real JupyterLab in the lab: started and stopped by keyboard, its result and picture kept."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.desk import ERRORS, PATIENCE_MS, READY, Sitting, outputs, restart, run_all, save

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.lab]

NOTEBOOK = "scan_widget/scan_widget.ipynb"
CELLS = [
    """import portlab as pl
from portlab.learn import ScanWidget
widget = ScanWidget(pl.syn_scan, pl.connect_scan, pl.ping, target="web", ports="20-25,80")
widget""",
    """scan = widget.scan
counts = None if scan is None else tuple(map(len, (scan, scan.unanswered, scan.never_asked)))
print(scan if scan is None else (scan.complete, scan.stopped_by, *counts))""",
]
FORM = "figure.pl-scan .order"
STATE = "figure.pl-scan .state"


@pytest.fixture
def page(window: Any, sitting: Sitting) -> Iterator[Any]:
    """The notebook with the widget shown and heard."""
    sitting.put(NOTEBOOK, CELLS)
    opened = sitting.page(window, NOTEBOOK)
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    run_all(opened)
    opened.wait_for_selector(FORM, timeout=PATIENCE_MS)
    yield opened
    opened.close()
    assert complaints == []


def run_cell(page: Any, number: int) -> str:
    """Run one cell and return what it prints, while whatever else runs goes on."""
    cell = page.locator(".jp-CodeCell").nth(number)
    before = cell.locator(".jp-InputArea-prompt").inner_text()
    cell.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.wait_for_function(
        "([n, before]) => { const p = document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')[n].textContent;"
        r" return p !== before && /\[\d+\]/.test(p); }",
        arg=[number, before],
        timeout=PATIENCE_MS,
    )
    return cell.locator(".jp-OutputArea").inner_text().strip()


def order(page: Any, **typed: str) -> None:
    """Type into the form, as somebody does who has only a keyboard; Enter starts."""
    for name, words in typed.items():
        page.locator(f"{FORM} [name={name}]").focus()
        page.keyboard.press("Control+A")
        page.keyboard.type(words)
    page.keyboard.press("Enter")


def wait_for(page: Any, words: str) -> None:
    page.wait_for_function(
        "([where, words]) => document.querySelector(where)?.textContent.includes(words)",
        arg=[STATE, words],
        timeout=PATIENCE_MS,
    )


def test_a_scan_is_chosen_started_and_read_by_keyboard(page: Any, axe: Callable[..., list[str]]) -> None:
    order(page, target="web", ports="22,80,81", rate="200")
    wait_for(page, "Done after")
    assert "1 open, 1 closed, 1 filtered" in page.locator(STATE).inner_text()
    assert page.locator(".python code").inner_text() == 'pl.syn_scan("web", "22,80,81", rate=200)'
    assert page.evaluate("document.activeElement.name") == "rate"  # the picture was drawn anew around it
    assert page.locator("figure.pl-scan svg.scan-picture").count() == 2
    assert "syn-ack" in page.locator("figure.pl-summary").inner_text()
    assert page.locator(ERRORS).count() == 0
    assert axe(page) == []
    assert run_cell(page, 1) == "(True, '', 3, 0, 0)"


def test_a_running_scan_is_stopped_while_other_cells_go_on(page: Any) -> None:
    order(page, target="db", ports="1-2000", rate="150")
    wait_for(page, "The scan is running.")
    page.wait_for_selector("figure.pl-scan progress")
    assert run_cell(page, 1) == "None"
    wait_for(page, "The scan is running.")
    page.locator(f"{FORM} button[data-do=stop]").focus()
    page.keyboard.press("Enter")
    wait_for(page, "Ended early (stopped)")
    complete, stopped_by, known, unanswered, never = ast.literal_eval(run_cell(page, 1))
    assert (complete, stopped_by) == (False, "stopped")
    assert known + unanswered + never == 2000
    assert never > 0
    assert "INCOMPLETE" in page.locator("figure.pl-summary").inner_text()


def test_a_target_outside_is_refused_in_words(page: Any) -> None:
    order(page, target="192.0.2.1", ports="80")
    alert = page.locator("figure.pl-scan [role=alert]")
    alert.filter(has_text="192.0.2.1").wait_for(timeout=PATIENCE_MS)
    assert "authorise" in alert.inner_text()
    assert page.locator(STATE).inner_text() == "Nothing was sent."
    assert page.locator(f"{FORM} button[data-do=start]").get_attribute("aria-disabled") == "false"


def test_the_line_of_python_follows_what_is_typed(page: Any) -> None:
    page.locator(f"{FORM} [name=function]").select_option("ping")
    page.wait_for_function("document.querySelector('.python code').textContent === 'pl.ping(\"web\")'")
    assert not page.locator(f"{FORM} [name=ports]").is_visible()


def test_the_last_picture_outlives_the_kernel(page: Any, sitting: Sitting) -> None:
    order(page, target="web", ports="80,81")
    wait_for(page, "Done after")
    kept = [output for output in outputs(save(page, sitting, NOTEBOOK)) if "Done after" in str(output)]
    assert [set(output["data"]) for output in kept] == [{"text/html", "text/plain"}]
    assert "widgets" not in sitting.saved(NOTEBOOK)["metadata"]

    restart(page)
    page.wait_for_selector(".pl-live:not([data-alive])", timeout=PATIENCE_MS)
    assert_still(page)
    page.reload()
    page.wait_for_function(READY, timeout=PATIENCE_MS)
    page.wait_for_selector("figure.pl-scan", timeout=PATIENCE_MS)
    assert_still(page)


def assert_still(page: Any) -> None:
    """The picture, a word about how to wake it, and no control that would do nothing."""
    assert page.locator("figure.pl-scan svg.scan-picture").first.is_visible()
    assert "Done after" in page.locator(STATE).inner_text()
    assert page.locator(".pl-live > .asleep").is_visible()
    assert not page.locator(FORM).is_visible()
    assert "model not found" not in page.locator(".jp-Notebook").inner_text()


def test_a_page_loaded_anew_finds_its_way_back_to_python(page: Any, sitting: Sitting) -> None:
    save(page, sitting, NOTEBOOK)
    page.reload()
    page.wait_for_function(READY, timeout=PATIENCE_MS)
    page.wait_for_selector(".pl-live[data-alive]", timeout=PATIENCE_MS)
    order(page, target="web", ports="443")
    wait_for(page, "1 open")

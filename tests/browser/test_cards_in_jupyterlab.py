"""Cards that remember and the reference that asks the lab, in a real JupyterLab in the lab, by keyboard."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.desk import ERRORS, PATIENCE_MS, Sitting, run_all, save

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.lab]

NOTEBOOK = "cards/91_cards.ipynb"
CELLS = [
    "import portlab as pl\nfrom portlab.learn import Deck, port_reference\n\nDeck().unlock([23]).review()",
    "def probe(port, protocol):\n"
    '    return pl.syn_scan(["web", "files"], port)\n\n'
    'port_reference(probe, rows=pl.ports.find("http"))',
    "pl.ports",
]


@pytest.fixture(scope="module")
def page(window: Any, sitting: Sitting) -> Iterator[Any]:
    sitting.put(NOTEBOOK, CELLS)
    opened = sitting.page(window, NOTEBOOK)
    run_all(opened)
    assert opened.locator(ERRORS).count() == 0, opened.locator(ERRORS).all_inner_texts()
    yield opened
    opened.close()


def test_a_card_is_turned_answered_and_kept(page: Any, sitting: Sitting) -> None:
    page.wait_for_selector(".pl-live[data-alive] .stage", timeout=PATIENCE_MS)
    stage = page.locator(".stage").first
    stage.focus()
    page.keyboard.press("Space")
    assert "Telnet · TCP" in stage.get_by_role("status").inner_text()
    page.keyboard.press("2")
    page.wait_for_function("() => document.querySelector('.kept').textContent", timeout=PATIENCE_MS)
    assert page.locator(".kept").inner_text() == "Kept. It comes back in 10 minutes."
    kept = json.loads((sitting.copy(NOTEBOOK).parent / ".portlab" / "cards.json").read_text("utf-8"))
    assert kept["unlocked"] == [23]
    assert [(card, knew) for card, _, knew in kept["answers"]] == [("23 service", True)]
    page.keyboard.press("d")  # in JupyterLab's hands "dd" would delete the cell
    page.keyboard.press("d")
    assert page.locator(".jp-CodeCell").count() == len(CELLS)


def test_a_row_probes_the_lab_and_the_notebook_keeps_what_was_found(page: Any, sitting: Sitting) -> None:
    live = page.locator(".pl-live[data-alive] figure.pl-reference")
    live.get_by_role("columnheader", name="service").get_by_role("button").press("Enter")  # rows have moved
    button = live.get_by_role("button", name="Probe the lab for 80/tcp http")
    button.press("Enter")
    told = live.locator(".told")
    page.wait_for_function("() => document.querySelector('.told').textContent", timeout=PATIENCE_MS)
    assert told.inner_text().startswith("80/tcp: open on web")
    page.wait_for_function("where => document.activeElement.dataset.where === where", arg="80/tcp http")
    assert button.inner_text() == "Probe again"
    cell = save(page, sitting, NOTEBOOK)["cells"][1]
    kept = {name: "".join(text) for output in cell["outputs"] for name, text in output["data"].items()}
    assert "80/tcp in the lab: open on web" in kept["text/plain"]
    assert "open on web" in kept["text/html"]


def test_the_reference_itself_is_searched(page: Any) -> None:
    whole = page.locator("figure.pl-reference").last
    whole.get_by_label("Search", exact=True).fill("telnet")
    assert "23/tcp" in whole.locator("tbody tr:visible th").all_inner_texts()
    assert "rows" in whole.locator("output").inner_text()


def test_axe_finds_nothing(page: Any, axe: Callable[..., list[str]]) -> None:
    assert axe(page) == []

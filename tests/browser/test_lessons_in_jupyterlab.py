"""The lessons under a learner's hands, by keyboard alone, in a real JupyterLab in the lab."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.desk import ERRORS, NOTEBOOKS, PATIENCE_MS, Sitting

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.lab]

START, SHAKE, CARDS = (
    next(path.name for path in NOTEBOOKS if path.name.startswith(number)) for number in ("00", "03", "08")
)
HAS_RUN = """([cell, before]) => {
  const prompt = cell.querySelector(".jp-InputArea-prompt").textContent;
  return prompt !== before && /\\[\\d+\\]/.test(prompt);
}"""
OPENS_THE_STEPS = "figure.pl-ladder[data-awake] [data-do=next]"


@pytest.fixture
def opened(window: Any, sitting: Sitting, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Any]]:
    """opened(notebook) -> its page, in a folder of the test's own, where nothing was answered yet.

    No page may have complained, and no cell ended in an error.
    """
    pages, complaints = [], []

    def show(notebook: str) -> Any:
        page = sitting.page(window, sitting.fresh(notebook, request.node.name))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        pages.append(page)
        return page

    yield show
    for page in pages:
        assert page.locator(ERRORS).all_inner_texts() == []
        page.close()
    assert complaints == []


def run(page: Any, line: str) -> Any:
    """Run the cell that has this line, by Shift+Enter, and return it."""
    cell = page.locator(".jp-CodeCell", has=page.locator(".jp-InputArea-editor", has_text=line)).first
    before = cell.locator(".jp-InputArea-prompt").first.inner_text()
    cell.locator(".cm-content").focus()
    page.keyboard.press("Shift+Enter")
    page.wait_for_function(HAS_RUN, arg=[cell.element_handle(), before], timeout=PATIENCE_MS)
    return cell


def predict(page: Any, cell: Any, *downs: int) -> str:
    """Choose in each group by the arrow keys, lock in by Enter, and read what is said."""
    button = cell.locator("figure.pl-gate .go")
    button.wait_for(timeout=PATIENCE_MS)
    cell.locator("figure.pl-gate input").first.focus()
    for down in downs:
        page.keyboard.press("Space")
        for _ in range(down):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    verdict = cell.locator(".feedback .verdict .mark")
    verdict.wait_for(timeout=PATIENCE_MS)
    return str(cell.locator(".feedback").inner_text())


def test_a_prediction_is_locked_in_and_its_ladder_stepped_to_the_end(
    opened: Callable[[str], Any], axe: Callable[..., list[str]]
) -> None:
    page = opened(SHAKE)
    run(page, "lab.here()")
    beat = run(page, 'lesson.predict("web-80"')
    assert beat.locator("figure.pl-ladder").count() == 0

    assert "Right, and for the right reason." in predict(page, beat, 0, 0)  # open, a SYN-ACK
    following = beat.locator(OPENS_THE_STEPS)
    following.wait_for(timeout=PATIENCE_MS)
    beat.locator("svg.ladder").click()
    said = []
    while following.get_attribute("aria-disabled") != "true":
        page.keyboard.press("ArrowRight")
        said.append(beat.locator(".say").inner_text())
    assert [sentence.split(".")[0] for sentence in said] == [f"Step {step} of 7" for step in range(1, 8)]
    assert "connect() makes the kernel send SYN" in said[1]
    assert "SYN-ACK comes back in web's name" in said[2]
    assert "open" in said[6]
    assert "both are connected" in beat.get_by_role("region", name="Explanation").inner_text()
    assert axe(page) == []


def test_a_field_of_a_packet_of_the_lab_lights_up_its_bytes(opened: Callable[[str], Any]) -> None:
    page = opened(SHAKE)
    run(page, "lab.here()")
    predict(page, run(page, 'lesson.predict("web-80"'), 0, 0)
    asked = run(page, 'lesson.ask("which-number"')
    predict(page, asked, 2)
    field = asked.locator('button.field[aria-label^="Acknowledgment number:"]')
    field.wait_for(timeout=PATIENCE_MS)
    asked.locator(
        "figure.pl-anatomy .heading"
    ).click()  # a click anywhere in it: its first field has the focus
    for _ in range(asked.locator("button.field").count()):
        if field.evaluate("field => field === document.activeElement"):
            break
        page.keyboard.press("ArrowRight")
    lit = "".join(asked.locator(".h.hot").all_inner_texts())
    told = asked.locator(".told").inner_text()
    assert f"{int(lit.replace(' ', ''), 16)}" in told
    assert "one more than the sequence number of the SYN" in told


def test_what_is_taller_than_the_screen_is_read_from_its_beginning(opened: Callable[[str], Any]) -> None:
    page = opened(START)
    page.set_viewport_size({"width": 1366, "height": 768})
    run(page, "lab.here()")
    first = run(page, 'lesson.quiz("pre-test")').locator("legend").first
    first.wait_for(timeout=PATIENCE_MS)
    page.wait_for_function(
        """first => first.getBoundingClientRect().top
          > first.closest(".jp-WindowedPanel-outer").getBoundingClientRect().top""",
        arg=first.element_handle(),
        timeout=PATIENCE_MS,
    )


def test_a_card_is_turned_and_its_answer_kept(
    opened: Callable[[str], Any], sitting: Sitting, request: pytest.FixtureRequest
) -> None:
    page = opened(CARDS)
    run(page, "lab.here()")
    cell = run(page, "deck.review()")
    stage = cell.locator(".pl-live[data-alive] .stage")
    stage.wait_for(timeout=PATIENCE_MS)
    asked = stage.locator(".question").inner_text()
    assert re.match(r"20\b", asked)
    page.wait_for_function("() => document.activeElement.matches('.stage')")  # its cell was run by hand
    page.keyboard.press("Space")
    assert "FTP data" in stage.locator(".answer").inner_text()
    page.keyboard.press("1")
    page.wait_for_function("() => document.querySelector('.kept').textContent", timeout=PATIENCE_MS)
    kept = json.loads((sitting.copy(request.node.name) / ".portlab" / "cards.json").read_text("utf-8"))
    assert [(card, knew) for card, _, knew in kept["answers"]] == [("20 service", False)]
    assert stage.locator(".question").inner_text() != asked

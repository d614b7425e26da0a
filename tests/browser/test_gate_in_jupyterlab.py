"""Beats under a learner's hands, in a real JupyterLab in the lab: its tests in order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.desk import ERRORS, PATIENCE_MS, READY, Sitting, outputs, restart, run_all, save

pytestmark = [pytest.mark.browser, pytest.mark.lab, pytest.mark.slow]

NOTEBOOK = "gate/90_gate.ipynb"
CELLS = [
    "import portlab as pl\nfrom lab_env import lab\nfrom portlab.learn import Lesson, open_ports\n"
    "from portlab.learn.exercises import Task\n\n"
    'lesson = Lesson("90", scanner=pl, lab=lab)\nlab.here()',
    'web_80 = lesson.predict("web-80", "syn", "web", 80)\nweb_80',
    'web_9 = lesson.predict("web-9", "syn", "web", 9)\nweb_9',
    'lesson.together("both", web_80, web_9)',
    'lesson.exercise("doors", open_ports, of=pl.syn_scan("mail", "25,80,110"),\n'
    '    task=Task("doors", "Which ports are open?", "numbers", hints=["Look."]))',
]
FIRST, SECOND, BOTH, DOORS = range(1, 5)
LADDER = "figure.pl-ladder"
FOCUS = (
    "(() => [...document.querySelectorAll('.jp-Cell')].indexOf(document.activeElement.closest('.jp-Cell')))()"
)


@pytest.fixture(scope="module", autouse=True)
def put(sitting: Sitting) -> None:
    sitting.put(NOTEBOOK, CELLS)


@pytest.fixture
def page(window: Any, sitting: Sitting) -> Iterator[Any]:
    opened = sitting.page(window, NOTEBOOK)
    yield opened
    opened.close()


def cell(page: Any, place: int) -> Any:
    return page.locator(".jp-Notebook .jp-Cell").nth(place)


def choose_by_keyboard(page: Any, place: int, *downs: int) -> None:
    """Tab into each group, arrow down to the choice, then on to the button."""
    cell(page, place).locator("figure.pl-gate .go").wait_for(timeout=PATIENCE_MS)
    cell(page, place).locator("figure.pl-gate input").first.focus()
    for down in downs:
        page.keyboard.press("Space")
        for _ in range(down):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")


def told(page: Any, place: int) -> str:
    """What is said, once it is."""
    said = cell(page, place).locator(".feedback[role=status]")
    said.locator(".verdict .mark").wait_for(timeout=PATIENCE_MS)
    return str(said.inner_text())


def test_a_beat_is_answered_by_keyboard_and_fills_its_own_place(
    page: Any, sitting: Sitting, axe: Callable[..., list[str]], tmp_path: Path
) -> None:
    run_all(page)
    assert page.locator(ERRORS).all_inner_texts() == []
    assert page.locator(LADDER).count() == 0
    assert 'waits for your answer to "web-80" and "web-9"' in cell(page, BOTH).inner_text()
    kept = save(page, sitting, NOTEBOOK)
    assert "pl-ladder" not in str(outputs(kept)).replace(".pl-ladder", "")

    choose_by_keyboard(page, FIRST, 0, 0)  # open, a SYN-ACK
    page.keyboard.press("Enter")
    assert "Right, and for the right reason." in told(page, FIRST)
    cell(page, FIRST).locator(LADDER).wait_for()
    assert cell(page, FIRST).locator("input:disabled").count() == 7
    assert cell(page, FIRST).get_by_text("Next: Shift+Enter.").is_visible()
    assert 'waits for your answer to "web-9"' in cell(page, BOTH).inner_text()
    assert axe(page) == []
    page.screenshot(path=tmp_path / "beat.png")

    kept = save(page, sitting, NOTEBOOK)
    stills = [str(outputs({"cells": [each]})) for each in kept["cells"]]
    assert ['aria-label="SYN scan: web' in still for still in stills] == [False, True, False, False, False]
    answers = json.loads((sitting.copy(NOTEBOOK).parent / ".portlab" / "progress.json").read_text("utf-8"))
    assert answers["answers"]["90/web-80"]["seen"]["fidelity"] == sitting.fidelity


def test_after_the_answer_shift_enter_runs_on(page: Any) -> None:
    run_all(page)
    cell(page, FIRST).get_by_role("button", name="Answer again").click()
    choose_by_keyboard(page, FIRST, 0, 0)
    page.keyboard.press("Enter")
    told(page, FIRST)
    page.wait_for_function(f"() => {FOCUS} === {SECOND}")
    before = cell(page, SECOND).locator(".jp-InputArea-prompt").inner_text()
    page.keyboard.press("Shift+Enter")
    page.wait_for_function(
        "([cell, before]) => cell.querySelector('.jp-InputArea-prompt').textContent !== before",
        arg=[cell(page, SECOND).element_handle(), before],
        timeout=PATIENCE_MS,
    )


def test_on_a_small_screen_shift_enter_shows_the_picture_before_it_runs_on(page: Any) -> None:
    run_all(page)
    page.set_viewport_size({"width": 1200, "height": 700})
    cell(page, FIRST).get_by_role("button", name="Answer again").click()
    choose_by_keyboard(page, FIRST, 0, 0)
    page.keyboard.press("Enter")
    told(page, FIRST)
    page.wait_for_function(f"() => {FOCUS} === {SECOND}")
    ladder, view = cell(page, FIRST).locator(LADDER), page.locator(".jp-WindowedPanel-outer")
    end = view.bounding_box()["y"] + view.bounding_box()["height"]
    button = cell(page, FIRST).get_by_role("button", name="Answer again").bounding_box()
    assert button["y"] + button["height"] <= end
    assert ladder.bounding_box()["y"] + ladder.bounding_box()["height"] > end
    page.keyboard.press("Shift+Enter")
    assert view.bounding_box()["y"] <= ladder.bounding_box()["y"]
    assert ladder.bounding_box()["y"] + ladder.bounding_box()["height"] <= end
    assert page.evaluate(FOCUS) == SECOND
    for _ in range(3):  # its end, and then on
        page.keyboard.press("Shift+Enter")
    page.wait_for_function(f"() => {FOCUS} > {SECOND}")


def test_a_wrong_answer_is_met_by_its_counter_example_if_that_is_wanted(
    page: Any, axe: Callable[..., list[str]], tmp_path: Path
) -> None:
    run_all(page)
    choose_by_keyboard(page, SECOND, 2, 1)  # filtered, a RST
    page.keyboard.press("Enter")
    said = told(page, SECOND)
    assert "Right evidence, other state." in said
    assert "A port that refuses is blocked by a firewall." in said
    assert cell(page, SECOND).locator(LADDER).count() == 1
    cell(page, BOTH).locator(LADDER).nth(1).wait_for(timeout=PATIENCE_MS)  # it has filled itself
    cell(page, SECOND).get_by_role("button", name="Show what speaks against it").click()
    cell(page, SECOND).locator(LADDER).nth(2).wait_for(timeout=PATIENCE_MS)
    states = cell(page, SECOND).locator(LADDER).all_inner_texts()
    assert ["filtered" in states[0], "closed" in states[1], "closed" in states[2]] == [True, True, True]
    assert axe(page) == []
    page.screenshot(path=tmp_path / "counter_example.png")


def test_an_exercise_is_written_into_its_field(page: Any) -> None:
    run_all(page)
    field = cell(page, DOORS).get_by_role("textbox", name="Which ports are open?")
    field.fill("25")
    field.press("Enter")
    assert "Still missing: 1 of 2" in told(page, DOORS)
    assert field.evaluate("field => field === document.activeElement")
    field.press("End")
    page.keyboard.type(", 110")
    page.keyboard.press("Enter")
    cell(page, DOORS).locator(".verdict", has_text="Right.").wait_for(timeout=PATIENCE_MS)
    assert field.is_disabled()


def test_a_picture_takes_the_keys_with_a_click_and_gives_them_back_with_escape(page: Any) -> None:
    run_all(page)
    ladder = cell(page, FIRST).locator(LADDER)
    ladder.locator("svg.ladder").click()
    assert ladder.evaluate("figure => figure === document.activeElement")
    assert ladder.evaluate("figure => getComputedStyle(figure).outlineStyle") == "solid"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert "Step 2 of" in ladder.locator(".say").inner_text()
    for key in "ddmb":  # JupyterLab's own: delete, make it Markdown, insert below
        page.keyboard.press(key)
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == len(CELLS)
    assert ladder.evaluate("figure => figure === document.activeElement")
    page.keyboard.press("Escape")
    assert cell(page, FIRST).evaluate("cell => cell === document.activeElement")


def test_a_page_that_is_loaded_anew_finds_its_beats_and_they_can_be_answered(
    page: Any, sitting: Sitting
) -> None:
    run_all(page)
    cell(page, FIRST).get_by_role("button", name="Answer again").click()
    cell(page, FIRST).locator("figure.pl-gate .go").wait_for(timeout=PATIENCE_MS)
    assert "pl-ladder" not in str(outputs(save(page, sitting, NOTEBOOK))[1]).replace(".pl-ladder", "")
    page.reload()
    page.wait_for_function(READY, timeout=PATIENCE_MS)
    choose_by_keyboard(page, FIRST, 0, 0)
    page.keyboard.press("Enter")
    assert "Right, and for the right reason." in told(page, FIRST)
    cell(page, FIRST).locator(LADDER).wait_for()


def test_after_a_restart_of_the_kernel_all_that_was_answered_is_shown_again(page: Any) -> None:
    run_all(page)
    restart(page)
    run_all(page)
    assert "Right, and for the right reason." in told(page, FIRST)
    assert "Show what speaks against it" in cell(page, SECOND).inner_text()
    counts = [cell(page, place).locator(LADDER).count() for place in range(len(CELLS))]
    assert counts == [0, 1, 1, 2, 0]
    assert "Right." in told(page, DOORS)

"""The prediction gate under a learner's hands, in a real JupyterLab in the lab: its tests in order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.desk import ERRORS, PATIENCE_MS, Sitting, restart, run_all, save

pytestmark = [pytest.mark.browser, pytest.mark.lab, pytest.mark.slow]

NOTEBOOK = "gate/90_gate.ipynb"
CELLS = [
    "import portlab as pl\nfrom lab_env import lab\nfrom portlab.learn import Lesson\n\n"
    'lesson = Lesson("90", scanner=pl, lab=lab)\nlab.here()',
    'door = lesson.predict("open-door", "syn", "web", "9,22,80", about=("web", 80))\ndoor',
    "door.ladders(80, 9, 22)",
    'other = lesson.predict("closed-door", "syn", "web", 9)\nother',
    'lesson.check("how-many", 3, len, scan=door.scan)',
]


@pytest.fixture(scope="module", autouse=True)
def put(sitting: Sitting) -> None:
    sitting.put(NOTEBOOK, CELLS)


@pytest.fixture
def page(window: Any, sitting: Sitting) -> Iterator[Any]:
    opened = sitting.page(window, NOTEBOOK)
    yield opened
    opened.close()


def gate(page: Any, which: int) -> Any:
    return page.locator("figure.pl-gate").nth(which)


def choose_by_keyboard(page: Any, which: int, *downs: int) -> None:
    """Tab into each group, arrow down to the choice, then on to the button."""
    gate(page, which).locator("input").first.focus()
    for down in downs:
        page.keyboard.press("Space")
        for _ in range(down):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")


def locked(page: Any, which: int) -> Any:
    page.wait_for_function(
        "n => document.querySelectorAll('figure.pl-gate')[n].querySelector('.mark')",
        arg=which,
        timeout=PATIENCE_MS,
    )
    return gate(page, which).locator(".feedback[role=status]")


def test_predict_by_keyboard_and_read_why(
    page: Any, sitting: Sitting, axe: Callable[..., list[str]], tmp_path: Path
) -> None:
    run_all(page)
    assert page.locator(ERRORS).all_inner_texts() == []
    assert page.get_by_text("Predict above first.").count() == 2
    button = gate(page, 0).locator("button")
    button.wait_for(timeout=PATIENCE_MS)
    assert button.get_attribute("aria-disabled") == "true"

    choose_by_keyboard(page, 0, 0, 0)  # open, a SYN-ACK
    assert button.get_attribute("aria-disabled") == "false"
    page.keyboard.press("Enter")
    told = locked(page, 0).inner_text()
    assert "Right, and for the right reason." in told
    assert "a SYN-ACK came back from web" in told
    assert button.evaluate("button => button === document.activeElement")
    assert gate(page, 0).locator("input:disabled").count() == 7
    assert axe(page) == []
    page.screenshot(path=tmp_path / "gate.png")

    run_all(page)
    assert page.get_by_text("Predict above first.").count() == 0
    assert page.locator("figure.pl-ladder").count() == 3
    kept = save(page, sitting, NOTEBOOK)
    assert "Right, and for the right reason." in str(kept["cells"][1]["outputs"])
    answers = json.loads((sitting.copy(NOTEBOOK).parent / ".portlab" / "progress.json").read_text("utf-8"))
    assert answers["answers"]["90/open-door"]["seen"]["fidelity"] == sitting.fidelity
    assert answers["answers"]["90/how-many"]["answer"] == 3


AGAINST = "() => document.querySelector('figure.pl-gate .more figure.pl-ladder')"


def test_a_wrong_answer_is_met_by_its_counter_example(
    page: Any, axe: Callable[..., list[str]], tmp_path: Path
) -> None:
    run_all(page)
    gate(page, 1).locator("button").wait_for(timeout=PATIENCE_MS)
    choose_by_keyboard(page, 1, 2, 1)  # filtered, a RST
    page.keyboard.press("Enter")
    told = locked(page, 1)
    assert "Right evidence, other state." in told.inner_text()
    assert "A port that refuses (closed, by a RST) is blocked by a firewall." in told.inner_text()
    gate(page, 1).get_by_role("button", name="Show what speaks against it").click()
    page.wait_for_function(AGAINST, timeout=PATIENCE_MS)
    states = (
        gate(page, 1).locator(".more figure.pl-ladder").evaluate_all("all => all.map(one => one.textContent)")
    )
    assert ["filtered" in states[0], "closed" in states[1], len(states)] == [True, True, 2]
    assert axe(page) == []
    page.screenshot(path=tmp_path / "counter_example.png")


def test_after_a_restart_of_the_kernel_the_answers_are_known(page: Any) -> None:
    run_all(page)
    restart(page)
    run_all(page)
    assert "Right, and for the right reason." in gate(page, 0).inner_text()
    assert page.locator("figure.pl-ladder").count() == 3
    gate(page, 1).get_by_role("button", name="Show what speaks against it").click()
    page.wait_for_function(AGAINST, timeout=PATIENCE_MS)

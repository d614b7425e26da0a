"""The prediction gate under a learner's hands, in a real JupyterLab in the lab: one sitting, its tests in order."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portlab.learn.evidence import packets_to_choose, states_to_choose
from portlab.learn.questions import questions_of
from portlab.view.gate import Choice, Feedback, Gate, Group, note
from tests.browser.test_notebooks import (
    ERRORS,
    IDLE,
    PATIENCE_MS,
    PROMPTS,
    Sitting,
    copy_project,
    menu,
    run_all,
    save,
    start,
)

pytestmark = pytest.mark.browser

# --- laid out by a browser, without a notebook ------------------------------------------------------------

GATE = Gate(
    "a-door",
    "Predict first",
    "What will a UDP scan say about port 514 of ops, and what will decide it?",
    (
        Group(
            "state", "The port will be reported as", tuple(Choice(s, s, s) for s in states_to_choose("udp"))
        ),
        Group("packet", "because what comes back is", tuple(Choice(p) for p in packets_to_choose("udp"))),
    ),
    "Lock in and run the scan",
)
SAID = Feedback(
    "½", "Right evidence, other state.", ("Silence cannot tell them apart. " * 4,), "pl.udp_scan()"
)
QUESTIONS = tuple(question.group(question.text) for question in questions_of("pre-test"))
FIGURES = {
    "before": GATE.html(),
    "after": replace(GATE, picked={"state": "closed", "packet": "nothing"}, feedback=SAID).html(),
    "one": replace(GATE, groups=QUESTIONS[:1]).html(),
    "many": replace(GATE, groups=QUESTIONS).html(),
    "note": note(SAID),
}


@pytest.mark.parametrize("light", [True, False], ids=["light", "dark"])
@pytest.mark.parametrize("name", FIGURES)
def test_it_can_be_read_at_every_width(
    browser: Any, axe: Callable[..., list[str]], name: str, light: bool
) -> None:
    page = browser.new_page()
    theme = f'data-jp-theme-light="{str(light).lower()}" style="background:{"#fff" if light else "#111"}"'
    for width in (400, 560, 900):
        page.set_viewport_size({"width": width, "height": 800})
        page.set_content(f'<!doctype html><meta charset="utf-8"><body {theme}>{FIGURES[name]}')
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert axe(page) == []
    page.close()


def test_the_button_unlocks_when_every_group_has_a_choice(browser: Any) -> None:
    page = browser.new_page()
    page.set_content(f"<!doctype html><body>{GATE.html()}")
    page.evaluate("document.addEventListener('pl-tell', event => { window.told = event.detail; })")
    button = page.locator("button")
    page.locator("input[value=closed]").check()
    button.click(force=True)
    assert (button.get_attribute("aria-disabled"), page.evaluate("window.told")) == ("true", None)
    page.locator("input[value=nothing]").check()
    assert button.get_attribute("aria-disabled") == "false"
    button.click()
    assert page.evaluate("told") == {"do": "commit", "picked": {"state": "closed", "packet": "nothing"}}
    assert "Waiting for the packets" in page.locator(".hint").inner_text()
    page.locator(".hint", has_text="Still waiting for Python").wait_for()
    assert button.get_attribute("aria-disabled") == "false"
    page.close()


# --- in JupyterLab ----------------------------------------------------------------------------------------

NOTEBOOK = "90_gate.ipynb"
CELLS = [
    "import portlab as pl\nfrom lab_env import lab\nfrom portlab.learn import Lesson\n\n"
    'lesson = Lesson("90", scanner=pl, lab=lab)\nlab.here()',
    'door = lesson.predict("open-door", "syn", "web", "9,22,80", about=("web", 80))\ndoor',
    "door.ladders(80, 9, 22)",
    'other = lesson.predict("closed-door", "syn", "web", 9)\nother',
    'lesson.check("how-many", 3, len, scan=door.scan)',
]


@pytest.fixture(
    scope="module",
    params=[pytest.param("embedded", marks=[pytest.mark.lab, pytest.mark.slow], id="embedded")],
)
def sitting(request: pytest.FixtureRequest) -> Iterator[Sitting]:
    directory = Path("/var/tmp", f"portlab-gate-{os.getpid()}-{time.monotonic_ns()}")
    project = copy_project(directory / "PortLab")
    (project / "notebooks" / NOTEBOOK).write_text(json.dumps(notebook(CELLS)), "utf-8")
    opened = start(project, request.param, None)
    yield opened
    opened.process.terminate()
    opened.process.communicate(timeout=30)
    shutil.rmtree(directory)


def notebook(cells: list[str]) -> dict[str, Any]:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    code = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    return {
        "cells": [{**code, "id": f"cell-{n}", "source": source} for n, source in enumerate(cells)],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


@pytest.fixture
def page(browser: Any, sitting: Sitting) -> Iterator[Any]:
    opened = sitting.page(browser, NOTEBOOK)
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


def test_a_wrong_answer_is_met_by_its_counter_example(
    page: Any, axe: Callable[..., list[str]], tmp_path: Path
) -> None:
    run_all(page)
    gate(page, 1).locator("button").wait_for(timeout=PATIENCE_MS)
    choose_by_keyboard(page, 1, 2, 1)  # filtered, a RST
    page.keyboard.press("Enter")
    told = locked(page, 1)
    page.wait_for_function(
        "() => document.querySelector('figure.pl-gate .more figure.pl-ladder')", timeout=PATIENCE_MS
    )
    assert "Right evidence, other state." in told.inner_text()
    assert "Closed means that a firewall blocks the port." in told.inner_text()
    states = (
        gate(page, 1).locator(".more figure.pl-ladder").evaluate_all("all => all.map(one => one.textContent)")
    )
    assert ["filtered" in states[0], "closed" in states[1], len(states)] == [True, True, 2]
    assert axe(page) == []
    page.screenshot(path=tmp_path / "counter_example.png")


def test_after_a_restart_of_the_kernel_the_answers_are_known(page: Any) -> None:
    run_all(page)
    menu(page, "Kernel", "Restart Kernel…")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.wait_for_selector(IDLE, timeout=PATIENCE_MS)
    run_all(page)
    page.wait_for_function(PROMPTS, arg="done", timeout=PATIENCE_MS)
    assert "Right, and for the right reason." in gate(page, 0).inner_text()
    assert page.locator("figure.pl-ladder").count() == 3
    assert 'lesson.counter_example("M02")' in gate(page, 1).inner_text()

"""The lessons in a real JupyterLab in the lab: opened, run from top to bottom, looked at."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.desk import (
    ERRORS,
    KNOCK,
    NOTEBOOKS,
    PATIENCE_MS,
    Sitting,
    menu,
    outputs,
    run_all,
    save,
    sitting_of,
)
from tests.browser.stranger import ordinary_user

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FORMULAS = ".jp-OutputArea mjx-container"  # bytes and prompts that were taken for mathematics


def look_through(browser: Any, sitting: Sitting, notebook: str, tmp_path: Path) -> None:
    """Run a lesson from top to bottom: no errors, whole pictures, nothing of it lost when it is saved."""
    page = sitting.page(browser, notebook)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    run_all(page)
    page.screenshot(path=tmp_path / f"{notebook}.png")
    assert page.locator(ERRORS).all_inner_texts() == []
    ladders = page.locator("figure.pl-ladder svg.ladder")
    assert all(
        box and box["height"] > 100 and box["width"] > 100
        for box in (one.bounding_box() for one in ladders.all())
    )
    waiting = page.locator("figure.pl-gate:not([data-locked])").count()
    if sitting.predicted:
        assert ladders.count() >= 3
        assert waiting == 0
    else:
        assert waiting > 0
    assert page.locator("img.still:visible").count() == 0
    assert page.locator(FORMULAS).count() == 0
    assert complaints == []
    told = outputs(save(page, sitting, notebook))
    assert [
        output for output in told if output["output_type"] == "error" or output.get("name") == "stderr"
    ] == []
    assert ("SIMULATED" in str(told)) == (sitting.fidelity == "simulated")
    page.close()


@pytest.mark.lab
@pytest.mark.parametrize("notebook", [path.name for path in NOTEBOOKS])
def test_run_all(window: Any, sitting: Sitting, notebook: str, tmp_path: Path) -> None:
    look_through(window, sitting, notebook, tmp_path)


@pytest.mark.lab
@pytest.mark.root
@pytest.mark.skipif(
    os.geteuid() != 0, reason="this is an ordinary user already: the other sittings are its own"
)
def test_an_ordinary_user_runs_all(window: Any, tmp_path: Path) -> None:
    with ordinary_user() as user, sitting_of("embedded", user) as sitting:
        look_through(window, sitting, KNOCK, tmp_path)


def test_run_all_where_no_lab_can_be_made(window: Any, tmp_path: Path) -> None:
    with sitting_of("simulated") as sitting:
        look_through(window, sitting, KNOCK, tmp_path)


@pytest.fixture(scope="module")
def ran(window: Any, sitting: Sitting) -> Iterator[Any]:
    """Lesson 00, run."""
    page = sitting.page(window, NOTEBOOKS[0].name)
    run_all(page)
    yield page
    page.close()


@pytest.mark.lab
def test_the_figure_follows_jupyterlab_s_theme(ran: Any) -> None:
    page = ran
    colour = "getComputedStyle(document.querySelector('figure.pl .title')).color"
    light = page.evaluate(colour)
    menu(page, "Settings", "Theme", "JupyterLab Dark")
    page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
    assert (light, page.evaluate(colour)) == ("rgb(28, 33, 40)", "rgb(230, 233, 237)")
    menu(page, "Settings", "Theme", "JupyterLab Light")
    page.wait_for_selector("body[data-jp-theme-light=true]", state="attached")


@pytest.mark.lab
def test_a_notebook_from_somebody_else_shows_the_still_picture_and_the_table(
    window: Any, sitting: Sitting, ran: Any
) -> None:
    saved = save(ran, sitting, NOTEBOOKS[0].name)
    saved["metadata"]["changed_by"] = "somebody else"  # so it is no longer the notebook that was trusted
    sitting.copy("from_somebody_else.ipynb").write_text(json.dumps(saved), "utf-8")
    page = sitting.page(window, "from_somebody_else.ipynb")
    page.wait_for_selector("img.still", timeout=PATIENCE_MS)
    assert page.locator("img.still").first.is_visible()
    assert page.locator("svg.ladder").count() == 0
    figure = page.locator("figure.pl-ladder").first
    assert "The same in words" in figure.inner_text()
    hidden = figure.locator(".live")
    assert hidden.count() == 0 or not hidden.first.is_visible()  # the SVG's words, run together
    page.close()

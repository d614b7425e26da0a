"""A lesson as a page of HTML, made by nbconvert, with scripts switched off: every picture and its twin are there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.desk import KEY_FILE, KNOCK, PROJECT

# How many words stand on two lines, of a text printed below a cell.
BROKEN_WORDS = """([text, kind]) => {
  const place = document.createElement("div");
  place.className = `jp-OutputArea-output ${kind}`;
  place.style.width = "600px";
  const printed = place.appendChild(document.createElement("pre"));
  document.body.append(place);
  printed.textContent = text;
  const broken = [...text.matchAll(/\\S+/g)].filter((word) => {
    const range = document.createRange();
    range.setStart(printed.firstChild, word.index);
    range.setEnd(printed.firstChild, word.index + word[0].length);
    return new Set([...range.getClientRects()].map((line) => line.top)).size > 1;
  });
  place.remove();
  return broken.length;
}"""

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Lesson 04, run with the key's predictions where no lab is, exported, and opened without scripts."""
    folder = tmp_path_factory.mktemp("exported")
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "PORTLAB_KEY": str(KEY_FILE),
        "PORTLAB_PROGRESS": str(folder / "progress.json"),
    }
    environment.pop("PORTLAB_LAB", None)
    convert = [sys.executable, "-m", "nbconvert", "--to", "html", "--execute", "--output-dir", str(folder)]
    convert += ["--ExecutePreprocessor.store_widget_state=False", str(PROJECT / "notebooks" / KNOCK)]
    done = subprocess.run(convert, env=environment, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1000, "height": 1400})
    opened = context.new_page()
    opened.goto((folder / Path(KNOCK).with_suffix(".html").name).as_uri(), wait_until="domcontentloaded")
    yield opened
    context.close()


def test_every_ladder_is_drawn_and_told(page: Any) -> None:
    ladders = page.locator("figure.pl-ladder").all()
    assert len(ladders) >= 12
    for ladder in ladders:
        drawing = ladder.locator("svg.ladder")
        assert drawing.is_visible()
        assert drawing.bounding_box()["height"] > 100
        assert not ladder.locator("img.still").is_visible()
        told = ladder.locator("details:has(table.steps)")
        assert told.is_visible()
        assert told.locator("tbody tr").count() >= 3
        if told.get_attribute("open") is None:
            told.locator("summary").click()
        assert all(row.is_visible() for row in told.locator("tbody tr").all())
        assert ladder.locator(".controls:visible, .say:visible").count() == 0


def test_every_gate_shows_what_was_answered_and_why(page: Any) -> None:
    gates = page.locator("figure.pl-gate").all()
    assert len(gates) >= 7
    for gate in gates:
        assert gate.locator("input:checked").count() >= 1
        assert gate.locator("input:not([disabled]):visible").count() == 0
        assert gate.locator(".feedback .verdict").is_visible()
        assert not gate.locator("button.go").is_visible()


def test_every_picture_is_visible_and_has_words(page: Any) -> None:
    for figure in page.locator("figure.pl").all():
        assert figure.is_visible()
        assert figure.get_attribute("aria-label")
        assert figure.inner_text().strip()


def test_what_was_printed_is_broken_between_words(page: Any) -> None:
    """JupyterLab's style breaks printed text anywhere; the lesson's first cell says: between words."""
    refusal = (
        "REFUSED: 192.0.2.1 may not be probed: it is outside 127.0.0.0/8 and whatever else was authorised. "
        * 9
    )
    assert page.evaluate(BROKEN_WORDS, [refusal, "jp-RenderedText"]) == 0
    assert page.evaluate(BROKEN_WORDS, [refusal, ""]) > 0  # so it is JupyterLab's style


def test_nothing_waits_and_nothing_failed(page: Any) -> None:
    told = "\n".join(page.locator(".jp-OutputArea").all_inner_texts())
    assert "not answered yet" not in told.lower()
    assert "Traceback" not in told

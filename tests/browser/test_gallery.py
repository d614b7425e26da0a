"""The gallery: every picture in every state, on one page, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import gallery
from portlab import lab

pytestmark = pytest.mark.browser

THEMES = pytest.mark.parametrize("theme", ["Light", "Dark"])
WIDTHS = (400, 450, 600, 900, 1200)  # 450 is 900 at 200 % zoom

TOO_SMALL = """() => { const enlarged = (e) => { const m = e.getScreenCTM?.(); return m ? Math.hypot(m.a, m.b) : 1; };
  return [...document.querySelectorAll(".pl *")]
  .filter((e) => e.getClientRects().length && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
  .filter((e) => parseFloat(getComputedStyle(e).fontSize) * enlarged(e) < 11.9)
  .map((e) => e.closest("section").id + ": " + e.textContent.slice(0, 40)); }"""
# What is told in SVG or cells has a table, a list or a text beside it in the figure.
WITHOUT_TWIN = """() => [...document.querySelectorAll("figure.pl")]
  .filter((f) => !f.querySelector("table, details, ol, ul, form, .feedback, .state, .heading"))
  .map((f) => f.closest("section").id)"""
NAMELESS = """() => [...document.querySelectorAll("figure.pl")]
  .filter((f) => !f.getAttribute("aria-label")?.trim()).map((f) => f.closest("section").id)"""
PICTURES_WITHOUT_WORDS = """() => [...document.querySelectorAll("img.still")]
  .filter((i) => i.alt.trim().length < 20).map((i) => i.closest("section").id)"""
TWICE = """() => {
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  return ids.filter((id, i) => ids.indexOf(id) !== i);
}"""
CUT_OFF = """() => [...document.querySelectorAll("section .pl")]
  .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.closest("section").id)"""
WIDER_THAN_ITS_PLACE = """() => [...document.querySelectorAll(".pl .heading > *, .pl .button, .pl .title")]
  .filter((e) => e.getClientRects().length)
  .filter((e) => e.getBoundingClientRect().right > e.closest(".pl").getBoundingClientRect().right + 1)
  .map((e) => e.closest("section").id + ": " + e.textContent.slice(0, 40))"""
CLOSED_IN_PRINT = """() => [...document.querySelectorAll(".pl details")]
  .filter((d) => !d.parentElement.closest("details") && d.lastElementChild.getBoundingClientRect().height < 5)
  .map((d) => d.closest("section").id)"""
NOTHING_TO_SEE = """() => [...document.querySelectorAll("section")].filter((s) => ![...s.querySelectorAll(
  ".pl svg, .pl img.still, .pl table, .pl ol, .pl ul, .pl .feedback, .pl .state, .pl .title, progress, table")]
  .some((e) => e.getBoundingClientRect().height > 5)).map((s) => s.id)"""
DEAD_CONTROLS = """() => [...document.querySelectorAll(".controls, .look, .drill")]
  .filter((e) => e.getClientRects().length).map((e) => e.closest("section").id)"""


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, made in a lab that is simulated whatever else is running, and closed again."""
    path = tmp_path_factory.mktemp("gallery") / "gallery.html"
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.delenv(lab.VARIABLE, raising=False)
    try:
        assert gallery.main([str(path)]) == 0
    finally:
        lab.use(None)
        monkeypatch.undo()
    return path


@pytest.fixture(scope="module")
def page(browser: Any, html: Path) -> Iterator[Any]:
    opened = browser.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(html.as_uri())
    yield opened
    opened.close()
    assert complaints == []


def show(page: Any, width: int, theme: str = "Light") -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.locator(f"#themes >> text={theme}").click()


@THEMES
def test_nothing_keeps_people_out(page: Any, axe: Callable[..., list[str]], theme: str) -> None:
    show(page, 900, theme)
    assert axe(page) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_every_picture_fits(page: Any, width: int) -> None:
    show(page, width)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate(WIDER_THAN_ITS_PLACE) == []
    assert page.evaluate(TOO_SMALL) == []


def test_every_picture_has_a_name_and_says_the_same_in_words(page: Any) -> None:
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(WITHOUT_TWIN) == []
    assert page.evaluate(PICTURES_WITHOUT_WORDS) == []


def test_no_id_is_there_twice(page: Any) -> None:
    assert page.evaluate(TWICE) == []


def test_pictures_of_one_kind_look_alike_whatever_stands_beside_them(
    page: Any, browser: Any, html: Path
) -> None:
    """The rules of one kind do not reach into another: what was said is not hidden by an anatomy's narrow form."""
    show(page, 400)
    for words in ("netplus", "SSH-2.0"):
        assert page.locator("#telnet-and-ssh .words span", has_text=words).first.is_visible()


def test_on_paper_everything_is_open_and_in_dark_ink(page: Any) -> None:
    show(page, 900, "Dark")
    page.emulate_media(media="print")
    try:
        assert page.evaluate(CLOSED_IN_PRINT) == []
        assert page.evaluate(DEAD_CONTROLS) == []
        ink = page.evaluate("getComputedStyle(document.querySelector('.pl .title')).color")
        assert ink == "rgb(28, 33, 40)"
    finally:
        page.emulate_media(media="screen")


def test_without_a_script_every_picture_is_there_and_no_dead_control(browser: Any, html: Path) -> None:
    opened = browser.new_page(java_script_enabled=False)
    try:
        opened.goto(html.as_uri())
        assert opened.evaluate(NOTHING_TO_SEE) == []
        assert opened.evaluate(DEAD_CONTROLS) == []
    finally:
        opened.close()

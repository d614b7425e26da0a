"""Every picture in every state, in a real browser: the gallery on one page, and what the tests draw on another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import gallery
from portlab import lab
from tests.browser import test_anatomy, test_cards, test_figures, test_gate, test_maps
from tests.browser.layout import faults

pytestmark = pytest.mark.browser

THEMES = pytest.mark.parametrize("theme", ["Light", "Dark"])
WIDTHS = (400, 450, 600, 900, 1200)  # 450 is 900 at 200 % zoom
MORE_WIDTHS = (400, 470, 560, 640, 720, 750, 900, 1200)

DRAWN = {  # by the modules of the tests, which look at one or the other more closely
    "ladder": test_figures.PAGES,
    "map": test_maps.PAGES,
    "anatomy": test_anatomy.PAGES,
    "cards": test_cards.PAGES,
    "gate": {name: lambda html=html: html for name, html in test_gate.FIGURES.items()},
}

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


@pytest.fixture(scope="module", params=DRAWN)
def drawn(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """What the tests draw of one kind, on one page: many pages take longer, and axe-core takes long for a big one."""
    opened = browser.new_page()
    sections = "".join(
        f'<section id="{name}">{html()}</section>' for name, html in DRAWN[request.param].items()
    )
    opened.set_content(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Drawn by the tests</title><style>'
        'body { background: #fff } body[data-jp-theme-light="false"] { background: #111 }</style>'
        f'<body data-jp-theme-light="true"><main>{sections}</main>'
    )
    yield opened
    opened.close()


def show_drawn(page: Any, width: int, theme: str = "Light") -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("light => { document.body.dataset.jpThemeLight = light }", str(theme == "Light").lower())


@THEMES
def test_nothing_keeps_people_out_of_the_gallery(
    page: Any, axe: Callable[..., list[str]], theme: str
) -> None:
    show(page, 900, theme)
    assert axe(page, colours=theme == "Dark") == []


@THEMES
@pytest.mark.parametrize("width", [420, 900])
def test_nothing_keeps_people_out_of_any(
    drawn: Any, axe: Callable[..., list[str]], width: int, theme: str
) -> None:
    show_drawn(drawn, width, theme)
    assert axe(drawn, colours=theme == "Dark") == []


@pytest.mark.parametrize("width", WIDTHS)
def test_every_picture_of_the_gallery_fits_and_its_words_neither_overlap_nor_are_too_small(
    page: Any, width: int
) -> None:
    show(page, width)
    assert faults(page) == {}


def test_each_fits_and_its_words_neither_overlap_nor_are_too_small(drawn: Any) -> None:
    for width in MORE_WIDTHS:
        show_drawn(drawn, width)
        assert faults(drawn) == {}, width


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

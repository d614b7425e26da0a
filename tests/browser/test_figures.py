"""Ladders and summaries in a real browser: which picture is seen, and in whose colours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from portlab.view import ladder, ladders, meanings, summary
from tests.portlab.view import made

pytestmark = pytest.mark.browser

PAGES = {
    name: lambda make=make: ladder.mimebundle(make())["text/html"] for name, make in made.EXCHANGES.items()
}
PAGES |= {
    f"both ends, {name}": lambda make=make: ladder.mimebundle(make())["text/html"]
    for name, make in made.RECORDED.items()
}
PAGES["side by side"] = lambda: ladders(
    *(made.EXCHANGES[name]() for name in ("syn open", "syn closed", "syn dropped"))
)._repr_mimebundle_()["text/html"]
PAGES["side by side, three lifelines"] = lambda: ladders(
    *(made.EXCHANGES[name]() for name in ("syn open", "syn rejected", "connect 8443"))
)._repr_mimebundle_()["text/html"]
PAGES["four side by side"] = lambda: ladders(
    *(made.EXCHANGES[name]() for name in ("syn open", "syn closed", "syn dropped", "syn rejected"))
)._repr_mimebundle_()["text/html"]
PAGES["summary"] = lambda: summary.html(made.scan("connect", made.CONNECT_8443, 8443, complete=False))
PAGES["meanings"] = lambda: meanings("syn")._repr_mimebundle_()["text/html"]


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    opened = browser.new_page()
    yield opened
    opened.close()


def show(page: Any, html: str, width: int, light: bool = True) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    theme = "true" if light else "false"
    paper = "#fff" if light else "#111"
    page.set_content(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>A ladder</title>'
        f'<body data-jp-theme-light="{theme}" style="background:{paper}">{html}'
    )


@pytest.mark.parametrize("light", [True, False], ids=["light", "dark"])
def test_the_page_s_theme_is_followed(page: Any, light: bool) -> None:
    show(page, PAGES["syn open"](), 900, light)
    colour = page.evaluate("getComputedStyle(document.querySelector('.pl .title')).color")
    assert colour == ("rgb(28, 33, 40)" if light else "rgb(230, 233, 237)")


def test_the_picture_is_live_and_the_still_one_is_hidden(page: Any) -> None:
    show(page, PAGES["syn open"](), 900)
    assert page.locator("svg.ladder").is_visible()
    assert not page.locator("img.still").is_visible()


@pytest.mark.parametrize(("width", "columns"), [(500, 1), (900, 2), (1400, 2)])
def test_four_stand_two_by_two(page: Any, width: int, columns: int) -> None:
    show(page, PAGES["four side by side"](), width)
    lefts = {round(one.bounding_box()["x"]) for one in page.locator(".pl-side > figure").all()}
    assert len(lefts) == columns


def test_without_style_the_still_picture_is_left(page: Any) -> None:
    """As in a notebook that is not trusted, where style and SVG are taken out."""
    show(
        page, PAGES["syn open"]().replace("<style>", "<template>").replace("</style>", "</template>", 1), 900
    )
    assert page.locator("img.still").is_visible()
    assert not page.locator("svg.ladder").is_visible()
    assert page.evaluate("document.querySelector('img.still').naturalHeight") > 100

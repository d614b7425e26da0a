"""The ladder under the learner's hand, on a page without a kernel: keys, buttons, the words that are spoken."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from portlab.view import ladder, ladders
from tests.portlab.view import made

pytestmark = pytest.mark.browser

EVERY_STEP = """() => {
  const next = document.querySelector("[data-do=next]"), say = document.querySelector(".say");
  const words = (element) => element.innerText.replace(/\\s+/g, " ").trim();
  return [...document.querySelectorAll("tr[data-i]")].map((row) => (next.click(), [words(say), words(row.cells[4])]));
}"""
VISIBLE_WORDS = """() => [...document.querySelectorAll("figure *")]
  .filter((each) => each.getClientRects().length && each.checkVisibility({ visibilityProperty: true }))
  .flatMap((each) => [...each.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data)).join(" ")"""
MEASURE = """() => {
  const figure = document.querySelector("figure"), next = figure.querySelector("[data-do=next]"), times = [];
  for (let i = 0; i < 41; i++) {
    const start = performance.now();
    next.click();
    figure.getBoundingClientRect();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[20];
}"""


def html_of(name: str) -> str:
    return ladder.mimebundle({**made.EXCHANGES, **made.RECORDED}[name]())["text/html"]


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """opened(html) -> a page that shows it; more are the browser context's own settings."""
    contexts = []

    def show(html: str, light: bool = True, **settings: Any) -> Any:
        contexts.append(browser.new_context(**{"viewport": {"width": 900, "height": 900}, **settings}))
        page = contexts[-1].new_page()
        theme, paper = ("true", "#fff") if light else ("false", "#111")
        page.set_content(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>A ladder</title>'
            f'<body data-jp-theme-light="{theme}" style="background:{paper}"><main>{html}</main>'
        )
        return page

    yield show
    for context in contexts:
        context.close()


def said(page: Any) -> str:
    return str(page.locator(".say").inner_text())


def shown(page: Any, what: str) -> list[str]:
    """The numbers of the visible parts of that kind."""
    every = page.locator(what).all()
    return [str(one.get_attribute("data-i")) for one in every if one.is_visible()]


def test_the_whole_picture_is_there_at_first(opened: Callable[..., Any]) -> None:
    page = opened(html_of("syn open"))
    assert shown(page, "tr[data-i]") == ["1", "2", "3", "4"]
    assert shown(page, "svg.ladder > g.event") == ["1", "2", "3"]
    assert said(page) == "3 events, drawn in full. Step through to see them one at a time."


def test_by_keyboard_to_the_end_and_every_step_is_told(opened: Callable[..., Any]) -> None:
    page = opened(html_of("syn open"))
    page.locator("[data-do=next]").focus()
    told = []
    for _ in range(6):
        page.keyboard.press("ArrowRight")
        told.append(said(page))
    assert told == [
        "Step 1 of 4. 0 µs. The scanner sends SYN: may I open a connection to port 80?",
        "Step 2 of 4. 84 µs. SYN-ACK comes back in web's name: a program listens on port 80. This says open.",
        "Step 3 of 4. 97 µs. The scanner's own kernel knows of no such connection and answers RST: "
        "no handshake is finished.",
        *[
            "Step 4 of 4. Verdict: open. syn-ack. A SYN-ACK came back: a program is listening and agreed to talk."
        ]
        * 3,
    ]
    assert page.evaluate("document.activeElement.dataset.do") == "next"
    assert page.locator("[data-do=next]").get_attribute("aria-disabled") == "true"
    assert page.locator(".say").get_attribute("role") == "status"


@pytest.mark.parametrize("name", [*made.EXCHANGES, *made.RECORDED])
def test_each_step_says_what_the_table_says(opened: Callable[..., Any], name: str) -> None:
    page = opened(html_of(name))
    steps = page.evaluate(EVERY_STEP)
    for number, (told, meaning) in enumerate(steps, 1):
        assert told.startswith(f"Step {number} of {len(steps)}. ")
        assert told.endswith(meaning)


def test_what_is_still_to_come_is_nowhere_and_nothing_jumps(opened: Callable[..., Any]) -> None:
    page = opened(html_of("syn open"))
    height = "document.querySelector('figure').getBoundingClientRect().height"
    before = page.evaluate(height)
    page.locator("[data-do=next]").click()
    assert shown(page, "tr[data-i]") == shown(page, "svg.ladder > g.event") == ["1"]
    assert shown(page, "svg.ladder > g.verdict") == shown(page, "figcaption [data-i]") == []
    assert "open" not in page.locator("figure").inner_text().replace("open a connection", "")
    assert page.evaluate(height) == before


def test_home_end_back_and_all(opened: Callable[..., Any]) -> None:
    page = opened(html_of("syn open"))
    page.locator("[data-do=back]").focus()
    for key, step in [("End", "4"), ("ArrowLeft", "3"), ("Home", "1"), ("ArrowLeft", "1"), ("End", "4")]:
        page.keyboard.press(key)
        assert said(page).startswith(f"Step {step} of 4.")
    page.locator("[data-do=all]").click()
    assert shown(page, "tr[data-i]") == ["1", "2", "3", "4"]
    assert page.locator("[data-do=back]").get_attribute("aria-disabled") == "true"


def test_an_arrow_and_its_row_light_up_together(opened: Callable[..., Any]) -> None:
    page = opened(html_of("syn open"))
    hot = "[...document.querySelectorAll('.hot')].map(e => e.tagName + e.dataset.i)"
    page.locator("svg.ladder > g.event").nth(1).locator("text.wide").hover()
    assert page.evaluate(hot) == ["g2", "TR2"]
    page.locator("tr[data-i='3']").hover()
    assert page.evaluate(hot) == ["g3", "TR3"]
    page.locator("tr[data-i='1']").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate(hot) == ["g2", "TR2"]


def test_the_scanner_s_view_takes_away_what_only_the_lab_knows(opened: Callable[..., Any]) -> None:
    page = opened(html_of("dropped"))
    page.locator("[data-do=view]").click()
    words = page.evaluate(VISIBLE_WORDS)
    for word in ("gateway", "dropped", "Recorded", "saw nothing", "shows", "+21"):
        assert word not in words
    assert "suggests filtered" in words
    assert page.locator("[data-do=view]").get_attribute("aria-pressed") == "true"
    page.locator("[data-do=next]").click()
    assert said(page) == "Step 1 of 7. 0 µs. The scanner sends SYN: may I open a connection to port 22?"
    page.locator("[data-do=view]").click()
    assert "passes nothing on: dropped" in said(page)


def test_rows_that_only_the_lab_knows_are_no_steps_of_the_scanner(opened: Callable[..., Any]) -> None:
    page = opened(html_of("answer lost"))
    page.locator("[data-do=view]").click()
    numbers = [row.inner_text() for row in page.locator("tr[data-i] th").all() if row.is_visible()]
    assert numbers == ["1", "2", "3", "4", "5", "⇒"]
    page.keyboard.press("End")
    assert said(page).startswith("Step 6 of 6.")
    page.locator("[data-do=view]").click()
    assert said(page).startswith("Step 7 of 7.")


def test_no_scanner_s_view_where_nobody_else_recorded(opened: Callable[..., Any]) -> None:
    assert opened(html_of("syn dropped")).locator("[data-do=view]").count() == 0


def test_ladders_side_by_side_step_on_their_own(opened: Callable[..., Any]) -> None:
    both = ladders(made.EXCHANGES["syn open"](), made.EXCHANGES["syn closed"]())
    page = opened(both._repr_mimebundle_()["text/html"])
    page.locator("[data-do=next]").nth(1).click()
    first, second = page.locator(".say").all_inner_texts()
    assert first.startswith("3 events")
    assert second.startswith("Step 1 of 3.")
    assert page.locator("script").count() == 1


def test_without_scripts_all_is_there_and_no_button_is_dead(opened: Callable[..., Any]) -> None:
    page = opened(html_of("dropped"), java_script_enabled=False)
    assert shown(page, "tr[data-i]") == ["1", "2", "3", "4", "5", "6", "7"]
    assert not any(button.is_visible() for button in page.locator("button").all())
    assert not page.locator(".say").is_visible()
    assert page.locator("svg.ladder").is_visible()


def test_without_style_no_button_is_dead(opened: Callable[..., Any]) -> None:
    """As in a notebook that is not trusted: style, script and SVG are taken out."""
    page = opened(re.sub(r"<(style|script)>.*?</\1>", "", html_of("dropped"), flags=re.S))
    assert not any(button.is_visible() for button in page.locator("button").all())
    assert page.locator("img.still").is_visible()


@pytest.mark.parametrize(("motion", "running"), [("no-preference", 1), ("reduce", 0)])
def test_nothing_flies_where_motion_is_not_welcome(
    opened: Callable[..., Any], motion: str, running: int
) -> None:
    page = opened(html_of("syn open"), reduced_motion=motion)
    assert page.evaluate("document.getAnimations().length") == 0
    page.locator("[data-do=next]").click()
    assert page.evaluate("document.getAnimations().length") == running


def test_printed_it_is_complete_and_without_buttons(opened: Callable[..., Any]) -> None:
    both = ladders(made.EXCHANGES["syn open"](), made.EXCHANGES["syn closed"]())
    page = opened(both._repr_mimebundle_()["text/html"], light=False)
    assert not page.locator("tbody").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator("tbody").first.is_visible()
    assert not any(button.is_visible() for button in page.locator("button").all())
    assert page.evaluate("getComputedStyle(document.querySelector('.pl .title')).color") == "rgb(28, 33, 40)"


@pytest.mark.parametrize("light", [True, False], ids=["light", "dark"])
def test_nothing_keeps_people_out_half_way_through_any_of_five_ladders(
    opened: Callable[..., Any], axe: Callable[..., list[str]], light: bool
) -> None:
    names = ("syn open", "connect timeout", "udp silent", "dropped", "refused in web's name")
    page = opened("".join(html_of(name) for name in names), light)
    for following in page.locator("[data-do=next]").all():
        following.click()
        following.click()
    assert page.locator(".say").count() == len(names)
    assert all(words.startswith("Step 2 of") for words in page.locator(".say").all_inner_texts())
    for width in (900, 420):
        page.set_viewport_size({"width": width, "height": 900})
        assert axe(page) == []


def test_a_step_of_forty_frames_is_quick(opened: Callable[..., Any]) -> None:
    page = opened(ladder.mimebundle(made.forty())["text/html"])
    assert page.evaluate(MEASURE) < 25  # ms; measured: under 5 on an idle machine

"""The port reference and the flash cards under a learner's hand, on a page without any kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from portlab import ports
from portlab.port_cards import cards_of
from portlab.view import cards, reference
from portlab.view.flash_cards import html as cards_html
from portlab.view.port_reference import Reference
from tests.portlab.view import made

pytestmark = pytest.mark.browser

SCAN = made.scan("connect", made.CONNECT_8443, 8443)

TOLD = """document.addEventListener("pl-tell", (event) => (window.told ??= []).push(event.detail))"""


def html(picture: Any) -> str:
    return picture._repr_mimebundle_()["text/html"]


PAGES = {
    "reference": lambda: html(reference([SCAN])),
    "reference of two rows": lambda: html(ports.find(22)),
    "live reference": lambda: html(
        Reference(ports.find("mail"), (SCAN,), probe=True, told="25/tcp: open on web.")
    ),
    "cards": lambda: html(cards(ports.find(exam="009"))),
    "cards that are due": lambda: cards_html(cards_of(ports.find(25)), "3 cards are due.", mixed=True),
    "nothing due": lambda: cards_html((), "Nothing is due."),
}


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    opened = browser.new_page()
    yield opened
    opened.close()


def show(page: Any, body: str, width: int = 900, light: bool = True) -> None:
    page.goto("about:blank")  # a new window: what the scripts of the page before have left is gone
    page.set_viewport_size({"width": width, "height": 900})
    theme, paper = ("true", "#fff") if light else ("false", "#111")
    page.set_content(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title>'
        f'<body data-jp-theme-light="{theme}" style="background:{paper}"><main>{body}</main>'
    )


def rows_shown(page: Any) -> list[str]:
    return page.locator("tbody tr:visible th").all_inner_texts()


# --- the reference ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "first", "count"),
    [("22", "22/tcp", 2), ("ssh", "22/tcp", None), ("clear text terminal", "23/tcp", 1), ("", "20/tcp", 85)],
)
def test_search(page: Any, typed: str, first: str, count: int | None) -> None:
    show(page, html(ports.find()))
    page.get_by_label("Search", exact=True).fill(typed)
    shown = rows_shown(page)
    assert shown[0] == first
    assert count in (None, len(shown))
    told = page.locator("output").inner_text()
    assert told == (f"{len(shown)} of 85 rows" if typed else "85 rows")


def test_filters_join_and_are_taken_off_together(page: Any) -> None:
    show(page, html(ports.find()))
    page.get_by_label("Exam").select_option("009")
    page.get_by_label("Transport").select_option("udp")
    page.get_by_label("Encrypted?").select_option("clear")
    wanted = [r.where for r in ports.find(exam="009", protocol="udp") if r.encrypted == "clear"]
    assert rows_shown(page) == wanted
    assert len(wanted) > 3
    page.get_by_role("button", name="Show all").click()
    assert len(rows_shown(page)) == 85


def test_nothing_found_is_said(page: Any) -> None:
    show(page, html(ports.find()))
    page.get_by_label("Search", exact=True).fill("gopher")
    assert rows_shown(page) == []
    assert page.get_by_role("status").inner_text().startswith("No row.")


def test_columns_are_sorted_by_keyboard(page: Any) -> None:
    show(page, html(ports.find()))
    head = page.get_by_role("columnheader", name="port")
    head.get_by_role("button").focus()
    for order, first in (("ascending", "20/tcp"), ("descending", "51820/udp"), ("ascending", "20/tcp")):
        page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == order
        assert rows_shown(page)[0] == first
    page.get_by_role("columnheader", name="service").get_by_role("button").press("Space")
    assert head.get_attribute("aria-sort") is None
    assert rows_shown(page)[0] == "3268/tcp"  # AD Global Catalog


def test_notes_are_shown_when_they_are_asked_for(page: Any) -> None:
    show(page, html(ports.find()))
    note = page.locator(".note").first
    assert not note.is_visible()
    page.get_by_label("notes and sources").check()
    assert note.is_visible()


def test_a_row_asks_for_a_probe_and_keeps_the_focus_through_the_answer(page: Any) -> None:
    """As a live picture does it: the answer comes as a whole new table, morphed into the one that is there."""
    show(page, f'<div class="pl-live" data-alive="1">{PAGES["live reference"]()}</div>')
    page.evaluate(TOLD)
    page.get_by_role("columnheader", name="port").get_by_role(
        "button"
    ).dblclick()  # descending: rows have moved
    button = page.get_by_role("button", name="Probe the lab for 25/tcp smtp")
    button.press("Enter")
    assert button.inner_text() == "Probing …"
    button.press("Enter")  # while it waits it does nothing
    assert page.evaluate("told") == [{"port": 25, "protocol": "tcp"}]
    page.evaluate("""() => {
      const figure = document.querySelector("figure");
      delete figure.dataset.awake;
      figure.querySelectorAll("thead th").forEach(th => th.textContent = th.textContent);
      portlab.wake();
      figure.dispatchEvent(new CustomEvent("pl-hear", { bubbles: true, detail: {} }));
    }""")
    assert button.inner_text() == "Probe again"
    assert page.evaluate("document.activeElement.dataset.where") == "25/tcp smtp"
    assert rows_shown(page)[-1] == "25/tcp"


# --- the cards ----------------------------------------------------------------------------------------


def test_cards_are_turned_and_answered_by_keyboard(page: Any) -> None:
    show(page, html(cards(ports.find(22))))
    page.evaluate(TOLD)
    stage, status = page.locator(".stage"), page.get_by_role("status")
    stage.focus()
    assert stage.inner_text().startswith("22")
    page.keyboard.press("2")  # not before the card is turned
    assert status.inner_text() == ""
    page.keyboard.press("Space")
    assert "SSH Secure Shell · TCP" in status.inner_text()
    page.keyboard.press("2")
    assert page.evaluate("told") == [{"card": "22 service", "knew": True}]
    assert stage.inner_text().strip() == "No card is left."
    assert page.locator(".position").inner_text() == "1 of 1 known"
    for key in ("Space", "1", "2", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
    assert page.evaluate("told.length") == 1


def test_what_was_not_known_comes_again_three_cards_later(page: Any) -> None:
    show(page, html(cards(ports.find(exam="009"))))
    page.locator(".stage").focus()
    asked = []
    for _ in range(5):
        asked.append(page.locator(".stage .question").inner_text().split()[0])
        page.keyboard.press("Space")
        page.keyboard.press("1" if len(asked) == 1 else "2")
    assert asked == ["20", "21", "22", "23", "20"]


def test_skip_and_back(page: Any) -> None:
    show(page, html(cards(ports.find(exam="009"))))
    number = page.locator(".stage .question")
    page.locator(".stage").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert number.inner_text().startswith("22")
    page.keyboard.press("ArrowLeft")
    assert number.inner_text().startswith("21")


@pytest.mark.parametrize(
    ("direction", "question", "answer"),
    [
        ("port → service", "23", "Telnet · TCP"),
        ("service → port", "Telnet", "23/tcp"),
        ("clear text → safer way", "23 Telnet", "SSH (22)"),
    ],
)
def test_three_directions(page: Any, direction: str, question: str, answer: str) -> None:
    show(page, html(cards(ports.find(23))))
    page.get_by_label(direction).check()
    assert page.locator(".stage .question").inner_text().splitlines()[0] == question
    page.get_by_role("button", name="Turn over").click()
    assert page.get_by_role("status").inner_text().startswith(answer)


def test_what_python_says_about_an_answer_is_shown(page: Any) -> None:
    show(page, PAGES["cards that are due"]())
    page.evaluate("""document.querySelector("figure").dispatchEvent(
      new CustomEvent("pl-hear", { bubbles: true, detail: { kept: "Kept. It comes back in 10 minutes." } }))""")
    assert page.locator(".kept").inner_text() == "Kept. It comes back in 10 minutes."


# --- without script, and on paper ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def plain_page(browser: Any) -> Iterator[Any]:
    """A page that runs no script."""
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_without_a_script_the_reference_is_complete_and_has_no_dead_controls(plain_page: Any) -> None:
    show(plain_page, html(ports.find()))
    assert plain_page.locator("tbody tr:visible").count() == 85
    assert plain_page.locator(".note:visible").count() == 85
    assert plain_page.locator("button:visible, input:visible, select:visible").count() == 0


def test_without_a_script_a_card_opens_by_itself(plain_page: Any) -> None:
    show(plain_page, html(cards(ports.find(23))))
    assert not plain_page.locator(".drill").is_visible()
    assert plain_page.locator(".deck li:visible").count() == 3
    answer = plain_page.get_by_text("Telnet · TCP")
    assert not answer.is_visible()
    plain_page.locator(".deck summary").first.press("Enter")
    assert answer.is_visible()


@pytest.mark.parametrize("name", ["reference", "cards"])
def test_on_paper_everything_is_there_and_nothing_to_press(page: Any, name: str) -> None:
    show(page, PAGES[name](), 700)
    page.emulate_media(media="print")
    try:
        assert page.locator(".button:visible, input:visible, select:visible").count() == 0
        whole = "tbody tr" if name == "reference" else ".deck .answer"
        assert page.locator(f"{whole}:visible").count() == page.locator(whole).count()
    finally:
        page.emulate_media(media="screen")

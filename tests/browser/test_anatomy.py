"""Anatomy and conversation in a real browser: fields and bytes are linked, by pointer and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from portlab.view import anatomy, conversations
from portlab.view.stream import Conversation
from tests.browser.test_figures import show as show_figure
from tests.portlab.view.test_dissection import PACKETS
from tests.portlab.view.test_stream import LOGIN, NAMES

pytestmark = pytest.mark.browser

SYN_ACK = anatomy(PACKETS["syn-ack"])
PAGES = {
    name: lambda packet=packet: anatomy(packet)._repr_mimebundle_()["text/html"]
    for name, packet in PACKETS.items()
}
CONVERSATION = Conversation(LOGIN, NAMES)
PAGES["conversation"] = CONVERSATION.html
PAGES["conversations"] = lambda: conversations(CONVERSATION, CONVERSATION)._repr_mimebundle_()["text/html"]


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    opened = browser.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    opened.close()
    assert errors == []


def show(page: Any, html: str, width: int = 900, light: bool = True) -> None:
    """In a window of its own: a script that was there before would not be run again."""
    page.goto("about:blank")
    show_figure(page, html, width, light)


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.getAttribute('aria-label') ?? ''")).split(":")[0]


def lit(page: Any) -> list[str]:
    """The bytes that are lit."""
    return page.locator(".h.hot").all_inner_texts()


def told(page: Any) -> str:
    return str(page.locator(".told").inner_text())


def button(page: Any, name: str) -> Any:
    return page.locator(f'button.field[aria-label^="{name}:"]')


def test_a_focused_field_lights_its_bytes_and_is_told_about(page: Any) -> None:
    show(page, PAGES["syn-ack"](), 900)
    button(page, "Acknowledgment number").focus()
    assert lit(page) == ["00 00 03 e9"]
    assert "1001" in told(page)
    assert "the next byte it expects" in told(page)
    assert "TCP, bytes 42–45" in told(page)


def test_pointing_at_a_byte_lights_all_fields_in_it(page: Any) -> None:
    show(page, PAGES["syn-ack"](), 900)
    page.locator(".h", has_text="60").first.hover()  # byte 46: data offset and reserved bits
    assert page.locator("button.field.hot").count() == 2
    assert "Data offset" in told(page)
    assert "Reserved" in told(page)


def test_pointing_at_a_field_lights_its_bytes(page: Any) -> None:
    show(page, PAGES["syn-ack"](), 900)
    button(page, "Time to live").hover()
    assert lit(page) == ["3f"]
    assert "if it began with 64" in told(page)


def test_one_stop_for_the_tab_key_and_arrows_inside(page: Any) -> None:
    show(page, PAGES["syn-ack"](), 900)
    first = page.locator("button.field").first
    first.focus()
    walked = []
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowUp", "End", "Home"):
        page.keyboard.press(key)
        walked.append(focused(page))
    assert walked == [
        "Source address",
        "EtherType",
        "Total length",
        "Reserved",
        "Identification",
        "Version",
        "Maximum segment size",
        "Destination address",
    ]
    assert page.locator('button.field[tabindex="0"]').count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Shift+Tab")
    assert focused(page) == "Destination address"


@pytest.mark.parametrize("name", ["syn", "prohibited", "tls hello"])
@pytest.mark.parametrize("width", [420, 900])
def test_every_field_is_reached_by_the_right_arrow(page: Any, name: str, width: int) -> None:
    show(page, PAGES[name](), width)
    page.locator("button.field").first.focus()
    count = page.locator("button.field").count()
    reached = {page.evaluate("document.activeElement.dataset.i")}
    for _ in range(count):
        page.keyboard.press("ArrowRight")
        reached.add(page.evaluate("document.activeElement.dataset.i"))
    assert len(reached) == count


def test_without_script_all_is_there_to_read(browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    show(opened, PAGES["syn-ack"]())
    assert opened.locator("button.field").first.is_visible()
    assert not opened.locator(".told").is_visible()
    assert not opened.locator("img.still").is_visible()
    opened.locator("summary").click()
    assert opened.locator(".fields tbody tr").count() == sum(len(layer.fields) for layer in SYN_ACK.layers)
    context.close()


def test_without_style_the_still_picture_is_left(page: Any) -> None:
    html = PAGES["prohibited"]().replace("<style>", "<template>").replace("</style>", "</template>", 1)
    show(page, html, 900)
    assert page.locator("img.still").is_visible()
    assert not page.locator("button.field").first.is_visible()
    assert page.evaluate("document.querySelector('img.still').naturalHeight") > 300


def test_in_print_every_byte_and_the_whole_list_are_shown(page: Any) -> None:
    show(page, PAGES["tls hello"](), 900)
    page.emulate_media(media="print")
    try:
        assert page.evaluate("(e => e.scrollHeight - e.clientHeight)(document.querySelector('.bytes'))") <= 0
        assert page.locator(".fields tbody tr").last.is_visible()
    finally:
        page.emulate_media(media="screen")


def test_bytes_far_down_are_scrolled_to(page: Any) -> None:
    show(page, PAGES["tls hello"](), 900)
    button(page, "Extension: key_share").focus()
    inside = """() => { const box = document.querySelector('.bytes').getBoundingClientRect();
        const byte = document.querySelector('.h.hot').getBoundingClientRect();
        return byte.top >= box.top && byte.bottom <= box.bottom; }"""
    assert page.evaluate(inside)
    page.locator(".bytes").focus()
    before = page.evaluate("document.querySelector('.bytes').scrollTop")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.querySelector('.bytes').scrollTop") < before

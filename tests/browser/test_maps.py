"""Port map, host table, plots and lab map in a real browser: by keyboard and pointer, in both themes, scriptless."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from portlab.lab import Lab
from portlab.model import Reason, State
from portlab.view import host_table, lab_map, plots, port_map
from tests.portlab.view import made
from tests.portlab.view.test_summary import CLOSED, DROPPED, OPEN, big

pytestmark = pytest.mark.browser

THEMES = pytest.mark.parametrize("light", [True, False], ids=["light", "dark"])

LAB = Lab(
    fidelity="embedded",
    networks={"office": "10.77.1.0/24", "dmz": "10.77.2.0/24", "branch": "10.77.3.0/24"},
    hosts={
        "student": ("10.77.1.100",),
        "infra": ("10.77.1.10",),
        "gateway": ("10.77.1.1", "10.77.2.1", "10.77.3.1"),
        "web": ("10.77.2.10",),
        "voip": ("10.77.3.10",),
    },
    self_name="student",
    wire="",
    firewall="gateway",
    slow="branch",
)
EVERY = [OPEN, CLOSED, DROPPED, (State.UNFILTERED, Reason.RESET), (State.OPEN_FILTERED, Reason.NO_RESPONSE)]
ALL_PORTS = (
    dict.fromkeys(range(65_536), CLOSED)
    | dict.fromkeys(range(33_000, 36_000), DROPPED)
    | dict.fromkeys((21, 22, 53, 80, 443, 993, 3306, 3389, 5432, 8080, 27_017), OPEN)
)


def whole() -> str:
    return port_map(big(ALL_PORTS)).html()


def plot(ax: Any) -> str:
    html: str = ax._repr_mimebundle_()["text/html"]
    return html


PAGES: dict[str, Callable[[], str]] = {
    "all ports": whole,
    "1,024 ports": lambda: port_map(big({port: EVERY[port % 5] for port in range(1024)})).html(),
    "few ports": lambda: port_map(big({22: DROPPED, 80: OPEN, 443: OPEN})).html(),
    "hosts": lambda: host_table(big({port: EVERY[port % 5] for port in range(20, 40)}, ("web", "db", "mail"))).html(),
    "lab": lambda: lab_map(LAB, big({22: OPEN, 23: CLOSED})).html(),
    "states": lambda: plot(plots.states(big(ALL_PORTS).to_frame())),
    "compare": lambda: plot(plots.compare(big({22: OPEN}).to_frame(), big({22: CLOSED}).to_frame())),
    "rtt": lambda: plot(plots.rtt(made.scan("syn", made.SYN_OPEN).to_frame())),
    "timeline": lambda: plot(plots.timeline(made.scan("syn", made.LATE))),
    "staircase": lambda: plot(plots.icmp_staircase(made.scan("udp", made.UDP_CLOSED, 69))),
}  # fmt: skip


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    opened = browser.new_page()
    yield opened
    opened.close()


def show(page: Any, html: str, width: int = 900, light: bool = True) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("about:blank")  # a new window: no script of the page before is left in it
    theme, paper = ("true", "#ffffff") if light else ("false", "#111111")
    head = '<!doctype html><html lang="en"><title>maps</title><meta charset="utf-8">'
    page.set_content(
        f'{head}<body data-jp-theme-light="{theme}" style="background:{paper}"><main>{html}</main>'
    )


@THEMES
def test_a_plot_follows_the_page_s_theme(page: Any, light: bool) -> None:
    show(page, PAGES["states"](), 900, light)
    colour = page.evaluate(
        "getComputedStyle(document.querySelector('.plot.wide svg .text, .plot.wide svg text')).fill"
    )
    assert colour in (
        {"rgb(28, 33, 40)", "rgb(87, 96, 106)"} if light else {"rgb(230, 233, 237)", "rgb(160, 169, 180)"}
    )


# --- the port map moves ---------------------------------------------------------------------------------------


def test_a_port_is_looked_up_by_keyboard(page: Any) -> None:
    show(page, whole())
    page.keyboard.press("Tab")
    page.keyboard.type("443")
    assert page.locator("output").inner_text() == "Port 443: open (syn-ack). Usually https."
    page.keyboard.press("ArrowUp")
    assert page.locator("output").inner_text() == "Port 444: closed (reset)."
    cursor = page.locator(".portmap").last.locator(".cursor")
    assert cursor.evaluate("c => getComputedStyle(c).visibility") == "visible"
    assert (cursor.get_attribute("x"), cursor.get_attribute("y")) == (
        f"{100 * (444 % 64) / 64:g}%",
        f"{444 // 64 * 16}",
    )


def test_the_strip_goes_where_the_port_is(page: Any) -> None:
    show(page, whole())
    before = page.locator(".cells").last.inner_html()
    page.locator("input").fill("33100")
    assert page.locator(".caption").inner_text() == "Ports 32768 to 33791, 64 a row. Nothing is open here."
    assert page.locator(".portmap").last.locator(".axis text").first.text_content() == "32768"
    stripes = page.locator(".portmap").last.locator("path[data-state=filtered]").get_attribute("d")
    assert sum(int(count) for count in re.findall(r"h(\d+)", stripes)) == 33_792 - 33_000
    page.locator("input").fill("8080")
    assert page.locator(".caption").inner_text() == "Ports 7168 to 8191, 64 a row. Open here: 8080."
    page.locator("input").fill("1")
    assert [
        re.sub(r'd=""', "", path) for path in page.locator(".cells").last.inner_html().split("<path")
    ] == [re.sub(r'd=""', "", path) for path in before.split("<path")]


def test_a_port_is_pointed_at_and_the_strip_goes_there(page: Any) -> None:
    show(page, whole())
    box = page.locator(".portmap .edge").first.bounding_box()
    row, column = 27_017 // 256, 27_017 % 256
    page.mouse.move(
        box["x"] + box["width"] * (column + 0.5) / 256, box["y"] + box["height"] * (row + 0.5) / 256
    )
    assert page.locator("output").inner_text() == "Port 27017: open (syn-ack). Usually mongodb."
    page.mouse.down()
    page.mouse.up()
    assert "Open here: 27017." in page.locator(".caption").inner_text()


@pytest.mark.parametrize("typed", ["70000", "-1", "1.5", ""])
def test_what_is_no_port_is_answered_kindly(page: Any, typed: str) -> None:
    show(page, PAGES["few ports"]())
    page.locator("input").fill("80")
    page.locator("input").fill(typed)
    assert page.locator("output").inner_text() == "Ports go from 0 to 65535."


def test_a_port_that_was_not_asked_is_told_as_such(page: Any) -> None:
    show(page, PAGES["few ports"]())
    page.locator("input").fill("23")
    assert page.locator("output").inner_text() == "Port 23: not asked."


# --- without script, without style ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_all_is_there_without_a_script(browser: Any, name: str) -> None:
    opened = browser.new_page(java_script_enabled=False)
    try:
        show(opened, PAGES[name]())
        assert opened.locator("figure.pl").is_visible()
        assert not opened.locator("input").count() or not opened.locator("input").is_visible()
        assert opened.locator(".portmap:visible, .plot:visible, table:visible, .places:visible").count()
    finally:
        opened.close()


@pytest.mark.parametrize("name", ["all ports", "few ports", "rtt", "states"])
def test_without_style_a_still_picture_is_left_and_no_dead_control(page: Any, name: str) -> None:
    """As in a notebook that is not trusted, where style, script and SVG are taken out."""
    show(page, re.sub(r"<style>.*?</style>|<script>.*?</script>", "", PAGES[name](), flags=re.DOTALL))
    still = page.locator("img.still")
    assert still.count()
    assert all(still.nth(i).is_visible() for i in range(still.count()))
    assert (
        page.evaluate("Math.min(...[...document.querySelectorAll('img.still')].map(i => i.naturalHeight))")
        > 20
    )
    assert not page.locator("svg.portmap:visible").count()
    assert not page.locator("input:visible").count()


def test_a_step_on_the_map_is_quick(page: Any, record_property: Any) -> None:
    show(page, whole())
    ms = page.evaluate(
        """() => { const input = document.querySelector("input"), times = [];
        for (let port = 0; port < 60000; port += 1500) {
          const start = performance.now();
          input.value = port; input.dispatchEvent(new Event("input", {bubbles: true})); input.getBoundingClientRect();
          times.push(performance.now() - start); }
        return times.sort((a, b) => a - b)[times.length >> 1]; }"""
    )
    record_property("port looked up and strip redrawn, ms", round(ms, 2))
    assert ms < 50

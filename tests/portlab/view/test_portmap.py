import itertools
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from portlab.errors import BadTarget
from portlab.model import Reason, State
from portlab.view import port_map
from portlab.view.portmap import drawing
from portlab.view.portmap.cells import MOST_RANGES, PORTS
from portlab.view.tokens import LOOKS, slug
from tests.portlab.view import made
from tests.portlab.view.test_summary import CLOSED, DROPPED, OPEN, big

REJECTED = (State.FILTERED, Reason.ADMIN_PROHIBITED)
EVERY = {
    1: OPEN,
    2: CLOSED,
    3: DROPPED,
    4: (State.UNFILTERED, Reason.RESET),
    5: (State.OPEN_FILTERED, Reason.NO_RESPONSE),
}


class Table(HTMLParser):
    """The cells of the last table of a page, row by row."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "table":
            self.rows = []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.cell = False

    def handle_data(self, data: str) -> None:
        if self.cell:
            self.rows[-1][-1] += data


def drawn(html: str, prefix: str = "d") -> dict[str, set[int]]:
    """Which ports the (larger) picture shows in which state, read back from its paths."""
    picture = next(
        svg for svg in re.findall(r'<svg class="portmap".*?</svg></svg>', html) if f'{prefix}open"' in svg
    )
    first, columns = (int(re.search(rf'data-{name}="(\d+)"', picture)[1]) for name in ("first", "columns"))
    return {
        state: {
            first + int(y) * columns + int(x) + i
            for x, y, count in re.findall(r"M(\d+) (\d+)h(\d+)", line)
            for i in range(int(count))
        }
        for line, state in re.findall(r'<path d="([^"]*)" stroke="[^"]*" data-state="([^"]+)"', picture)
    }


def test_the_picture_the_text_the_table_and_the_script_tell_the_same() -> None:
    verdicts = {port: EVERY[1 + port % 5] for port in range(1, 900)} | dict.fromkeys(
        range(300, 350), REJECTED
    )
    shown = port_map(big(verdicts))
    html = shown.html()
    told = {state: {port for port, (s, _) in verdicts.items() if s is state} for state in State}
    assert {state: ports for state, ports in drawn(html).items() if ports} == {
        slug(state): ports for state, ports in told.items() if ports
    }
    assert shown.ports.counts == {s: len(p) for s, p in told.items() if p}
    runs = [int(number) for number in re.search(r'data-runs="([\d,]+)"', html)[1].split(",")]
    assert np.array_equal(np.repeat(runs[1::2], runs[::2]), shown.ports.cells)


@pytest.mark.parametrize("port", EVERY)
def test_every_state_of_a_port_is_drawn_and_told(port: int) -> None:
    state, reason = EVERY[port]
    shown = port_map(big({port: EVERY[port]}))
    assert drawn(shown.html())[slug(state)] == {port}
    assert f"{LOOKS[state].character} {LOOKS[state].words}" in str(shown)
    assert reason in str(shown)
    assert Table(shown.html()).rows[1][:4] == [str(port), "1", LOOKS[state].words, reason]


def test_the_ranges_are_the_same_in_text_and_table() -> None:
    shown = port_map(big(dict.fromkeys(range(1, 100), CLOSED) | {22: OPEN, 80: OPEN, 81: REJECTED}))
    table = [row[:2] for row in Table(shown.html()).rows[1:]]
    assert table == [["1-21", "21"], ["22", "1"], ["23-79", "57"], ["80", "1"], ["81", "1"], ["82-99", "18"]]
    assert [line.split()[:2] for line in str(shown).splitlines()[4:]] == table
    assert "22       1  ● open           syn-ack           ssh" in str(shown)


def test_what_was_not_asked_is_shown_as_such() -> None:
    html = port_map(big({20: CLOSED, 80: OPEN})).html()
    assert "not asked 65,534" in html
    assert sum(len(ports) for ports in drawn(html).values()) == 2
    assert "not asked" not in port_map(big(dict.fromkeys(range(PORTS), CLOSED))).html().split("data-words")[0]


def test_what_had_not_answered_when_the_scan_ended_is_counted_and_never_called_unasked() -> None:
    apart = {"complete": False, "unanswered": ((made.WEB, 22), (made.WEB, 23), ("10.77.9.9", 22))}
    shown = port_map(big({20: CLOSED, 80: OPEN}, **apart))
    assert "4 ports asked: 1 open, 1 closed, 2 unanswered so far." in str(shown)
    html = shown.html()
    assert "unanswered so far 2</li>" in html
    assert "not asked 65,532</li>" in html
    assert "not asked, or unanswered so far" in html.split("data-words")[1]
    assert sum(len(ports) for ports in drawn(html).values()) == 2


@pytest.mark.parametrize(
    ("first", "last", "grid"),
    [
        (1, 1023, (0, 16)),
        (20, 443, (0, 7)),
        (8000, 8100, (8000, 2)),
        (65_535, 65_535, (65_472, 1)),
        (1, 1024, (0, 17)),
        (1, 1088, None),
    ],
)
def test_a_range_is_drawn_as_it_was_asked(first: int, last: int, grid: tuple[int, int] | None) -> None:
    window = drawing.window_of(first, last)
    assert (window and (window.first, window.rows)) == grid


def test_more_than_a_thousand_ports_are_drawn_whole_and_a_strip_of_them_enlarged() -> None:
    html = port_map(big(dict.fromkeys(range(5000, 7000), CLOSED) | {6000: OPEN})).html()
    assert drawn(html, "w")["open"] == {6000}
    assert drawn(html)["closed"] == set(range(5000, 5120))
    assert "Ports 4096 to 5119, 64 a row." in html


def test_names_of_open_ports_stand_beside_them_and_never_on_each_other() -> None:
    ports = [21, 22, 23, 25, 53, 80, 110, 143, 443, 993]
    strip = drawing.draw(
        drawing.strip_of(0), np.zeros(PORTS, np.uint8), dict.fromkeys(ports, "a-long-name"), "x"
    )
    heights = [float(y) for y in re.findall(r'<text x="29" y="([\d.]+)"', strip.svg)]
    assert re.findall(r'<tspan class="open">(\d+)', strip.svg) == [str(port) for port in ports]
    assert all(b - a >= drawing.LINE for a, b in itertools.pairwise(heights))


def test_of_very_many_open_ports_some_are_named_and_the_rest_counted() -> None:
    html = port_map(big(dict.fromkeys(range(1024), OPEN))).html()
    named = len(re.findall(r'<tspan class="open">', html))
    assert f"and {1024 - named:,} more open" in html


def test_a_map_in_very_many_pieces_is_told_by_state_and_reason() -> None:
    shown = port_map(big({port: OPEN if port % 2 else CLOSED for port in range(2 * MOST_RANGES)}))
    assert [row.size for row in shown.ports.ranges()] == [MOST_RANGES, MOST_RANGES]


def test_one_of_several_hosts_is_chosen_by_name_or_address() -> None:
    scan = big({22: OPEN}, ("web", "db"))
    assert {port_map(scan, name).ports.host for name in ("db", "10.77.2.11", "DB.lab")} == {"db"}


@pytest.mark.parametrize(
    ("scan", "host", "says"),
    [
        (lambda: big({22: OPEN}, ("web", "db")), None, r"port_map\(scan, 'web'\)"),
        (lambda: big({22: OPEN}), "mail", "did not ask 'mail'.  It asked web"),
        (lambda: made.scan("ping", made.PING, None), None, r"host_table\(scan\)"),
    ],
)
def test_a_mistake_says_what_to_type(scan: Any, host: str | None, says: str) -> None:
    with pytest.raises(BadTarget, match=says):
        port_map(scan(), host)


def test_what_to_know_before_believing_it_stands_above_it() -> None:
    shown = port_map(big({22: OPEN}, complete=False, fidelity="simulated"))
    assert "INCOMPLETE" in str(shown)
    assert "INCOMPLETE" in shown.html()
    assert "SIMULATED" in shown.html()


def test_words_from_outside_are_escaped() -> None:
    assert "<script>x" not in port_map(big({22: OPEN}, ("<script>x",))).html()


def test_without_style_a_still_image_stands_in_for_each_picture() -> None:
    html = port_map(big(dict.fromkeys(range(2000), CLOSED))).html()
    assert (
        html.count('<img class="still"')
        == html.count('<div class="live" hidden="hidden"><svg class="portmap"')
        == 2
    )
    assert '<div class="look" hidden="hidden">' in html

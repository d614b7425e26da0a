from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from portlab.model import Reason, State
from portlab.view import host_table
from portlab.view.hosts import MOST_HOSTS, MOST_PORTS
from portlab.view.tokens import LOOKS
from tests.portlab.view import made
from tests.portlab.view.test_summary import CLOSED, DROPPED, OPEN, big


class Grid(HTMLParser):
    """A table as (row header, column header) -> cell, all as text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.scopes: list[str] = []
        self.cell = False
        self.feed(html)
        heads = self.rows[0][1:]
        self.cells = {
            (row[0], head): cell for row in self.rows[1:] for head, cell in zip(heads, row[1:], strict=True)
        }

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.cell = True
            self.scopes += [value for name, value in attrs if name == "scope"]

    def handle_endtag(self, tag: str) -> None:
        self.cell = self.cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.cell:
            self.rows[-1][-1] += data


@pytest.mark.parametrize("state", State)
def test_every_state_has_its_shape_and_its_word_in_a_cell(state: State) -> None:
    shown = host_table(big({22: (state, Reason.NO_RESPONSE), 23: CLOSED}))
    assert Grid(shown.html()).cells["22ssh", "web10.77.2.10"] == LOOKS[state].words
    assert f"{LOOKS[state].character} {LOOKS[state].words} 22" in str(shown)


def test_the_longer_side_goes_down_the_page() -> None:
    tall = Grid(host_table(big({22: OPEN, 80: CLOSED, 443: DROPPED}, ("web", "db"))).html())
    wide = Grid(host_table(big({22: OPEN}, ("web", "db"))).html())
    assert [row[0] for row in tall.rows[1:]] == ["22ssh", "80http", "443https"]
    assert [row[0] for row in wide.rows[1:]] == ["web10.77.2.10", "db10.77.2.11"]
    assert wide.scopes == ["col", "row", "row"]


def test_what_a_host_was_not_asked_is_told() -> None:
    scan = big({22: OPEN, 80: OPEN}, ("web", "db"))
    less = scan.without((scan.port == 80) & (scan.address == scan.address[0]))
    cells = Grid(host_table(less).html()).cells
    assert cells["web10.77.2.10", "80http"] == "not asked"
    assert cells["db10.77.2.11", "80http"] == "open"


def test_what_had_not_answered_when_the_scan_ended_is_told() -> None:
    scan = big({22: OPEN, 80: OPEN}, ("web", "db"))
    less = scan.without(np.zeros(4, bool), (scan.port == 80) & (scan.address == scan.address[0]))
    shown = host_table(less)
    assert Grid(shown.html()).cells["web10.77.2.10", "80http"] == "no answer so far"
    assert "1 port asked, unanswered so far" in str(shown)


def test_of_many_ports_the_open_and_the_common_ones_are_shown() -> None:
    shown = host_table(big(dict.fromkeys(range(1, 65_536), CLOSED) | {54_321: OPEN}))
    assert len(shown.ports) <= MOST_PORTS
    assert {22, 443, 54_321} <= set(shown.ports)
    assert f"{65_535 - len(shown.ports):,} other ports are not shown." in str(shown)


def test_of_many_hosts_the_first_are_shown() -> None:
    shown = host_table(big({22: DROPPED}, tuple(f"h{i}" for i in range(100))))
    assert len(shown.hosts) == MOST_HOSTS
    assert f"{100 - MOST_HOSTS} other hosts are not shown." in shown.detail


def test_a_ping_shows_hosts() -> None:
    shown = host_table(made.scan("ping", made.PING, None))
    assert Grid(shown.html()).cells["web10.77.2.10", "host"] == "host up"
    assert str(shown).splitlines()[-1] == "web  10.77.2.10       ▲ host up"

"""The scan panel as a picture: the line of Python, counts, cells, time line, text twin."""

import ast
import random
import re
from dataclasses import replace

import numpy as np
import pytest

from portlab.addresses import number
from portlab.evidence.verdict import Asked
from portlab.model import State
from portlab.scanning.loop import Loop
from portlab.scanning.pacing import Pace
from portlab.techniques import technique
from portlab.view.scan_panel import Order, Panel, drawing
from portlab.view.tokens import slug
from tests.portlab.view import made
from tests.portlab.wires import RuleWire, answer_like_linux

PANEL = Panel("id", ("syn_scan", "ping"), ("web", "db"), Order("syn_scan", "web", "1-100"))

LINES = [
    (Order("syn_scan", "web", "1-1024", "500"), 'pl.syn_scan("web", "1-1024", rate=500)'),
    (Order("connect_scan", "web db, vault", "common"), 'pl.connect_scan(["web", "db", "vault"], "common")'),
    (Order("udp_scan", "web", "53", "0.5"), 'pl.udp_scan("web", "53", rate=0.5)'),
    (Order("ping", "office", "1-100"), 'pl.ping("office")'),
    (Order("syn_scan", "", ""), 'pl.syn_scan("", "")'),
    (Order("syn_scan", 'we"b', "1", "fast"), 'pl.syn_scan("we\\"b", "1", rate="fast")'),
]


@pytest.mark.parametrize(("order", "line"), LINES)
def test_the_line_says_what_the_function_is_called_with(order, line):
    assert str(order) == line
    call = ast.parse(line).body[0].value
    where, how = order.arguments()
    assert [ast.literal_eval(each) for each in call.args] == where
    assert {word.arg: ast.literal_eval(word.value) for word in call.keywords} == how


def test_what_was_typed_is_written_as_text_not_as_html():
    html = replace(PANEL, order=Order("syn_scan", "<b>web", "1"), error="<i>no").html()
    assert "<b>web" not in html
    assert "<i>no" not in html


def many(states, ports=None, never_asked=()):
    """A scan with one row for each state."""
    one = made.scan("syn", [made.Try(0)], 80)
    count = len(states)
    ports = np.arange(1, count + 1, dtype=np.int32) if ports is None else ports
    columns = {
        name: np.repeat(getattr(one.findings, name), count) for name in one.findings.__dataclass_fields__
    }
    columns["state"] = np.array([state.code for state in states], np.uint8)
    asked = Asked(np.full(count, number(made.WEB), np.uint32), ports, one.asked.names)
    return replace(
        one, asked=asked, findings=replace(one.findings, **columns), never_asked=tuple(never_asked)
    )


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("count", [3, 600, 3000], ids=["few", "many", "masses"])
def test_every_state_has_a_cell_in_every_size(state, count):
    scan = many([state] * count)
    svg = drawing.cells(scan, "x").svg
    assert f'id="x{slug(state)}"' in svg
    assert f'stroke="url(#x{slug(state)})"' in svg


def covered(svg):
    """How many cells the runs of each kind cover."""
    return {
        kind: sum(map(int, re.findall(r"h(\d+)", path)))
        for path, kind in re.findall(r'<path d="([^"]*)" stroke="url\(#x([\w-]+)\)"', svg)
    }


@pytest.mark.parametrize("count", [1, 31, 32, 33, 100, 600, 5000])
def test_there_are_as_many_cells_as_ports(count):
    states = [(State.OPEN, State.CLOSED, State.CLOSED)[i % 3] for i in range(count)]
    never = [(made.WEB, 60_000), (made.WEB, 60_001)]
    scan = many(states, never_asked=never)
    told = covered(drawing.cells(scan, "x").svg)
    assert told.get("open", 0) == states.count(State.OPEN)
    assert told.get("closed", 0) == states.count(State.CLOSED)


def test_ports_never_asked_keep_their_place_and_stay_empty():
    scan = many([State.CLOSED, State.CLOSED], np.array([1, 3], np.int32), [(made.WEB, 2)])
    assert 'd="M0 0h1M2 0h1"' in drawing.cells(scan, "x").svg


@pytest.mark.parametrize("busy", [True, False], ids=["while it runs", "after an early end"])
def test_a_port_without_an_answer_so_far_is_a_dash_and_no_state(busy):
    scan = replace(many([State.CLOSED, State.FILTERED]), complete=False, unanswered=((made.WEB, 22),))
    panel = replace(PANEL, scan=scan, busy=busy)
    assert panel.counts() == {State.CLOSED: 1, State.FILTERED: 1}
    assert "no answer so far 1</li>" in panel.html()
    assert "One cell for each of 3 ports." in panel.html()
    assert 'd="M2 0h1" stroke="url(#xwaiting)"' in drawing.cells(scan, "x").svg


def test_the_time_line_has_a_lane_for_what_was_sent_and_for_each_state_that_answered():
    wire, chance = RuleWire(answer_like_linux({80}, {22})), random.Random(1).randbytes
    asked = Asked(np.full(100, number(made.WEB), np.uint32), np.arange(1, 101, dtype=np.int32))
    loop = Loop(technique("syn"), asked, wire, Pace(rate=50, tries=2), chance, lambda *_: None)
    scan = loop.conclude(*loop.run())
    lanes = drawing.lanes(scan)
    assert [lane.words for lane in lanes] == ["101 sent", "1 open", "98 closed"]  # silence has no time
    sent, _, closed = (lane.seconds for lane in lanes)
    assert 0 <= sent.min() < closed.min() < closed.max() < sent.max() <= scan.elapsed_s
    svg = drawing.timeline(scan).svg
    assert all(f">{lane.words}</text>" in svg for lane in lanes)


@pytest.mark.parametrize(
    ("seconds", "end"), [(0.0, 0.01), (0.011, 0.02), (0.5, 0.5), (0.51, 1.0), (3.0, 5.0), (61, 100)]
)
def test_the_axis_ends_at_a_round_time(seconds, end):
    assert drawing._round_up(seconds) == pytest.approx(end)


def test_the_text_twin_has_the_line_the_end_and_the_table():
    text = str(replace(PANEL, scan=many([State.OPEN, State.CLOSED])))
    assert text.startswith('Scan panel: pl.syn_scan("web", "1-100")\nDone after ')
    assert "1 open, 1 closed" in text
    assert re.search(r"web\s+1/tcp\s+● open", text)


def test_what_needs_python_is_hidden_where_there_is_none():
    assert '<div class="order needs-python" role="group" hidden="hidden"' in PANEL.html()

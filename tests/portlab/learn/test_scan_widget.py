"""The scan widget without a page: what it calls, what it shows while it runs, how it ends."""

import random
from threading import Event

import numpy as np
import pytest

from portlab.addresses import number
from portlab.errors import BadTarget, OutOfScope
from portlab.evidence.verdict import Asked
from portlab.learn.scan_widget import ScanWidget
from portlab.scanning.loop import Loop
from portlab.scanning.pacing import Pace
from portlab.techniques import technique
from tests.portlab.frames import TARGET
from tests.portlab.wires import RuleWire, answer_like_linux


class Functions:
    """Scan functions over a wire that is a rule book; `go` lets a scan go on at its first look."""

    def __init__(self):
        self.called = []
        self.looking, self.go = Event(), Event()

    def syn_scan(self, target, ports="common", *, progress, watch, rate=None):
        self.called.append((target, ports, rate, progress))

        def look(so_far):
            self.looking.set()
            assert self.go.wait(10)
            return watch(so_far)

        asked = Asked(np.full(100, number(TARGET), np.uint32), np.arange(1, 101, dtype=np.int32))
        wire, chance = RuleWire(answer_like_linux({80}, {22})), random.Random(1).randbytes
        loop = Loop(technique("syn"), asked, wire, Pace(rate=rate), chance, lambda *_: None, watch=look)
        return loop.conclude(*loop.run())

    def ping(self, target, *, progress, watch, rate=None):
        raise OutOfScope(f"{target} is outside the lab.")

    def udp_scan(self, target, ports, *, progress, watch, rate=None):
        raise RuntimeError("no such thing")


def press(widget, do, **typed):
    order = {"function": "syn_scan", "target": "web", "ports": "1-100", "rate": "50"} | typed
    widget._live._handle_custom_msg({"do": do, **order}, [])


@pytest.fixture
def functions():
    return Functions()


@pytest.fixture
def widget(functions):
    return ScanWidget(functions.syn_scan, functions.udp_scan, functions.ping, target="web", rate=50)


def shown(widget):
    return widget._live.passing or widget._live.html


def test_before_it_is_started_nothing_is_called(widget, functions):
    assert "Nothing has been sent yet." in widget._repr_mimebundle_()["text/plain"]
    assert widget._repr_mimebundle_()["text/plain"].startswith(
        'Scan panel: pl.syn_scan("web", "common", rate=50)'
    )
    assert functions.called == []
    assert widget.scan is None


def test_start_calls_what_the_line_says_and_keeps_the_result(widget, functions):
    functions.go.set()
    press(widget, "start", target="web, db", rate="")
    found = widget.wait(10)
    assert functions.called == [(["web", "db"], "1-100", None, False)]
    assert found is widget.scan
    assert found.complete
    assert widget._live.passing == ""
    assert "Done after" in shown(widget)
    assert "1 open, 98 closed, 1 filtered" in widget._live.text


def test_while_it_runs_silence_is_no_verdict_yet(widget, functions):
    press(widget, "start")
    assert functions.looking.wait(10)
    assert "The scan is running." in shown(widget)
    assert "The scan is running." not in widget._live.html  # what the notebook keeps stays until the end
    functions.go.set()
    widget.wait(10)
    assert "filtered" in shown(widget)


def test_a_second_start_waits_for_the_first_to_end(widget, functions):
    press(widget, "start")
    assert functions.looking.wait(10)
    press(widget, "start", target="db")
    functions.go.set()
    widget.wait(10)
    assert [target for target, *_ in functions.called] == ["web"]


def test_stop_ends_the_scan_with_what_is_known(widget, functions):
    press(widget, "start")
    assert functions.looking.wait(10)
    press(widget, "stop")
    functions.go.set()
    found = widget.wait(10)
    assert not found.complete
    assert found.stopped_by == "stopped"
    assert found.never_asked
    assert "Ended early (stopped)" in shown(widget)


def test_a_mistake_is_told_in_its_own_words_and_the_panel_can_be_used_again(widget, functions):
    press(widget, "start", function="ping", target="192.0.2.1")
    widget.wait(10)
    assert '<p class="warning" role="alert">192.0.2.1 is outside the lab.</p>' in shown(widget)
    assert "! 192.0.2.1 is outside the lab." in widget._live.text
    functions.go.set()
    press(widget, "start")
    assert widget.wait(10).complete
    assert "outside the lab" not in shown(widget)


def test_a_fault_of_the_program_is_not_swallowed(widget, capsys):
    press(widget, "start", function="udp_scan")
    widget.wait(10)
    assert widget._live.trouble.startswith("Something went wrong in the program: RuntimeError: no such thing")
    assert "Traceback" in capsys.readouterr().err
    assert "The scan is running." not in shown(widget)


def test_the_line_follows_what_is_typed(widget):
    told = []
    widget._live.send_to_page = told.append
    press(widget, "typed", function="ping", target="office")
    press(widget, "typed", ports="20-25", rate="fast")
    assert told == [
        {"line": 'pl.ping("office", rate=50)'},
        {"line": 'pl.syn_scan("web", "20-25", rate="fast")'},
    ]


def test_a_function_that_raises_before_it_sends_leaves_the_old_result(widget, functions):
    functions.go.set()
    press(widget, "start")
    first = widget.wait(10)

    def bad(*_, **__):
        raise BadTarget("There is no host called 'wbe' here.")

    widget._functions["syn_scan"] = bad
    press(widget, "start", target="wbe")
    widget.wait(10)
    assert widget.scan is first

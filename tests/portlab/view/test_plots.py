"""What is drawn is what the frame says: the marks' places, the bars' lengths, and the words beside them."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from portlab.errors import BadTarget
from portlab.exports.events import COLUMNS as EVENT_COLUMNS
from portlab.model import Reason, State
from portlab.view import plots
from portlab.view.plots import MOST_MARKS
from portlab.view.plots.style import marker
from portlab.view.plots.time import MOST_ROWS
from portlab.view.tokens import LOOKS
from tests.portlab.view import made
from tests.portlab.view.test_summary import CLOSED, DROPPED, OPEN, big


def frame(
    verdicts: dict[int, tuple[State, Reason]], rtt_ms: dict[int, float] | None = None, **more: Any
) -> Any:
    """A tidy frame: port -> verdict, and the round-trip times of those that answered."""
    told = big(verdicts, **more).to_frame()
    for port, rtt in (rtt_ms or {}).items():
        told.loc[told["port"] == port, "rtt_ms"] = rtt
        told.loc[told["port"] == port, "answered_by"] = told["address"]
    return told


def marks(ax: Axes, state: State) -> list[float]:
    """Where marks of this state's shape and colour stand on the axis of times."""
    look = marker(state)
    return [
        float(x)
        for line in ax.lines
        if line.get_marker() == look["marker"] and to_hex(line.get_color()) == look["color"]
        for x in line.get_xdata()
    ]


def cells(ax: Axes) -> list[list[str]]:
    """The table of a plot, read from its words."""
    return [re.split(r"  +", line.strip()) for line in plots.describe(ax).split("\n\n")[1].splitlines()]


# --- rtt ---------------------------------------------------------------------------------------------------


def test_round_trips_stand_where_the_frame_says() -> None:
    verdicts = {1: OPEN, 2: OPEN, 3: CLOSED, 4: DROPPED, 5: DROPPED}
    ax = plots.rtt(frame(verdicts, {1: 0.08, 2: 0.2, 3: 40.0}))
    assert sorted(marks(ax, State.OPEN)) == [0.08, 0.2]
    assert marks(ax, State.CLOSED) == [40.0]
    assert cells(ax)[1:] == [
        ["open", "2", "80 µs", "140 µs", "200 µs"],
        ["closed", "1", "40.0 ms", "40.0 ms", "40.0 ms"],
        ["filtered, no answer", "2"],
    ]


def test_silence_is_never_a_mark() -> None:
    ax = plots.rtt(frame({4: DROPPED, 5: DROPPED}))
    assert not ax.lines
    assert [text.get_text() for text in ax.texts] == ["silence from 2 ports"]
    assert "Silence has no time" in plots.describe(ax)


def test_of_many_round_trips_evenly_chosen_ones_are_drawn() -> None:
    times = {port: port / 100 for port in range(1, 5000)}
    ax = plots.rtt(frame(dict.fromkeys(times, CLOSED), times))
    drawn = sorted(marks(ax, State.CLOSED))
    assert len(drawn) == MOST_MARKS
    assert (drawn[0], drawn[-1]) == (0.01, 49.99)
    assert np.median(drawn) == pytest.approx(np.median(list(times.values())), rel=0.01)
    assert "4,999" in plots.describe(ax)


def test_an_answer_without_a_time_is_told_and_not_taken_for_silence() -> None:
    table = frame({1: OPEN}, {1: 0.1})
    table["rtt_ms"] = np.nan
    assert "1 answer cannot be tied to one try" in plots.describe(plots.rtt(table))


@pytest.mark.parametrize(
    ("fidelity", "label"),
    [("simulated", "modelled time"), ("embedded", "time to the answer")],
)
def test_the_axis_says_what_the_times_are(fidelity: str, label: str) -> None:
    ax = plots.rtt(frame({1: OPEN}, {1: 0.1}, fidelity=fidelity))
    assert ax.get_xlabel().startswith(label)


# --- states and compare ------------------------------------------------------------------------------------


def test_bars_are_as_long_as_the_counts() -> None:
    verdicts = dict.fromkeys(range(1, 8), CLOSED) | {
        80: OPEN,
        81: DROPPED,
        82: (State.FILTERED, Reason.ADMIN_PROHIBITED),
    }
    ax = plots.states(frame(verdicts))
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert {label: bar.get_width() for label, bar in zip(labels, ax.patches, strict=True)} == {
        "● open, syn-ack": 1,
        "× closed, reset": 7,
        "▨ filtered, no-response": 1,
        "▨ filtered, admin-prohibited": 1,
    }
    assert ["closed", "reset", "7", "70.0 %"] in cells(ax)


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_bar_with_its_shape_and_word(state: State) -> None:
    ax = plots.states(frame({1: (state, Reason.NO_RESPONSE)}))
    assert ax.get_yticklabels()[0].get_text().startswith(f"{LOOKS[state].character} {LOOKS[state].words}")


def test_two_scans_are_compared_port_by_port() -> None:
    before = frame({22: OPEN, 80: OPEN, 81: CLOSED, 443: DROPPED, 9: CLOSED})
    after = frame({22: DROPPED, 80: OPEN, 81: CLOSED, 443: OPEN, 10: CLOSED})
    ax = plots.compare(before, after, labels=("before", "after"))
    assert cells(ax) == [
        ["before", "after", "count", "ports"],
        ["open", "filtered", "1", "22"],
        ["filtered", "open", "1", "443"],
        ["open", "open", "1"],
        ["closed", "closed", "1"],
    ]
    assert [bar.get_width() for bar in ax.patches] == [1, 1, 1, 1]
    assert ax.get_title(loc="left") == "before against after: 2 ports came out otherwise"
    assert "2 ports asked by only one of them." in plots.describe(ax)


def test_scans_that_share_no_port_cannot_be_compared() -> None:
    with pytest.raises(BadTarget, match="share no port"):
        plots.compare(frame({22: OPEN}), frame({80: OPEN}))


# --- over time ---------------------------------------------------------------------------------------------


def events(*rows: tuple[float, str, int, int, str | None]) -> Any:
    """An events frame from (ms, direction, port, attempt, answer)."""
    told = [
        {
            "time_ms": time, "direction": direction, "host": "ops", "address": "10.77.1.40", "port": port,
            "protocol": "udp", "technique": "udp", "attempt": attempt, "answer": answer,
            "answered_by": "10.77.1.40" if answer else None, "state": "closed" if answer else None,
            "clock": "capture", "fidelity": "embedded",
        }
        for time, direction, port, attempt, answer in rows
    ]  # fmt: skip
    return pd.DataFrame(told, columns=list(EVENT_COLUMNS)).astype({"port": "Int64", "attempt": "Int64"})


def test_the_timeline_has_a_tick_for_every_probe_and_a_mark_for_every_answer() -> None:
    scan = made.scan("syn", made.LATE)
    ax = plots.timeline(scan)
    ticks = [line.get_xdata() for line in ax.lines if line.get_marker() == "None"]
    assert [sorted({float(x) for x in each if x == x}) for each in ticks] == [[0], [0.25]]
    assert marks(ax, State.OPEN) == [pytest.approx(0.29)]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["80"]
    assert cells(ax)[1:] == [["try 1", "1", "0 µs", "0 µs", "0"], ["try 2", "1", "250 ms", "250 ms", "1"]]


def test_a_frame_of_events_draws_the_same_as_its_scan() -> None:
    scan = made.scan("syn", made.LATE)
    assert plots.describe(plots.timeline(scan)) == plots.describe(plots.timeline(scan.to_events_frame()))


def test_of_many_ports_the_timeline_shows_some_and_the_open_ones() -> None:
    table = events(*((port / 10, "sent", port, 1, None) for port in range(1, 3000)))
    opened = table[table["port"] == 1237].assign(direction="received", state="open", answer="udp-response")
    ax = plots.timeline(pd.concat([table, opened]))
    assert marks(ax, State.OPEN) == [pytest.approx(0.1237)]
    assert re.search(rf"{MOST_ROWS + 1} of 2,999 rows are drawn", plots.describe(ax))


def test_the_staircase_counts_icmp_answers_and_nothing_else() -> None:
    limit = "port-unreach-by-target"
    sent = [(port * 10.0, "sent", port, 1, None) for port in range(1, 20)]
    came = [(time, "received", 1, 1, limit) for time in (1, 2, 3, 4, 5, 6, 1006, 2006, 3006)]
    ax = plots.icmp_staircase(events(*sent, *came, (7, "received", 5, 1, "udp-response")))
    assert ax.get_title(loc="left") == "6 ICMP answers at once, then 1.0 a second"
    steps = ax.lines[1]
    assert list(steps.get_xdata()[1:-1]) == [time / 1e3 for time, *_ in came]
    assert list(steps.get_ydata()[1:-1]) == list(range(1, 10))
    assert cells(ax)[1:] == [["0", "19", "6"], ["1", "0", "1"], ["2", "0", "1"], ["3", "0", "1"]]


def test_a_staircase_without_icmp_answers_says_so() -> None:
    ax = plots.icmp_staircase(made.scan("syn", made.SYN_OPEN))
    assert ax.get_title(loc="left") == "No ICMP answer came"


def test_a_tidy_frame_without_times_says_what_to_type() -> None:
    with pytest.raises(BadTarget, match="to_events_frame"):
        plots.timeline(frame({22: OPEN}))


# --- as a picture ------------------------------------------------------------------------------------------

DRAWN = {
    "rtt": lambda ax=None: plots.rtt(frame({1: OPEN, 2: DROPPED}, {1: 0.1}), ax),
    "states": lambda ax=None: plots.states(frame({1: OPEN, 2: DROPPED}), ax),
    "compare": lambda ax=None: plots.compare(frame({1: OPEN}), frame({1: DROPPED}), ax),
    "timeline": lambda ax=None: plots.timeline(made.scan("syn", made.LATE), ax),
    "icmp_staircase": lambda ax=None: plots.icmp_staircase(made.scan("udp", made.UDP_CLOSED, 69), ax),
}


@pytest.mark.parametrize("name", DRAWN)
def test_axes_go_in_and_come_out(name: str) -> None:
    ax = Figure().subplots()
    assert DRAWN[name](ax) is ax


@pytest.mark.parametrize("name", DRAWN)
def test_a_plot_shows_itself_with_its_words(name: str) -> None:
    ax = DRAWN[name]()
    shown = ax._repr_mimebundle_()
    assert shown["text/plain"] == plots.describe(ax)
    for cell in (cell for row in cells(ax) for cell in row):
        assert f">{cell.replace('&', '&amp;')}<" in shown["text/html"]
    assert "var(--ink)" in shown["text/html"]
    assert "#1c2128" not in shown["text/html"].split("<figure")[1]
    assert shown["text/html"] == DRAWN[name]()._repr_mimebundle_()["text/html"]


def test_showing_a_plot_does_not_change_it() -> None:
    ax = DRAWN["rtt"]()
    before = ax.get_title(loc="left"), tuple(ax.figure.get_size_inches())
    ax._repr_mimebundle_()
    assert (ax.get_title(loc="left"), tuple(ax.figure.get_size_inches())) == before


def test_several_plots_of_one_figure_are_one_picture() -> None:
    fig = Figure()
    one, other = fig.subplots(2)
    DRAWN["rtt"](one)
    DRAWN["states"](other)
    assert str(plots.themed(fig)) == f"{plots.describe(one)}\n\n{plots.describe(other)}"


def test_axes_of_somebody_else_have_no_words() -> None:
    with pytest.raises(BadTarget, match="Draw first"):
        plots.describe(Figure().subplots())

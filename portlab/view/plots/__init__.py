"""Plots: what a whole scan looks like, from its tidy frame.  Axes may go in, axes come out.

    plots.rtt(scan.to_frame())                how long the answers took
    plots.states(scan.to_frame())             what came out, and why
    plots.compare(before.to_frame(), after.to_frame())
    plots.timeline(scan)                      what was sent when, and what came back
    plots.icmp_staircase(scan)                a limit on ICMP answers, seen as steps

A new plot shows itself in the page's theme, with its numbers as a table; `themed(figure)` does so for one's own
figure, `describe(ax)` tells a plot in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from portlab.model import State
from portlab.view import given, words
from portlab.view.plots.counts import compare, states
from portlab.view.plots.picture import Picture, Words, about, describe, tell, themed
from portlab.view.plots.style import LIGHT, axes, marker, style
from portlab.view.plots.time import icmp_staircase, timeline
from portlab.view.tokens import LOOKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

__all__ = ["Picture", "Words", "compare", "describe", "icmp_staircase", "rtt", "states", "themed", "timeline"]

MOST_MARKS = 200
"""More round trips of one state are drawn as evenly chosen ones, from the shortest to the longest."""
MODELLED = "modelled time to the answer (log scale)"
MEASURED = "time to the answer (log scale)"


def rtt(frame: DataFrame, ax: Axes | None = None) -> Axes:
    """How long the answers took: a strip of marks a state, on a scale by tens; silence is a row of its own.

    `frame` is `scan.to_frame()`; times are in ms.  Silence has no round-trip time, so it is never a mark.
    """
    frame = given.frame(frame, "plots.rtt(scan.to_frame())")
    timed = frame[frame["rtt_ms"].notna()]
    silent = frame[frame["rtt_ms"].isna() & frame["answered_by"].isna()]
    known = [state for state in State if (timed["state"] == state).any()]
    quiet = [state for state in State if (silent["state"] == state).any()]
    rows, labels = [], []
    with style():
        ax = axes(ax, 64 + 50 * max(len(known) + len(quiet), 2))
        for place, state in enumerate(known):
            times = np.sort(timed.loc[timed["state"] == state, "rtt_ms"].to_numpy(float))
            _strip(ax, -place, times, state)
            labels.append(f"{LOOKS[state].words}\n{words.count(len(times), 'answer')}")
            rows.append((LOOKS[state].words, f"{len(times):,}", *_durations(times)))
        for place, state in enumerate(quiet, len(known)):
            count = int((silent["state"] == state).sum())
            _silence(ax, -place, words.count(count, "port" if frame["port"].notna().any() else "host"))
            labels.append(f"{LOOKS[state].words}\nno answer")
            rows.append((f"{LOOKS[state].words}, no answer", f"{count:,}", "", "", ""))
        ax.set_ylim(-len(labels) + 0.5, 0.75)
        ax.set_yticks([-place for place in range(len(labels))], labels)
        ax.tick_params(axis="y", labelcolor=LIGHT["ink"])
        ax.set_xlabel(MODELLED if "simulated" in set(frame["fidelity"]) else MEASURED)
        _time_axis(ax, timed["rtt_ms"].to_numpy(float))
    untimed = len(frame) - len(timed) - len(silent)
    note = "Each mark is an answer. Where many came, evenly chosen ones are drawn. The line is the median. "
    note += "Silence has no time and stands in a hatched row of its own." if quiet else ""
    note += f" {words.count(untimed, 'answer')} cannot be tied to one try and has no time." if untimed else ""
    heads = ("state", "count", "shortest", "median", "longest")
    return tell(ax, Words("How long the answers took", note.strip(), heads, tuple(rows), about(frame)))


def _strip(ax: Axes, y: float, times: NDArray[np.float64], state: State) -> None:
    """The answers of one state as marks side by side, and their median as a line."""
    place = np.linspace(0, len(times) - 1, min(len(times), MOST_MARKS)).round().astype(int)
    apart = (np.arange(len(place)) * 0.618034 % 1 - 0.5) * 0.4  # spread evenly, the same each time
    ax.plot(times[place], y + apart, linestyle="", alpha=0.75, zorder=3, **marker(state))
    median = float(np.median(times))
    ax.plot([median, median], [y - 0.34, y + 0.34], color=LIGHT["ink"], linewidth=2, zorder=4)
    ax.annotate(
        f"median {words.duration(median * 1e6)}",
        (median, y + 0.34),
        (0, 1),
        textcoords="offset points",
        ha="center",
    )


def _silence(ax: Axes, y: float, who: str) -> None:
    """Silence as a hatched row: it has no place on a scale of times."""
    ax.axhspan(
        y - 0.36, y + 0.36, facecolor=LIGHT["paper"], edgecolor=LIGHT["hair"], hatch="///", linewidth=0
    )
    ax.text(
        0.015,
        y,
        f"silence from {who}",
        va="center",
        transform=ax.get_yaxis_transform(),
        bbox={"facecolor": LIGHT["paper"], "edgecolor": "none", "pad": 2},
    )


def _time_axis(ax: Axes, times: NDArray[np.float64]) -> None:
    """A scale by tens, at least one whole step wide, in words."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    if not len(times):
        ax.set_xticks([])
        return
    low, high = max(times.min(), 1e-4), max(times.max(), 1e-4)
    spare = max(1.6, (10 / (high / low)) ** 0.5)
    ax.set_xscale("log")
    ax.set_xlim(low / spare, high * spare)
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 100 else (1,)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda ms, _: words.duration(ms * 1e6)))


def _durations(times: NDArray[np.float64]) -> tuple[str, str, str]:
    return tuple(words.duration(value * 1e6) for value in (times.min(), np.median(times), times.max()))  # type: ignore[return-value]  # three of them

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

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from portlab.errors import BadTarget
from portlab.model import State
from portlab.view import words
from portlab.view.plots_picture import Picture, Words, about, describe, tell, themed
from portlab.view.plots_style import LIGHT, MARKS, axes, style
from portlab.view.plots_time import icmp_staircase, timeline
from portlab.view.tokens import LOOKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

__all__ = ["Picture", "Words", "compare", "describe", "icmp_staircase", "rtt", "states", "themed", "timeline"]

MOST_MARKS = 200
"""More round trips of one state are drawn as evenly chosen ones, from the shortest to the longest."""
STATES = {str(state): state for state in State}
MODELLED = "modelled time from probe to answer (log scale)"
MEASURED = "time from probe to answer, at the scanner (log scale)"


def rtt(frame: DataFrame, ax: Axes | None = None) -> Axes:
    """How long the answers took: a strip of marks a state, on a scale by tens; silence is a row of its own.

    `frame` is `scan.to_frame()`; times are in ms.  Silence has no round-trip time, so it is never a mark.
    """
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
            _silence(ax, -place, words.count(count, "port" if _has_ports(frame) else "host"))
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
    ax.plot(times[place], y + apart, linestyle="", alpha=0.75, zorder=3, **MARKS[state])
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


def states(frame: DataFrame, ax: Axes | None = None) -> Axes:
    """What came out and why: one bar for every state and reason, with its count.  `frame` is `scan.to_frame()`."""
    counts = Counter(zip(map(STATES.get, frame["state"]), map(str, frame["reason"]), strict=True))
    found = sorted(
        ((state, reason, count) for (state, reason), count in counts.items() if state),
        key=lambda one: (one[0].code, -one[2]),
    )
    with style():
        ax = axes(ax, 50 + 34 * max(len(found), 2))
        for place, (state, _, count) in enumerate(found):
            _bar(ax, -place, count, state)
        labels = [f"{LOOKS[state].character} {LOOKS[state].words}, {reason}" for state, reason, _ in found]
        _bars(ax, labels, max((count for _, _, count in found), default=1))
    total = len(frame)
    rows = tuple(
        (LOOKS[state].words, reason, f"{count:,}", f"{100 * count / total:.1f} %")
        for state, reason, count in found
    )
    hosts = words.count(frame["address"].nunique(), "host")
    what = f"{words.count(total, 'port')} of {hosts}" if _has_ports(frame) else hosts
    note = f"{what}: each bar is a state with the reason for it."
    told = Words(f"What {what} came out as", note, ("state", "reason", "count", "share"), rows, about(frame))
    return tell(ax, told)


def _bar(ax: Axes, y: float, count: int, state: State) -> None:
    """One bar in the state's own manner, and its count beside it."""
    look = {
        State.OPEN: {"facecolor": LIGHT["open"]},
        State.UP: {"facecolor": LIGHT["open"]},
        State.FILTERED: {"facecolor": LIGHT["paper"], "edgecolor": LIGHT["filtered"], "hatch": "///"},
        State.OPEN_FILTERED: {"facecolor": LIGHT["paper"], "edgecolor": LIGHT["filtered"], "hatch": "///"},
        State.CLOSED: {"facecolor": LIGHT["wash"], "edgecolor": LIGHT["closed"]},
        State.DOWN: {"facecolor": LIGHT["wash"], "edgecolor": LIGHT["closed"]},
    }.get(state, {"facecolor": LIGHT["paper"], "edgecolor": LIGHT["ink"]})
    ax.barh(y, count, height=0.6, linewidth=1.2, **look)  # type: ignore[arg-type]  # names of colours
    if state is State.OPEN_FILTERED:  # half of each
        ax.barh(y + 0.15, count, height=0.3, facecolor=LIGHT["open"])
    ax.annotate(f"{count:,}", (count, y), (5, 0), textcoords="offset points", va="center")


def _bars(ax: Axes, labels: list[str], most: int) -> None:
    """What all bar plots have in common."""
    from matplotlib.ticker import MaxNLocator

    ax.set_yticks([-place for place in range(len(labels))], labels)
    ax.set_ylim(-len(labels) + 0.4, 0.6)
    ax.set_xlim(0, most * 1.12)
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.tick_params(axis="y", labelcolor=LIGHT["ink"])


def compare(
    before: DataFrame,
    after: DataFrame,
    ax: Axes | None = None,
    labels: tuple[str, str] = ("first", "second"),
) -> Axes:
    """Two scans compared: how many ports came out as what in each.  Both frames are `scan.to_frame()`.

    Ports are matched by address, number and protocol; those that only one of the scans asked are counted apart.
    Changes come first, and name their ports.
    """
    key = ["address", "port", "protocol"]
    both = before[[*key, "host", "state"]].merge(
        after[[*key, "state"]], on=key, suffixes=("_before", "_after")
    )
    if not len(both):
        raise BadTarget("These two scans share no port of a host, so there is nothing to compare.")
    pairs: dict[tuple[State, State], list[Any]] = {}
    before_after = zip(both["state_before"].map(STATES.get), both["state_after"].map(STATES.get), strict=True)
    for pair, row in zip(before_after, both.itertuples(), strict=True):
        pairs.setdefault(pair, []).append(row)
    found = sorted(pairs.items(), key=lambda item: (item[0][0] is item[0][1], -len(item[1])))
    several = both["address"].nunique() > 1
    told = [_which(rows, several) if one is not other else "" for (one, other), rows in found]
    with style():
        ax = axes(ax, 50 + 34 * max(len(found), 2))
        for place, ((one, other), rows) in enumerate(found):
            changed = one is not other
            look = (
                {"facecolor": LIGHT["ink"]}
                if changed
                else {"facecolor": LIGHT["wash"], "edgecolor": LIGHT["line"]}
            )
            ax.barh(-place, len(rows), height=0.6, **look)  # type: ignore[arg-type]  # names of colours
            ports = f": {told[place]}" if told[place] else ""
            ax.annotate(
                f"{len(rows):,}{ports}", (len(rows), -place), (5, 0), textcoords="offset points", va="center"
            )
        names = [_change(one, other) for (one, other), _ in found]
        _bars(ax, names, max(len(rows) for _, rows in found))
        ax.set_xlim(right=max(len(rows) for _, rows in found) * 1.5)
    differing = sum(len(rows) for (one, other), rows in found if one is not other)
    alone = len(before) + len(after) - 2 * len(both)
    note = f"{words.count(len(both), 'port')} in both scans. Dark bars are ports that came out otherwise."
    note += f" {words.count(alone, 'port')} asked by only one of them." if alone else ""
    table = tuple(
        (LOOKS[one].words, LOOKS[other].words, f"{len(rows):,}", which)
        for ((one, other), rows), which in zip(found, told, strict=True)
    )
    title = f"{labels[0]} against {labels[1]}: {words.count(differing, 'port')} came out otherwise"
    return tell(ax, Words(title, note, (*labels, "count", "ports"), table, about(before, after)))


def _change(one: State, other: State) -> str:
    before, after = (f"{LOOKS[state].character} {LOOKS[state].words}" for state in (one, other))
    return f"{before} → {after}" if one is not other else f"{before}, as before"


def _which(rows: list[Any], several: bool) -> str:
    """The ports of a change, and their hosts where there are several."""
    names = [f"{row.host} {row.port}" if several else f"{row.port}" for row in rows]
    return ", ".join(names[:4]) + (f" and {len(names) - 4:,} more" if len(names) > 4 else "")


def _has_ports(frame: DataFrame) -> bool:
    return bool(frame["port"].notna().any())

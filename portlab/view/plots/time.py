"""Plots over time: what was sent when, what came back, and how fast a target says what is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from portlab.errors import BadTarget
from portlab.evidence.result import Scan
from portlab.model import Answer, State
from portlab.view import given, words
from portlab.view.plots.picture import Words, about, tell
from portlab.view.plots.style import LIGHT, axes, marker, style
from portlab.view.tokens import LOOKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

MOST_ROWS = 300
"""Of more ports than this, evenly chosen ones are drawn, each with all that was said about it."""
MOST_NAMED = 14
AT_ONCE = 0.5  # seconds
ICMP_ERRORS = [str(answer) for answer in Answer if answer.is_icmp_error]
BATCH = "Probes have the time of their batch."


def _events(scan: Scan | DataFrame) -> DataFrame:
    """The events of a scan, or of the scan whose `to_events_frame()` it is already."""
    if isinstance(scan, list):
        scan = given.one_scan(scan, "plots.timeline(scan)")
    frame = given.frame(scan.to_events_frame() if isinstance(scan, Scan) else scan, "plots.timeline(scan)")
    if "time_ms" not in frame:
        raise BadTarget(
            "This frame has no times of its events.  Type: plots.timeline(scan.to_events_frame())"
        )
    return frame


def timeline(scan: Scan | DataFrame, ax: Axes | None = None) -> Axes:
    """What was sent when, and what came back: a row a port, a tick a probe, a mark of the state an answer.

    Takes a scan, or its `to_events_frame()`.  Later tries are paler.
    """
    frame = _events(scan)
    rows = frame[["host", "address", "port"]].drop_duplicates()
    rows = rows.sort_values(["address", "port"]).reset_index(drop=True)
    rows = rows.iloc[_chosen(frame, rows)].reset_index(drop=True)
    placed = frame.merge(rows.assign(row=range(len(rows))), on=["host", "address", "port"])
    sent, came = placed[placed["direction"] == "sent"], placed[placed["direction"] == "received"]
    with style():
        ax = axes(ax, 90 + min(16 * max(len(rows), 4), 300))
        for tries, colour, width in (
            (sent["attempt"] == 1, "ink", 1.8),
            (sent["attempt"] != 1, "muted", 1.0),
        ):
            _ticks(ax, sent.loc[tries, "time_ms"].to_numpy(float) / 1e3, sent.loc[tries, "row"].to_numpy(float),
                   max(0.3, len(rows) / 150), color=LIGHT[colour], linewidth=width)  # fmt: skip
        for state in State:
            some = came[came["state"] == state]
            if len(some):
                ax.plot(some["time_ms"] / 1e3, some["row"], linestyle="", zorder=4, **marker(state))
        _row_names(ax, rows)
        ax.set_xlabel(_seconds(frame))
    return tell(ax, _timeline_words(frame, came, len(rows)))


def _chosen(frame: DataFrame, rows: DataFrame) -> NDArray[np.intp]:
    """The rows to draw: all of them, or evenly chosen ones and those that are open."""
    if len(rows) <= MOST_ROWS:
        return np.arange(len(rows))
    opened = frame.loc[frame["state"] == State.OPEN, ["address", "port"]].drop_duplicates()
    is_open = rows.merge(opened, on=["address", "port"], how="left", indicator=True)["_merge"] == "both"
    evenly = np.linspace(0, len(rows) - 1, MOST_ROWS).round().astype(np.intp)
    return np.union1d(evenly, np.flatnonzero(is_open)[:MOST_ROWS])


def _ticks(ax: Axes, x: NDArray[np.float64], y: NDArray[np.float64], half: float, **look: Any) -> None:
    """A short upright stroke at every point, all of them one line with gaps
    (a mark of its own each is ten times as large in a file).
    """
    gap = np.full(len(x), np.nan)
    ax.plot(np.stack([x, x, gap], 1).ravel(), np.stack([y - half, y + half, gap], 1).ravel(), **look)


def _row_names(ax: Axes, rows: DataFrame) -> None:
    """Which port each row is: all of them by name, or some by number."""
    several = rows["address"].nunique() > 1
    named = [
        " ".join(([host] if several or port is None else []) + ([] if port is None else [str(port)]))
        for host, port in zip(
            rows["host"], [None if p != p else p for p in rows["port"].astype(object)], strict=True
        )
    ]
    every = max(1, -(-len(named) // MOST_NAMED))
    places = list(range(0, len(named), every))
    ax.set_yticks(places, [named[place] for place in places])
    ax.set_ylim(len(named) - 0.3, -0.7)
    ax.tick_params(axis="y", labelcolor=LIGHT["ink"])


def _timeline_words(frame: DataFrame, came: DataFrame, drawn: int) -> Words:
    sent = frame[frame["direction"] == "sent"]
    received = frame[frame["direction"] == "received"]
    shapes = [
        f"{LOOKS[state].character} {LOOKS[state].words}" for state in State if (came["state"] == state).any()
    ]
    rows = []
    for attempt, tries in sent.groupby("attempt"):
        answers = int((received["attempt"] == attempt).sum())
        first, last = (
            words.duration(float(at) * 1e6) for at in (tries["time_ms"].min(), tries["time_ms"].max())
        )
        rows.append((f"try {attempt}", f"{len(tries):,}", first, last, f"{answers:,}"))
    total = len(frame[["address", "port"]].drop_duplicates())
    note = f"{words.count(len(sent), 'probe')} sent, {words.count(len(received), 'answer')}. "
    note += (
        f"{drawn:,} of {total:,} rows are drawn, evenly chosen, with the open ones. " if drawn < total else ""
    )
    note += "Paler ticks are later tries. " if len(rows) > 1 else ""
    note += BATCH if (sent["clock"] != "capture").any() else ""
    heads = ("try", "probes", "first at", "last at", "answers")
    return Words(
        f"Probes (|) and answers: {', '.join(shapes) or 'none'}",
        note.strip(),
        heads,
        tuple(rows),
        about(frame),
    )


def icmp_staircase(scan: Scan | DataFrame, ax: Axes | None = None) -> Axes:
    """A limit on ICMP answers, seen as steps: error messages counted over time, under the probes that asked for them.

    Takes a scan (a UDP scan of a host that keeps its limits), or its `to_events_frame()`.
    """
    frame = _events(scan)
    sent = np.sort(frame.loc[frame["direction"] == "sent", "time_ms"].to_numpy(float)) / 1e3
    answers = frame[frame["answer"].isin(ICMP_ERRORS)]
    came = np.sort(answers["time_ms"].to_numpy(float)) / 1e3
    end = float(max(sent.max(initial=0), came.max(initial=0)))
    top = max(len(came) * 1.3, 4)
    with style():
        ax = axes(ax, 250)
        ax.plot(np.append(sent, end), np.append(np.arange(1, len(sent) + 1), len(sent)),
                color=LIGHT["muted"], linewidth=1.2, drawstyle="steps-post")  # fmt: skip
        ax.plot([0, *came, end], [0, *range(1, len(came) + 1), len(came)],
                color=LIGHT["closed"], linewidth=2.4, drawstyle="steps-post")  # fmt: skip
        leaves = float(
            sent[min(int(top * 0.93), len(sent) - 1)]
        )  # here the probes' line is nearly out of sight
        ax.annotate(f"{words.count(len(sent), 'probe')} sent in the end", (leaves, min(top * 0.93, len(sent))),
                    (8, 0), textcoords="offset points", va="center", color=LIGHT["muted"])  # fmt: skip
        ax.annotate(words.count(len(came), "ICMP answer"), (end, len(came)), (0, 5),
                    textcoords="offset points", ha="right")  # fmt: skip
        ax.set_ylim(0, top)
        ax.set_ylabel("ICMP answers so far")
        ax.set_xlabel(_seconds(frame))
    return tell(ax, _staircase_words(frame, sent, came))


def _staircase_words(frame: DataFrame, sent: NDArray[np.float64], came: NDArray[np.float64]) -> Words:
    last = max(sent.max(initial=0), came.max(initial=0))
    rows = tuple(
        (
            f"{second}",
            f"{((sent >= second) & (sent < second + 1)).sum():,}",
            f"{((came >= second) & (came < second + 1)).sum():,}",
        )
        for second in range(int(last) + 1)
    )
    at_once = int((came < came[0] + AT_ONCE).sum()) if len(came) else 0
    rest, span = len(came) - at_once, float(came[-1] - came[at_once - 1]) if len(came) else 0.0
    title = f"{words.count(at_once, 'ICMP answer')} at once" if at_once else "No ICMP answer came"
    if rest and span > AT_ONCE:
        title += f", then {rest / span:.1f} a second"
    speakers = ", ".join(sorted(set(frame.loc[frame["answer"].isin(ICMP_ERRORS), "answered_by"].astype(str))))
    note = f"{len(came):,} ICMP answers" + (f" from {speakers}" if speakers else "")
    note += f" to {words.count(len(sent), 'probe')}. Where steps are flat while probes leave, they go unanswered. "
    note += f"At once means within {words.duration(AT_ONCE * 1e9)} of the first."
    return Words(title, note, ("second", "probes", "ICMP answers"), rows, about(frame))


def _seconds(frame: DataFrame) -> str:
    modelled = "modelled time, " if "simulated" in set(frame["fidelity"]) else ""
    return f"{modelled}seconds since the first probe"

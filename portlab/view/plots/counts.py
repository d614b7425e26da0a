"""Plots that count: what came out and why, and what came out otherwise the second time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from portlab.errors import BadTarget, quoted
from portlab.model import State
from portlab.view import given, words
from portlab.view.plots.picture import Words, about, tell
from portlab.view.plots.style import LIGHT, axes, bar, style
from portlab.view.tokens import LOOKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

STATES = {str(state): state for state in State}
CHANGED = {"facecolor": LIGHT["ink"]}
UNCHANGED = {"facecolor": LIGHT["wash"], "edgecolor": LIGHT["line"]}


def states(frame: DataFrame, ax: Axes | None = None) -> Axes:
    """What came out and why: one bar for every state and reason, with its count.  `frame` is `scan.to_frame()`."""
    frame = given.frame(frame, "plots.states(scan.to_frame())")
    counts = Counter(zip(map(STATES.get, frame["state"]), map(str, frame["reason"]), strict=True))
    found = sorted(
        ((state, reason, count) for (state, reason), count in counts.items() if state),
        key=lambda one: (one[0].code, -one[2], one[1]),
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
    what = f"{words.count(total, 'port')} of {hosts}" if _noun(frame) == "port" else hosts
    note = f"{what}: each bar is a state with the reason for it."
    told = Words(f"What {what} came out as", note, ("state", "reason", "count", "share"), rows, about(frame))
    return tell(ax, told)


def _bar(ax: Axes, y: float, count: int, state: State) -> None:
    """One bar in the state's own manner, and its count beside it."""
    ax.barh(y, count, height=0.6, linewidth=1.2, **bar(state))
    if half := LOOKS[state].half:
        ax.barh(y + 0.15, count, height=0.3, facecolor=LIGHT[half])
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
    example = "plots.compare(before.to_frame(), after.to_frame())"
    before, after = given.frame(before, example), given.frame(after, example)
    if not isinstance(labels, tuple | list) or [type(label) for label in labels] != [str, str]:
        raise BadTarget(
            f"labels={quoted(labels)} cannot be: it names both scans, such as labels=('before', 'after')."
        )
    key = ["address", "port", "protocol"]
    both = before[[*key, "host", "state"]].merge(
        after[[*key, "state"]], on=key, suffixes=("_before", "_after")
    )
    if not len(both):
        raise BadTarget("These two scans share no port and no host, so there is nothing to compare.")
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
            look = CHANGED if one is not other else UNCHANGED
            ax.barh(-place, len(rows), height=0.6, **look)  # type: ignore[arg-type]  # names of colours
            ports = f": {told[place]}" if told[place] else ""
            ax.annotate(
                f"{len(rows):,}{ports}", (len(rows), -place), (5, 0), textcoords="offset points", va="center"
            )
        names = [_change(one, other) for (one, other), _ in found]
        _bars(ax, names, max(len(rows) for _, rows in found))
        ax.set_xlim(right=max(len(rows) for _, rows in found) * 1.5)
    noun = _noun(before)
    differing = sum(len(rows) for (one, other), rows in found if one is not other)
    alone = len(before) + len(after) - 2 * len(both)
    note = f"{words.count(len(both), noun)} in both scans. Dark bars are those that came out otherwise."
    note += f" {words.count(alone, noun)} asked by only one of them." if alone else ""
    table = tuple(
        (LOOKS[one].words, LOOKS[other].words, f"{len(rows):,}", which)
        for ((one, other), rows), which in zip(found, told, strict=True)
    )
    title = f"{labels[0]} against {labels[1]}: {words.count(differing, noun)} came out otherwise"
    return tell(ax, Words(title, note, (*labels, "count", "ports"), table, about(before, after)))


def _change(one: State, other: State) -> str:
    before, after = (f"{LOOKS[state].character} {LOOKS[state].words}" for state in (one, other))
    return f"{before} → {after}" if one is not other else f"{before}, as before"


def _which(rows: list[Any], several: bool) -> str:
    """The ports of a change, and their hosts where there are several or no ports."""
    from pandas import NA

    names = [
        " ".join([row.host] * (several or row.port is NA) + [str(row.port)] * (row.port is not NA))
        for row in rows
    ]
    return ", ".join(names[:4]) + (f" and {len(names) - 4:,} more" if len(names) > 4 else "")


def _noun(frame: DataFrame) -> str:
    """What a row of the frame is: a port, or after a ping a host."""
    return "port" if frame["port"].notna().any() else "host"

"""A matplotlib figure as a picture of the house: SVG in the page's theme, with the drawn numbers as a table."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from portlab.errors import BadTarget
from portlab.shown import Shown, text_table
from portlab.view import figure, given, words
from portlab.view.plots.style import LIGHT, NARROW, WIDE, style
from portlab.view.svg import escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

ATTRIBUTE = "in_words"
MOST_HOSTS = 4


@dataclass(frozen=True)
class About:
    """What a plot is drawn from: which scans, and how real they were."""

    scans: str
    fidelities: tuple[str, ...]


def about(*frames: DataFrame) -> About:
    """What these tidy frames hold: "SYN scan of web", and of captures who asked."""
    names = {
        column: list(dict.fromkeys(str(word) for frame in frames for word in frame[column].unique()))
        for column in ("technique", "host", "fidelity")
    }
    techniques = " and ".join(words.technique_name(name) for name in names["technique"])
    asked_by = [
        str(asker)
        for frame in frames
        if "scanner" in frame
        for asker in frame.loc[frame["fidelity"] == "capture", "scanner"].dropna().unique()
    ]
    hosts, askers = _some(names["host"], "host"), _some(list(dict.fromkeys(asked_by)), "scanner")
    told = f"{techniques} of {hosts}" + (f" by {askers}" if asked_by else "")
    return About(told, tuple(names["fidelity"]))


def _some(names: list[str], what: str) -> str:
    """A few names, or how many there are."""
    return ", ".join(names) if len(names) <= MOST_HOSTS else words.count(len(names), what)


@dataclass(frozen=True)
class Words:
    """What one plot shows, in words: its title, what it says, and the numbers that are drawn."""

    title: str
    note: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    about: About

    def __str__(self) -> str:
        lines = text_table([self.heads, *self.rows])
        told = f"{self.about.scans}   [{', '.join(map(words.fidelity_name, self.about.fidelities))}]"
        return "\n".join([self.title, told, self.note, "", *lines])


def tell(ax: Axes, told: Words) -> Axes:
    """The same axes, titled, with the words that belong to them."""
    _title(ax, told.title)
    setattr(ax, ATTRIBUTE, told)
    return ax


def _title(ax: Axes, title: str) -> None:
    with style():
        ax.set_title(title, loc="left")


def describe(ax: Axes) -> str:
    """What a plot shows, in words: its title, what it says, and the numbers drawn.

    Raises BadTarget for axes that no function of this module has drawn on.
    """
    return str(_words(ax))


def _words(ax: Axes) -> Words:
    ax = given.axes(ax)
    told: Words | None = getattr(ax, ATTRIBUTE, None)
    if told is None:
        raise BadTarget(
            f"Nothing of PortLab's is drawn on {ax!r}.  Draw first, such as: plots.rtt(scan.to_frame(), ax=ax)"
        )
    return told


@dataclass(frozen=True, eq=False, repr=False)
class Picture(Shown):
    """A figure of plots, as it is shown: drawn wide and narrow, with its words."""

    plots: tuple[Words, ...]
    wide: str
    narrow: str
    height: int

    def __str__(self) -> str:
        return "\n\n".join(str(plot) for plot in self.plots)

    def html(self) -> str:
        """The plots as a figure, and the numbers that are drawn as tables."""
        title = "; ".join(plot.title for plot in self.plots)
        notes = " ".join(plot.note for plot in self.plots)
        alternative = f"{title}. {notes} The table below has the numbers."
        scans = "; ".join(dict.fromkeys(plot.about.scans for plot in self.plots))
        fidelities = dict.fromkeys(name for plot in self.plots for name in plot.about.fidelities)
        badges = "".join(figure.fidelity(name) for name in fidelities)
        tables = "".join(
            f'<p class="muted">{escape(plot.title)}</p>' * (len(self.plots) > 1)
            + figure.table(
                plot.title, plot.heads, [[escape(cell) for cell in row] for row in plot.rows], "numbers"
            )
            for plot in self.plots
        )
        body = (
            figure.heading(title if len(self.plots) == 1 else "Plots", scans, badges)
            + f'<div class="plot wide" role="img" aria-label="{escape(alternative)}">'
            + figure.picture(self.wide, self.height, alternative, left=0, right=760 - WIDE)
            + '</div><div class="plot narrow" hidden="hidden" role="img" '
            + f'aria-label="{escape(alternative)}">{self.narrow}</div>'
            + f"<figcaption>{escape(notes)}</figcaption>"
            + f"<details><summary>The same numbers as a table</summary>{tables}</details>"
        )
        return figure.wrap("plot", title, body, "plots")


def themed(fig: Figure) -> Picture:
    """A figure with plots of this module as a picture that follows the page's theme, in words too.

    Raises BadTarget where nothing of PortLab's is drawn on one of its axes.
    """
    fig = given.figure(fig)
    told = tuple(_words(ax) for ax in fig.axes)
    name = figure.identity("".join(map(str, told)))
    width, height = map(float, fig.get_size_inches())
    titles = [ax.get_title(loc="left") for ax in fig.axes]
    try:
        if len(told) == 1:  # the heading has the title already
            _title(fig.axes[0], "")
        wide = _svg(fig, f"{name}w", WIDE, height)
        narrow = _svg(fig, f"{name}n", NARROW, height)
    finally:
        fig.set_size_inches(width, height)
        for ax, title in zip(fig.axes, titles, strict=True):
            _title(ax, title)
    return Picture(told, wide, narrow, round(height * 96))


def _svg(fig: Figure, name: str, width: int, inches: float) -> str:
    """The figure `width` pixels wide, its colours and font as the page's variables, every id with the name first."""
    fig.set_size_inches(width / 96, inches)
    buffer = io.BytesIO()
    with style():
        fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue().decode()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}\1"', svg)
    svg = re.sub(r'(url\(|href=")#', rf"\1#{name}", svg)
    # A hundredth of a pixel is enough.
    svg = re.sub(r' (?:d|x|y)="[^"]+"', lambda found: re.sub(r"(\.\d\d)\d+", r"\1", found[0]), svg)
    for token, colour in LIGHT.items():
        svg = svg.replace(colour, f"var(--{token})")
    svg = re.sub(r"(font: [^;\"]*?px) [^;\"]+", r"\1 var(--ui)", svg)
    svg = re.sub(r"font-family: ?[^;\"]+", "font-family:var(--ui)", svg)
    size = f'width="{width}" height="{round(inches * 96)}" aria-hidden="true"'
    return re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', size, svg, count=1)

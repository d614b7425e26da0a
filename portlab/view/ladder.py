"""Ladder: who sent what, when.  One exchange as text, and as an accessible figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portlab.model import Exchange
from portlab.view import figure, ladder_svg, ladder_text
from portlab.view.describe import describe
from portlab.view.story import Kind, Story
from portlab.view.svg import badge, escape
from portlab.view.words import duration

MEASURED = "Times: read on the scanner; the other ends of the arrows are not measured."
MODELLED = "Times: a model's, not measured."
BATCH = "A sent packet has the time of its batch."
COMPRESSED = "Gaps are compressed, read the numbers."
SHEETS = ("ladder", "ladder_page")


def transcript(exchange: Exchange) -> str:
    """The ladder as plain text, at most 100 columns wide."""
    return ladder_text.transcript(describe(exchange))


def mimebundle(exchange: Exchange) -> dict[str, str]:
    """What a notebook shows: the figure, and the transcript where there can be none."""
    story = describe(exchange)
    return {"text/plain": ladder_text.transcript(story), "text/html": html(story)}


def html(story: Story, alone: bool = True) -> str:
    """The ladder as a figure: picture, verdict, and the same rows as a table; in short where not `alone`."""
    name = figure.identity(ladder_text.transcript(story))
    svg, height = ladder_svg.draw(story, name)
    fidelity = "" if story.result is None else _fidelity(story)
    alternative = f"{story.title}. {_in_short(story)} The table below says the same in words."
    body = (
        figure.heading(story.title, story.asked, fidelity)
        + figure.picture(svg, height, alternative, "ladder")
        + f"<figcaption>{_caption(story, alone)}</figcaption>"
        + f"<details{' open' if alone else ''}><summary>The same in words ({len(story.rows)} steps)</summary>"
        + figure.table(("#", "time", "from → to", "packet", "what it means"), _table(story), "steps")
        + "</details>"
    )
    return figure.wrap("ladder", story.title, body, *SHEETS)


def _fidelity(story: Story) -> str:
    loud = " loud" if story.simulated else ""
    return f'<span class="fidelity{loud}">{escape(story.fidelity)}</span>'


def _in_short(story: Story) -> str:
    result = story.result
    return "" if result is None else f"{result.state}, {result.reason}: {result.sentence}"


def _caption(story: Story, alone: bool) -> str:
    source, told = "", ""
    if story.result is not None:
        told = f"<p>{escape(story.result.sentence)}</p>"
        if story.result.caveat:
            told += f"<p><strong>{escape(story.result.caveat)}</strong></p>"
        source = f"Source: {escape(story.result.source)}. "
    return f'{told}<p class="muted">{source}{_times(story) if alone else ""}</p>'


def _times(*stories: Story) -> str:
    """What the times of these ladders are."""
    told = [MODELLED if any(story.simulated for story in stories) else MEASURED]
    if any(story.batch_clock for story in stories):
        told.append(BATCH)
    return " ".join([*told, COMPRESSED])


def _table(story: Story) -> list[list[str]]:
    """The rows as table cells (HTML): number, time, who, what, meaning."""
    told = []
    for number, row in enumerate(story.rows, 1):
        time, who = duration(row.at_ns), ""
        if row.kind is Kind.SILENCE:
            time = f"{time} – {duration(row.until_ns)}"
        if row.kind is Kind.PACKET:
            who = f"{story.actors[row.sender].name} → {story.actors[row.receiver].name}"
        what = "<i>silence</i>" if row.kind is Kind.SILENCE else f"<b>{escape(row.what)}</b>"
        if row.detail:
            what += f' <span class="muted" title="{escape(row.absolute)}">{escape(row.detail)}</span>'
        mark = f" <strong>This {escape(story.claim)}.</strong>" if row.decides else ""
        told.append([str(number), time, escape(who), what, f"{escape(row.sentence)}{mark}"])
    if story.result is not None:
        verdict = f"{story.result.reason}. {story.result.sentence}"
        told.append(["⇒", "", "", badge(story.result.state), escape(verdict)])
    return told


@dataclass(frozen=True, eq=False, repr=False)
class Ladders:
    """Several exchanges to be compared."""

    exchanges: tuple[Exchange, ...]

    def __str__(self) -> str:
        return "\n\n\n".join(transcript(exchange) for exchange in self.exchanges)

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        stories = [describe(exchange) for exchange in self.exchanges]
        figures = "".join(html(story, alone=False) for story in stories)
        page = f'<div class="pl-side">{figures}</div><div class="pl"><p class="muted">{_times(*stories)}</p></div>'
        return {"text/plain": str(self), "text/html": page}


def ladders(*exchanges: Exchange) -> Ladders:
    """Several ladders side by side: ladders(scan.exchange("web", 80), scan.exchange("web", 22))."""
    return Ladders(exchanges)

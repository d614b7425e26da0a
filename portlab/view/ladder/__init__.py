"""Ladder: who sent what, when.  One exchange as text, and as a figure that steps under the learner's hand.

    scan.exchange("web", 22)                        what the scanner saw
    scan.exchange("web", 22).both_ends(recording)   and what the firewall and the target saw of it
    ladders(scan.exchange("web", 80), scan.exchange("web", 22))

Where a recording is at hand, what only it knows is marked "truth", and what the scanner must believe instead "seen":
the button "Scanner's view" shows the one or the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portlab.model import Exchange
from portlab.shown import Shown
from portlab.view import figure, given
from portlab.view.ladder import drawing, text
from portlab.view.ladder.describe import describe
from portlab.view.ladder.story import RowKind, Story, StoryRow
from portlab.view.svg import badge, escape
from portlab.view.words import count, duration

MEASURED = "Times: read on the scanner; the other ends of the arrows are not measured."
RECORDED = (
    "Times: each stands at the lifeline where it was read, all of them by one clock; "
    "a + counts from where the packet set out."
)
MODELLED = "Times: a model's, not measured."
BATCH = "A sent packet has the time of its batch."
COMPRESSED = "Gaps are compressed, read the numbers."
SHEETS = ("ladder", "ladder_page")
HEADS = ("#", "time", "from → to", "packet", "what it means")


def transcript(exchange: Exchange) -> str:
    """The ladder as plain text, at most 100 columns wide."""
    return text.transcript(describe(exchange))


def mimebundle(exchange: Exchange) -> dict[str, str]:
    """What a notebook shows: the figure, and the transcript where there can be none."""
    story = describe(exchange)
    return {"text/plain": text.transcript(story), "text/html": html(story)}


def html(story: Story, alone: bool = True) -> str:
    """The ladder as a figure: picture, verdict, and the same rows as a table; in short where not `alone`."""
    cells, marks = _table(story)
    svg, height = drawing.draw(story, figure.identity(f"{story.title} {cells}"))
    fidelity = "" if story.result is None else figure.fidelity(story.result.fidelity)
    alternative = f"{story.title}. {_in_short(story)} The table below says the same in words."
    body = (
        figure.heading(story.title, story.asked, fidelity if alone else "")
        + _controls(story)
        + figure.picture(svg, height, alternative, "ladder")
        + f"<figcaption>{_caption(story)}</figcaption>"
        + f"<details{' open' if alone else ''}>"
        + f"<summary>The same in words ({count(len(story.rows), 'event')})</summary>"
        + figure.table(story.title, HEADS, cells, "steps", marks)
        + _small_print(story, alone)
        + "</details>"
    )
    return figure.wrap("ladder", story.title, body, *SHEETS, script_name="ladder", bare=not alone)


def _controls(story: Story) -> str:
    """The buttons to step with, and the line that says each step."""
    buttons = [
        figure.button("back", '<span aria-hidden="true">◀</span> Back', aria_keyshortcuts="ArrowLeft"),
        figure.button(
            "next",
            '<span>Step through</span> <span aria-hidden="true">▶</span>',
            aria_keyshortcuts="ArrowRight",
        ),
        figure.button("all", "Show all"),
    ]
    if story.observers:
        buttons.append(figure.button("view", "Scanner's view", aria_pressed="false"))
    rest = f"{count(len(story.rows), 'event')}, drawn in full. Step through to see them one at a time."
    say = f'<p class="say" role="status" data-rest="{rest}" hidden="hidden"></p>'
    return figure.controls("Step through the exchange", *buttons) + say


def _in_short(story: Story) -> str:
    result = story.result
    return "" if result is None else f"{result.state}, {result.reason}: {result.sentence}"


def _caption(story: Story) -> str:
    """The verdict's sentence, which is still to come while the ladder is stepped."""
    told, last = "", f'data-i="{len(story.rows) + 1}"'
    if story.result is not None:
        told = f"<p {last}>{escape(story.result.sentence)}</p>"
        if story.result.caveat:
            told += f"<p {last}><strong>{escape(story.result.caveat)}</strong></p>"
        if story.untouched:
            told += f'<p class="truth" {last}>{escape(story.actors[-1].name)} recorded, and saw nothing of this.</p>'
    return told


def _small_print(story: Story, alone: bool) -> str:
    """Where the verdict stands written, and what the times are."""
    source = "" if story.result is None else f"Source: {escape(story.result.source)}. "
    return f'<p class="muted">{source}{_times(story) if alone else ""}</p>'


def _fidelities(*stories: Story) -> Iterator[str]:
    """How real the packets were, as badges: one where all were the same."""
    for name in dict.fromkeys(story.result.fidelity for story in stories if story.result):
        yield figure.fidelity(name)


def _times(*stories: Story) -> str:
    """What the times of these ladders are."""
    if any(story.simulated for story in stories):
        told = [MODELLED]
    elif any(story.observers for story in stories):
        told = [_either(RECORDED, MEASURED) if len(stories) == 1 else RECORDED]
    else:
        told = [MEASURED]
    if any(story.batch_clock for story in stories):
        told.append(BATCH)
    return " ".join([*told, COMPRESSED])


def _either(truth: str, seen: str) -> str:
    """The words of both views (HTML); the same in both need no marks."""
    if truth == seen:
        return truth
    hidden = f'<span class="seen">{seen}</span>' if seen else ""
    return f'<span class="truth">{truth}</span>{hidden}'


def _table(story: Story) -> tuple[list[list[str]], list[str]]:
    """The rows as table cells (HTML): number, time, who, what, meaning; and the attributes of each row."""
    cells = [_cells(number, row, story) for number, row in enumerate(story.rows, 1)]
    marks = [
        f'data-i="{number}"' + (' class="truth"' if row.unseen else "")
        for number, row in enumerate(story.rows, 1)
    ]
    if story.result is not None:
        verdict = f"{story.result.reason}. {story.result.sentence}"
        cells.append(["⇒", "", "", badge(story.result.state), escape(verdict)])
        marks.append(f'data-i="{len(cells)}" data-say="Verdict: {escape(story.result.state)}"')
    return cells, marks


def _cells(number: int, row: StoryRow, story: Story) -> list[str]:
    time, who = duration(row.at_ns), ""
    if row.kind is RowKind.SILENCE:
        time = f"{time} – {duration(row.until_ns)}"
    if row.kind is RowKind.PACKET:
        seen = f"{story.actors[row.sender].scanners_name} → {story.actors[row.receiver].scanners_name}"
        who = _either(escape(_way(row, story)), escape(seen))
    what = "<i>silence</i>" if row.kind is RowKind.SILENCE else f"<b>{escape(row.what)}</b>"
    if row.struck:
        what = f"<del>{what}</del> {escape(row.note)}"
    if row.detail:
        what += f' <span class="muted">{escape(row.detail)}</span>'
    if row.absolute:
        what += f'<span class="absolute">wire: {escape(row.absolute)}</span>'
    told = escape(row.sentence)
    if row.path and row.path.told:
        told += f'<span class="truth"> {escape(row.path.told)}</span>'
    if row.decides:
        whole = f"Both ends agree: this {story.whole_claim}." if story.agreed else f"This {story.claim}."
        told += f" <strong>{_either(escape(whole), escape(f'This {story.claim}.'))}</strong>"
    return [str(number), time, who, what, told]


def _way(row: StoryRow, story: Story) -> str:
    """From where to where a packet came, with all that is recorded."""
    path = row.path
    if path is None or not row.differs:
        return f"{story.actors[row.sender].name} → {story.actors[row.receiver].name}"
    end = story.actors[row.receiver if path.end is None else path.end].name
    return f"{story.actors[path.sender].name} → {end}" + (f": {path.fate}" if path.fate else "")


@dataclass(frozen=True, eq=False, repr=False)
class Ladders(Shown):
    """Several exchanges to be compared."""

    exchanges: tuple[Exchange, ...]

    def __str__(self) -> str:
        return "\n\n\n".join(transcript(exchange) for exchange in self.exchanges)

    def html(self) -> str:
        """The ladders as one figure."""
        stories = [describe(exchange) for exchange in self.exchanges]
        figures = "".join(html(story, alone=False) for story in stories)
        return (
            figure.style("ladder", *SHEETS)
            + f'<div class="pl-side">{figures}</div>'
            + f'<div class="pl"><p class="muted">{"".join(_fidelities(*stories))} {_times(*stories)}</p></div>'
            + figure.script("ladder")
        )


def ladders(*exchanges: Exchange) -> Ladders:
    """Several ladders side by side: ladders(scan.exchange("web", 80), scan.exchange("web", 22)).

    Each steps on its own.  What others recorded is added to one of them by `exchange.both_ends(recording)`.
    """
    return Ladders(tuple(given.exchange(each) for each in exchanges))

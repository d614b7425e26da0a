"""The marks of a ladder's picture: an arrow, a silence, a call, and what each of them claims."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from portlab.view.ladder.story import Fate, RowKind, Speaker, Story, StoryRow
from portlab.view.svg import element, escape, text
from portlab.view.tokens import glyph
from portlab.view.words import duration

SINK = 14  # px: how far an arrow sinks on its way
PILL, NOTE, FATE = 28, 16, 8  # px: room below it
SILENCE, DECIDING_SILENCE = 32, 56
FADED = 80  # percent of the width where an arrow has faded out
PIECES = 8  # of an arrow that fades out, each paler than the one before

STRIKE = 0.8  # of an arrow's way: there the cross stands that strikes it out
DIAMOND = "M0 -6L6 0L0 6L-6 0Z"  # a call of connect() has the square
CROSS = '<circle r="8" class="stop lost"/><path d="M-4 -4L4 4M4 -4L-4 4" class="cross"/>'

Columns = Sequence[float]
"""Each actor's lifeline, in percent of the width."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A row and its height in the picture: where it begins and ends, and where the next may begin."""

    row: StoryRow
    top: float
    end: float
    bottom: float


def percent(x: float) -> str:
    """56.0 -> "56%"."""
    return f"{x:g}%"


def event(place: Placed, story: Story, columns: Columns, prefix: str) -> Iterator[str]:
    """Everything that is drawn of one row."""
    match place.row.kind:
        case RowKind.PACKET:
            yield from _packet(place, story, columns, prefix)
        case RowKind.SILENCE:
            yield from _silence(place, story, columns, prefix)
        case RowKind.CALL:
            yield from _call(place, story)


def _time(ns: int, y: float) -> str:
    return text(-14, y + 4, duration(ns), "time", "end")


# --- a packet ------------------------------------------------------------------------------------------------


def _packet(place: Placed, story: Story, columns: Columns, prefix: str) -> Iterator[str]:
    row, path, three = place.row, place.row.path, len(columns) > 2
    head = f"url(#{prefix}-{'verdict' if row.decides else 'ink'})"
    if path is None or not row.differs:
        yield from _arrow(place, columns, row.sender, row.reaches, None, head)
    else:
        yield element("g", *_arrow(place, columns, path.sender, path.end, path.fate, head), css="truth")
        if not row.unseen:
            yield element("g", *_arrow(place, columns, row.sender, row.reaches, None, head), css="seen")
    if path is not None:
        yield element("g", *_sightings(place, columns), css="truth")
    own_y = place.top if row.sender == 0 else place.end
    if row.speaker is Speaker.KERNEL and row.note and not row.attempt:
        yield element("path", d=DIAMOND, transform=f"translate(0,{own_y:g})", css="sender")
    elif row.sender == 0:
        yield element("circle", cx="0%", cy=f"{own_y:g}", r="3.6", css="sender")
    if not row.unseen:
        yield _time(row.at_ns, own_y)
    middle = _middle(row, columns)
    yield _label(row, middle, _height(place, columns, middle) - 8)
    if row.struck:
        x = columns[row.sender] + (columns[row.receiver] - columns[row.sender]) * STRIKE
        yield element("svg", CROSS, x=percent(x), y=f"{_height(place, columns, x):g}", overflow="visible")
    y = place.end
    if row.decides:
        yield from _pill(story, middle, y + 12, left=three)
        y += PILL
    if row.note:
        yield text(percent(middle), y + 10, row.note, "note", "middle")


def _span(
    columns: Columns, goal: int, sender: int, end: int | None, fate: Fate | None
) -> tuple[float, float]:
    """Where an arrow begins and ends, in percent; one that got lost ends half way behind who had it last."""
    start, far = columns[sender], columns[goal]
    if end is None:
        return start, start + (far - start) * FADED / 100
    stop = columns[end]
    if fate is Fate.LOST:
        stop = (stop + columns[end + 1 if goal else end - 1]) / 2
    return start, stop


def _arrow(
    place: Placed, columns: Columns, sender: int, end: int | None, fate: Fate | None, head: str
) -> Iterator[str]:
    """One line: to its head, to the disc where it died, or fading where nobody knows."""
    row = place.row
    start, stop = _span(columns, row.receiver, sender, end, fate)
    low = place.end if end is not None else place.top + SINK * FADED / 100
    css = f"packet {row.protocol}"
    if end is None:
        yield from _fading(start, stop, place.top, low, css)
        yield text(percent(stop), low + 4, "?", "detail", "middle" if sender == 0 else "end")
        return
    ends = {"x1": percent(start), "y1": f"{place.top:g}", "x2": percent(stop), "y2": f"{low:g}"}
    yield element("line", **ends, css=css, marker_end=None if fate else head)
    flight = f"--x:{ends['x1']};--y:{ends['y1']}px"
    yield element("circle", cx=ends["x2"], cy=ends["y2"], r="4.5", css="dot", style=flight)
    if fate:
        cross = CROSS if fate is Fate.LOST else CROSS.replace(" lost", "")
        yield element("svg", cross, x=ends["x2"], y=ends["y2"], overflow="visible")
        yield _beside(stop, low + 6, fate, "note", left=stop < start)


def _fading(start: float, stop: float, high: float, low: float, css: str) -> Iterator[str]:
    """A line that fades out, in pieces.

    Not by a gradient: of two pictures of one exchange the first lends it to both, and JupyterLab takes that one out
    of the layout when it is scrolled out of sight.
    """
    for piece in range(PIECES):
        begin, end = piece / PIECES, (piece + 1) / PIECES
        yield element(
            "line",
            x1=percent(start + (stop - start) * begin),
            y1=f"{high + (low - high) * begin:g}",
            x2=percent(start + (stop - start) * end),
            y2=f"{high + (low - high) * end:g}",
            css=css,
            stroke_opacity=f"{min(1, 1.3 * (1 - begin)):.2g}",
        )


def _beside(x: float, y: float, words: str, css: str, left: bool) -> str:
    """Words on that side of a lifeline."""
    return text(percent(x), y, words, css, "end" if left else "start", dx=-12 if left else 12)


def _sightings(place: Placed, columns: Columns) -> Iterator[str]:
    """A tick and its time at each lifeline whose observer recorded the packet."""
    path, told = place.row.path, set[int]()
    if path is None:
        return
    start, stop = _span(columns, place.row.receiver, path.sender, path.end, path.fate)
    for one in path.sightings:
        if one.actor in told:  # it came in and left again: the first of the two
            continue
        told.add(one.actor)
        x, last = columns[one.actor], one.actor == len(columns) - 1
        y = _height(place, columns, x)
        when = "+" * (one.since_start and one.at_ns >= 0) + duration(one.at_ns)
        if x != stop or path.fate is None:  # else the disc stands there
            tick = "M2 0H9" if last else "M-6 0H6"
            line = f'<path d="{tick}" class="tick"/>'
            yield element("svg", line, x=percent(x), y=f"{y:g}", overflow="visible")
        died_here = path.fate is not None and x == stop and stop < start
        yield _beside(x, y + 4 if last else y - 9, when, "time", left=died_here)


def _height(place: Placed, columns: Columns, x: float) -> float:
    """How deep the arrow has sunk where it crosses `x`."""
    row, path = place.row, place.row.path
    way = (row.sender, row.reaches, None) if path is None else (path.sender, path.end, path.fate)
    start, stop = _span(columns, row.receiver, *way)
    low = SINK if way[1] is not None else SINK * FADED / 100
    return place.top + low * (abs(x - start) / abs(stop - start) if stop != start else 0)


def _middle(row: StoryRow, columns: Columns) -> float:
    """Where a packet's label stands: before whoever stands between."""
    path = row.path
    if row.unseen and path is not None and path.end is not None:
        return (columns[path.sender] + columns[path.end]) / 2
    ends = {row.sender, row.receiver if row.reaches is None else row.reaches}
    return columns[1] / 2 if len(columns) > 2 and 0 in ends else sum(columns[end] for end in ends) / len(ends)


def _label(row: StoryRow, x: float, y: float) -> str:
    """What the packet is, with its numbers where there is room."""
    name = element("tspan", escape(row.what), css="name")
    detail = element("tspan", escape(row.detail), css="detail", dx=8) if row.detail else ""
    short = element("tspan", escape(row.short), css="name")
    ttl = element("tspan", escape(row.ttl), css="detail", dx=6) if row.ttl else ""
    at = {"x": percent(x), "y": f"{y:g}", "text_anchor": "middle"}
    wide = element("text", name, detail, **at, css="label wide")
    narrow = element("text", short, ttl, **at, css="label narrow")
    return wide + narrow


# --- a silence, a call, a claim -------------------------------------------------------------------------------


def _silence(place: Placed, story: Story, columns: Columns, prefix: str) -> Iterator[str]:
    row = place.row
    height, middle = place.end - place.top, (place.top + place.end) / 2
    box = {"x": "0%", "y": f"{place.top:g}", "width": "100%", "height": f"{height:g}"}
    yield element("rect", **box, css="quiet", style=f"fill:url(#{prefix}-quiet)")
    for x, actor in zip(columns, story.actors, strict=True):
        yield element(
            "svg",
            '<rect x="-7" y="-7" width="14" height="14" class="gap"/>'
            '<path d="M-7 -3l5 -5l4 6l5 -5M-7 7l5 -5l4 6l5 -5" class="break"/>',
            x=percent(x),
            y=f"{middle:g}",
            overflow="visible",
            css=None if actor.scanners_name else "truth",
        )
    x = columns[1] / 2
    y = middle + (-8 if row.decides else 4.5)
    yield text(percent(x), y, row.what, "silence wide", "middle")
    yield text(percent(x), y, row.short or row.what, "silence narrow", "middle")
    if row.decides:
        yield from _pill(story, x, middle + 12, left=len(columns) > 2)
    if row.gives_up:
        yield _time(row.until_ns, place.end)
        yield element("line", x1=-8, x2=8, y1=f"{place.end:g}", y2=f"{place.end:g}", css="tick")
        yield text(14, place.end + 14, "scanner gives up", "note")


def _call(place: Placed, story: Story) -> Iterator[str]:
    row = place.row
    yield element("rect", x=-5, y=f"{place.top - 5:g}", width=10, height=10, css="call")
    yield _time(row.at_ns, place.top)
    name = element("tspan", escape(row.what), css="name")
    detail = element("tspan", escape(row.detail), css="detail", dx=8) if row.detail else ""
    yield element("text", name, detail, x=14, y=f"{place.top + 4:g}", css="label wide")
    yield text(14, place.top + 4, row.short, "label name narrow")
    if row.decides:
        yield from _pill(story, 0, place.end + 16, left=True)


def _pill(story: Story, x: float, y: float, left: bool) -> Iterator[str]:
    """The deciding row's claim: a solid frame where an answer says it, a dashed one where silence suggests it."""
    if story.result is None:
        return
    claims = {story.whole_claim: "certain" if story.certain or story.agreed else "guess"}
    claims.setdefault(story.claim, "certain" if story.certain else "guess")
    views = ("truth", "seen") if len(claims) > 1 else ("",)
    for (claim, certainty), view in zip(claims.items(), views, strict=True):
        width = 7.8 * len(claim) + 42  # as wide as DejaVu Sans Bold, the widest usual font
        start = 12 if left else -width / 2
        yield element(
            "svg",
            element("rect", x=f"{start:g}", y=-11, width=f"{width:g}", height=22, rx=11, css="frame"),
            f'<g transform="translate({start + 10:g},-6)">{glyph(story.result.state)}</g>',
            text(f"{start + 30:g}", 4.5, claim, "claim"),
            x="0%" if left else percent(x),
            y=f"{y:g}",
            overflow="visible",
            css=f"pill {certainty} {view}".strip(),
        )

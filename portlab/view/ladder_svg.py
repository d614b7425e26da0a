"""The ladder as SVG: every x is a percentage and every y a pixel, so that the width is fluid and the text is not.

Time runs downwards.  A packet is an arrow that sinks a little on its way: TCP solid, UDP dashed, ICMP and ARP dotted;
one of which nobody knows how far it came fades out.  A disc at its beginning is the scanning program, a square its
kernel acting by itself.  Colour is for the deciding packet and the verdict only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log10

from portlab.view.story import Kind, Row, Speaker, Story
from portlab.view.svg import definitions, element, escape, text
from portlab.view.tokens import LOOKS, glyph, slug
from portlab.view.words import duration

HEAD = 46  # px: room for the actors' names
SINK = 14  # px: how far an arrow sinks on its way
LABEL = 24  # px: room above an arrow for its label
PILL, NOTE = 28, 16  # px: room below it
SILENCE, DECIDING_SILENCE = 32, 56
SHARE_BETWEEN = 56  # percent of the width before somebody who stands between


@dataclass(frozen=True, slots=True)
class Placed:
    """A row and its height in the picture: where it begins and ends, and where the next may begin."""

    row: Row
    top: float
    end: float
    bottom: float


def draw(story: Story, prefix: str) -> tuple[str, float]:
    """The picture and its height in px; ids in it begin with `prefix`."""
    placed = list(_place(story.rows))
    bottom = max((place.bottom for place in placed), default=HEAD) + 14
    height = bottom + (44 if story.result is not None else 4)
    parts = [definitions(prefix, story.result.state if story.result else None)]
    parts += list(_lifelines(story, bottom))
    for number, place in enumerate(placed, 1):
        css = f"event decides s-{_state(story)}" if place.row.decides else "event"
        parts.append(element("g", *_event(place, story, prefix), css=css, data_row=number))
    if story.result is not None:
        parts.append(_verdict(story, bottom))
    label = (
        f"Ladder of {len(story.rows)} events; time runs downwards. The table below says the same in words."
    )
    size = "three" if len(story.actors) > 2 else "two"
    named = {"role": "img", "aria_label": f"{story.title}. {label}"}
    return element("svg", *parts, css=f"ladder {size}", height=f"{height:g}", **named), height


def _state(story: Story) -> str:
    return slug(story.result.state) if story.result else ""


def _place(rows: tuple[Row, ...]) -> Iterator[Placed]:
    """Where each row stands.  Gaps grow with the logarithm of the time: true order, compressed scale."""
    y, before = float(HEAD), 0
    for row in rows:
        below = (PILL if row.decides else 0) + (NOTE if row.note else 0)
        match row.kind:
            case Kind.SILENCE:
                top = y + 8
                end = top + (DECIDING_SILENCE if row.decides else SILENCE)
                below = NOTE if row.gives_up else 0
            case Kind.CALL:
                top = end = y + LABEL
            case Kind.PACKET:
                top = y + LABEL + max(0, min(16, 8 * log10(max(row.at_ns - before, 1) / 3e4)))
                end = top + SINK
        yield Placed(row, top, end, end + below)
        y, before = end + below, row.at_ns


def _x(actor: int, count: int) -> float:
    """An actor's place in percent of the width."""
    if actor == 0 or actor == count - 1:
        return 0 if actor == 0 else 100
    return SHARE_BETWEEN * actor / (count - 2)


def _percent(x: float) -> str:
    return f"{x:g}%"


def _lifelines(story: Story, bottom: float) -> Iterator[str]:
    for place, actor in enumerate(story.actors):
        x = _percent(_x(place, len(story.actors)))
        yield element("line", x1=x, x2=x, y1=HEAD - 8, y2=f"{bottom:g}", css="life")
        yield text(x, 14, actor.name, "actor", "middle")
        yield text(x, 31, actor.address, "address", "middle")


def _event(place: Placed, story: Story, prefix: str) -> Iterator[str]:
    match place.row.kind:
        case Kind.PACKET:
            yield from _packet(place, story, prefix)
        case Kind.SILENCE:
            yield from _silence(place, story, prefix)
        case Kind.CALL:
            yield from _call(place, story)


def _time(ns: int, y: float) -> str:
    return text(-14, y + 4, duration(ns), "time", "end")


def _packet(place: Placed, story: Story, prefix: str) -> Iterator[str]:
    row, count = place.row, len(story.actors)
    known = row.receiver if row.reaches is None else row.reaches
    start, end = _x(row.sender, count), _x(known, count)
    going = row.sender == 0
    own_y = place.top if going else place.end
    css = f"packet {row.protocol}"
    if row.reaches is None:
        low = place.top + SINK * 0.8
        ends = {"x1": "0%", "y1": f"{place.top:g}", "x2": "80%", "y2": f"{low:g}"}
        yield element("line", **ends, css=css, style=f"stroke:url(#{prefix}-fade)")
        yield text("80%", low + 4, "?", "detail", "middle")
    else:
        head = f"url(#{prefix}-{'verdict' if row.decides else 'ink'})"
        ends = {"x1": _percent(start), "y1": f"{place.top:g}", "x2": _percent(end), "y2": f"{place.end:g}"}
        yield element("line", **ends, css=css, marker_end=head)
    if row.speaker is Speaker.KERNEL and row.note:
        yield element("rect", x=-4, y=f"{own_y - 4:g}", width=8, height=8, css="sender")
    elif going:
        yield element("circle", cx="0%", cy=f"{own_y:g}", r="3.6", css="sender")
    yield _time(row.at_ns, own_y)
    middle = (start + end) / 2
    yield _label(row, middle, (place.top + place.end) / 2 - 7)
    y = place.end
    if row.decides:
        yield _pill(story, middle, y + 12, left=count > 2)
        y += PILL
    if row.note:
        yield text(_percent(middle), y + 10, row.note, "note", "middle")


def _label(row: Row, x: float, y: float) -> str:
    """What the packet is, with its numbers where there is room."""
    name = element("tspan", escape(row.what), css="name")
    detail = element("tspan", escape(row.detail), css="detail", dx=8) if row.detail else ""
    wide = element("text", name, detail, x=_percent(x), y=f"{y:g}", css="label wide", text_anchor="middle")
    narrow = text(_percent(x), y, row.short, "label name narrow", "middle")
    return wide + narrow


def _silence(place: Placed, story: Story, prefix: str) -> Iterator[str]:
    row, count = place.row, len(story.actors)
    height, middle = place.end - place.top, (place.top + place.end) / 2
    box = {"x": "0%", "y": f"{place.top:g}", "width": "100%", "height": f"{height:g}"}
    yield element("rect", **box, css="quiet", style=f"fill:url(#{prefix}-quiet)")
    for actor in range(count):
        yield element(
            "svg",
            '<rect x="-4" y="-7" width="8" height="14" class="gap"/>'
            '<path d="M-7 -3l5 -5l4 6l5 -5M-7 7l5 -5l4 6l5 -5" class="break"/>',
            x=_percent(_x(actor, count)),
            y=f"{middle:g}",
            overflow="visible",
        )
    x = SHARE_BETWEEN / 2 if count > 2 else 50
    y = middle + (-8 if row.decides else 4.5)
    yield text(_percent(x), y, row.what, "silence wide", "middle")
    yield text(_percent(x), y, row.short or row.what, "silence narrow", "middle")
    if row.decides:
        yield _pill(story, x, middle + 12, left=count > 2)
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
        yield _pill(story, 0, place.end + 16, left=True)


def _pill(story: Story, x: float, y: float, left: bool) -> str:
    """The deciding row's claim: a solid frame where an answer says it, a dashed one where silence suggests it."""
    if story.result is None:
        return ""
    state = story.result.state
    width = 7.8 * len(story.claim) + 42  # as wide as DejaVu Sans Bold, the widest usual font
    start = 12 if left else -width / 2
    return element(
        "svg",
        element("rect", x=f"{start:g}", y=-11, width=f"{width:g}", height=22, rx=11, css="frame"),
        f'<g transform="translate({start + 10:g},-6)">{glyph(state)}</g>',
        text(f"{start + 30:g}", 4.5, story.claim, "claim"),
        x="0%" if left else _percent(x),
        y=f"{y:g}",
        overflow="visible",
        css="pill certain" if story.certain else "pill guess",
    )


def _verdict(story: Story, bottom: float) -> str:
    if story.result is None:
        return ""
    look = LOOKS[story.result.state]
    state = element("tspan", escape(look.words), css="state")
    reason = element("tspan", escape(story.result.reason), css="reason", dx=10)
    return element(
        "g",
        element("line", x1="0%", x2="0%", y1=f"{bottom:g}", y2=f"{bottom + 12:g}", css="tick"),
        f'<g transform="translate(-8,{bottom + 16:g})">{glyph(story.result.state, 16)}</g>',
        element("text", state, reason, x=look.width * 16 / 12, y=f"{bottom + 29:g}"),
        css=f"verdict s-{_state(story)}",
    )

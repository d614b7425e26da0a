"""The ladder as SVG: every x is a percentage and every y a pixel, so that the width is fluid and the text is not.

Time runs downwards.  A packet is an arrow that sinks a little on its way: TCP solid, UDP dashed, ICMP and ARP dotted;
one of which nobody knows how far it came fades out.  A disc at its beginning is the scanning program, a diamond its
kernel acting by itself; a square is a call of connect().  Colour is for the deciding packet and the verdict only, and
for the wall that swallows one.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import log10

from portlab.view.ladder.marks import (
    DECIDING_SILENCE,
    FATE,
    NOTE,
    PILL,
    SILENCE,
    SINK,
    Placed,
    event,
    percent,
)
from portlab.view.ladder.story import Actor, RowKind, Story, StoryRow
from portlab.view.svg import definitions, element, escape, text
from portlab.view.tokens import LOOKS, glyph, slug

HEAD = 46  # px: room for the actors' names
LABEL = 24  # px: room above an arrow for its label
SHARE_BETWEEN = 56  # percent of the width before somebody who stands between


def draw(story: Story, prefix: str) -> tuple[str, float]:
    """The picture and its height in px; ids in it begin with `prefix`."""
    placed = list(_place(story.rows))
    bottom = max((place.bottom for place in placed), default=HEAD) + (26 if story.untouched else 14)
    height = bottom + (44 if story.result is not None else 4)
    columns = [_x(place, len(story.actors)) for place in range(len(story.actors))]
    parts = [definitions(prefix, story.result.state if story.result else None)]
    parts += [
        part
        for x, actor in zip(columns, story.actors, strict=True)
        for part in _lifeline(x, actor, bottom, prefix)
    ]
    for number, place in enumerate(placed, 1):
        css = f"event decides s-{_state(story)}" if place.row.decides else "event"
        css += " truth" * place.row.unseen + " struck" * place.row.struck
        parts.append(element("g", *event(place, story, columns, prefix), css=css, data_i=number))
    last = len(placed) + 1
    if story.untouched:
        nothing = text("100%", bottom - 8, "saw nothing of this", "note truth", "end", dx=-8)
        parts.append(element("g", nothing, data_i=last))
    if story.result is not None:
        parts.append(_verdict(story, bottom, last))
    label = (
        f"Ladder of {len(story.rows)} events; time runs downwards. The table below says the same in words."
    )
    size = "three" if len(story.actors) > 2 else "two"
    named = {"role": "img", "aria_label": f"{story.title}. {label}"}
    css = f"ladder {size}" + " recorded" * bool(story.observers)
    return element("svg", *parts, css=css, height=f"{height:g}", **named), height


def _state(story: Story) -> str:
    return slug(story.result.state) if story.result else ""


def _place(rows: tuple[StoryRow, ...]) -> Iterator[Placed]:
    """Where each row stands.  Gaps grow with the logarithm of the time: true order, compressed scale."""
    y, before = float(HEAD), 0
    for row in rows:
        below = (PILL if row.decides else 0) + (NOTE if row.note else 0)
        match row.kind:
            case RowKind.SILENCE:
                top = y + 8
                end = top + (DECIDING_SILENCE if row.decides else SILENCE)
                below = NOTE if row.gives_up else 0
            case RowKind.CALL:
                top = end = y + LABEL
            case RowKind.PACKET:
                below += FATE if row.path and row.path.fate else 0
                top = y + LABEL + max(0, min(16, 8 * log10(max(row.at_ns - before, 1) / 3e4)))
                end = top + SINK
        yield Placed(row, top, end, end + below)
        y, before = end + below, row.at_ns


def _x(actor: int, count: int) -> float:
    """An actor's place in percent of the width."""
    if actor == 0 or actor == count - 1:
        return 0 if actor == 0 else 100
    return SHARE_BETWEEN * actor / (count - 2)


def _lifeline(place: float, actor: Actor, bottom: float, prefix: str) -> Iterator[str]:
    """One actor: name, address, line; a wall where recordings show that packets pass there, or do not."""
    x, truth = percent(place), " truth" * (not actor.scanners_name)
    if actor.is_wall:
        wall = {"x": -6, "y": 0, "width": 12, "height": f"{bottom - HEAD + 8:g}"}
        stripes = element("rect", **wall, style=f"fill:url(#{prefix}-wall)")
        yield element("svg", stripes, x=x, y=HEAD - 8, overflow="visible", css="truth")
    yield element("line", x1=x, x2=x, y1=HEAD - 8, y2=f"{bottom:g}", css=f"life{truth}")
    if actor.scanners_name in ("", actor.name):
        yield text(x, 14, actor.name, f"actor{truth}", "middle")
    else:
        yield text(x, 14, actor.name, "actor truth", "middle")
        yield text(x, 14, actor.scanners_name, "actor seen", "middle")
    called = "" if actor.address else " called"  # gives way where there is no room beside an address
    yield text(x, 31, actor.address or "firewall", f"address{called}{truth}", "middle")


def _verdict(story: Story, bottom: float, number: int) -> str:
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
        data_i=number,
    )

"""Small helpers to write SVG and HTML.  Everything that comes from outside goes through `escape`."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from portlab.model import State
from portlab.view.tokens import LOOKS, glyph, slug

__all__ = ["Drawing", "badge", "definitions", "element", "escape", "text"]


class Drawing(NamedTuple):
    """A piece of SVG and its height in pixels."""

    svg: str
    height: float


def element(tag: str, *children: str, **attributes: object) -> str:
    """element("line", x1=0, css="life") -> '<line x1="0" class="life"/>'.

    Underscores become hyphens, `css` becomes class; attributes that are None are left out.
    """
    written = "".join(
        f' {"class" if name == "css" else name.replace("_", "-")}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{written}>{''.join(children)}</{tag}>" if children else f"<{tag}{written}/>"


def text(x: object, y: float, words: str, css: str = "", anchor: str = "start", **attributes: object) -> str:
    """A line of text; `words` may be anything, it is escaped."""
    return element("text", escape(words), x=x, y=f"{y:g}", css=css or None, text_anchor=anchor, **attributes)


def badge(state: State, words: str = "") -> str:
    """Shape and word of a state, as HTML: never colour alone."""
    return f'<span class="badge s-{slug(state)}">{glyph(state)}<b>{escape(words or LOOKS[state].words)}</b></span>'


def definitions(prefix: str, verdict: State | None) -> str:
    """Arrow heads, the hatch of silence, a wall's stripes; ids begin with the picture's prefix."""
    heads = _arrow_head(f"{prefix}-ink", "head")
    if verdict is not None:
        heads += _arrow_head(f"{prefix}-verdict", f"head s-{slug(verdict)}")
    hatch = element(
        "pattern",
        element("rect", width="1.2", height="6", css="hatch"),
        id=f"{prefix}-quiet",
        width="6",
        height="6",
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )
    wall = element(
        "pattern",
        element("rect", width="2.4", height="6", css="brick"),
        id=f"{prefix}-wall",
        width="6",
        height="6",
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )
    return f"<defs>{heads}{hatch}{wall}</defs>"


def _arrow_head(name: str, css: str) -> str:
    return element(
        "marker",
        element("path", d="M0 .8L10 5L0 9.2L2.2 5Z", css=css),
        id=name,
        viewBox="0 0 10 10",
        refX="9.4",
        refY="5",
        markerWidth="9",
        markerHeight="9",
        orient="auto-start-reverse",
        markerUnits="userSpaceOnUse",
    )

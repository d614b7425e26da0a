"""Design tokens: the only place where a colour, a state's shape or a font is written down.

Each colour is a (light, dark) pair: on white, and on JupyterLab's dark background.  Text colours have a contrast of
4.5:1 or more on either, lines 3:1 or more.  A state is told by shape, word and colour, in this order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portlab.model import State

COLOURS = {
    "ink": ("#1c2128", "#e6e9ed"),  # text, ordinary frames
    "muted": ("#57606a", "#a0a9b4"),  # times, addresses, notes
    "line": ("#868e98", "#7b848f"),  # lifelines, borders
    "hair": ("#d5dae0", "#383e46"),  # table rules, the hatch of silence: decoration only
    "wash": ("#f4f6f8", "#1b1f24"),  # quiet panels
    "paper": ("#ffffff", "#111111"),
    "open": ("#0b5cad", "#6db3f8"),
    "closed": ("#5b6470", "#a9b2bd"),
    "filtered": ("#b04a00", "#f2a057"),
    # The layers of a packet: edge and tint.  Only in the anatomy of one packet, never beside states.
    "eth": ("#636c79", "#9aa3ae"),
    "eth-bg": ("#eceff2", "#272c32"),
    "ip": ("#0f766e", "#4fc3b0"),
    "ip-bg": ("#d9f1ed", "#0f3732"),
    "tp": ("#6246b8", "#b0a0f6"),  # TCP and UDP
    "tp-bg": ("#e9e4fa", "#2b2350"),
    "icmp": ("#a82366", "#f092bd"),
    "icmp-bg": ("#fae3ee", "#431a2e"),
    "data": ("#806000", "#dcb945"),
    "data-bg": ("#faf0cd", "#38300f"),
}
UI_FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif"
MONO_FONT = "ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a state is shown, everywhere: a new glyph is a new line here.  Colours are names of COLOURS."""

    character: str
    words: str
    colour: str
    shape: str
    """SVG in a box 12 high and `width` wide."""
    width: int = 12
    tile: str
    """SVG in a box 1 x 1: one cell among many."""
    tint: str
    """SVG in a box 5 x 12, for cells too small for a mark of their own: flat, or striped across several of them."""
    cell: str = ""
    """What a table's cell is filled with, in CSS; "" leaves it as it is."""
    marker: Mapping[str, str | float]
    """How matplotlib marks a point."""
    bar: Mapping[str, str]
    """How matplotlib fills a bar."""
    half: str = ""
    """The colour of a bar's upper half, where it has another."""


_STRIPES = '<path d="M1 5L5 1M1 9L9 1M3 11L11 3M7 11L11 7" stroke="var(--filtered)" stroke-width="1.5"/>'
_BLUE = "color-mix(in srgb,var(--open) 16%,var(--paper))"
_ORANGE = "color-mix(in srgb,var(--filtered) 13%,var(--paper))"
_HATCHED = {"facecolor": "paper", "edgecolor": "filtered", "hatch": "///"}
_EMPTY = {"facecolor": "paper", "edgecolor": "ink"}
_PALE = {"facecolor": "wash", "edgecolor": "closed"}

LOOKS = {
    State.OPEN: Look(
        character="●",
        words="open",
        colour="open",
        shape='<circle cx="6" cy="6" r="5" fill="var(--open)"/>',
        tile='<rect x=".05" y=".05" width=".9" height=".9" fill="var(--open)"/>',
        tint='<rect width="5" height="12" fill="var(--open)"/>',
        cell=_BLUE,
        marker={"marker": "o", "color": "open"},
        bar={"facecolor": "open"},
    ),
    State.CLOSED: Look(
        character="×",
        words="closed",
        colour="closed",
        shape='<path d="M2 2L10 10M10 2L2 10" stroke="var(--closed)" stroke-width="2.2" stroke-linecap="round"/>',
        tile='<path d="M.27 .36L.73 .64M.73 .36L.27 .64" stroke="var(--closed)" stroke-width=".08"/>',
        tint='<rect width="5" height="12" fill="var(--closed)" opacity=".16"/>',
        marker={"marker": "x", "color": "closed", "markeredgewidth": 1.6},
        bar=_PALE,
    ),
    State.FILTERED: Look(
        character="▨",
        words="filtered",
        colour="filtered",
        shape='<rect x="1.2" y="1.2" width="9.6" height="9.6" fill="none" stroke="var(--filtered)" '
        'stroke-width="1.6"/>' + _STRIPES,
        tile='<rect width="1" height="1" fill="var(--filtered)" opacity=".16"/>'
        '<path d="M-.1 .6L.6 -.1M.4 1.1L1.1 .4" stroke="var(--filtered)" stroke-width=".2"/>',
        tint='<rect width="5" height="12" fill="var(--filtered)" opacity=".16"/>'
        '<path d="M-1 7L3.2 -1.5M1.8 13.5L6 5" stroke="var(--filtered)" stroke-width=".9"/>',
        cell=_ORANGE,
        marker={"marker": "s", "color": "filtered", "markerfacecolor": "none", "markeredgewidth": 1.4},
        bar=_HATCHED,
    ),
    State.OPEN_FILTERED: Look(
        character="◐",
        words="open|filtered",
        colour="ink",
        shape='<path d="M6.4 .6A5.4 5.4 0 0 0 6.4 11.4Z" fill="var(--open)"/>'
        '<path d="M8.4 1.4H14.2V10.6H8.4Z" fill="none" stroke="var(--filtered)" stroke-width="1.5"/>'
        '<path d="M8.6 7L14 1.6M9.4 10.4L14 5.8" stroke="var(--filtered)" stroke-width="1.5"/>',
        width=15,
        tile='<rect x=".14" y=".2" width=".3" height=".6" fill="var(--open)"/>'
        '<path d="M.54 .78L.88 .22" stroke="var(--filtered)" stroke-width=".17"/>',
        tint='<rect width="2.5" height="12" fill="var(--open)" opacity=".5"/>'
        '<path d="M2.5 12L5 0" stroke="var(--filtered)" stroke-width=".9"/>',
        cell=f"linear-gradient(90deg,{_BLUE} 50%,{_ORANGE} 50%)",
        marker={
            "marker": "o",
            "color": "open",
            "fillstyle": "left",
            "markerfacecoloralt": "filtered",
            "markeredgecolor": "none",
        },
        bar=_HATCHED,
        half="open",
    ),
    State.UNFILTERED: Look(
        character="◇",
        words="unfiltered",
        colour="ink",
        shape='<path d="M6 1L11 6L6 11L1 6Z" fill="none" stroke="var(--ink)" stroke-width="1.6"/>',
        tile='<path d="M.5 .2L.8 .5L.5 .8L.2 .5Z" fill="none" stroke="var(--ink)" stroke-width=".1"/>',
        tint='<path d="M0 1.5H5M0 4.5H5M0 7.5H5M0 10.5H5" stroke="var(--ink)" stroke-width=".9" opacity=".7"/>',
        marker={"marker": "D", "color": "ink", "markerfacecolor": "none"},
        bar=_EMPTY,
    ),
    State.UP: Look(
        character="▲",
        words="host up",
        colour="open",
        shape='<path d="M6 1L11 11H1Z" fill="var(--open)"/>',
        tile='<path d="M.5 .15L.85 .85H.15Z" fill="var(--open)"/>',
        tint='<rect width="5" height="12" fill="var(--open)"/>',
        cell=_BLUE,
        marker={"marker": "^", "color": "open"},
        bar={"facecolor": "open"},
    ),
    State.NO_ANSWER: Look(
        character="△",
        words="no answer",
        colour="ink",
        shape='<path d="M6 1.6L10.8 10.6H1.2Z" fill="none" stroke="var(--ink)" stroke-width="1.4" '
        'stroke-dasharray="2 1.4"/>',
        tile='<path d="M.5 .2L.82 .8H.18Z" fill="none" stroke="var(--ink)" stroke-width=".08"/>',
        tint='<path d="M0 6H5" stroke="var(--ink)" stroke-width="1"/>',
        marker={"marker": "^", "color": "ink", "markerfacecolor": "none"},
        bar=_EMPTY,
    ),
    State.DOWN: Look(
        character="▼",
        words="host down",
        colour="closed",
        shape='<path d="M6 11L11 1H1Z" fill="var(--closed)"/>',
        tile='<path d="M.5 .85L.85 .15H.15Z" fill="var(--closed)"/>',
        tint='<rect width="5" height="12" fill="var(--closed)" opacity=".5"/>',
        marker={"marker": "v", "color": "closed"},
        bar=_PALE,
    ),
}
"""Every state has its own shape, so that no state is told by colour alone."""


def slug(state: State) -> str:
    """The state as part of a CSS class: "open|filtered" -> "open-filtered"."""
    return state.value.replace("|", "-")


def glyph(state: State, size: float = 12) -> str:
    """The state's shape as a small SVG, hidden from screen readers: the word always stands beside it."""
    look = LOOKS[state]
    return (
        f'<svg class="glyph" width="{size * look.width / 12:g}" height="{size:g}" '
        f'viewBox="0 0 {look.width} 12" aria-hidden="true">{look.shape}</svg>'
    )


def state_rules(rule: str) -> str:
    """A rule of a style sheet about any STATE, written out for all of them; states that look alike share one.

    ".s-STATE b{color:var(--COLOUR)}" becomes ".s-open b,.s-up b{color:var(--open)}.s-closed b,.s-down b{..."; CELL
    stands for what fills a cell.  Ink is what everything is drawn in that no rule speaks of.
    """
    selectors, declarations = rule.split("{")
    alike: dict[str, list[str]] = {}
    for state, look in LOOKS.items():
        if look.cell if "CELL" in declarations else look.colour != "ink":
            told = declarations.replace("COLOUR", look.colour).replace("CELL", look.cell)
            alike.setdefault(told, []).append(slug(state))
    return "".join(
        ",".join(each.replace("STATE", name) for each in selectors.split(",") for name in names) + "{" + told
        for told, names in alike.items()
    )


def css_variables() -> str:
    """The colours as CSS variables that follow the page's colour scheme."""
    pairs = [f"--{name}:light-dark({light},{dark})" for name, (light, dark) in COLOURS.items()]
    return ";".join([*pairs, f"--ui:{UI_FONT}", f"--mono:{MONO_FONT}"])


def in_light(css: str) -> str:
    """The same rules with the light colours written in: for pictures that stand alone, without a page around them."""
    for name, (light, _) in COLOURS.items():
        css = css.replace(f"var(--{name})", light)
    return css.replace("var(--ui)", UI_FONT).replace("var(--mono)", MONO_FONT)


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", 0 to 1 (WCAG 2.1)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.1)."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)

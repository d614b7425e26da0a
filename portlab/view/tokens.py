"""Design tokens: the only place where a colour, a state's shape or a font is written down.

Each colour is a (light, dark) pair: on white, and on JupyterLab's dark background.  Text colours have a contrast of
4.5:1 or more on either, lines 3:1 or more.  A state is told by shape, word and colour, in this order.
"""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is shown: as a character, in words, in which colour token, and as a shape in a box 12 high."""

    character: str
    words: str
    colour: str
    shape: str
    width: int = 12


_STRIPES = '<path d="M1 5L5 1M1 9L9 1M3 11L11 3M7 11L11 7" stroke="var(--filtered)" stroke-width="1.5"/>'

LOOKS = {
    State.OPEN: Look("●", "open", "open", '<circle cx="6" cy="6" r="5" fill="var(--open)"/>'),
    State.CLOSED: Look(
        "×",
        "closed",
        "closed",
        '<path d="M2 2L10 10M10 2L2 10" stroke="var(--closed)" stroke-width="2.2" stroke-linecap="round"/>',
    ),
    State.FILTERED: Look(
        "▨",
        "filtered",
        "filtered",
        '<rect x="1.2" y="1.2" width="9.6" height="9.6" fill="none" stroke="var(--filtered)" stroke-width="1.6"/>'
        + _STRIPES,
    ),
    State.OPEN_FILTERED: Look(
        "◐",
        "open|filtered",
        "ink",
        '<path d="M6.4 .6A5.4 5.4 0 0 0 6.4 11.4Z" fill="var(--open)"/>'
        '<path d="M8.4 1.4H14.2V10.6H8.4Z" fill="none" stroke="var(--filtered)" stroke-width="1.5"/>'
        '<path d="M8.6 7L14 1.6M9.4 10.4L14 5.8" stroke="var(--filtered)" stroke-width="1.5"/>',
        width=15,
    ),
    State.UNFILTERED: Look(
        "◇",
        "unfiltered",
        "ink",
        '<path d="M6 1L11 6L6 11L1 6Z" fill="none" stroke="var(--ink)" stroke-width="1.6"/>',
    ),
    State.UP: Look("▲", "host up", "open", '<path d="M6 1L11 11H1Z" fill="var(--open)"/>'),
    State.NO_ANSWER: Look(
        "△",
        "no answer",
        "ink",
        '<path d="M6 1.6L10.8 10.6H1.2Z" fill="none" stroke="var(--ink)" stroke-width="1.4" '
        'stroke-dasharray="2 1.4"/>',
    ),
    State.DOWN: Look("▼", "host down", "closed", '<path d="M6 11L11 1H1Z" fill="var(--closed)"/>'),
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

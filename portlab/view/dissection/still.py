"""The anatomy as a still picture: for a notebook that is not trusted, where style and script are taken out."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from portlab.view.dissection.fields import Field, Layer, printable
from portlab.view.svg import element, escape, text
from portlab.view.tokens import in_light

WIDTH, MARGIN = 760, 12
BIT = (WIDTH - 2 * MARGIN) / 32
CELL, LINE, HEX_LINE = 40, 24, 18
MOST_HEX_LINES = 12
VALUE_CHARACTER = 7.6  # pixels, of the widest usual fallback
NAME_CHARACTER = 7.3


def image(raw: bytes, layers: Sequence[Layer], alternative: str) -> str:
    """An <img> of bytes and fields, in the light theme."""
    parts, height = _bytes(raw)
    for layer in layers:
        drawn, height = _layer(layer, height)
        parts += drawn
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height + MARGIN:g}"><style>'
        "svg{font:12px var(--ui);fill:var(--ink)}.mono{font:12px var(--mono);white-space:pre}.bold{font-weight:650}"
        ".small{font-size:12px}.quiet{fill:var(--muted)}</style>"
        f'<rect width="100%" height="100%" fill="var(--paper)"/>{"".join(parts)}</svg>'
    )
    encoded = base64.b64encode(in_light(svg).encode()).decode()
    return f'<img class="still" alt="{escape(alternative)}" src="data:image/svg+xml;base64,{encoded}">'


def _bytes(raw: bytes) -> tuple[list[str], float]:
    """The bytes in hexadecimal, and how far down they reach."""
    lines, y = [], MARGIN + 12.0
    for start in range(0, min(len(raw), MOST_HEX_LINES * 16), 16):
        row = raw[start : start + 16]
        written = f"{start:04x}  {row.hex(' '):<47}  {printable(row)}"
        lines.append(text(MARGIN, y, written, css="mono"))
        y += HEX_LINE
    if len(raw) > MOST_HEX_LINES * 16:
        lines.append(text(MARGIN, y, f"and {len(raw) - MOST_HEX_LINES * 16:,} more bytes", css="quiet"))
        y += HEX_LINE
    return lines, y


def _layer(layer: Layer, top: float) -> tuple[list[str], float]:
    y = top + 16
    quoted = ", quoted by the ICMP message" if layer.quoted else ""
    parts = [
        text(MARGIN, y, f"{layer.name}: {layer.size:,} bytes from byte {layer.begin}{quoted}", css="bold")
    ]
    y += 6
    flat, edge = layer.hue == "eth" and layer.words > 0, (layer.begin + layer.words) * 8
    words = [field for field in layer.fields if field.bit < edge]
    for field in words:
        scale = 32 / (layer.words * 8) if flat else 1.0
        parts += _cells(layer, field, y, scale)
    if words:
        rows = 1 if flat else -(-(words[-1].bit + words[-1].bits - layer.begin * 8) // 32)
        y += rows * (CELL + 2)
    for field in layer.fields[len(words) :]:
        parts.append(_box(MARGIN, y, WIDTH - 2 * MARGIN, LINE, layer.hue))
        parts.append(text(MARGIN + 6, y + 16, _cut(f"{field.name}: {field.value}", 92)))
        y += LINE + 2
    return parts, y


def _cells(layer: Layer, field: Field, top: float, scale: float) -> list[str]:
    """A field's box in its row, and what is left of it in the next."""
    parts: list[str] = []
    done = 0
    while done < field.bits:
        at = field.bit - layer.begin * 8 + done
        row, column = (0, at) if scale != 1 else divmod(at, 32)
        span = field.bits - done if scale != 1 else min(32 - column, field.bits - done)
        x, y, width = MARGIN + column * BIT * scale, top + row * (CELL + 2), span * BIT * scale - 2
        parts.append(_box(x, y, width, CELL, layer.hue))
        if not done:
            name = next(
                (each for each in (field.name, field.short) if len(each) * NAME_CHARACTER < width - 6),
                field.short[0],
            )
            parts.append(text(x + 4, y + 15, name if field.bits > 1 else field.short[0], css="small"))
            parts.append(
                text(x + 4, y + 32, _cut(field.value, int((width - 6) / VALUE_CHARACTER) or 1), css="mono")
            )
        done += span
    return parts


def _box(x: float, y: float, width: float, height: float, hue: str) -> str:
    box = element(
        "rect", x=f"{x:.1f}", y=f"{y:g}", width=f"{width:.1f}", height=height, fill=f"var(--{hue}-bg)"
    )
    edge = element(
        "rect", x=f"{x:.1f}", y=f"{y + height - 2:g}", width=f"{width:.1f}", height=2, fill=f"var(--{hue})"
    )
    return box + edge


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: max(most - 1, 1)]}…"

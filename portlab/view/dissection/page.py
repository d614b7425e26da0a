"""The live anatomy: bytes in hexadecimal, a place that tells of the field pointed at, and the fields as buttons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from portlab.view.dissection.fields import Field, Layer, printable
from portlab.view.svg import escape

ROW = 16  # bytes in a line of hexadecimal
MOST_BYTES = 2048
FITS = 13 * ROW
"""Bytes that are seen at once; of more, the others are scrolled to."""
WORD = 32  # bits
RULE = "Point at a field or a byte."
RULER = (
    '<div class="grid ruler" aria-hidden="true">'
    + "".join(f'<span style="grid-column:{bit + 1}/span 4">{bit}</span>' for bit in range(0, WORD, 8))
    + '<span class="last" style="grid-column:31/span 2">31</span></div>'
)
Numbered = tuple[int, Field]


def draw(raw: bytes, layers: Sequence[Layer]) -> str:
    """All of it as HTML."""
    numbered = list(_numbered(layers))
    scrolls = ' tabindex="0"' if len(raw) > FITS else ""
    return (
        f'<div class="pair"><div class="scroll bytes" role="img"{scrolls} aria-label="{len(raw)} bytes in '
        f'hexadecimal; each stands in the list of fields">{_hexadecimal(raw, numbered)}</div>'
        f'<div class="told" aria-hidden="true" hidden="hidden"><p class="muted">{RULE}</p></div></div>'
        '<div class="rows" role="group" aria-label="Fields, 32 bits a row. Arrow keys move from field to field.">'
        + "".join(_layer(layer, fields) for layer, fields in numbered)
        + "</div>"
    )


def _numbered(layers: Sequence[Layer]) -> Iterator[tuple[Layer, list[Numbered]]]:
    number = 0
    for layer in layers:
        yield layer, list(enumerate(layer.fields, number))
        number += len(layer.fields)


# --- bytes --------------------------------------------------------------------------------------------------


def _hexadecimal(raw: bytes, numbered: list[tuple[Layer, list[Numbered]]]) -> str:
    """Lines of 16 bytes; bytes next to each other that belong to the same fields are one element."""
    owners: list[tuple[str, str]] = [("", "eth")] * len(raw)
    for layer, fields in numbered:
        for number, field in fields:
            for byte in range(field.first, min(field.last + 1, len(raw))):
                before = owners[byte][0]
                owners[byte] = (f"{before} {number}".strip(), layer.hue)
    shown = raw[:MOST_BYTES]
    lines = []
    for start in range(0, len(shown), ROW):
        line = range(start, min(start + ROW, len(shown)))
        runs = ((owner, list(run)) for owner, run in groupby(line, key=owners.__getitem__))
        cells = "".join(
            f'<span class="h {hue}" data-i="{fields}">{shown[run[0] : run[-1] + 1].hex(" ")}</span>'
            for (fields, hue), run in runs
        )
        text = escape(printable(shown[start : start + ROW]))
        lines.append(
            f'<div class="hexline"><span class="offset">{start:04x}</span><span class="hex">{cells}</span>'
            f'<span class="text">{text}</span></div>'
        )
    if len(raw) > len(shown):
        lines.append(f'<p class="muted">and {len(raw) - len(shown):,} more bytes</p>')
    return "".join(lines)


# --- fields -------------------------------------------------------------------------------------------------


def _layer(layer: Layer, fields: list[Numbered]) -> str:
    edge = (layer.begin + layer.words) * 8
    words = [each for each in fields if each[1].bit < edge]
    lines = fields[len(words) :]
    quoted = " · quoted by the ICMP message" if layer.quoted else ""
    size = f"{layer.size:,} byte{'' if layer.size == 1 else 's'} from byte {layer.begin:,}"
    heading = (
        f'<p class="layer-name"><b>{escape(layer.name)}</b> <span class="muted">{size}{quoted}</span></p>'
    )
    body = ""
    if words:  # Ethernet's 14 bytes are no whole words: they stand in one line, to scale
        flat = layer.hue == "eth"
        cells = "".join(_cells(layer, number, field, flat) for number, field in words)
        body += f'<div class="line">{cells}</div>' if flat else f'<div class="grid">{cells}</div>{RULER}'
    if lines:
        body += "".join(_line(layer, number, field) for number, field in lines)
    quote = " quoted" if layer.quoted else ""
    return f'<div class="layer l-{layer.hue}{quote}">{heading}{body}</div>'


def _cells(layer: Layer, number: int, field: Field, flat: bool) -> str:
    """A field as a button in its row; where it goes on in the next rows, the rest of it there."""
    if flat:
        return _button(layer, number, field, f"flex:{field.bits}")
    done, cells = 0, ""
    while done < field.bits:
        column = (field.bit - layer.begin * 8 + done) % WORD
        span = min(WORD - column, field.bits - done)
        style = f"grid-column:{column + 1}/span {span}"
        if done:
            cells += f'<span class="field rest" data-i="{number}" style="{style}" aria-hidden="true"></span>'
        else:
            cells += _button(layer, number, field, style)
        done += span
    return cells


def _button(layer: Layer, number: int, field: Field, style: str) -> str:
    size, one = "", ""
    if field.bits == 1:
        size, one = " bit", " one" if field.value == "1" else ""
    elif field.bits <= 8:
        size = " small"
    full = field.short if field.bits < 8 else field.name
    short = field.short[0] if field.bits <= 2 else field.short
    words = f'<span class="name"><i>{escape(full)}</i><u>{escape(short)}</u></span>'
    return (
        f'<button type="button" class="field{size}{one}" data-i="{number}" tabindex="{-1 if number else 0}" '
        f'aria-label="{escape(sentence(layer, field))}" style="{style}">{words}'
        f'<span class="value">{escape(field.value)}</span></button>'
    )


def _line(layer: Layer, number: int, field: Field) -> str:
    """A field of any length: name and value in a line of their own."""
    return (
        f'<button type="button" class="field long" data-i="{number}" tabindex="{-1 if number else 0}" '
        f'aria-label="{escape(sentence(layer, field))}"><span class="name">{escape(field.name)}</span>'
        f'<span class="value">{escape(field.value)}</span></button>'
    )


def sentence(layer: Layer, field: Field) -> str:
    """All about a field: "Time to live: 63. at most 63 more ... IPv4, byte 22."."""
    meaning = f" {field.meaning[0].upper()}{field.meaning[1:]}." if field.meaning else ""
    quoted = ", quoted by the ICMP message" if layer.quoted else ""
    return f"{field.name}: {field.value}.{meaning} {layer.name}{quoted}, {field.where}."

"""Anatomy: the bytes of one packet, what each field of them says, and where it lies.

The hexadecimal bytes and the rows of 32 bits, as RFCs draw them, are linked: point at a field and see its bytes, its
value and what it means.  Any frame will do: of a scan's exchange, of a capture, bytes, or a packet made with Scapy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from portlab.addresses import dotted
from portlab.errors import BadTarget, MalformedPacket
from portlab.model import CHECKSUM_NOT_READY, FRAME, SENT, SNAP
from portlab.packets.byhand import built
from portlab.packets.headers import ETHERNET_SIZE, ETHERTYPE_IPV4
from portlab.shown import Shown, text_table
from portlab.view import figure, given
from portlab.view.dissection import page, still
from portlab.view.dissection.fields import Layer
from portlab.view.dissection.layers import begins_with_ipv4, layers
from portlab.view.ladder.packet import read
from portlab.view.svg import escape

HEADS = ("bytes", "layer", "field", "value", "meaning")


@dataclass(frozen=True, eq=False, repr=False)
class Anatomy(Shown):
    """One packet taken apart; `length` is what it had on the wire, where not all of it was kept."""

    title: str
    detail: str
    raw: bytes
    layers: tuple[Layer, ...]

    def __str__(self) -> str:
        return "\n".join([f"{self.title} ({self.detail})", *text_table([HEADS, *_rows(self.layers)])])

    def html(self) -> str:
        """The packet as a figure."""
        rows = [[escape(cell) for cell in row] for row in _rows(self.layers)]
        alternative = (
            f"{self.title}: {len(self.raw)} bytes in hexadecimal and as fields. The list has every field."
        )
        body = (
            figure.heading(self.title, self.detail)
            + f'<div class="live" hidden="hidden">{page.draw(self.raw, self.layers)}</div>'
            + still.image(self.raw, self.layers, alternative)
            + f"<details><summary>All {len(rows)} fields as a list</summary>"
            + figure.table(self.title, HEADS, rows, "fields")
            + "</details>"
        )
        return figure.wrap("anatomy", self.title, body, "anatomy", script_name="anatomy")


def anatomy(frame: Any, title: str = "") -> Anatomy:
    """Take one packet apart: `anatomy(scan.exchange("web", 80).frames[1])`, `anatomy(c.frames[3])`.

    `frame` is a row of a table of frames, bytes that begin with an Ethernet or IPv4 header, or a packet of Scapy's.
    MalformedPacket where it is neither.
    """
    raw, length, ready = _bytes_of(frame)
    called, ends = _name(raw)
    kept = f"{length:,} bytes" if len(raw) >= length else f"first {len(raw):,} of {length:,} bytes"
    if not isinstance(title, str):
        raise BadTarget(f"{given.said(title)} is not a title. Type it in quotes, or leave it out.")
    return Anatomy(title or called, f"{ends} · {kept}" if ends else kept, raw, tuple(layers(raw, ready)))


def _bytes_of(frame: Any) -> tuple[bytes, int, bool]:
    """The bytes that were kept, how long the frame was, and whether its checksums were filled in."""
    if isinstance(frame, np.ndarray) and frame.dtype.names and frame.shape == (1,):
        frame = frame[0]
    if isinstance(frame, np.void) and frame.dtype.names == FRAME.names:
        kept = frame["data"][: int(frame["captured"])].tobytes()
        return kept, int(frame["length"]), not frame["marks"] & CHECKSUM_NOT_READY
    if isinstance(frame, np.ndarray) and frame.dtype.names == FRAME.names and frame.ndim:
        raise MalformedPacket(f"These are {len(frame)} frames. Choose one of them: frames[0].")
    raw = b""
    if isinstance(frame, bytes | bytearray | memoryview) or hasattr(frame, "haslayer"):
        raw = built(frame)
    if not raw:
        raise MalformedPacket(
            f"{given.said(frame)} is no packet. "
            "Give a frame (scan.exchange(...).frames[0]), bytes, or Scapy's IP(...)/..."
        )
    return raw, len(raw), True


def _name(raw: bytes) -> tuple[str, str]:
    """What the packet is called, and from where to where it goes."""
    if begins_with_ipv4(raw):
        raw = bytes(ETHERNET_SIZE - 2) + ETHERTYPE_IPV4.to_bytes(2, "big") + raw
    row = np.zeros(1, FRAME)
    first = np.frombuffer(raw[:SNAP], np.uint8)
    row["data"][0, : len(first)] = first
    row["captured"], row["length"] = len(first), max(len(raw), SNAP)
    row["direction"] = SENT  # nobody's checksum is judged for the name
    packet = read(row)[0]
    if not packet.protocol:
        return f"Frame of {len(raw):,} bytes", ""
    ends = [dotted(packet.source), dotted(packet.destination)]
    if packet.protocol in ("tcp", "udp"):
        ends = [f"{ends[0]}:{packet.near}", f"{ends[1]}:{packet.far}"]
    return packet.what, " → ".join(ends)


def _rows(found: tuple[Layer, ...]) -> list[tuple[str, ...]]:
    """Every field with its place, layer, name, value and meaning."""
    return [
        (field.where, named(layer), field.name, field.value, field.meaning)
        for layer in found
        for field in layer.fields
    ]


def named(layer: Layer) -> str:
    """The layer's name; what an error quotes is told apart."""
    return f"{layer.name} (quoted)" if layer.quoted else layer.name

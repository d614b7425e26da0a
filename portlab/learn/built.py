"""Packets built by hand: held, byte for byte, against one that was on the wire."""

from __future__ import annotations

from typing import Any

import numpy as np

from portlab.packets.byhand import built
from portlab.packets.headers import ETHERNET_SIZE
from portlab.view import anatomy
from portlab.view.gate import Feedback
from portlab.view.words import count

FOLLOWS = ("length", "hecksum")  # the ends of their names
SHOWN = 24  # characters of a value: data may be long


def packet_in(frame: np.void) -> bytes:
    """The packet in a frame, from its IP header on."""
    return frame["data"][ETHERNET_SIZE : int(frame["captured"])].tobytes()


def held_against(mine: Any, theirs: bytes) -> Feedback:
    """Whether a packet (Scapy's, or bytes) is the same as another; if not, which fields differ.

    Lengths and checksums follow from the rest, so they are named only where nothing else differs.
    """
    own = built(mine)
    if own == theirs:
        return Feedback("✓", "Right.", (f"All {len(theirs)} bytes are the same.",))
    have, want = _fields(own), _fields(theirs)
    differ = [name for name in want if have.get(name) != want[name]]
    first = [name for name in differ if not name.endswith(FOLLOWS)] or differ
    lines = [f"{name}: {_said(have.get(name))}" for name in first]
    if len(own) != len(theirs):
        lines.append(f"Yours has {count(len(own), 'byte')}, the other {len(theirs)}.")
    return Feedback("!", f"Not quite: {count(len(first), 'field')} to look at.", tuple(lines))


def _fields(packet: bytes) -> dict[str, str]:
    """Every field's value, by the names of its layer and its own."""
    return {
        f"{layer.name}, {field.name}": field.value
        for layer in anatomy(packet).layers
        for field in layer.fields
    }


def _said(value: str | None) -> str:
    if value is None:
        return "yours has none."
    return f"yours says {value}." if len(value) <= SHOWN else f"yours says {value[:SHOWN].rstrip()} …"

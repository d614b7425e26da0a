"""The list of frames of a capture: number, time, from whom to whom, what; as text and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portlab.addresses import dotted
from portlab.packets.left_out import sentence
from portlab.packets.streams import first_bytes
from portlab.shown import text_table
from portlab.view import figure
from portlab.view.ladder.packet import PacketFields, read
from portlab.view.svg import escape
from portlab.view.words import count, duration, fidelity_name

if TYPE_CHECKING:
    from portlab.captures.capture import Capture

MOST_ROWS = 40
HEADS = ("#", "time", "packet", "from → to", "bytes")


def text(capture: Capture) -> str:
    """The list as plain text."""
    return _text(_title(capture), _rows(capture), _notes(capture))


def mimebundle(capture: Capture) -> dict[str, str]:
    """What a notebook shows of a capture."""
    title, rows, notes = _title(capture), _rows(capture), _notes(capture)
    body = (
        figure.heading(title, fidelity_name(capture.fidelity))
        + figure.table(title, HEADS, [[escape(cell) for cell in row] for row in rows], "frames")
        + "".join(f'<p class="muted">{escape(note)}</p>' for note in notes)
    )
    return {
        "text/plain": _text(title, rows, notes),
        "text/html": figure.wrap("listing", title, body, "listing"),
    }


def _text(title: str, rows: list[tuple[str, ...]], notes: list[str]) -> str:
    return "\n".join([title, *text_table([HEADS, *rows]), *notes])


def _title(capture: Capture) -> str:
    talks = count(len(capture.streams()), "TCP conversation")
    return f"Capture: {count(len(capture), 'frame')}, {talks}"


def _rows(capture: Capture) -> list[tuple[str, ...]]:
    frames = first_bytes(capture.frames[:MOST_ROWS])
    packets = read(frames)
    return [
        (
            str(number),
            duration(packet.time_ns - packets[0].time_ns),
            packet.what + " (wrong checksum)" * packet.damaged,
            f"{_end(packet, capture, far=False)} → {_end(packet, capture, far=True)}",
            f"{packet.length:,}",
        )
        for number, packet in enumerate(packets)
    ]


def _end(packet: PacketFields, capture: Capture, far: bool) -> str:
    """Who sent, or who shall receive (`far`), with the port."""
    if not packet.protocol:
        return "?"  # it is not IPv4, and has no such address
    address = packet.destination if far else packet.source
    name = capture.names.get(address) or dotted(address)
    if packet.protocol not in ("tcp", "udp"):
        return name
    return f"{name}:{packet.far if packet.sent is far else packet.near}"


def _notes(capture: Capture) -> list[str]:
    notes = []
    if len(capture) > MOST_ROWS:
        notes.append(f"and {len(capture) - MOST_ROWS:,} more frames")
    if cut := int((capture.frames["captured"] < capture.frames["length"]).sum()):
        notes.append(f"Of {count(cut, 'frame')} only the first bytes were kept.")
    if capture.lost:
        notes.append(f"{count(capture.lost, 'frame')} came faster than they could be kept.")
    return [*notes, *filter(None, [sentence(capture.left_out), capture.damage])]

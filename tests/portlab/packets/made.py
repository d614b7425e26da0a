"""Capture files, byte by byte, as tools that PortLab does not know may write them."""

from __future__ import annotations

import struct
from pathlib import Path


def classic(link: int, *frames: bytes) -> bytes:
    """A classic pcap file; all frames at the same time."""
    header = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link)
    return header + b"".join(struct.pack("<IIII", 1, 2, len(frame), len(frame)) + frame for frame in frames)


def write_classic(path: Path, link: int, *frames: bytes) -> None:
    path.write_bytes(classic(link, *frames))


# --- pcapng -------------------------------------------------------------------------------------------------


def block(order: str, kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack(f"{order}II", kind, length) + body + struct.pack(f"{order}I", length)


def section(order: str) -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order: str, link: int, resolution: int | None = None, offset: int = 0) -> bytes:
    body = struct.pack(f"{order}HHI", link, 0, 0)
    if resolution is not None:
        body += struct.pack(f"{order}HHB3x", 9, 1, resolution)
    if offset:
        body += struct.pack(f"{order}HHq", 14, 8, offset)
    return block(order, 1, body + bytes(4))


def packet(order: str, frame: bytes, ticks: int, interface: int = 0, options: bytes = b"") -> bytes:
    head = struct.pack(f"{order}IIIII", interface, ticks >> 32, ticks & 0xFFFF_FFFF, len(frame), len(frame))
    return block(order, 6, head + frame + bytes(-len(frame) % 4) + options)

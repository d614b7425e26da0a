"""Frames for tests, built by Scapy: the outside judge makes the bytes, PortLab reads them."""

from __future__ import annotations

import numpy as np
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from portlab.addresses import number
from portlab.model import FRAME, PROBE, RECEIVED, SNAP, Events, Frames, no_errnos

SCANNER, GATEWAY, TARGET, OTHER = "10.77.1.100", "10.77.1.1", "10.77.2.10", "10.77.2.20"
TOKEN = 0x11223344
SOURCE_PORT = 61_234
SENT_NS = 1_000_000_000


def frame_of(
    packet: Packet, *, direction: int = RECEIVED, time_ns: int = 2 * SENT_NS, marks: int = 0
) -> Frames:
    """One row of the frame table from a Scapy packet that begins with IP or ARP."""
    data = bytes(Ether(src="02:00:0a:4d:02:0a", dst="02:00:0a:4d:01:64") / packet)
    row = np.zeros(1, FRAME)
    row["data"][0, : min(len(data), SNAP)] = np.frombuffer(data[:SNAP], np.uint8)
    row["length"], row["captured"] = len(data), min(len(data), SNAP)
    row["direction"], row["time_ns"], row["marks"] = direction, time_ns, marks
    return row


def events_of(*packets: Packet, **how: int) -> Events:
    return Events(np.concatenate([frame_of(packet, **how) for packet in packets]), no_errnos())


def probe(**changes: int) -> np.ndarray:
    """One row of the probes table: the scanner asked port 80 of the target."""
    row = np.zeros(1, PROBE)
    values = {
        "address": number(TARGET),
        "source": number(SCANNER),
        "port": 80,
        "source_port": SOURCE_PORT,
        "token": TOKEN,
        "acknowledged": changes.get("token", TOKEN),
        "attempt": 1,
        "time_ns": SENT_NS,
    }
    for name, value in (values | changes).items():
        row[name] = value
    return row

"""Ordinary traffic of a capture in one sentence: "20 connections, 3 names looked up"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from portlab.evidence.result import Scan
from portlab.model import SENT
from portlab.packets.dissect import Dissected
from portlab.packets.headers import ETHERNET_SIZE, IPV4_SIZE, UDP_SIZE

DNS, DNS_HEADER = 53, 12  # the port; bytes before the name that is asked for
NAME_BEGINS = ETHERNET_SIZE + IPV4_SIZE + UDP_SIZE + DNS_HEADER


def in_short(scans: Sequence[Scan]) -> str:
    """What these scans hold that is no scan: "20 connections, 3 names looked up"; "" where there is nothing."""
    counted = {
        "connection": _talks(scans, "connect"),
        "name looked up": _names(scans),
        "other datagram conversation": _talks(scans, "udp", besides=DNS),
        "host pinged": _hosts(scans, "ping", "ping-timestamp"),
        "host asked for by ARP": _hosts(scans, "ping-arp"),
        "segment of no connection": _talks(scans, "ack", "maimon"),
        "unfinished connection": _talks(scans, "syn"),
    }
    return ", ".join(f"{count:,} {_plural(what, count)}" for what, count in counted.items() if count)


def _plural(what: str, count: int) -> str:
    head, space, rest = what.partition(" ")
    if count == 1:
        return what
    return f"{what}s" if head in ("other", "unfinished") else f"{head}s{space}{rest}"


def _talks(scans: Sequence[Scan], *techniques: str, besides: int | None = None) -> int:
    """How many conversations: different pairs of addresses and ports."""
    columns = ["source", "source_port", "address", "port"]
    probes = [scan.probes[columns] for scan in scans if scan.technique in techniques]
    return sum(len(np.unique(each[each["port"] != besides] if besides else each)) for each in probes)


def _hosts(scans: Sequence[Scan], *techniques: str) -> int:
    every = [scan.address for scan in scans if scan.technique in techniques]
    return len(np.unique(np.concatenate(every))) if every else 0


def _names(scans: Sequence[Scan]) -> int:
    """How many different names were asked of DNS (as far as the kept bytes tell them apart)."""
    names: set[bytes] = set()
    for scan in scans:
        if scan.technique != "udp":
            continue
        frames = scan.recorded.frames
        seen = Dissected(frames)
        asks = seen.is_udp & (frames["direction"] == SENT) & (seen.destination_port == DNS)
        for row in np.unique(frames["data"][asks, NAME_BEGINS:], axis=0):
            name, end, _ = row.tobytes().partition(b"\0")
            names.add((name + end).lower())
    return len(names)

"""Which frames of a capture were not read, and why: nothing is left out in silence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from portlab.model import Frames
from portlab.packets.dissect import Dissected
from portlab.packets.headers import (
    ETHERNET_SIZE,
    ETHERTYPE_ARP,
    ETHERTYPE_IPV4,
    ICMP_PROTOCOL,
    IPV4_SIZE,
    TCP_PROTOCOL,
    UDP_PROTOCOL,
)
from portlab.packets.links import ETHERTYPE_IPV6

READ, CHECKSUM, CUT, MALFORMED, FRAGMENT, IPV6, OTHER_PROTOCOL, OTHER = range(8)
WORDS = {
    CHECKSUM: "with a wrong checksum",
    CUT: "cut off inside the headers",
    MALFORMED: "with malformed headers",
    FRAGMENT: "of later fragments",
    IPV6: "of IPv6",
    OTHER_PROTOCOL: "of other protocols than TCP, UDP and ICMP",
    OTHER: "with neither IPv4 nor ARP",
}
OF_A_SCAN = (CHECKSUM, CUT, MALFORMED, FRAGMENT)
"""What may have been a probe or an answer; the rest concerns no scan that PortLab knows."""

Counts = tuple[tuple[str, int], ...]
"""Why, in words, and how many frames; the most frequent first."""


def why(frames: Frames) -> NDArray[np.uint8]:
    """For each frame why it is left out, READ (0) where it is not."""
    seen, shown = Dissected(frames), Dissected(frames, forgiving=True)
    data, captured = frames["data"], frames["captured"]
    ethertype = data[:, 12].astype(np.uint16) << 8 | data[:, 13]
    is_ip = ethertype == ETHERTYPE_IPV4
    later = (data[:, ETHERNET_SIZE + 6] & 0x1F != 0) | (data[:, ETHERNET_SIZE + 7] != 0)
    cases = [
        (seen.is_tcp | seen.is_udp | seen.is_icmp | seen.is_arp, READ),
        (shown.is_tcp | shown.is_udp | shown.is_icmp, CHECKSUM),
        (ethertype == ETHERTYPE_IPV6, IPV6),
        (~is_ip & (ethertype != ETHERTYPE_ARP), OTHER),
        (captured < ETHERNET_SIZE + np.where(is_ip, IPV4_SIZE, 28), CUT),
        (~seen.is_ipv4, MALFORMED),
        (later, FRAGMENT),
        (~np.isin(seen.protocol, (ICMP_PROTOCOL, TCP_PROTOCOL, UDP_PROTOCOL)), OTHER_PROTOCOL),
        (captured < np.minimum(shown.total_length + ETHERNET_SIZE, ETHERNET_SIZE + 2 * IPV4_SIZE), CUT),
    ]
    return np.select([mask for mask, _ in cases], [code for _, code in cases], MALFORMED).astype(np.uint8)


def counted(reasons: NDArray[np.uint8], foreign: Mapping[str, int] | None = None) -> Counts:
    """How many frames are left out for each reason; `foreign` counts those of other links, by the link's name."""
    count = np.bincount(reasons, minlength=len(WORDS) + 1).tolist()
    told = {WORDS[code]: count[code] for code in WORDS if count[code]}
    told |= {f"on {name}": number for name, number in (foreign or {}).items()}
    return tuple(sorted(told.items(), key=lambda each: -each[1]))


def sentence(counts: Counts) -> str:
    """In one sentence, such as "3 frames left out: 2 with a wrong checksum, 1 of IPv6."; "" where none is."""
    total = sum(number for _, number in counts)
    if not total:
        return ""
    frames = "1 frame" if total == 1 else f"{total:,} frames"
    return f"{frames} left out: {', '.join(f'{number:,} {words}' for words, number in counts)}."

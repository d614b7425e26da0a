"""Xmas scan: FIN, PSH and URG at once, lit up like a Christmas tree.

The question and the answers are those of the FIN scan: RFC 9293 sections 3.10.7.1 and 3.10.7.2, fourth step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portlab.model import Events, Probes
from portlab.packets.headers import FIN, PSH, URG
from portlab.techniques import fin
from portlab.techniques.matching import Matches, ProbeTable
from portlab.techniques.segments import segments

NAME, TITLE = "xmas", "Xmas scan"
PROTOCOL, NEEDS_RAW, EVIDENCE = "tcp", True, "frames"
PING = None
FLAGS = FIN | PSH | URG

MEANINGS = fin.MEANINGS


def craft(probes: Probes) -> NDArray[np.uint8]:
    """A segment with FIN, PSH and URG for each probe; the token is the sequence number."""
    return segments(probes, FLAGS)


def recognise(events: Events, probes: ProbeTable) -> Matches:
    """A RST counts only if it acknowledges what the segment took up in the sequence."""
    return fin.resets(events, probes, FLAGS)

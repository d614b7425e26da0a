"""Maimon scan: FIN and ACK at once, as if a conversation that never was came to its end.

    scanner                        target
       | ------ FIN, ACK ----------> |
       | <------- RST -------------- |   closed:        what belongs to no connection is reset

       | ------ FIN, ACK ----------> |
       |          (silence)          |   open|filtered: some BSD systems drop it at an open port; or a filter

By the RFC a listening port resets it, too (section 3.10.7.2, second step): on most systems every port looks closed.
Found by Uriel Maimon (Phrack 49).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portlab.model import Probes
from portlab.packets.headers import ACK, FIN
from portlab.techniques import fin, ping_ack
from portlab.techniques.segments import segments

NAME, TITLE = "maimon", "Maimon scan"
PROTOCOL, NEEDS_RAW, EVIDENCE = "tcp", True, "frames"
PING = None
FLAGS = FIN | ACK

MEANINGS = fin.MEANINGS

recognise = ping_ack.recognise


def craft(probes: Probes) -> NDArray[np.uint8]:
    """A segment with FIN and ACK for each probe; the token is acknowledged, so that a RST must repeat it."""
    return segments(probes, FLAGS, acknowledgment_number=probes["token"])

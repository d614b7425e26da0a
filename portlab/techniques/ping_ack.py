"""Ping by ACK: send an acknowledgement of nothing; a host must reset what belongs to no connection.

    scanner                        target
       | -------- ACK to 80 -------> |
       | <------- RST -------------- |   up (a stateful firewall drops the ACK, and then there is silence)

RFC 9293 sections 3.10.7.1 and 3.10.7.2, second step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portlab.model import Answer, Events, Meaning, Reason, State
from portlab.packets.headers import ACK, RST, SYN
from portlab.techniques.matching import Matches, ProbeTable, errors, replies
from portlab.techniques.ping import NOT_KNOWN
from portlab.techniques.segments import segments

NAME, PROTOCOL, NEEDS_RAW = "ping-ack", "tcp", True
PING_PORT = 80

MEANINGS = {
    Answer.RST: Meaning(
        State.UP,
        Reason.RESET,
        "A RST came back: the host is there, and knows of no such connection.",
        "RFC 9293 sections 3.10.7.1 and 3.10.7.2",
    ),
    **NOT_KNOWN,
}


def craft(probes: NDArray[np.void]) -> NDArray[np.uint8]:
    """An ACK for each probe.  The token is acknowledged, so that a RST must repeat it, and it is the sequence
    number too.
    """
    return segments(probes, ACK, acknowledgment_number=probes["token"])


def recognise(events: Events, probes: ProbeTable) -> Matches:
    """A RST counts only if its sequence number is the one that was acknowledged (RFC 9293 section 3.10.7.1)."""
    seen = events.seen
    probe, answer = errors(seen, probes, PROTOCOL)
    spoke = replies(seen, probes, PROTOCOL)
    acknowledged = probes.column("acknowledged", spoke)
    acknowledged = np.where(acknowledged == 0, probes.column("token", spoke), acknowledged)
    fits = seen.control_bits & (SYN | ACK | RST) == RST
    fits &= seen.sequence_number == acknowledged
    return Matches.either(spoke, np.where(fits, Answer.RST.code, 0), probe, answer)

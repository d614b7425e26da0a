"""Ping by ACK: send an acknowledgement of nothing; a host must reset what belongs to no connection.

    scanner                        target
       | -------- ACK to 80 -------> |
       | <------- RST -------------- |   up (a stateful firewall drops the ACK, and then there is silence)

RFC 9293 sections 3.10.7.1 and 3.10.7.2, second step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portlab.model import Answer, Events, Meaning, Ping, Probes, Reason, State
from portlab.packets.headers import ACK, RST, SYN
from portlab.techniques.matching import Matches, ProbeTable, errors, replies
from portlab.techniques.ping import ERRORS
from portlab.techniques.segments import segments

NAME, TITLE = "ping-ack", "Ping by TCP ACK"
PROTOCOL, NEEDS_RAW, EVIDENCE = "tcp", True, "frames"
PING = Ping("ack", Reason.RESET, port=80)

MEANINGS = {
    Answer.RST: Meaning(
        State.UP,
        Reason.RESET,
        "A RST came back: the host is there, and knows of no such connection.",
        "RFC 9293 sections 3.10.7.1 and 3.10.7.2",
    ),
    **ERRORS,
    Answer.SILENCE: Meaning(
        State.NO_ANSWER,
        Reason.NO_RESPONSE,
        'No answer is not "down": a firewall that remembers conversations drops an ACK that belongs to none.',
        "inference (RFC 1812 section 5.3.9 allows a router to discard silently)",
    ),
}


def craft(probes: Probes) -> NDArray[np.uint8]:
    """An ACK for each probe; the token is acknowledged, so that a RST must repeat it, and is the sequence number."""
    return segments(probes, ACK, acknowledgment_number=probes["token"])


def recognise(events: Events, probes: ProbeTable) -> Matches:
    """A RST counts only if its sequence number is the one that was acknowledged (RFC 9293 section 3.10.7.1)."""
    seen = events.seen
    probe, answer = errors(seen, probes, PROTOCOL)
    spoke = replies(seen, probes, PROTOCOL)
    fits = seen.control_bits & (SYN | ACK | RST) == RST
    fits &= seen.sequence_number == probes.column("acknowledged", spoke)
    return Matches.either(spoke, np.where(fits, Answer.RST.code, 0), probe, answer)

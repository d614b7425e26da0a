"""Ping by timestamp: a second kind of ICMP question, which some filters forget.

    scanner                        target
       | --- ICMP timestamp -------> |
       | <-- ICMP timestamp reply -- |   up

RFC 792, RFC 1122 section 3.2.2.8 (a host may answer).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portlab.model import Answer, Events, Meaning, Ping, Probes, Reason, State
from portlab.packets import craft as packets
from portlab.packets.headers import TIMESTAMP, TIMESTAMP_REPLY
from portlab.techniques.matching import Matches, ProbeTable, errors, icmp_replies, identification
from portlab.techniques.ping import ERRORS

NAME, TITLE = "ping-timestamp", "Ping by ICMP timestamp"
PROTOCOL, NEEDS_RAW, EVIDENCE = "icmp", True, "frames"
PING = Ping("timestamp", Reason.TIMESTAMP_REPLY)

MEANINGS = {
    Answer.TIMESTAMP_REPLY: Meaning(
        State.UP,
        Reason.TIMESTAMP_REPLY,
        "A timestamp reply came back: the host's IP software is running.",
        "RFC 792, RFC 1122 section 3.2.2.8",
    ),
    **ERRORS,
    Answer.SILENCE: Meaning(
        State.NO_ANSWER,
        Reason.NO_RESPONSE,
        'No answer is not "down": a host need not answer a timestamp, and many filters drop it.',
        "inference (RFC 1122 section 3.2.2.8: a host may answer)",
    ),
}


def craft(probes: Probes) -> NDArray[np.uint8]:
    """A timestamp message for each probe; the token stands for the originate time, and comes back unchanged."""
    times = np.zeros((len(probes), 12), np.uint8)
    times[:, :4] = probes["token"].astype(">u4").view(np.uint8).reshape(-1, 4)
    return packets.icmp(
        probes["source"],
        probes["address"],
        type_=TIMESTAMP,
        identifier=probes["source_port"],
        sequence_number=probes["port"],
        data=times,
        identification=identification(probes["token"]),
    )


def recognise(events: Events, probes: ProbeTable) -> Matches:
    """A timestamp reply counts only if it repeats identifier, sequence number and token."""
    seen = events.seen
    probe, answer = errors(seen, probes, PROTOCOL)
    spoke = icmp_replies(seen, probes, TIMESTAMP_REPLY)
    return Matches.either(spoke, Answer.TIMESTAMP_REPLY.code, probe, answer)

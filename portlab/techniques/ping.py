"""Ping: ask a host for an echo.

    scanner                        target
       | --- ICMP echo request ----> |
       | <-- ICMP echo reply ------- |   up: its IP software answered (this says nothing about any port)

RFC 792 (echo), RFC 1122 section 3.2.2.6 (every host must answer; firewalls often do not let it).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portlab.model import Answer, Events, Meaning, Ping, Probes, Reason, State
from portlab.packets import craft as packets
from portlab.packets.headers import ECHO_REPLY, ECHO_REQUEST
from portlab.techniques import filters
from portlab.techniques.matching import Matches, ProbeTable, errors, icmp_replies, identification

NAME, TITLE = "ping", "Ping by ICMP echo"
PROTOCOL, NEEDS_RAW, EVIDENCE = "icmp", True, "frames"
PING = Ping("icmp", Reason.ECHO_REPLY)

ERRORS = {
    answer: Meaning(
        State.NO_ANSWER,
        meaning.reason,
        f"{meaning.sentence} That is a hint, not a proof, about the host.",
        meaning.source,
    )
    for answer, meaning in filters.FILTERED.items()
} | {
    Answer.PORT_UNREACH_BY_TARGET: Meaning(
        State.UP,
        Reason.PORT_UNREACH,
        "The host itself complained, so it is there.",
        "RFC 1122 section 3.2.2.1",
    ),
    Answer.PROTO_UNREACH_BY_TARGET: Meaning(
        State.UP,
        Reason.PROTO_UNREACH,
        "The host itself complained, so it is there.",
        "RFC 1122 section 3.2.2.1",
    ),
}
"""What ICMP errors say about a host; shared by the kinds of ping that look through IP."""

MEANINGS = {
    Answer.ECHO_REPLY: Meaning(
        State.UP,
        Reason.ECHO_REPLY,
        "An echo reply came back: the host's IP software is running. This says nothing about any port.",
        "RFC 792, RFC 1122 section 3.2.2.6",
    ),
    **ERRORS,
    Answer.SILENCE: Meaning(
        State.NO_ANSWER,
        Reason.NO_RESPONSE,
        'No answer is not "down": an echo is the first thing that firewalls drop.',
        "inference",
    ),
}

PADDING = b"PortLab!" * 6
"""So that the message carries 56 bytes after its header, as many as ping programs send."""


def craft(probes: Probes) -> NDArray[np.uint8]:
    """An echo request for each probe; the token is the first thing in its data, which the reply must repeat."""
    data = np.zeros((len(probes), 8 + len(PADDING)), np.uint8)
    data[:, :4] = probes["token"].astype(">u4").view(np.uint8).reshape(-1, 4)
    data[:, 8:] = np.frombuffer(PADDING, np.uint8)
    return packets.icmp(
        probes["source"],
        probes["address"],
        type_=ECHO_REQUEST,
        identifier=probes["source_port"],
        sequence_number=probes["port"],
        data=data,
        identification=identification(probes["token"]),
    )


def recognise(events: Events, probes: ProbeTable) -> Matches:
    """An echo reply counts only if it repeats identifier, sequence number and token."""
    seen = events.seen
    probe, answer = errors(seen, probes, PROTOCOL)
    spoke = icmp_replies(seen, probes, ECHO_REPLY)
    return Matches.either(spoke, Answer.ECHO_REPLY.code, probe, answer)

"""TCP SYN scan: ask for a connection, never finish it.

    scanner                        target
       | -------- SYN -------------> |
       | <------- SYN-ACK ---------- |   open:     a program is listening
       | -------- RST -------------> |             (by the scanner's own kernel: it knows of no such connection)

       | -------- SYN -------------> |
       | <------- RST-ACK ---------- |   closed:   the host is there, nobody listens

       | -------- SYN -------------> |
       |          (silence)          |   filtered: something swallowed the question or the answer

RFC 9293 (TCP), RFC 792 and RFC 1812 (the ICMP errors).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portlab.model import Answer, Events, Meaning, Probes, Reason, State
from portlab.packets.headers import ACK, RST, SYN
from portlab.techniques import filters
from portlab.techniques.matching import NOBODY, Matches, ProbeTable, acknowledged, errors, replies
from portlab.techniques.segments import segments

NAME, TITLE = "syn", "SYN scan"
PROTOCOL, NEEDS_RAW, EVIDENCE = "tcp", True, "frames"
PING = None

MEANINGS = {
    Answer.SYN_ACK: Meaning(
        State.OPEN,
        Reason.SYN_ACK,
        "A SYN-ACK came back: a program is listening and agreed to talk.",
        "RFC 9293 section 3.10.7.2",
    ),
    Answer.SYN: Meaning(
        State.OPEN,
        Reason.SPLIT_HANDSHAKE_SYN,
        "A SYN came back: the other side opens the connection from its own end, so it does want to talk.",
        "RFC 9293 section 3.5, figure 7 (simultaneous connection synchronization)",
    ),
    Answer.RST: Meaning(
        State.CLOSED,
        Reason.RESET,
        "A RST came back: the host is there, and nobody listens on this port.",
        "RFC 9293 sections 3.10.7.1 and 3.5.2",
    ),
    **filters.FILTERED,
    Answer.PORT_UNREACH_BY_TARGET: Meaning(
        State.FILTERED,
        Reason.PORT_UNREACH,
        "The host itself said port unreachable; a closed TCP port speaks RST, so this is a filter's work.",
        "RFC 1122 section 3.2.2.1",
    ),
    Answer.SILENCE: Meaning(
        State.FILTERED,
        Reason.NO_RESPONSE,
        "Nothing came back however often it was asked: most likely a filter drops the packets.",
        "inference (RFC 1812 section 5.3.9 allows a router to discard silently)",
    ),
}


def craft(probes: Probes) -> NDArray[np.uint8]:
    """A SYN for each probe; the token is the sequence number."""
    return segments(probes, SYN)


def recognise(events: Events, probes: ProbeTable) -> Matches:
    """SYN-ACK and RST count only if they acknowledge the token; ICMP errors only if they quote the probe.

    A SYN from the asked port to the asking one acknowledges nothing; the ports alone tie it to the probe.
    """
    seen = events.seen
    probe, answer = errors(seen, probes, PROTOCOL)
    spoke = replies(seen, probes, PROTOCOL, seen.acknowledgment_number - np.uint32(1))
    flags = seen.control_bits & (SYN | ACK | RST)
    spoke[~acknowledged(seen, probes, spoke) & (flags != SYN)] = NOBODY
    said = np.select(
        [flags == SYN | ACK, flags == RST | ACK, flags == SYN],
        [Answer.SYN_ACK.code, Answer.RST.code, Answer.SYN.code],
        0,
    ).astype(np.uint8)
    return Matches.either(spoke, said, probe, answer)

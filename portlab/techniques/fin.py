"""FIN scan: close a conversation that never was.

    scanner                        target
       | -------- FIN -------------> |
       | <------- RST-ACK ---------- |   closed:        what belongs to no connection is reset

       | -------- FIN -------------> |
       |          (silence)          |   open|filtered: a listening port drops it, and so does a filter

RFC 9293 sections 3.10.7.1 (closed) and 3.10.7.2, fourth step (a listener).  Some systems reset in both cases: there
every port looks closed.  NULL and Xmas scans ask the same question with other flags.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portlab.model import Answer, Events, Meaning, Probes, Reason, State
from portlab.packets.headers import ACK, FIN, RST, SYN
from portlab.techniques import filters
from portlab.techniques.matching import Matches, ProbeTable, errors, replies
from portlab.techniques.segments import segments

NAME, TITLE = "fin", "FIN scan"
PROTOCOL, NEEDS_RAW, EVIDENCE = "tcp", True, "frames"
PING = None
FLAGS = FIN

MEANINGS = {
    Answer.RST: Meaning(
        State.CLOSED,
        Reason.RESET,
        "A RST came back: nobody listens (or this system resets everything, open or not).",
        "RFC 9293 section 3.10.7.1",
    ),
    **filters.FILTERED,
    Answer.PORT_UNREACH_BY_TARGET: Meaning(
        State.FILTERED,
        Reason.PORT_UNREACH,
        "The host itself said port unreachable; a closed TCP port speaks RST, so this is a filter's work.",
        "RFC 1122 section 3.2.2.1",
    ),
    Answer.SILENCE: Meaning(
        State.OPEN_FILTERED,
        Reason.NO_RESPONSE,
        "Nothing came back: a listening program, or a filter. Silence cannot tell them apart.",
        "inference (RFC 9293 section 3.10.7.2, fourth step: a listener drops such a segment)",
    ),
}


def craft(probes: Probes) -> NDArray[np.uint8]:
    """A segment with FIN alone for each probe; the token is the sequence number."""
    return segments(probes, FLAGS)


def recognise(events: Events, probes: ProbeTable) -> Matches:
    """A RST counts only if it acknowledges the token plus the one that FIN counts."""
    return resets(events, probes, FLAGS)


def resets(events: Events, probes: ProbeTable, flags: int) -> Matches:
    """RST-ACK and quoting ICMP errors; the RST acknowledges sequence number + segment length (FIN counts one)."""
    seen = events.seen
    probe, answer = errors(seen, probes, PROTOCOL)
    counted = np.uint32(1 if flags & FIN else 0)
    spoke = replies(seen, probes, PROTOCOL, seen.acknowledgment_number - counted)
    expected = probes.column("token", spoke) + probes.column("data_length", spoke) + counted
    fits = (seen.control_bits & (SYN | ACK | RST) == RST | ACK) & (seen.acknowledgment_number == expected)
    return Matches.either(spoke, np.where(fits, Answer.RST.code, 0), probe, answer)

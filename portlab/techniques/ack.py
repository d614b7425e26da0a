"""ACK scan: map a filter.  It never finds an open port.

    scanner                        target
       | -------- ACK -------------> |
       | <------- RST -------------- |   unfiltered: the packet got through; open and closed ports answer alike

       | -------- ACK -------------> |
       |          (silence)          |   filtered:   typically a firewall that knows of no such conversation

RFC 9293 sections 3.10.7.1 and 3.10.7.2, second step.
"""

from __future__ import annotations

from portlab.model import Answer, Meaning, Reason, State
from portlab.techniques import filters, ping_ack

NAME, TITLE = "ack", "ACK scan"
PROTOCOL, NEEDS_RAW, EVIDENCE = "tcp", True, "frames"
PING = None

MEANINGS = {
    Answer.RST: Meaning(
        State.UNFILTERED,
        Reason.RESET,
        "A RST came back: the packet got through. Open and closed ports answer an ACK alike.",
        "RFC 9293 sections 3.10.7.1 and 3.10.7.2, second step",
    ),
    **filters.FILTERED,
    Answer.PORT_UNREACH_BY_TARGET: Meaning(
        State.FILTERED,
        Reason.PORT_UNREACH,
        "The host itself said port unreachable; TCP speaks RST, so this is a filter's work.",
        "RFC 1122 section 3.2.2.1",
    ),
    Answer.SILENCE: Meaning(
        State.FILTERED,
        Reason.NO_RESPONSE,
        "Nothing came back: dropped, typically by a firewall that remembers conversations.",
        "inference (RFC 1812 section 5.3.9 allows a router to discard silently)",
    ),
}

craft, recognise = ping_ack.craft, ping_ack.recognise

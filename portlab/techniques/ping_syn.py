"""Ping by SYN: knock at one TCP port; whatever the host says, it is there.

    scanner                        target
       | -------- SYN to 443 ------> |
       | <--- SYN-ACK or RST-ACK --- |   up: even "closed" is an answer

RFC 9293 sections 3.10.7.1 and 3.10.7.2.
"""

from __future__ import annotations

from portlab.model import Answer, Meaning, Ping, Reason, State
from portlab.techniques import syn
from portlab.techniques.ping import ERRORS

NAME, TITLE = "ping-syn", "Ping by TCP SYN"
PROTOCOL, NEEDS_RAW, EVIDENCE = "tcp", True, "frames"
PING = Ping("syn", Reason.SYN_ACK, port=443)

MEANINGS = {
    Answer.SYN_ACK: Meaning(
        State.UP,
        Reason.SYN_ACK,
        "A SYN-ACK came back: the host is up, and listens there.",
        "RFC 9293 section 3.10.7.2",
    ),
    Answer.SYN: Meaning(
        State.UP,
        Reason.SPLIT_HANDSHAKE_SYN,
        "A SYN came back: the host is up, and opens the connection from its own end.",
        "RFC 9293 section 3.5, figure 7",
    ),
    Answer.RST: Meaning(
        State.UP,
        Reason.RESET,
        'A RST came back: even "closed" proves that the host is there.',
        "RFC 9293 section 3.10.7.1",
    ),
    **ERRORS,
    Answer.SILENCE: Meaning(
        State.NO_ANSWER,
        Reason.NO_RESPONSE,
        'No answer is not "down": a filter that guards this one port drops a SYN without a word.',
        "inference (RFC 1812 section 5.3.9 allows a router to discard silently)",
    ),
}

craft, recognise = syn.craft, syn.recognise

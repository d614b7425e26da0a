"""Ping by UDP: send a datagram to a port on which nobody listens; the complaint proves that the host is there.

    scanner                        target
       | --- datagram to 40125 ----> |
       | <--- ICMP port unreachable  |   up: only the host itself knows its ports (and if a program answers, so it is)

RFC 1122 sections 3.2.2.1 and 4.1.3.1 (port unreachable), RFC 768 (UDP).  No service is known for port 40125; nmap
knocks there, too.
"""

from __future__ import annotations

from portlab.model import Answer, Meaning, Ping, Reason, State
from portlab.techniques import udp
from portlab.techniques.ping import ERRORS

NAME, TITLE = "ping-udp", "Ping by UDP"
PROTOCOL, NEEDS_RAW, EVIDENCE = "udp", True, "frames"
PING = Ping("udp", Reason.PORT_UNREACH, port=40_125)

MEANINGS = {
    Answer.UDP_RESPONSE: Meaning(
        State.UP,
        Reason.UDP_RESPONSE,
        "A datagram came back: a program of that host answered, though nobody was expected there.",
        "RFC 768",
    ),
    **ERRORS,
    Answer.PORT_UNREACH_BY_TARGET: Meaning(
        State.UP,
        Reason.PORT_UNREACH,
        "The host itself said port unreachable: nobody listens there, so the host is there.",
        "RFC 1122 sections 3.2.2.1 and 4.1.3.1",
    ),
    Answer.SILENCE: Meaning(
        State.NO_ANSWER,
        Reason.NO_RESPONSE,
        'No answer is not "down": filters drop datagrams to odd ports, and hosts ration their ICMP errors.',
        "inference (RFC 1122 section 4.1.3.1 allows silence; RFC 1812 section 5.3.9 allows a router to discard)",
    ),
}

craft, recognise = udp.craft, udp.recognise

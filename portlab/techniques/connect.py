"""TCP connect scan: let the operating system make the connection.  No special rights are needed.

    scanner's kernel               target
       | -------- SYN -------------> |
       | <------- SYN-ACK ---------- |
       | -------- ACK -------------> |   open:     connect() succeeds, and the program can see us
       | -------- RST -------------> |             (PortLab closes at once)

       | -------- SYN -------------> |
       | <------- RST-ACK ---------- |   closed:   connect() says "connection refused"

The evidence is what connect() returned.  It hides who spoke: an ICMP port unreachable from a firewall looks
like a RST.  The socket's error queue, kept beside it, tells.  RFC 9293 section 3.5, RFC 1122 section 4.2.3.9.
"""

from __future__ import annotations

import errno

import numpy as np
from numpy.typing import NDArray

from portlab.model import Answer, Events, Meaning, Probes, Reason, State
from portlab.techniques import filters
from portlab.techniques.matching import Matches, ProbeTable

NAME, TITLE = "connect", "TCP connect scan"
PROTOCOL, NEEDS_RAW, EVIDENCE = "tcp", False, "errnos"
PING = None

MEANINGS = {
    Answer.CONNECTED: Meaning(
        State.OPEN,
        Reason.SYN_ACK,
        "The handshake was completed: a program is listening, and it can know that we were there.",
        "RFC 9293 section 3.5, figure 6",
    ),
    Answer.REFUSED: Meaning(
        State.CLOSED,
        Reason.CONN_REFUSED,
        "The connection was refused: nobody listens there, or somebody speaks for the host.",
        "RFC 9293 sections 3.10.7.1 and 3.5.2; RFC 1122 section 4.2.3.9",
    ),
    Answer.PROTO_UNREACH_BY_OTHER: filters.FILTERED[Answer.PROTO_UNREACH_BY_OTHER],
    Answer.NET_UNREACH: Meaning(
        State.FILTERED,
        Reason.NET_UNREACH,
        "connect() says that the network is unreachable: a router has no way, or a filter said so.",
        "RFC 1812 section 5.2.7.1; measured on Linux",
    ),
    Answer.HOST_UNREACH: Meaning(
        State.FILTERED,
        Reason.HOST_UNREACH,
        "connect() says that there is no route to the host: it cannot be reached, or a filter said so.",
        "RFC 1812 sections 5.2.7.1 and 5.3.9; measured on Linux",
    ),
    Answer.PERM_DENIED: Meaning(
        State.FILTERED,
        Reason.PERM_DENIED,
        "The own machine's firewall did not let the connection out.",
        "connect(2)",
    ),
    Answer.SILENCE: Meaning(
        State.FILTERED,
        Reason.NO_RESPONSE,
        "Nothing came back: a filter that drops, a dead host, or a full queue.",
        "inference (RFC 9293 section 3.8.3)",
    ),
}

_ANSWERS = {
    0: Answer.CONNECTED,
    errno.ECONNRESET: Answer.CONNECTED,  # made, and reset before anybody looked: a RST to a SYN says ECONNREFUSED
    errno.EPIPE: Answer.CONNECTED,
    errno.ECONNREFUSED: Answer.REFUSED,
    errno.ENOPROTOOPT: Answer.PROTO_UNREACH_BY_OTHER,
    errno.ENETUNREACH: Answer.NET_UNREACH,
    errno.EHOSTUNREACH: Answer.HOST_UNREACH,
    errno.EACCES: Answer.PERM_DENIED,
    errno.EPERM: Answer.PERM_DENIED,
}
"""What each errno says; ETIMEDOUT is silence, and so is every other."""

SPOKEN = [number for number, answer in _ANSWERS.items() if answer in (Answer.CONNECTED, Answer.REFUSED)]
"""The errnos that only a segment brings about, or an ICMP error that the error queue tells of."""


def craft(probes: Probes) -> NDArray[np.uint8]:
    """Nothing to craft: the kernel makes the packets."""
    return np.empty((0, 0), np.uint8)


def recognise(events: Events, probes: ProbeTable) -> Matches:
    """Each errno belongs to the probe whose socket brought it."""
    ends = events.errnos
    answer = np.zeros(len(ends), np.uint8)
    for number, word in _ANSWERS.items():
        answer[ends["errno"] == number] = word.code
    return Matches.of(ends["probe"].astype(np.intp), answer)

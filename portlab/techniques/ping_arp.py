"""Ping by ARP: on the own link, ask who has the address.  Whoever uses IP there must answer.

    scanner                        everybody on the link
       | --- ARP who-has ----------> |
       | <-- ARP is-at ------------- |   up
       |     (silence)               |   down: IP cannot reach that address on this link

RFC 826.  The wire itself asks (it must, to send anything at all); there is nothing to craft here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portlab.model import Answer, Events, Meaning, Ping, Probes, Reason, State
from portlab.packets.headers import ARP_REPLY
from portlab.techniques.matching import Matches, ProbeTable

NAME, TITLE = "ping-arp", "Ping by ARP"
PROTOCOL, NEEDS_RAW, EVIDENCE = "arp", True, "frames"
PING = Ping("arp", Reason.ARP_RESPONSE)

MEANINGS = {
    Answer.ARP_REPLY: Meaning(
        State.UP,
        Reason.ARP_RESPONSE,
        "An ARP reply came back: somebody on this link uses that address.",
        "RFC 826",
    ),
    Answer.SILENCE: Meaning(
        State.DOWN,
        Reason.NO_RESPONSE,
        "Nobody answered ARP: on this link IP cannot reach that address.",
        "RFC 826",
    ),
}


def craft(probes: Probes) -> NDArray[np.uint8]:
    """Nothing to send: asking for a neighbour is the wire's own work."""
    return np.empty((0, 0), np.uint8)


def recognise(events: Events, probes: ProbeTable) -> Matches:
    """An ARP reply from an address that was asked is an answer."""
    seen = events.seen
    among = seen.is_arp & seen.received & (seen.arp_operation == ARP_REPLY)
    nothing = np.zeros(len(seen), np.uint32)
    probe = probes.find(seen.arp_sender, nothing, nothing, among, source=seen.arp_target)
    return Matches.of(probe, np.full(len(seen), Answer.ARP_REPLY.code, np.uint8))

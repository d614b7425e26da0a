"""UDP scan: send a datagram and see who complains.

    scanner                        target
       | -------- datagram --------> |
       | <------- datagram --------- |   open:          a program answered

       | -------- datagram --------> |
       | <--- ICMP port unreachable  |   closed:        the host itself says that nobody listens

       | -------- datagram --------> |
       |          (silence)          |   open|filtered: a program that does not answer strangers, or a filter

RFC 768 (UDP), RFC 1122 section 4.1.3.1 (port unreachable).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portlab.model import Answer, Events, Meaning, Probes, Reason, State
from portlab.packets import craft as packets
from portlab.techniques import filters, payloads
from portlab.techniques.matching import Matches, ProbeTable, errors, identification, replies

NAME, TITLE = "udp", "UDP scan"
PROTOCOL, NEEDS_RAW, EVIDENCE = "udp", True, "frames"
PING = None

MEANINGS = {
    Answer.UDP_RESPONSE: Meaning(
        State.OPEN,
        Reason.UDP_RESPONSE,
        "A datagram came back from that port: a program answered.",
        "RFC 768",
    ),
    Answer.PORT_UNREACH_BY_TARGET: Meaning(
        State.CLOSED,
        Reason.PORT_UNREACH,
        "The host itself said port unreachable: it is there, and nobody listens on this port.",
        "RFC 1122 sections 4.1.3.1 and 3.2.2.1",
    ),
    **filters.FILTERED,
    Answer.SILENCE: Meaning(
        State.OPEN_FILTERED,
        Reason.NO_RESPONSE,
        "Nothing came back: a program that does not answer, or a filter. Silence cannot tell them apart.",
        "inference (RFC 768 knows no acknowledgement; RFC 1122 section 4.1.3.1 allows silence)",
    ),
}


def craft(probes: Probes) -> NDArray[np.uint8]:
    """A datagram for each probe, with the payload it names."""
    data, length = payloads.table(probes["payload"])
    return packets.udp(
        probes["source"],
        probes["address"],
        probes["source_port"],
        probes["port"],
        data=data,
        data_length=length,
        identification=identification(probes["token"]),
    )


def recognise(events: Events, probes: ProbeTable) -> Matches:
    """A datagram from the asked port to the asking one is an answer; so is an ICMP error that quotes the probe."""
    seen = events.seen
    probe, answer = errors(seen, probes, PROTOCOL)
    spoke = replies(seen, probes, PROTOCOL)
    return Matches.either(spoke, Answer.UDP_RESPONSE.code, probe, answer)

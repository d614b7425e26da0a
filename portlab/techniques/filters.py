"""What an ICMP error says about a port, whatever was asked: the rows that several techniques share.

A router's error speaks of the path, not of the port, so all of them mean "filtered" (facts of RFC 1122
section 3.2.2.1 and RFC 1812 sections 5.2.7.1 and 5.3.9).
"""

from __future__ import annotations

from portlab.model import Answer, Meaning, Reason, State

FILTERED = {
    Answer.PORT_UNREACH_BY_OTHER: Meaning(
        State.FILTERED,
        Reason.PORT_UNREACH,
        "Port unreachable, said by somebody on the way: only the host can know its ports, so this is a filter.",
        "RFC 1812 section 5.2.7.1",
    ),
    Answer.PROTO_UNREACH_BY_TARGET: Meaning(
        State.FILTERED,
        Reason.PROTO_UNREACH,
        "The answer claims that the whole protocol is not supported: almost always a filter.",
        "RFC 1122 section 3.2.2.1",
    ),
    Answer.PROTO_UNREACH_BY_OTHER: Meaning(
        State.FILTERED,
        Reason.PROTO_UNREACH,
        "Somebody on the way claims that the whole protocol is not supported: almost always a filter.",
        "RFC 1122 section 3.2.2.1",
    ),
    Answer.NET_UNREACH: Meaning(
        State.FILTERED,
        Reason.NET_UNREACH,
        "A router knows no way to that network.",
        "RFC 1812 section 4.3.3.1",
    ),
    Answer.HOST_UNREACH: Meaning(
        State.FILTERED,
        Reason.HOST_UNREACH,
        "The last router cannot reach the host.",
        "RFC 1812 section 5.2.7.1",
    ),
    Answer.NO_NEIGHBOUR: Meaning(
        State.FILTERED,
        Reason.HOST_UNREACH,
        "Nobody on the own link answered ARP, so the probe could not be sent.",
        "RFC 826",
    ),
    Answer.NET_PROHIBITED: Meaning(
        State.FILTERED,
        Reason.NET_PROHIBITED,
        "Somebody is configured to refuse this network.",
        "RFC 1122 section 3.2.2.1",
    ),
    Answer.HOST_PROHIBITED: Meaning(
        State.FILTERED,
        Reason.HOST_PROHIBITED,
        "Somebody is configured to refuse this host.",
        "RFC 1122 section 3.2.2.1",
    ),
    Answer.ADMIN_PROHIBITED: Meaning(
        State.FILTERED,
        Reason.ADMIN_PROHIBITED,
        "A filter on the way said no, and said so: communication administratively prohibited.",
        "RFC 1812 sections 5.2.7.1 and 5.3.9",
    ),
    Answer.TIME_EXCEEDED: Meaning(
        State.FILTERED,
        Reason.TIME_EXCEEDED,
        "The probe ran out of hops on the way.",
        "RFC 792, RFC 1812 section 5.2.7.3",
    ),
    Answer.DEST_UNREACH: Meaning(
        State.FILTERED,
        Reason.DEST_UNREACH,
        "Somebody said that it cannot be reached.",
        "RFC 1122 section 3.2.2.1",
    ),
}

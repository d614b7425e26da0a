"""An ACK alone, or FIN and ACK: a scanner's probe, or what is left of a connection from before the capture.

One such segment looks like the other.  It is a question only in a conversation in which nothing else was said, and
only if a RST or an ICMP error came back for it, or for others of that scanner to that host, or if three ports of that
host were asked alike.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from portlab.captures.ordinary import SEVERAL_HOSTS, SEVERAL_PORTS, different
from portlab.captures.talks import NO_TALK, Index, Mask, Talks, Turns, ids
from portlab.packets.dissect import Dissected
from portlab.packets.headers import ACK, FIN, PSH, RST, SYN, TCP_SIZE, URG

LONE = {"ack": ACK, "maimon": FIN | ACK}
"""Technique -> the flags of its probe."""
ALL_FLAGS = FIN | SYN | RST | PSH | ACK | URG


def lone_segments(seen: Dissected, talk: Talks, turns: Turns, segment: Index) -> Iterator[tuple[str, Index]]:
    """The frames of each technique that are such probes."""
    flags = seen.control_bits[segment] & ALL_FLAGS
    if not (flags & ~np.uint8(FIN) == ACK).any():
        return
    length = seen.tcp_data_length[segment]
    goes_on = (flags & (SYN | RST) == 0) & (flags & ACK != 0)
    spoke_up, spoke_down = (talk.any(segment[goes_on & (talk.up[segment] == way)]) for way in (True, False))
    busy = (spoke_up & spoke_down) | talk.any(segment[(length > 0) | _finishes(seen, talk, turns, segment)])
    quiet = ~busy[talk.number[segment]]
    bare = quiet & goes_on & (seen.tcp_header_length[segment] == TCP_SIZE)
    for technique, only in LONE.items():
        other = talk.any(segment[goes_on & (flags != only)])
        candidate = bare & (flags == only) & ~other[talk.number[segment]]
        yield technique, segment[candidate & _believed(seen, talk, turns, segment, candidate)]


def _finishes(seen: Dissected, talk: Talks, turns: Turns, segment: Index) -> Mask:
    """Segments that acknowledge a SYN-ACK: the end of a handshake, whether or not its SYN was captured."""
    flags = seen.control_bits[segment] & (SYN | ACK | RST)
    offered = turns.latest(flags == SYN | ACK)
    offer = segment[offered]
    fits = seen.acknowledgment_number[segment] == seen.sequence_number[offer] + np.uint32(1)
    return (offered != NO_TALK) & (talk.up[segment] != talk.up[offer]) & fits & (flags == ACK)


def _believed(seen: Dissected, talk: Talks, turns: Turns, segment: Index, candidate: Mask) -> Mask:
    """The candidates that were answered as a host answers what belongs to no connection, or stand beside such."""
    answered = _answered(seen, talk, turns, segment, candidate)[talk.number[segment[candidate]]]
    index = segment[candidate]
    pair = ids(seen.source[index], seen.destination[index])
    port = ids(seen.source[index], seen.destination_port[index])
    ports = different(pair, seen.destination_port[index])
    believed = (np.bincount(pair, answered, minlength=1)[pair] > 0) | (ports[pair] >= SEVERAL_PORTS)
    hosts = different(port, seen.destination[index])
    swept = hosts[port] >= SEVERAL_HOSTS
    believed |= swept & (np.bincount(port, answered, minlength=1)[port] > 1)
    result = np.zeros(len(segment), bool)
    result[candidate] = believed
    return result


def _answered(seen: Dissected, talk: Talks, turns: Turns, segment: Index, candidate: Mask) -> Mask:
    """For each conversation whether a RST with the number that was acknowledged, or an ICMP error, came back."""
    asked = turns.latest(candidate)
    question = segment[asked]
    back = (asked != NO_TALK) & (talk.up[segment] != talk.up[question])
    fits = seen.sequence_number[segment] == seen.acknowledgment_number[question]
    fits &= seen.control_bits[segment] & (SYN | ACK | RST) == RST
    return talk.any(np.concatenate([segment[back & fits], np.flatnonzero(seen.is_error)]))

"""Who asked in a capture: the packets that begin something, as questions of one scanner by one technique.

TCP   a SYN.  connect() tells itself from a SYN scan by finishing the handshake, and by the options that only an
      operating system's own SYN carries; whoever sent the first SYN asked, a SYN that meets it is an answer.
      Segments with flags that no ordinary conversation knows ask wherever they stand; an ACK alone, or FIN and ACK,
      only where nothing else was said and somebody else was asked alike (see `lone`)
UDP   the datagrams between two ports until the first answer; what goes to a port that asked somebody else there, or
      a whole group, is an answer (as TFTP's, and a printer's to a broadcast)
ICMP  an echo or timestamp request
ARP   a who-has
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from portlab.captures.lone import lone_segments
from portlab.captures.talks import NO_TALK, Index, Mask, Talks, Turns, ids, to_groups
from portlab.evidence.verdict import NO_PORT
from portlab.packets.dissect import Dissected
from portlab.packets.headers import ACK, ARP_REQUEST, ECHO_REQUEST, FIN, PSH, RST, SYN, TIMESTAMP, URG
from portlab.ports import service_name

TOLD_APART = (
    "connect", "syn", "fin", "null", "xmas", "maimon", "ack", "udp", "ping", "ping-timestamp", "ping-arp",
)  # fmt: skip
CODE = {name: code for code, name in enumerate(TOLD_APART)}

QUESTION = np.dtype(
    [
        ("frame", "i4"),  # which frame asked, or told of the question
        ("talk", "i4"),  # its conversation
        ("technique", "u1"),  # place in TOLD_APART
        ("matched", "?"),  # False: only the answer was captured
        ("by_system", "?"),  # a SYN as operating systems make them, whose handshake was not finished
        ("time_ns", "i8"),  # 0: not known, or sent more than once
        ("scanner", "u4"),
        ("address", "u4"),
        ("port", "i4"),  # NO_PORT for pings
        ("probe_port", "u2"),  # this and the following are what PROBE calls so
        ("source_port", "u2"),
        ("token", "u4"),
        ("acknowledged", "u4"),
        ("data_length", "u2"),
    ]
)
"""One try of one question."""

Questions = NDArray[np.void]
Column = NDArray[np.uint32]

ALL_FLAGS = FIN | SYN | RST | PSH | ACK | URG
CRAFTED = {"fin": FIN, "null": 0, "xmas": FIN | PSH | URG}
"""Flags of segments that no operating system ever sends -> the technique that does (RFC 9293 section 3.5:
only a SYN goes without ACK).
"""

MSS_ONLY, MSS_KIND = (
    24,
    2,
)  # a SYN's header with this option alone, and its kind; scanners' SYNs carry no other
LEAST_WINDOW = 1024  # nmap's probes for operating systems offer less, no operating system of today does
DHCP_SERVER, DHCP_CLIENT = 67, 68
LEAST_UNPRIVILEGED = 1024


def asked(seen: Dissected, talk: Talks) -> Questions:
    """All questions that were captured, one row a try, in order of time.  `talk` may join conversations (TFTP)."""
    parts = [*_tcp(seen, talk), *_udp(seen, talk), *_icmp(seen, talk), _arp(seen, talk)]
    found = together(*parts)
    in_order = bool((np.diff(found["frame"]) > 0).all())
    return found if in_order else found[np.argsort(found["frame"], kind="stable")]


def together(*parts: Questions) -> Questions:
    """All these questions in one table.  They may be millions: what need not be copied is not."""
    parts = tuple(part for part in parts if len(part))
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0, QUESTION)


def only(questions: Questions, mask: Mask) -> Questions:
    """The questions of which this is true."""
    return questions if mask.all() else questions[mask]


def once(questions: Questions) -> Questions:
    """What was sent again unchanged is one try, whose time cannot be told.

    Of datagrams each is a try, but nothing tells which one an answer is for; so is each ARP request.
    """
    by_number = ~np.isin(questions["technique"], (CODE["udp"], CODE["ping-arp"]))
    number = questions["token"].astype(np.int64) << 16 | questions["probe_port"]
    same = ids(
        questions["talk"],
        np.where(by_number, number, -1 - questions["frame"].astype(np.int64)),
        questions["technique"],
    )
    alike = same if by_number.all() else np.where(by_number, same, len(same) + questions["talk"])
    count = np.bincount(alike, minlength=1)
    first = np.full(len(same), len(same))
    np.minimum.at(first, same, np.arange(len(same)))
    first = np.sort(first[first < len(same)])
    tries = questions[first]
    again = (count[alike[first]] > 1) & (tries["technique"] != CODE["ping-arp"])
    tries["time_ns"][again] = 0
    return tries


def _rows(seen: Dissected, talk: Talks, technique: str, index: Index, token: NDArray[np.uint32]) -> Questions:
    """The questions that these frames are; `token` is a column of all frames."""
    rows = np.zeros(len(index), QUESTION)
    rows["frame"], rows["talk"], rows["technique"] = index, talk.number[index], CODE[technique]
    rows["matched"], rows["time_ns"] = True, seen.frames["time_ns"][index]
    rows["scanner"], rows["address"] = seen.source[index], seen.destination[index]
    rows["source_port"], rows["probe_port"] = seen.source_port[index], seen.destination_port[index]
    rows["port"], rows["token"] = rows["probe_port"], token[index]
    return rows


# --- TCP ----------------------------------------------------------------------------------------------------


def _tcp(seen: Dissected, talk: Talks) -> Iterator[Questions]:
    segment = np.flatnonzero(seen.is_tcp)
    flags = seen.control_bits[segment] & ALL_FLAGS
    is_syn = flags & (SYN | ACK | RST | FIN) == SYN
    is_syn &= _spoken_by_the_first(talk, segment, is_syn)
    turns = Turns(talk.number[segment])
    by_connect, by_system = _by_connect(seen, talk, turns, segment, is_syn)
    half_open = _segments(seen, talk, "syn", segment[is_syn & ~by_connect])
    half_open["by_system"] = by_system[is_syn & ~by_connect]
    yield half_open
    yield _segments(seen, talk, "connect", segment[is_syn & by_connect])
    for technique, alone in CRAFTED.items():
        yield _segments(seen, talk, technique, segment[flags == alone])
    for technique, index in lone_segments(seen, talk, turns, segment):
        yield _segments(seen, talk, technique, index)


def _segments(seen: Dissected, talk: Talks, technique: str, index: Index) -> Questions:
    rows = _rows(seen, talk, technique, index, seen.sequence_number)
    rows["data_length"] = seen.tcp_data_length[index]
    if technique in ("ack", "maimon"):
        rows["acknowledged"] = seen.acknowledgment_number[index]
    return rows


def _spoken_by_the_first(talk: Talks, segment: Index, is_syn: Mask) -> Mask:
    """Segments of the end that sent the first SYN of their conversation: a SYN from the other end answers it."""
    first_up = np.zeros(talk.count, bool)
    syns = segment[is_syn][::-1]  # of values for the same place the last stays
    first_up[talk.number[syns]] = talk.up[syns]
    return talk.up[segment] == first_up[talk.number[segment]]


def _by_connect(
    seen: Dissected, talk: Talks, turns: Turns, segment: Index, is_syn: Mask
) -> tuple[Mask, Mask]:
    """SYNs of a program that called connect(): the handshake was finished, or an operating system made the SYN and
    did not break it off.  And those that an operating system made of itself: its host finished other handshakes.
    """
    number, source = talk.number[segment], seen.source[segment]
    own = turns.latest(is_syn)  # the SYN that each segment follows
    syn = segment[own]
    beyond = seen.sequence_number[segment] - seen.sequence_number[syn] - np.uint32(1)
    follows = (own != NO_TALK) & (source == seen.source[syn]) & (beyond <= seen.tcp_data_length[syn])
    flags = seen.control_bits[segment] & (SYN | ACK | RST)
    finishes, breaks_off = follows & (flags == ACK), follows & (flags == RST)
    finished, broken_off = talk.any(segment[finishes])[number], talk.any(segment[breaks_off])[number]
    half_open = np.setdiff1d(source[breaks_off], source[finishes])
    of_a_system = is_syn & (seen.tcp_header_length[segment] >= MSS_ONLY)
    of_a_system &= seen.first_tcp_option[segment] == MSS_KIND
    of_a_system &= seen.tcp_window[segment] >= LEAST_WINDOW
    alone = of_a_system & (seen.tcp_header_length[segment] == MSS_ONLY)
    of_a_system[alone] = _repeated(number[alone], seen.sequence_number[segment][alone])
    of_a_system &= ~np.isin(source, half_open)
    return is_syn & (finished | (of_a_system & ~broken_off)), of_a_system


def _repeated(number: Index, sequence_number: NDArray[np.uint32]) -> Mask:
    """SYNs that came again with the same number: that is how an operating system asks again."""
    same = ids(number, sequence_number)
    return np.bincount(same, minlength=1)[same] > 1


# --- UDP ----------------------------------------------------------------------------------------------------


def _udp(seen: Dissected, talk: Talks) -> Iterator[Questions]:
    datagram = np.flatnonzero(seen.is_udp)
    number, up = talk.number[datagram], talk.up[datagram]
    first_up = np.zeros(talk.count, bool)
    first_up[number[::-1]] = up[::-1]
    asks = up == first_up[number]
    _, begins = np.unique(number, return_index=True)
    none = _no_questions(seen, datagram, begins)
    dropped = np.zeros(talk.count, bool)
    dropped[number[begins[none]]] = True
    answered = Turns(number).latest(~asks) != NO_TALK
    yield _rows(seen, talk, "udp", datagram[asks & ~answered & ~dropped[number]], seen.identification)


def _no_questions(seen: Dissected, datagram: Index, begins: Index) -> Mask:
    """Which first datagrams of a conversation ask nobody: to groups, answers to groups, answers without questions."""
    groups = to_groups(seen)[datagram]
    here = _end(seen.source, seen.source_port)[datagram]
    there = _end(seen.destination, seen.destination_port)[datagram]
    first = datagram[begins]
    to_who_asked_a_group = np.isin(there[begins], here[groups])
    nobody = groups[begins] | (seen.source[first] == 0)
    near, far = seen.source_port[first], seen.destination_port[first]
    to_who_asked_a_group &= ~_services(far) | (near == far)
    dhcp = (near == DHCP_SERVER) & (far == DHCP_CLIENT)
    return (
        nobody
        | to_who_asked_a_group
        | dhcp
        | from_a_service(seen.source[first], near, seen.destination[first], far)
    )


def from_a_service(source: Column, near: Column, destination: Column, far: Column) -> Mask:
    """From a service's port to one that is no service's: an answer whose question was before the capture, or passed
    elsewhere.  Who asks from such a port asks services, too.
    """
    answers = _services(near) & ~_services(far) & (far >= LEAST_UNPRIVILEGED)
    asking = ids(source, near, destination)
    asks_services = np.zeros(len(source), bool)
    asks_services[asking[~answers]] = True
    return answers & ~asks_services[asking]


def _services(ports: NDArray[np.uint32]) -> Mask:
    """Ports that the reference knows a UDP service of."""
    different, place = np.unique(ports, return_inverse=True)
    return np.array([bool(service_name(port, "udp")) for port in different.tolist()], bool)[place]


def _end(address: NDArray[np.uint32], port: NDArray[np.uint32]) -> NDArray[np.uint64]:
    return address.astype(np.uint64) << np.uint64(16) | port


def join_new_ports(seen: Dissected, talk: Talks) -> Talks:
    """Conversations with answers from a new port (TFTP) joined to those that asked: `number` is the asking one's."""
    datagram = np.flatnonzero(seen.is_udp)
    _, at = np.unique(talk.number[datagram], return_index=True)
    first = np.sort(datagram[at])
    asker = ids(
        np.concatenate([seen.source[first], seen.destination[first]]),
        np.concatenate([seen.source_port[first], seen.destination_port[first]]),
        np.concatenate([seen.destination[first], seen.source[first]]),
    )
    asks, answers = asker[: len(first)], asker[len(first) :]
    asking = np.full(len(asker), NO_TALK, np.intp)
    asking[asks[::-1]] = first[::-1]  # the earliest stays
    known = (asking[answers] != NO_TALK) & (asking[answers] < first)
    renamed = np.arange(talk.count)
    renamed[talk.number[first[known]]] = talk.number[asking[answers[known]]]
    number = np.where(talk.number == NO_TALK, NO_TALK, renamed[talk.number] if talk.count else NO_TALK)
    return Talks(number, talk.up, talk.count)


# --- ICMP and ARP -------------------------------------------------------------------------------------------


def _icmp(seen: Dissected, talk: Talks) -> Iterator[Questions]:
    hosts = ~to_groups(seen)
    for technique, type_ in (("ping", ECHO_REQUEST), ("ping-timestamp", TIMESTAMP)):
        index = np.flatnonzero(seen.is_icmp & (seen.icmp_type == type_) & hosts)
        rows = _rows(seen, talk, technique, index, seen.icmp_data)
        rows["port"] = NO_PORT
        rows["source_port"] = seen.icmp_identifier[index]
        rows["probe_port"] = seen.icmp_sequence_number[index]
        yield rows


def _arp(seen: Dissected, talk: Talks) -> Questions:
    asks = seen.is_arp & (seen.arp_operation == ARP_REQUEST)
    asks &= (seen.arp_sender != 0) & (seen.arp_sender != seen.arp_target)
    index = np.flatnonzero(asks)
    rows = _rows(seen, talk, "ping-arp", index, seen.arp_target)
    rows["scanner"], rows["address"], rows["port"] = seen.arp_sender[index], seen.arp_target[index], NO_PORT
    rows["source_port"] = rows["probe_port"] = rows["token"] = 0
    return rows

"""Questions that only their answers tell of, where a capture holds one direction: of conversations nobody asked in.

SYN-ACK, and the RST that answers a SYN, say which SYN they acknowledge; an echo reply repeats the request; an ICMP
error quotes the question itself; a datagram from a service's port to one that is none answers somebody.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from portlab.captures.asking import CODE, QUESTION, Questions, from_a_service, only, together
from portlab.captures.talks import Index, Talks, among
from portlab.evidence.verdict import NO_PORT
from portlab.packets.dissect import Dissected
from portlab.packets.headers import (
    ACK,
    ECHO_REPLY,
    ECHO_REQUEST,
    ETHERNET_SIZE,
    ICMP_PROTOCOL,
    ICMP_SIZE,
    IPV4_SIZE,
    RST,
    SYN,
    TCP_PROTOCOL,
    UDP_PROTOCOL,
)
from portlab.techniques import is_ping, technique

Column = NDArray[np.uint32]
FLAGS_QUOTED = ETHERNET_SIZE + IPV4_SIZE + ICMP_SIZE + IPV4_SIZE + 14
"""A frame of so many bytes quotes a segment as far as its flags."""


def told(seen: Dissected, talk: Talks, asked: Questions) -> Questions:
    """The questions that answers tell of, in conversations in which nobody was seen to ask.

    Whoever was seen to ask otherwise by that protocol is left out: there the other direction was captured.
    """
    known = np.zeros(talk.count, bool)
    known[asked["talk"]] = True
    parts = [_tcp(seen, talk), _echo(seen, talk), _datagrams(seen, talk), *_errors(seen, talk)]
    rows = together(*(only(part, ~known[part["talk"]]) for part in parts))
    keep = np.ones(len(rows), bool)
    for protocol in ("tcp", "udp", "icmp"):
        codes = [code for name, code in CODE.items() if protocol == technique(name).PROTOCOL]
        its = np.isin(rows["technique"], codes)
        if its.any():
            keep[its] = ~among(rows["scanner"][its], asked["scanner"][np.isin(asked["technique"], codes)])
    return only(rows, keep)


def _rows(
    talk: Talks,
    name: str,
    index: Index,
    ends: tuple[Column, Column],
    ports: tuple[Column, Column],
    token: Column,
) -> Questions:
    """Questions from `ends`, the asker and the asked, and `ports`, the asker's and the asked one's."""
    rows = np.zeros(len(index), QUESTION)
    rows["frame"], rows["talk"], rows["technique"] = index, talk.number[index], CODE[name]
    rows["scanner"], rows["address"] = (end[index] for end in ends)
    rows["source_port"], rows["probe_port"] = (port[index] for port in ports)
    rows["token"] = token[index]
    rows["port"] = NO_PORT if is_ping(name) else rows["probe_port"]
    return rows


def _tcp(seen: Dissected, talk: Talks) -> Questions:
    flags = seen.control_bits & (SYN | ACK | RST)
    # "<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>" answers a SYN (RFC 9293 section 3.10.7.1); other RSTs end things
    to_a_syn = (flags == SYN | ACK) | ((flags == RST | ACK) & (seen.sequence_number == 0))
    index = np.flatnonzero(seen.is_tcp & to_a_syn)
    goes_on = talk.any(np.flatnonzero(seen.is_tcp & (flags == ACK)))[talk.number[index]]
    back = ((seen.destination, seen.source), (seen.destination_port, seen.source_port))
    token = seen.acknowledgment_number - np.uint32(1)
    return np.concatenate(
        [
            _rows(talk, "syn", index[~goes_on], *back, token),
            _rows(talk, "connect", index[goes_on], *back, token),
        ]
    )


def _echo(seen: Dissected, talk: Talks) -> Questions:
    index = np.flatnonzero(seen.is_icmp & (seen.icmp_type == ECHO_REPLY))
    numbers = (seen.icmp_identifier, seen.icmp_sequence_number)
    return _rows(talk, "ping", index, (seen.destination, seen.source), numbers, seen.icmp_data)


def _datagrams(seen: Dissected, talk: Talks) -> Questions:
    datagram = np.flatnonzero(seen.is_udp)
    _, at = np.unique(talk.number[datagram], return_index=True)
    first = datagram[at]
    ends = (seen.source, seen.source_port, seen.destination, seen.destination_port)
    first = first[from_a_service(*(column[first] for column in ends))]
    ports = (seen.destination_port, seen.source_port)
    return _rows(talk, "udp", first, (seen.destination, seen.source), ports, seen.identification)


def _errors(seen: Dissected, talk: Talks) -> Iterator[Questions]:
    """ICMP errors quote the question itself.  What was said in a conversation that was captured is no question."""
    captured = talk.any(np.flatnonzero(~seen.is_error & (talk.number >= 0)))
    ends = (seen.quoted_source, seen.quoted_destination)
    ports = (seen.quoted_source_port, seen.quoted_destination_port)
    numbers = (seen.quoted_icmp_identifier, seen.quoted_icmp_sequence_number)
    flags_known = seen.frames["captured"] >= FLAGS_QUOTED
    no_syn = flags_known & (seen.quoted_control_bits & (SYN | ACK) != SYN)
    for name, protocol, where, token in (
        ("syn", TCP_PROTOCOL, ports, seen.quoted_sequence_number),
        ("udp", UDP_PROTOCOL, ports, seen.quoted_identification),
        ("ping", ICMP_PROTOCOL, numbers, seen.quoted_identification),
    ):
        mask = seen.is_error & (seen.quoted_protocol == protocol)
        mask &= {TCP_PROTOCOL: ~no_syn, ICMP_PROTOCOL: seen.quoted_icmp_type == ECHO_REQUEST}.get(
            protocol, True
        )
        index = np.flatnonzero(mask)
        index = index[~captured[talk.number[index]]]
        if protocol == UDP_PROTOCOL:  # nor an answer that nobody waited for any more
            quoted = (ends[0], ports[0], ends[1], ports[1])
            index = index[~from_a_service(*(column[index] for column in quoted))]
        yield _rows(talk, name, index, ends, where, token)

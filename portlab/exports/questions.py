"""Who asked in a capture: the packets that begin something, as questions of one scanner by one technique.

TCP   a SYN.  connect() tells itself from a SYN scan by finishing the handshake, and by the options that only an
      operating system's own SYN carries
UDP   the first datagram between two ports; an answer from a port never asked (as TFTP does) begins nothing
ICMP  an echo or timestamp request
ARP   a who-has, where the capture holds nothing else: every scan of the own link begins with one
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from portlab.model import SENT, Frames
from portlab.packets.dissect import Dissected
from portlab.packets.headers import (
    ACK,
    ARP_REPLY,
    ARP_REQUEST,
    ECHO_REPLY,
    ECHO_REQUEST,
    FIN,
    ICMP_PROTOCOL,
    IPV4_SIZE,
    PSH,
    RST,
    SYN,
    TCP_PROTOCOL,
    TCP_SIZE,
    TIMESTAMP,
    UDP_PROTOCOL,
    URG,
)
from portlab.verdict import NO_PORT

ALL_FLAGS = FIN | SYN | RST | PSH | ACK | URG
BEGIN_WITH = {"fin": FIN, "null": 0, "xmas": FIN | PSH | URG, "ack": ACK}
"""Segments that no operating system begins a conversation with -> the technique that does."""

Index = NDArray[np.intp]
Mask = NDArray[np.bool_]
Column = NDArray[np.uint32]

BARE = IPV4_SIZE + TCP_SIZE  # bytes of a segment without options and data
MSS_OPTION = 4  # bytes; scanners' SYNs carry this option at most
MULTICAST = 0xE000_0000  # from here on an address is no host's own


@dataclass(frozen=True, eq=False)
class Questions:
    """What one scanner asked by one technique, one row a try, in order of time.

    `port` is NO_PORT for pings; `probe_port`, `source_port` and `token` are what PROBE calls so.  `time_ns` is 0
    where it is not known: in a capture that holds only answers (`matched` is false), and for a try that was sent
    more than once.  `unreached` holds hosts that a ping could not ask, since nobody answered ARP for them.
    """

    technique: str
    protocol: str
    scanner: int
    time_ns: NDArray[np.int64]
    address: Column
    port: NDArray[np.int64]
    probe_port: Column
    source_port: Column
    token: Column
    matched: bool = True
    unreached: Column = field(default_factory=lambda: np.empty(0, np.uint32))


def as_sent(frames: Frames) -> Dissected:
    """The frames as if this machine had sent them all: nobody's checksum is judged before it is known who asked."""
    copy = frames.copy()
    copy["direction"] = SENT
    return Dissected(copy)


def find(frames: Frames) -> list[Questions]:
    """All questions of a capture, told apart by scanner and technique."""
    seen = as_sent(frames)
    found = [*_tcp(seen), *_udp(seen), *_icmp(seen)]
    asking = {(one.protocol, one.scanner) for one in found}
    found += [one for one in _from_answers(seen) if (one.protocol, one.scanner) not in asking]
    return found or list(_arp(seen))


# --- questions that were captured ---------------------------------------------------------------------------


def _tcp(seen: Dissected) -> Iterator[Questions]:
    here, there = (seen.source, seen.source_port), (seen.destination, seen.destination_port)
    forward, backward = _both_ways((*here, *there), (*there, *here))
    is_syn = seen.is_tcp & (seen.control_bits & (SYN | ACK | RST | FIN) == SYN)
    finished = forward[seen.is_tcp & (seen.control_bits & (SYN | ACK | RST) == ACK)]
    of_a_kernel = seen.total_length > BARE + MSS_OPTION
    by_connect = is_syn & (np.isin(forward, finished) | of_a_kernel)
    for technique, mask in (("syn", is_syn & ~by_connect), ("connect", by_connect)):
        yield from _questions(seen, technique, "tcp", np.flatnonzero(mask), seen.sequence_number)
    segments = np.flatnonzero(seen.is_tcp)
    _, first = np.unique(np.minimum(forward, backward)[segments], return_index=True)
    begins = segments[np.sort(first)]
    begins = begins[seen.total_length[begins] == BARE]
    for technique, flags in BEGIN_WITH.items():
        alike = begins[seen.control_bits[begins] & ALL_FLAGS == flags]
        token = seen.acknowledgment_number if flags == ACK else seen.sequence_number
        yield from _questions(seen, technique, "tcp", alike, token)


def _udp(seen: Dissected) -> Iterator[Questions]:
    index = np.flatnonzero(seen.is_udp & (seen.destination < MULTICAST))
    here, there = seen.source[index], seen.destination[index]
    near, far = seen.source_port[index], seen.destination_port[index]
    forward, backward = _both_ways((here, there, near, far), (there, here, far, near))
    _, first = np.unique(np.minimum(forward, backward), return_index=True)
    begins = np.sort(first)
    asker, asked_back = _both_ways((here, there, near), (there, here, far))
    answers = np.isin(asked_back[begins], asker[begins])  # to a port that asked this host
    yield from _questions(seen, "udp", "udp", index[begins[~answers]], seen.identification)


def _icmp(seen: Dissected) -> Iterator[Questions]:
    for technique, type_ in (("ping", ECHO_REQUEST), ("ping-timestamp", TIMESTAMP)):
        requests = np.flatnonzero(seen.is_icmp & (seen.icmp_type == type_) & (seen.destination < MULTICAST))
        for asked in _questions(seen, technique, "icmp", requests, seen.icmp_data):
            yield replace(asked, unreached=_unreached(seen, asked))


def _unreached(seen: Dissected, asked: Questions) -> Column:
    """The addresses that the scanner sought by ARP in vain, and could therefore not ask."""
    asks = seen.is_arp & (seen.arp_operation == ARP_REQUEST)
    sought = np.unique(seen.arp_target[asks & (seen.arp_sender == asked.scanner)])
    found = seen.arp_sender[seen.is_arp & (seen.arp_operation == ARP_REPLY)]
    return np.setdiff1d(sought, np.concatenate([found, asked.address]))


def _arp(seen: Dissected) -> Iterator[Questions]:
    asks = seen.is_arp & (seen.arp_operation == ARP_REQUEST)
    asks &= (seen.arp_sender != 0) & (seen.arp_sender != seen.arp_target)
    index = np.flatnonzero(asks)
    nothing = np.zeros(len(index), np.uint32)
    for scanner in np.unique(seen.arp_sender[index]):
        mine = index[seen.arp_sender[index] == scanner]
        yield Questions(
            technique="ping-arp",
            protocol="arp",
            scanner=int(scanner),
            time_ns=seen.frames["time_ns"][mine],
            address=seen.arp_target[mine],
            port=np.full(len(mine), NO_PORT, np.int64),
            probe_port=nothing[: len(mine)],
            source_port=nothing[: len(mine)],
            token=nothing[: len(mine)],
        )


def _questions(
    seen: Dissected, technique: str, protocol: str, index: Index, token: Column
) -> Iterator[Questions]:
    """One Questions a scanner.  What was sent again unchanged is one try, whose time cannot be told."""
    near, far = _ports(seen, protocol)
    same = _ids(seen.source[index], seen.destination[index], near[index], far[index], token[index])
    _, first, count = np.unique(same, return_index=True, return_counts=True)
    order = np.argsort(first)
    tries, sent = index[first[order]], count[order]
    time_ns = np.where(sent == 1, seen.frames["time_ns"][tries], 0)
    for scanner in np.unique(seen.source[tries]):
        mine = seen.source[tries] == scanner
        at = tries[mine]
        ping = np.full(len(at), NO_PORT, np.int64)
        yield Questions(
            technique=technique,
            protocol=protocol,
            scanner=int(scanner),
            time_ns=time_ns[mine],
            address=seen.destination[at],
            port=ping if protocol == "icmp" else far[at].astype(np.int64),
            probe_port=far[at],
            source_port=near[at],
            token=token[at],
        )


def _ports(seen: Dissected, protocol: str) -> tuple[Column, Column]:
    """What stands for the asker's and for the asked port: ICMP has an identifier and a sequence number."""
    if protocol == "icmp":
        return seen.icmp_identifier, seen.icmp_sequence_number
    return seen.source_port, seen.destination_port


# --- questions that only their answers tell of --------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Told:
    """A question as its answers repeat it: the columns of Questions, for every frame; `mask` says for which."""

    technique: str
    protocol: str
    mask: Mask
    scanner: Column
    address: Column
    probe_port: Column
    source_port: Column
    token: Column


def _from_answers(seen: Dissected) -> Iterator[Questions]:
    told_by = (_told_by_tcp(seen), *_told_by_errors(seen), _told_by_echo(seen))
    for technique in ("syn", "udp", "ping"):
        told = [one for one in told_by if one.technique == technique]
        scanners, *columns = (
            np.concatenate([getattr(one, name)[one.mask] for one in told])
            for name in ("scanner", "address", "probe_port", "source_port", "token")
        )
        for scanner in np.unique(scanners):
            address, probe_port, source_port, token = (column[scanners == scanner] for column in columns)
            ping = np.full(len(address), NO_PORT, np.int64)
            yield Questions(
                technique=technique,
                protocol=told[0].protocol,
                scanner=int(scanner),
                time_ns=np.zeros(len(address), np.int64),
                address=address,
                port=ping if technique == "ping" else probe_port.astype(np.int64),
                probe_port=probe_port,
                source_port=source_port,
                token=token,
                matched=False,
            )


def _told_by_tcp(seen: Dissected) -> _Told:
    flags = seen.control_bits & (SYN | ACK | RST)
    # "<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>" answers a SYN (RFC 9293 section 3.10.7.1); other RSTs end things
    to_a_syn = (flags == SYN | ACK) | ((flags == RST | ACK) & (seen.sequence_number == 0))
    token = seen.acknowledgment_number - np.uint32(1)
    ports = (seen.source_port, seen.destination_port)
    return _Told("syn", "tcp", seen.is_tcp & to_a_syn, seen.destination, seen.source, *ports, token)


def _told_by_echo(seen: Dissected) -> _Told:
    reply = seen.is_icmp & (seen.icmp_type == ECHO_REPLY)
    numbers = (seen.icmp_sequence_number, seen.icmp_identifier)
    return _Told("ping", "icmp", reply, seen.destination, seen.source, *numbers, seen.icmp_data)


def _told_by_errors(seen: Dissected) -> Iterator[_Told]:
    """ICMP errors quote the question itself."""
    ends = (seen.quoted_source, seen.quoted_destination)
    ports = (seen.quoted_destination_port, seen.quoted_source_port)
    numbers = (seen.quoted_icmp_sequence_number, seen.quoted_icmp_identifier)
    for technique, protocol, number, where, token in (
        ("syn", "tcp", TCP_PROTOCOL, ports, seen.quoted_sequence_number),
        ("udp", "udp", UDP_PROTOCOL, ports, seen.quoted_identification),
        ("ping", "icmp", ICMP_PROTOCOL, numbers, seen.quoted_identification),
    ):
        mask = seen.is_error & (seen.quoted_protocol == number)
        yield _Told(technique, protocol, mask, *ends, *where, token)


# --- numbers for combinations -------------------------------------------------------------------------------


def _ids(*columns: Column) -> Index:
    """A number for each different combination of values in these columns."""
    numbers = np.zeros(len(columns[0]), np.intp)
    for column in columns:
        _, values = np.unique(column, return_inverse=True)
        _, numbers = np.unique(numbers * (values.max(initial=0) + 1) + values, return_inverse=True)
    return numbers


def _both_ways(forward: tuple[Column, ...], backward: tuple[Column, ...]) -> tuple[Index, Index]:
    """Numbers for combinations that may occur in either tuple of columns."""
    count = len(forward[0])
    numbers = _ids(*(np.concatenate(pair) for pair in zip(forward, backward, strict=True)))
    return numbers[:count], numbers[count:]

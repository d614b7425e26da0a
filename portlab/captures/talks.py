"""Conversations in a capture: which frames belong together, and which way each was spoken.

A conversation has two ends.  An end is an address and a port (TCP, UDP), an address and an identifier (ICMP echo and
timestamp), or an address (ARP).  An ICMP error belongs to the conversation that it quotes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portlab.packets.dissect import Dissected
from portlab.packets.headers import (
    ECHO_REPLY,
    ECHO_REQUEST,
    ICMP_PROTOCOL,
    PROTOCOLS,
    TIMESTAMP,
    TIMESTAMP_REPLY,
)

Index = NDArray[np.intp]
Mask = NDArray[np.bool_]
Ends = NDArray[np.uint64]

NO_TALK = -1
ARP_TALK = 0  # stands where others have the number of their protocol
MULTICAST, BROADCAST = 0xE, 0xFFFF_FFFF  # the first four bits of a group's address (RFC 5771); everybody here
HOST_BITS = 0xF  # all ones in a broadcast of any network that has 16 addresses or more


@dataclass(frozen=True, eq=False)
class Talks:
    """For each frame: the `number` of its conversation (NO_TALK: none), and whether it was spoken `up`, from the end
    with the lower number to the other; of an ICMP error that is said of the packet it quotes.  `count`: how many.
    """

    number: Index
    up: Mask
    count: int

    def any(self, frames: Index) -> Mask:
        """For each conversation whether one of these frames belongs to it."""
        there = np.zeros(self.count, bool)
        numbers = self.number[frames]
        there[numbers[numbers != NO_TALK]] = True
        return there


def talks(seen: Dissected) -> Talks:
    """The conversations of a capture."""
    number, up = np.full(len(seen), NO_TALK, np.intp), np.zeros(len(seen), bool)
    index, near, far = _ends(seen)
    up[index] = near < far
    asks_itself = index[near == far]  # of an echo within one host only the type tells the way
    up[asks_itself] = np.isin(seen.icmp_type[asks_itself], (ECHO_REQUEST, TIMESTAMP))
    different = ids(np.minimum(near, far), np.maximum(near, far))
    number[index] = different
    return Talks(number, up, int(different.max(initial=-1)) + 1)


def _ends(seen: Dissected) -> tuple[Index, Ends, Ends]:
    """The frames that belong to a conversation, and for each the end that spoke and the one spoken to."""
    echo = seen.is_icmp & np.isin(seen.icmp_type, (ECHO_REQUEST, ECHO_REPLY, TIMESTAMP, TIMESTAMP_REPLY))
    quoting = seen.is_error & np.isin(seen.quoted_protocol, list(PROTOCOLS.values()))
    quoted_echo = quoting & (seen.quoted_protocol == ICMP_PROTOCOL)
    ports, quoted = (seen.source_port, seen.destination_port), (seen.quoted_source, seen.quoted_destination)
    quoted_ports = (seen.quoted_source_port, seen.quoted_destination_port)
    here_and_there = (seen.source, seen.destination)
    parts = [
        _part(seen.is_tcp | seen.is_udp, here_and_there, ports, seen.protocol),
        _part(echo, here_and_there, (seen.icmp_identifier,) * 2, seen.protocol),
        _part(quoting & ~quoted_echo, quoted, quoted_ports, seen.quoted_protocol),
        _part(quoted_echo, quoted, (seen.quoted_icmp_identifier,) * 2, seen.quoted_protocol),
        _part(seen.is_arp, (seen.arp_sender, seen.arp_target), None, np.full(len(seen), ARP_TALK, np.uint8)),
    ]
    index, near, far = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return index, near, far


def _part(
    mask: Mask,
    addresses: tuple[NDArray[np.uint32], NDArray[np.uint32]],
    ports: tuple[NDArray[np.uint32], NDArray[np.uint32]] | None,
    protocol: NDArray[np.uint8],
) -> tuple[Index, Ends, Ends]:
    index = np.flatnonzero(mask)
    kind = protocol[index].astype(np.uint64) << np.uint64(48)
    near, far = (kind | address[index].astype(np.uint64) << np.uint64(16) for address in addresses)
    if ports is not None:
        near, far = near | ports[0][index], far | ports[1][index]
    return index, near, far


def ids(*columns: NDArray[Any]) -> Index:
    """A number for each different combination of values in these columns."""
    order = np.lexsort(columns)
    new = np.zeros(len(order), bool)
    for column in columns:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    numbers = np.empty(len(order), np.intp)
    numbers[order] = np.cumsum(new)
    return numbers


def among(values: NDArray[Any], others: NDArray[Any]) -> Mask:
    """Which values are among the others: np.isin for long columns, where that is slow."""
    ordered = np.sort(others)
    if not len(ordered):
        return np.zeros(len(values), bool)
    at = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    found: Mask = ordered[at] == values
    return found


class Turns:
    """Frames in order of time within each conversation, to find what went before."""

    def __init__(self, numbers: Index) -> None:
        self._order = np.argsort(numbers, kind="stable")
        self._numbers = numbers[self._order]

    def latest(self, begins: Mask) -> Index:
        """For each frame the latest one at or before it in its conversation where `begins` is true, else NO_TALK."""
        found = np.full(len(begins), NO_TALK, np.intp)
        if not begins.any():
            return found
        place = np.where(begins[self._order], np.arange(len(begins)), NO_TALK)
        place = np.maximum.accumulate(place)
        known = (place != NO_TALK) & (self._numbers[place] == self._numbers)
        found[self._order[known]] = self._order[place[known]]
        return found


def to_groups(seen: Dissected) -> Mask:
    """What was sent to many at once: multicast, and the broadcasts of any network; no host has such an address.

    A network's own broadcast shows in the frame's hardware address.  Where the capture has none, an address that ends
    in 255 and never speaks is taken for one.
    """
    to = seen.destination
    many = seen.is_ipv4 & ((to >> 28 == MULTICAST) | (to == BROADCAST))
    hardware = seen.frames["data"][:, :6]
    to_many = seen.is_ipv4 & ~seen.is_tcp & (hardware[:, 0] & 1 == 1) & (to & HOST_BITS == HOST_BITS)
    unknown = seen.is_ipv4 & ~seen.is_tcp & (to & 0xFF == 0xFF) & ~hardware.any(axis=1)
    maybe = np.flatnonzero(to_many | unknown)
    if len(maybe):
        many[maybe] |= ~among(to[maybe], seen.source[seen.is_ipv4])
    return many

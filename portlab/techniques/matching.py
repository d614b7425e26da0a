"""Matching: which probe does an event belong to?

An event is an answer only if addresses, ports and token fit a probe that was really asked: a TCP answer must
acknowledge the probe's sequence number plus one, an ICMP error must quote the probe.  Everything else (late,
spoofed, duplicate or foreign) is left out and cannot change a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portlab.model import Answer, Probes
from portlab.packets.dissect import Dissected
from portlab.packets.headers import PROTOCOLS, TIME_EXCEEDED, UNREACHABLE

Index = NDArray[np.intp]
NOBODY = -1


@dataclass(frozen=True, slots=True)
class Matches:
    """Answers found: in row i event `event[i]` answers probe `probe[i]` with the Answer of code `answer[i]`."""

    probe: Index
    answer: NDArray[np.uint8]
    event: Index

    def __len__(self) -> int:
        return len(self.probe)

    @classmethod
    def none(cls) -> Matches:
        return cls(np.empty(0, np.intp), np.empty(0, np.uint8), np.empty(0, np.intp))

    @classmethod
    def of(cls, probe: Index, answer: NDArray[np.uint8]) -> Matches:
        """From one value an event: the probe it belongs to (NOBODY: none) and its answer."""
        event = np.flatnonzero((probe != NOBODY) & (answer != 0))
        return cls(probe[event], answer[event], event)

    @classmethod
    def either(
        cls, spoke: Index, said: int | NDArray[np.uint8], probe: Index, answer: NDArray[np.uint8]
    ) -> Matches:
        """The target's own words where it `spoke` (and `said` something that counts), otherwise the error quoted."""
        direct = (spoke != NOBODY) & (np.asarray(said) != 0)
        return cls.of(np.where(direct, spoke, probe), np.where(direct, said, answer).astype(np.uint8))


class ProbeTable:
    """The probes table (model.PROBE), with a look-up by address and ports.

    PortLab gives every try its own source port.  In other tools' captures several probes may share their ports: then
    who asked (decoys) and the token tell them apart.
    """

    def __init__(self, rows: Probes) -> None:
        self.rows = rows
        keys = _key(rows["address"], rows["port"], rows["source_port"])
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]
        self._alone = not (self._keys[1:] == self._keys[:-1]).any()
        if not self._alone:
            self._tell_apart(keys)

    def _tell_apart(self, keys: NDArray[np.uint64]) -> None:
        """Tables of each level: the different ports, under each the askers, under each the tokens."""
        self._order = np.lexsort((self.rows["token"], self.rows["source"], keys))
        self._keys, rank = _ranks(keys[self._order])
        self._askers, rank = _ranks(_pair(rank, self.rows["source"][self._order]))
        self._tokens = _pair(rank, self.rows["token"][self._order])
        self._begins = np.searchsorted(rank, np.arange(len(self._askers) + 1))
        self._earliest = np.minimum.reduceat(self._order, self._begins[:-1])

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str, probe: Index) -> NDArray[np.uint32]:
        """That column's value of each probe; where there is none (NOBODY) any value."""
        if not len(self.rows):
            return np.zeros(len(probe), np.uint32)
        return self.rows[name][probe].astype(np.uint32)

    def find(
        self,
        address: NDArray[np.uint32],
        port: NDArray[np.uint32],
        source_port: NDArray[np.uint32],
        among: NDArray[np.bool_],
        *,
        source: NDArray[np.uint32],
        token: NDArray[np.uint32] | None = None,
    ) -> Index:
        """For each event the probe that asked (address, port) from source_port, or NOBODY; only where `among` is
        true.

        `source` and `token` choose where several did: of one asker's the one whose token is the nearest at or below
        (a segment with data is acknowledged further on), without a token the first.  Whether they fit is for the
        caller to see.
        """
        found = np.full(len(among), NOBODY, np.intp)
        rows = np.flatnonzero(among)
        if not len(rows) or not len(self._keys):
            return found
        everything = len(rows) == len(among)
        key = _key(*(each if everything else each[rows] for each in (address, port, source_port)))
        at, hit = _place(self._keys, key)
        rows, at = rows[hit], at[hit]
        if not self._alone:
            asker, hit = _place(self._askers, _pair(at, source[rows]))
            rows, asker = rows[hit], asker[hit]
            found[rows] = self._earliest[asker] if token is None else self._nearest(asker, token[rows])
        else:
            found[rows] = self._order[at]
        return found

    def _nearest(self, asker: Index, token: NDArray[np.uint32]) -> Index:
        """Of each asker's probes the one with the nearest token at or below; tokens are counted modulo 2**32."""
        at = np.searchsorted(self._tokens, _pair(asker, token), side="right") - 1
        return self._order[np.where(at < self._begins[asker], self._begins[asker + 1] - 1, at)]


def _pair(high: NDArray[Any], low: NDArray[np.uint32]) -> NDArray[np.uint64]:
    return high.astype(np.uint64) << np.uint64(32) | low


def _ranks(values: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], Index]:
    """The different values of a sorted column, and for each place which of them it holds."""
    begins = np.diff(values, prepend=values[:1] + np.uint64(1)) != 0
    return values[begins], np.cumsum(begins) - 1


def _place(values: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> tuple[Index, NDArray[np.bool_]]:
    """Where in a sorted column each wanted value stands, and whether it is there at all."""
    at = np.searchsorted(values, wanted)
    at[at == len(values)] = 0
    return at, values[at] == wanted


def _key(
    address: NDArray[np.uint32], port: NDArray[np.uint32], source_port: NDArray[np.uint32]
) -> NDArray[np.uint64]:
    key = address.astype(np.uint64)
    key <<= np.uint64(16)
    key |= port
    key <<= np.uint64(16)
    key |= source_port
    return key


def replies(
    seen: Dissected, probes: ProbeTable, protocol: str, token: NDArray[np.uint32] | None = None
) -> Index:
    """For each frame the probe whose target sent it, back to the port that asked, or NOBODY.

    `token` (what each frame says of it) only chooses between probes from the same port; it is not judged here.
    """
    kind = {"tcp": seen.is_tcp, "udp": seen.is_udp}[protocol]
    ports = (seen.source_port, seen.destination_port)
    among = kind & seen.received
    probe = probes.find(seen.source, *ports, among, source=seen.destination, token=token)
    return _only(probe, seen.destination == probes.column("source", probe))


def acknowledged(seen: Dissected, probes: ProbeTable, probe: Index) -> NDArray[np.bool_]:
    """Whether each frame acknowledges its probe's sequence number plus one: a SYN counts as one (RFC 9293
    section 3.4), and each byte of its data, where it carries some, may or may not be acknowledged with it (RFC 7413).
    """
    beyond = seen.acknowledgment_number - probes.column("token", probe) - np.uint32(1)
    return (probe != NOBODY) & (beyond <= probes.column("data_length", probe))


def errors(seen: Dissected, probes: ProbeTable, protocol: str) -> tuple[Index, NDArray[np.uint8]]:
    """ICMP errors that quote a probe: for each frame that probe, or NOBODY, and the Answer it is."""
    among = seen.is_error & seen.received & (seen.quoted_protocol == PROTOCOLS[protocol])
    answer = np.zeros(len(seen), np.uint8)
    if not among.any():
        return np.full(len(seen), NOBODY, np.intp), answer
    if protocol == "icmp":
        port, source_port = seen.quoted_icmp_sequence_number, seen.quoted_icmp_identifier
    else:
        port, source_port = seen.quoted_destination_port, seen.quoted_source_port
    said = {"tcp": seen.quoted_sequence_number, "udp": seen.quoted_identification}.get(protocol)
    probe = probes.find(
        seen.quoted_destination, port, source_port, among, source=seen.quoted_source, token=said
    )
    token = probes.column("token", probe)
    fits = seen.quoted_source == probes.column("source", probe)
    if protocol == "tcp":
        fits &= seen.quoted_sequence_number == token
    elif protocol == "udp":  # an echo has shown identifier and sequence number already
        quoted = seen.quoted_identification  # other tools may send 0, which PortLab's own probes never carry
        fits &= (quoted == identification(token)) | (quoted == token)
    probe = _only(probe, fits)
    asked = np.flatnonzero(probe != NOBODY)
    by_target = seen.source[asked] == seen.quoted_destination[asked]
    answer[asked] = _error_answers(seen.icmp_type[asked], seen.icmp_code[asked], by_target)
    return probe, answer


def identification(token: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The IP identification a probe carries: half of its token, never 0 (a kernel would fill that in by itself)."""
    low = token & np.uint32(0xFFFF)
    return np.where(low == 0, np.uint32(1), low)


def _only(probe: Index, condition: NDArray[np.bool_]) -> Index:
    return np.where((probe != NOBODY) & condition, probe, NOBODY)


# the codes of RFC 792, RFC 1122 section 3.2.2.1 and RFC 1812 section 5.2.7.1
_UNREACHABLE = np.full(256, Answer.DEST_UNREACH.code, np.uint8)
for _code, _answer in {
    0: Answer.NET_UNREACH,
    1: Answer.HOST_UNREACH,
    2: Answer.PROTO_UNREACH_BY_OTHER,
    3: Answer.PORT_UNREACH_BY_OTHER,
    6: Answer.NET_UNREACH,
    7: Answer.HOST_UNREACH,
    9: Answer.NET_PROHIBITED,
    10: Answer.HOST_PROHIBITED,
    13: Answer.ADMIN_PROHIBITED,
}.items():
    _UNREACHABLE[_code] = _answer.code


def _error_answers(
    type_: NDArray[np.uint8], code: NDArray[np.uint8], by_target: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    answer = np.where(type_ == UNREACHABLE, _UNREACHABLE[code], 0).astype(np.uint8)
    answer[type_ == TIME_EXCEEDED] = Answer.TIME_EXCEEDED.code
    answer[by_target & (answer == Answer.PORT_UNREACH_BY_OTHER.code)] = Answer.PORT_UNREACH_BY_TARGET.code
    answer[by_target & (answer == Answer.PROTO_UNREACH_BY_OTHER.code)] = Answer.PROTO_UNREACH_BY_TARGET.code
    return answer


def icmp_replies(seen: Dissected, probes: ProbeTable, reply_type: int) -> Index:
    """For each frame the probe that an ICMP reply repeats: identifier, sequence number and token, or NOBODY."""
    among = seen.is_icmp & seen.received & (seen.icmp_type == reply_type)
    numbers = (seen.icmp_sequence_number, seen.icmp_identifier)
    probe = probes.find(seen.source, *numbers, among, source=seen.destination, token=seen.icmp_data)
    fits = (seen.destination == probes.column("source", probe)) & (
        seen.icmp_data == probes.column("token", probe)
    )
    return _only(probe, fits)


def conversations(seen: Dissected, probes: ProbeTable, protocol: str) -> Index:
    """For each frame the probe in whose conversation it was spoken, or NOBODY: both directions, tokens not
    looked at.

    This is for showing (what else was said on these two ports), never for judging.
    """
    if protocol == "arp":
        nothing = np.zeros(len(seen), np.uint32)
        asks, says = seen.is_arp & ~seen.received, seen.is_arp & seen.received
        asking = probes.find(seen.arp_target, nothing, nothing, asks, source=seen.arp_sender)
        return np.maximum(
            asking, probes.find(seen.arp_sender, nothing, nothing, says, source=seen.arp_target)
        )
    if protocol == "icmp":
        near, far, kind = seen.icmp_identifier, seen.icmp_sequence_number, seen.is_icmp & ~seen.is_error
        token: NDArray[np.uint32] | None = seen.icmp_data
        quoted_ports = (seen.quoted_icmp_sequence_number, seen.quoted_icmp_identifier)
    else:
        near = np.where(seen.received, seen.destination_port, seen.source_port)
        far = np.where(seen.received, seen.source_port, seen.destination_port)
        kind = {"tcp": seen.is_tcp, "udp": seen.is_udp}[protocol]
        said = np.where(seen.received, seen.acknowledgment_number - np.uint32(1), seen.sequence_number)
        token = said if protocol == "tcp" else None
        quoted_ports = (seen.quoted_destination_port, seen.quoted_source_port)
    here = np.where(seen.received, seen.destination, seen.source)
    there = np.where(seen.received, seen.source, seen.destination)
    spoken = probes.find(there, far, near, kind, source=here, token=token)
    quoting = seen.is_error & (seen.quoted_protocol == PROTOCOLS[protocol])
    quoted = probes.find(seen.quoted_destination, *quoted_ports, quoting, source=seen.quoted_source)
    known = np.maximum(spoken, quoted)
    return np.maximum(known, from_new_ports(seen, probes)) if protocol == "udp" else known


def from_new_ports(seen: Dissected, probes: ProbeTable) -> Index:
    """For each datagram that came back from a port that was not asked, as TFTP answers, the probe, or NOBODY.

    It is no proof (anybody may send a datagram to an open port), but "nothing came back" would be untrue.  Where
    several ports were asked from the same one, nobody can say which of them answered so.
    """
    among = seen.is_udp & seen.received & (replies(seen, probes, "udp") == NOBODY)
    nobody = np.full(len(seen), NOBODY, np.intp)
    if not among.any() or not len(probes):
        return nobody
    rows = probes.rows
    asking = _key(rows["address"], rows["source_port"], rows["source_port"])
    _, group = np.unique(asking, return_inverse=True)
    lowest, highest = np.full(len(rows), 0xFFFF), np.zeros(len(rows), np.int64)
    np.minimum.at(lowest, group, rows["port"])
    np.maximum.at(highest, group, rows["port"])
    of_any_port = rows.copy()
    of_any_port["port"] = np.where(lowest[group] == highest[group], 0, rows["port"])
    zero = np.zeros(len(seen), np.uint32)
    probe = ProbeTable(of_any_port).find(
        seen.source, zero, seen.destination_port, among, source=seen.destination
    )
    return _only(probe, seen.destination == probes.column("source", probe))

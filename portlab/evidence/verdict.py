"""The verdict: from the answers found to state, reason and round-trip time of every row that was asked.

Nothing here is decided by hand: `conclude` reads the technique's MEANINGS for the answers that `recognise` matched,
so the same events always give the same verdicts, whether they came from a wire or from a capture file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from portlab.addresses import dotted
from portlab.errors import plain
from portlab.model import Answer, Events, Probes
from portlab.techniques import Technique
from portlab.techniques.connect import SPOKEN
from portlab.techniques.matching import NOBODY, Matches, ProbeTable, from_new_ports

NO_PORT = -1
NO_EVENT = -1
NO_TTL = -1


@dataclass(frozen=True, eq=False)
class Asked:
    """What was asked: one row a (host, port).  `names` says how to call each address; a ping asks port
    NO_PORT.  Names may come from a file: control characters in them are written out.
    """

    address: NDArray[np.uint32]
    port: NDArray[np.int32]
    names: dict[int, str] = field(default_factory=dict)
    scanner: NDArray[np.uint32] | None = None
    """Who asked each row, where it is not this machine (0: several did); None: the probes table tells."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", {address: plain(name) for address, name in self.names.items()})

    def __len__(self) -> int:
        return len(self.address)

    def row(self, host: str, port: int) -> int | None:
        """The first row of that port (NO_PORT: of a ping) of the host so called, None where there is none."""
        places = ((address, port) for address in self.called.get(host, ()))
        return min((self._rows[place] for place in places if place in self._rows), default=None)

    @cached_property
    def called(self) -> dict[str, list[int]]:
        """The addresses that a name, or an address in dots, stands for."""
        called: dict[str, list[int]] = {}
        for address in np.unique(self.address).tolist():
            for word in {dotted(address), self.names.get(address) or dotted(address)}:
                called.setdefault(word, []).append(address)
        return called

    @cached_property
    def _rows(self) -> dict[tuple[int, int], int]:
        places = zip(self.address[::-1].tolist(), self.port[::-1].tolist(), strict=True)
        return dict(
            zip(places, range(len(self) - 1, -1, -1), strict=True)
        )  # backwards, so that the first row stays


class ByRow:
    """Where the entries of each asked row stand in a table, found without looking through all of it."""

    def __init__(self, row: NDArray[np.int32]) -> None:
        self._order = np.argsort(row, kind="stable")
        self._row = row[self._order]

    def of(self, row: int) -> NDArray[np.intp]:
        """The places of that row's entries, in the table's order."""
        begin, end = np.searchsorted(self._row, (row, row + 1))
        return self._order[begin:end]


@dataclass(frozen=True, eq=False)
class Findings:
    """The verdict columns, one value for each asked row; `event` is the deciding frame or errno (NO_EVENT:
    silence, or a verdict that was read from a file without packets).
    """

    answer: NDArray[np.uint8]
    state: NDArray[np.uint8]
    reason: NDArray[np.uint8]
    rtt_ms: NDArray[np.float64]
    tries: NDArray[np.uint8]
    answered_by: NDArray[np.uint32]
    icmp_type: NDArray[np.int16]
    icmp_code: NDArray[np.int16]
    event: NDArray[np.intp]
    heard_ns: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """When the deciding frame came, ns of the wall clock (of an errno that no capture ran beside,
    when it was read); 0 where there is no event.
    """
    ttl: NDArray[np.int16] = field(default_factory=lambda: np.empty(0, np.int16))
    """The Time to Live left in the deciding frame; NO_TTL where no IP frame decided: silence, ARP, an errno."""
    remark: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    """What the answer's own sentence does not tell: a key of REMARKS, 0 where there is nothing to add."""

    def __post_init__(self) -> None:
        for name, nothing in (("heard_ns", 0), ("ttl", NO_TTL), ("remark", 0)):
            column = getattr(self, name)
            if len(column) != len(self.answer):
                object.__setattr__(self, name, np.full(len(self.answer), nothing, column.dtype))


FROM_NEW_PORT, NOT_CAPTURED, PROVEN_BY_SCANNER, RST_AS_WELL = 1, 2, 3, 4
REMARK_NAMES = {
    FROM_NEW_PORT: "from-new-port",
    NOT_CAPTURED: "not-captured",
    PROVEN_BY_SCANNER: "proven-by-scanner",
    RST_AS_WELL: "rst-as-well",
}
"""What result files call them."""
REMARKS = {
    FROM_NEW_PORT: "A datagram came back, but from another port than the one asked, as TFTP answers: a program may "
    "well be there, yet nothing ties that datagram to the port.",
    NOT_CAPTURED: "No frame to the scanner is in this capture: whether something came back cannot be said.",
    PROVEN_BY_SCANNER: "The answer was not captured, but the scanner's own segment acknowledges it: a SYN-ACK came.",
    RST_AS_WELL: "A RST came before the SYN-ACK: one of them was not the host's own word (a middlebox, a forger), or "
    "it changed its mind.",
}


class Heard(NamedTuple):
    """Of each of some events: who spoke (0: nobody), the ICMP type and code (-1: no ICMP), when, and the TTL."""

    answered_by: NDArray[np.uint32]
    icmp_type: NDArray[np.int16]
    icmp_code: NDArray[np.int16]
    heard_ns: NDArray[np.int64]
    ttl: NDArray[np.int16]

    def spread(self, rows: NDArray[np.intp], count: int) -> Heard:
        """The same as columns of `count` rows, in which these events stand at `rows` and elsewhere nobody spoke."""
        whole = {
            name: np.full(count, nothing, column.dtype)
            for (name, column), nothing in zip(self._asdict().items(), (0, -1, -1, 0, NO_TTL), strict=True)
        }
        for name, column in self._asdict().items():
            whole[name][rows] = column
        return Heard(**whole)


def hear(technique: Technique, events: Events, event: NDArray[np.intp], asked: NDArray[np.uint32]) -> Heard:
    """What is known of these events (errnos of connect, frames of all others); `asked` is whom each one answers.

    An errno names no speaker where the own kernel gave up; what only the target can have said is the target's word.
    """
    if technique.EVIDENCE == "errnos":
        ends = events.errnos[event]
        by_target = np.where(np.isin(ends["errno"], SPOKEN), asked, np.uint32(0))
        return Heard(
            np.where(ends["answered_by"] != 0, ends["answered_by"], by_target),
            ends["icmp_type"],
            ends["icmp_code"],
            np.where(ends["heard_ns"] > 0, ends["heard_ns"], ends["time_ns"]),
            np.full(len(ends), NO_TTL, np.int16),
        )
    seen = events.seen
    is_icmp = seen.is_icmp[event]
    came = (seen.is_ipv4 & seen.received)[event] & (
        seen.source[event] != 0
    )  # the scanner's own word has no such way
    return Heard(
        np.where(seen.is_arp[event], seen.arp_sender[event], seen.source[event]),
        np.where(is_icmp, seen.icmp_type[event].astype(np.int16), np.int16(-1)),
        np.where(is_icmp, seen.icmp_code[event].astype(np.int16), np.int16(-1)),
        events.frames["time_ns"][event],
        np.where(came, seen.ttl[event].astype(np.int16), np.int16(NO_TTL)),
    )


def conclude(
    technique: Technique,
    asked: Asked,
    probes: Probes,
    events: Events,
    matches: Matches,
    no_neighbour: NDArray[np.bool_],
) -> Findings:
    """Work out the verdict of every asked row; `no_neighbour` marks those whose ARP went unanswered."""
    answer = np.full(len(asked), Answer.SILENCE.code, np.uint8)
    answer[no_neighbour] = Answer.NO_NEIGHBOUR.code
    event = np.full(len(asked), NO_EVENT, np.intp)
    probe = np.full(len(asked), NOBODY, np.intp)
    rows, best = _strongest(matches, probes["row"][matches.probe])
    answer[rows], event[rows], probe[rows] = matches.answer[best], matches.event[best], matches.probe[best]
    states, reasons = _tables(technique)
    remark = np.zeros(len(asked), np.uint8)
    if technique.PROTOCOL == "udp":
        spoken = _from_new_ports(probes, events)
        remark[spoken[answer[spoken] == Answer.SILENCE.code]] = FROM_NEW_PORT
    decided = np.flatnonzero(event != NO_EVENT)
    heard = hear(technique, events, event[decided], asked.address[decided]).spread(decided, len(asked))
    return Findings(
        answer=answer,
        state=states[answer],
        reason=reasons[answer],
        rtt_ms=_round_trips(probes, probe, heard.heard_ns),
        tries=_tries(len(asked), probes),
        event=event,
        remark=remark,
        **heard._asdict(),
    )


def _from_new_ports(probes: Probes, events: Events) -> NDArray[np.intp]:
    """The rows for which a datagram came back from a port that was not asked."""
    probe = from_new_ports(events.seen, ProbeTable(probes))
    rows = probes["row"][probe[probe != NOBODY]]
    return rows[rows >= 0]


def _strongest(matches: Matches, row: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """The rows that were answered, and for each the match that decides: the strongest answer, the first of those."""
    order = np.lexsort((matches.event, matches.answer, row))
    order = order[row[order] >= 0]  # probes that only measured the loss belong to no row
    first = order[np.flatnonzero(np.diff(row[order], prepend=-1))]
    return row[first], first


def _tries(count: int, probes: Probes) -> NDArray[np.uint8]:
    """How often each row was asked."""
    tries = np.zeros(count, np.uint8)
    counted = probes["row"] >= 0
    np.maximum.at(tries, probes["row"][counted], probes["attempt"][counted])
    return tries


def _round_trips(probes: Probes, probe: NDArray[np.intp], heard_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Milliseconds from the try that was answered to its answer; NaN where there is no such pair."""
    sent_ns = probes["time_ns"][probe] if len(probes) else np.zeros(len(probe), np.int64)
    known = (probe != NOBODY) & (sent_ns > 0) & (heard_ns >= sent_ns)
    return np.where(known, (heard_ns - sent_ns) / 1e6, np.nan)


def _tables(technique: Technique) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Answer code -> state code and reason code; an answer the technique has no row for reads as silence."""
    silence = technique.MEANINGS[Answer.SILENCE]
    states = np.full(256, silence.state.code, np.uint8)
    reasons = np.full(256, silence.reason.code, np.uint8)
    for answer, meaning in technique.MEANINGS.items():
        states[answer.code], reasons[answer.code] = meaning.state.code, meaning.reason.code
    return states, reasons

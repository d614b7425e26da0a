"""The questions of a capture sorted: by technique, by scan or ordinary traffic, and by who asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from portlab.captures.asking import CODE, Questions, only
from portlab.captures.ordinary import SEVERAL_HOSTS, SEVERAL_PORTS, different, is_scan
from portlab.captures.talks import Talks, among, ids
from portlab.evidence.result import FLOOD, ORDINARY, SCAN
from portlab.packets.dissect import Dissected
from portlab.packets.headers import ARP_REPLY, ARP_REQUEST
from portlab.techniques import technique

MOST_APART = 20
"""So many askers of one technique have a scan each; of more, only those that asked several things have."""
ARP = CODE["ping-arp"]


@dataclass(frozen=True, eq=False)
class ScanQuestions:
    """Questions that make one Scan.  `scanner` is None where many asked.  `unreached` holds hosts that a ping could
    not ask, since nobody answered ARP for them.
    """

    technique: str
    traffic: str
    scanner: int | None
    questions: Questions
    unreached: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))


def groups(seen: Dissected, talk: Talks, questions: Questions) -> list[ScanQuestions]:
    """All questions, each in one group."""
    is_arp = questions["technique"] == ARP
    found = [_with_unreached(seen, group) for group in _groups(seen, talk, only(questions, ~is_arp))]
    sweeps = _arp_sweeps(seen, only(questions, is_arp), found)
    return [*found, *_groups(seen, talk, sweeps)]


def _groups(seen: Dissected, talk: Talks, questions: Questions) -> Iterator[ScanQuestions]:
    for name, code in CODE.items():
        asked = only(questions, questions["technique"] == code)
        scan = is_scan(seen, talk, asked, name)
        for traffic, rows in ((SCAN, only(asked, scan)), (ORDINARY, only(asked, ~scan))):
            if len(rows):
                yield from _by_asker(name, traffic, rows)


def _by_asker(technique: str, traffic: str, rows: Questions) -> Iterator[ScanQuestions]:
    scanners, which = np.unique(rows["scanner"], return_inverse=True)
    apart = np.arange(len(scanners))
    if len(scanners) > MOST_APART:
        asked = different(which, ids(rows["address"], rows["port"]))
        most = np.argsort(-asked, kind="stable")[:MOST_APART]
        apart = most[asked[most] >= SEVERAL_PORTS]
    for one in apart.tolist():
        yield ScanQuestions(technique, traffic, int(scanners[one]), only(rows, which == one))
    rest = only(rows, ~np.isin(which, apart))
    if len(rest):
        yield ScanQuestions(technique, FLOOD if traffic == SCAN else ORDINARY, None, rest)


# --- ARP ----------------------------------------------------------------------------------------------------


def _with_unreached(seen: Dissected, group: ScanQuestions) -> ScanQuestions:
    """A ping of several hosts with those that the scanner sought by ARP in vain, and could therefore not ask."""
    if not _pings_several(group):
        return group
    asks = seen.is_arp & (seen.arp_operation == ARP_REQUEST)
    sought = np.unique(seen.arp_target[asks & (seen.arp_sender == group.scanner)])
    found = seen.arp_sender[seen.is_arp & (seen.arp_operation == ARP_REPLY)]
    unreached = np.setdiff1d(sought, np.concatenate([found, group.questions["address"]]))
    unreached = unreached[unreached != group.scanner]
    return ScanQuestions(group.technique, group.traffic, group.scanner, group.questions, unreached)


def _pings_several(group: ScanQuestions) -> bool:
    several = len(np.unique(group.questions["address"])) > 1
    return technique(group.technique).PROTOCOL == "icmp" and group.scanner is not None and several


def _arp_sweeps(seen: Dissected, asked: Questions, others: list[ScanQuestions]) -> Questions:
    """The ARP questions that are a scan of the own link: of several hosts with which the asker did nothing else.

    Whoever wants to send anything on a link asks by ARP first.  Where a capture holds nothing but ARP, each counts.
    """
    if not others or not len(asked):
        return asked
    pinging = [group.scanner or 0 for group in others if _pings_several(group)]
    ipv4 = seen.is_ipv4
    spoken = _pair(seen.source[ipv4], seen.destination[ipv4])
    idle = ~among(_pair(asked["scanner"], asked["address"]), spoken)
    idle &= ~np.isin(asked["scanner"], pinging)
    _, who = np.unique(asked["scanner"], return_inverse=True)
    sought = different(who[idle], asked["address"][idle])
    return asked[np.isin(who, np.flatnonzero(sought >= SEVERAL_HOSTS))]


def _pair(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> NDArray[np.uint64]:
    return one.astype(np.uint64) << np.uint64(32) | other

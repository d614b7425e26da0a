"""Anyone's capture file read as scans: who asked what of whom, by which technique, and what came back.

The questions in the capture become the probes table; from there on the same `recognise` and the same MEANINGS decide
as in a live scan.  Where a capture holds only answers, the questions are worked out from them, and the scan is marked
`matched=False`: nothing ties such answers to a probe.  What ordinary programs did is told by the same rules, and
marked `traffic="ordinary"`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from portlab import files, lab
from portlab.addresses import dotted
from portlab.captures import asking
from portlab.captures.askers import ScanQuestions, groups
from portlab.captures.connects import errnos
from portlab.captures.fragments import put_together
from portlab.captures.only_answers import told
from portlab.captures.proofs import add_remarks, proven
from portlab.captures.talks import NO_TALK, Index, Mask, Talks, Turns, among, talks
from portlab.errors import MalformedPacket
from portlab.evidence.result import Scan
from portlab.evidence.scans import Scans
from portlab.evidence.verdict import NO_PORT, Asked, conclude
from portlab.exports.other_readers import no_capture
from portlab.model import DAMAGED, PROBE, RECEIVED, SENT, Events, Frames, Probes, no_errnos
from portlab.packets import left_out, pcap
from portlab.packets.dissect import Dissected
from portlab.techniques import technique
from portlab.techniques.matching import ProbeTable

FIDELITY = "capture"  # a capture does not say what network it is from
NS = 1_000_000_000


def read_pcap(path: files.Source) -> Scans:
    """The scans in a pcap or pcapng file, in order of their beginning; techniques and scanners are told apart.

    Connections, datagrams and pings of ordinary programs are there too, with `traffic` "ordinary": `scans.only` are
    the scans, `scans.ordinary` the rest.  Of more than 20 askers of one technique only those that asked several
    things have a scan of their own; the others are told in one, whose `scanner` is not said.

    `path` may be "-" for standard input, or a binary file that is open already.  Of a damaged file the frames before
    the damage are read, and the scans are marked incomplete; `left_out` says which frames were not read, and why.
    Raises MalformedPacket for what is no capture.
    """
    try:
        capture = pcap.read(path)
    except MalformedPacket as error:
        raise no_capture(path, error) from error
    return scans_in(capture.frames, capture.damage, capture.foreign)


def scans_in(frames: Frames, damage: str = "", foreign: Mapping[str, int] | None = None) -> Scans:
    """The scans in a table of frames; `foreign` counts frames that are not in it, by the name of their link."""
    frames = put_together(frames)
    why = left_out.why(frames)
    found, spoken, heard = _found(frames)
    ends_ns = int(frames["time_ns"].max(initial=0))
    scans = []
    for group, (chosen, asks) in zip(found, spoken, strict=True):
        evidence = _evidence(frames, chosen, asks)
        deaf = not among(group.questions["scanner"], heard).any()
        scan = _scan(evidence, group, damage, deaf)
        missing = left_out.counted(why[_between(frames, group, why)])
        scans.append(replace(scan, watched_until_ns=ends_ns, left_out=missing))
    return Scans(
        sorted(scans, key=lambda scan: scan.started_ns),
        left_out=left_out.counted(why, foreign),
        damage=damage,
    )


def _found(frames: Frames) -> tuple[list[ScanQuestions], list[tuple[Index, Mask]], NDArray[np.uint32]]:
    """The questions in groups, for each its frames and which of them the asker sent,
    and the addresses to which the capture has any frame.
    """
    seen = Dissected(frames, forgiving=True)
    talk = asking.join_new_ports(seen, talks(seen))
    asked = _undamaged(frames, asking.asked(seen, talk))
    found = groups(seen, talk, asking.together(asked, _undamaged(frames, told(seen, talk, asked))))
    heard = np.concatenate([seen.destination[seen.is_ipv4], seen.arp_target[seen.is_arp]])
    return found, _spoken(seen, talk, found), heard


def _undamaged(frames: Frames, asked: asking.Questions) -> asking.Questions:
    """Without those of damaged frames, which neither ask nor tell of a question."""
    return asking.only(asked, frames["marks"][asked["frame"]] & DAMAGED == 0)


def _scan(evidence: Frames, group: ScanQuestions, damage: str, deaf: bool) -> Scan:
    """One scanner's use of one technique: the probes from its own packets, the verdicts as in a live scan.

    `deaf`: the capture has no frame to the scanner at all.
    """
    kind = technique(group.technique)
    tries = asking.once(group.questions)
    probes, rows = _probes(group, tries)
    events = Events(evidence, no_errnos())
    table = ProbeTable(probes)
    on_the_wire = kind if kind.EVIDENCE == "frames" else technique("syn")
    matches = proven(evidence, table, on_the_wire.recognise(events, table))
    if kind.EVIDENCE == "errnos":
        events = Events(evidence, errnos(evidence, matches, table))
        matches_of_kind = kind.recognise(events, table)
    else:
        matches_of_kind = matches
    unreached = np.arange(len(rows)) >= len(rows) - len(group.unreached)
    findings = conclude(kind, rows, probes, events, matches_of_kind, unreached)
    matched = bool(tries["matched"].all())
    if not matched:
        findings.tries[:] = 0
    add_remarks(findings, rows, probes, events, matches, deaf=deaf)
    first, last = int(evidence["time_ns"].min()), int(evidence["time_ns"].max())
    return Scan(
        technique=group.technique,
        fidelity=FIDELITY,
        started_ns=first,
        elapsed_s=(last - first) / NS,
        complete=not damage,
        stopped_by=damage,
        authorised=(),
        lost_here=0,
        asked=rows,
        findings=findings,
        probes=probes,
        recorded=events,
        matched=matched,
        traffic=group.traffic,
    )


def _between(frames: Frames, group: ScanQuestions, why: NDArray[np.uint8]) -> Index:
    """The frames left out that passed between the scanner and those it asked: each may have been an answer."""
    rows = np.flatnonzero(np.isin(why, left_out.OF_A_SCAN))
    seen = Dissected(frames[rows], forgiving=True)
    askers, asked = group.questions["scanner"], group.questions["address"]
    ends = (
        (seen.source, seen.destination),
        (seen.destination, seen.source),
        (seen.quoted_source, seen.quoted_destination),  # a router's error
    )
    return rows[np.any([np.isin(one, askers) & np.isin(other, asked) for one, other in ends], axis=0)]


def _probes(group: ScanQuestions, tries: asking.Questions) -> tuple[Probes, Asked]:
    """The questions as the probes table, and what they asked: one row a (host, port), by address and port.

    Last come the hosts that could not even be asked: nobody answered ARP for them.
    """
    pair = tries["address"].astype(np.int64) << 17 | (tries["port"].astype(np.int64) + 1)
    _, first, row = np.unique(pair, return_index=True, return_inverse=True)
    probes = np.zeros(len(pair), PROBE)
    probes["row"], probes["source"], probes["port"] = row, tries["scanner"], tries["probe_port"]
    for name in ("time_ns", "address", "source_port", "token", "data_length", "acknowledged"):
        probes[name] = tries[name]
    probes["attempt"] = _attempts(probes["row"])
    addresses = np.concatenate([tries["address"][first], group.unreached])
    ports = np.concatenate([tries["port"][first], np.full(len(group.unreached), NO_PORT, np.int32)])
    scanner = np.full(len(addresses), group.scanner or 0, np.uint32)
    return probes, Asked(addresses, ports, _named(addresses), scanner)


def _named(addresses: NDArray[np.uint32]) -> dict[int, str]:
    """How the lab calls them, where there is one."""
    if lab.current() is None:
        return {}
    names = {address: lab.name_of(dotted(address)) for address in np.unique(addresses).tolist()}
    return {address: name for address, name in names.items() if name}


def _attempts(rows: NDArray[np.int32]) -> NDArray[np.uint8]:
    """1 for the first try of each row, 2 for the second, ... (and no more than a byte can count)."""
    order = np.argsort(rows, kind="stable")
    begins = np.searchsorted(rows[order], rows[order])
    attempts = np.empty(len(rows), np.intp)
    attempts[order] = np.arange(len(rows)) - begins + 1
    return np.minimum(attempts, 255).astype(np.uint8)


# --- the frames of one scan ---------------------------------------------------------------------------------


def _evidence(frames: Frames, chosen: Index, asks: Mask) -> Frames:
    """These frames, with their direction as the asker saw it."""
    kept: Frames = frames[chosen]
    kept["direction"] = np.where(asks, SENT, RECEIVED)
    return kept


def _spoken(seen: Dissected, talk: Talks, found: list[ScanQuestions]) -> list[tuple[Index, Mask]]:
    """For each group its probes, their answers and what else was said on the same ports; and which the asker sent.

    Every frame of a conversation belongs to the question before it (or, where the answer was captured first, to the
    first one), so that each is in one scan only.
    """
    group, asker_up = np.full(len(seen), NO_TALK, np.intp), np.zeros(len(seen), bool)
    for number, one in enumerate(found):
        frame, matched = one.questions["frame"], one.questions["matched"]
        group[frame] = number
        asker_up[frame] = talk.up[frame] == (matched | seen.is_error[frame])
    question = _governing(talk, group != NO_TALK)
    known = np.flatnonzero(question != NO_TALK)
    of_asker = talk.up[known] == asker_up[question[known]]
    asks = of_asker != seen.is_error[known]  # who quotes the asker's packet answers it
    of_group = group[question[known]]
    order = np.argsort(of_group, kind="stable")
    bounds = np.searchsorted(of_group[order], np.arange(len(found) + 1))
    spoken = []
    for one, begins, ends in zip(found, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        mine = order[begins:ends]
        sought = np.flatnonzero(_sought(seen, one)) if len(one.unreached) else np.empty(0, np.intp)
        chosen = np.concatenate([known[mine], sought])
        in_time = np.argsort(chosen, kind="stable")
        spoken.append((chosen[in_time], np.append(asks[mine], np.ones(len(sought), bool))[in_time]))
    return spoken


def _governing(talk: Talks, asks: Mask) -> Index:
    """For each frame the question it belongs to, or NO_TALK."""
    question = Turns(talk.number).latest(asks)
    first = np.full(talk.count + 1, NO_TALK, np.intp)
    asking = np.flatnonzero(asks)[::-1]
    first[talk.number[asking]] = asking
    first[NO_TALK] = NO_TALK  # the frames of no conversation
    return np.where(
        talk.number == NO_TALK, NO_TALK, np.where(question == NO_TALK, first[talk.number], question)
    )


def _sought(seen: Dissected, group: ScanQuestions) -> Mask:
    return seen.is_arp & (seen.arp_sender == group.scanner) & np.isin(seen.arp_target, group.unreached)

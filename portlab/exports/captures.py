"""Anyone's capture file read as scans: who asked what of whom, by which technique, and what came back.

The questions in the capture become the probes table; from there on the same `recognise` and the same MEANINGS decide
as in a live scan.  Where a capture holds only answers, the questions are worked out from them, and the scan is marked
`matched=False`: nothing ties such answers to a probe.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portlab import files, lab
from portlab.addresses import dotted
from portlab.errors import MalformedPacket
from portlab.exports import questions
from portlab.exports.connects import errnos
from portlab.exports.other_readers import no_capture
from portlab.exports.questions import Mask, Questions
from portlab.exports.scans import Scans
from portlab.model import CHECKSUM_NOT_READY, PROBE, RECEIVED, SENT, Events, Frames, no_errnos
from portlab.packets import pcap
from portlab.packets.dissect import Dissected
from portlab.packets.headers import ECHO_REQUEST, ETHERNET_SIZE, PROTOCOLS, TIMESTAMP
from portlab.result import Scan
from portlab.techniques import technique
from portlab.techniques.matching import ProbeTable
from portlab.verdict import NO_PORT, Asked, conclude

TCP_CHECKSUM, UDP_CHECKSUM = 16, 6  # where in its header
FIDELITY = "capture"  # a capture does not say what network it is from
NS = 1_000_000_000


def read_pcap(path: files.Pathish) -> Scans:
    """The scans in a pcap or pcapng file, in order of their beginning; techniques and scanners are told apart.

    Of a damaged file the frames before the damage are read, and the scans are marked incomplete.  Raises
    MalformedPacket for what is no capture.
    """
    try:
        capture = pcap.read(path)
    except MalformedPacket as error:
        raise no_capture(path, error) from error
    return scans_in(capture.frames, capture.damage)


def scans_in(frames: Frames, damage: str = "") -> Scans:
    """The scans in a table of frames."""
    scans = [_scan(frames, asked, damage) for asked in questions.find(frames)]
    return Scans(sorted(scans, key=lambda scan: scan.started_ns))


def _scan(frames: Frames, asked: Questions, damage: str) -> Scan:
    """One scanner's use of one technique: the probes from its own packets, the verdicts as in a live scan."""
    kind = technique(asked.technique)
    probes, rows = _probes(asked)
    evidence = _evidence(frames, asked)
    events = Events(evidence, no_errnos())
    table = ProbeTable(probes)
    if kind.NEEDS_RAW:
        matches = kind.recognise(events, table)
    else:
        on_the_wire = technique("syn").recognise(events, table)
        events = Events(evidence, errnos(evidence, on_the_wire))
        matches = kind.recognise(events, table)
    unreached = np.arange(len(rows)) >= len(rows) - len(asked.unreached)
    findings = conclude(kind, rows, probes, events, matches, unreached)
    if not asked.matched:
        findings.tries[:] = 0
    first, last = int(evidence["time_ns"].min()), int(evidence["time_ns"].max())
    return Scan(
        technique=asked.technique,
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
        received=events,
        matched=asked.matched,
    )


def _probes(asked: Questions) -> tuple[NDArray[np.void], Asked]:
    """The questions as the probes table, and what they asked: one row a (host, port), by address and port.

    Last come the hosts that could not even be asked: nobody answered ARP for them.
    """
    pair = asked.address.astype(np.int64) << 17 | (asked.port + 1)
    _, first, row = np.unique(pair, return_index=True, return_inverse=True)
    probes = np.zeros(len(pair), PROBE)
    probes["row"] = row
    probes["time_ns"], probes["address"], probes["source"] = asked.time_ns, asked.address, asked.scanner
    probes["port"], probes["source_port"], probes["token"] = asked.probe_port, asked.source_port, asked.token
    probes["attempt"] = _attempts(probes["row"])
    addresses = np.concatenate([asked.address[first], asked.unreached])
    ports = np.concatenate([asked.port[first], np.full(len(asked.unreached), NO_PORT)])
    names = {address: lab.name_of(dotted(address)) for address in np.unique(addresses).tolist()}
    named = {address: name for address, name in names.items() if name}
    return probes, Asked(addresses, ports.astype(np.int32), named)


def _attempts(rows: NDArray[np.int32]) -> NDArray[np.uint8]:
    """1 for the first try of each row, 2 for the second, ... (and no more than a byte can count)."""
    order = np.argsort(rows, kind="stable")
    begins = np.searchsorted(rows[order], rows[order])
    attempts = np.empty(len(rows), np.intp)
    attempts[order] = np.arange(len(rows)) - begins + 1
    return np.minimum(attempts, 255).astype(np.uint8)


# --- the frames of one scanner ------------------------------------------------------------------------------


def _evidence(frames: Frames, asked: Questions) -> Frames:
    """The frames of this protocol that the scanner sent or that answer it, with their direction as it saw them."""
    seen = questions.as_sent(frames)
    spoken = {
        "tcp": seen.is_tcp,
        "udp": seen.is_udp,
        "icmp": seen.is_icmp & ~seen.is_error,
        "arp": seen.is_arp,
    }
    by_scanner = spoken[asked.protocol] & (seen.source == asked.scanner)
    to_scanner = spoken[asked.protocol] & (seen.destination == asked.scanner)
    error = seen.is_error & (seen.quoted_source == asked.scanner)
    error &= seen.quoted_protocol == PROTOCOLS.get(asked.protocol, 0)
    asks = seen.is_arp & (seen.arp_sender == asked.scanner)
    told = seen.is_arp & (seen.arp_target == asked.scanner) & ~asks
    if asked.protocol == "arp":
        by_scanner = to_scanner = np.zeros(len(frames), bool)
    came_back = error | told | to_scanner & (~by_scanner | _answers_itself(seen, asked))
    chosen = by_scanner | asks | came_back
    kept: Frames = frames[chosen]
    kept["direction"] = np.where(came_back[chosen], RECEIVED, SENT)
    kept["marks"] |= np.where(_checksum_not_ready(seen)[chosen], CHECKSUM_NOT_READY, 0).astype(np.uint8)
    return kept


def _answers_itself(seen: Dissected, asked: Questions) -> Mask:
    """Where a host asks itself, addresses do not tell the direction: what goes to an asking port came back."""
    if asked.protocol == "icmp":
        return ~np.isin(seen.icmp_type, (ECHO_REQUEST, TIMESTAMP))
    to_asking_port = np.isin(seen.destination_port, asked.source_port)
    return to_asking_port & ~np.isin(seen.source_port, asked.source_port)


def _checksum_not_ready(seen: Dissected) -> Mask:
    """Frames that a machine captured on their way out, before the checksum was filled in.

    Linux leaves the sum of the pseudo header there meanwhile, for the network card to complete.
    """
    data = seen.frames["data"]
    size = (data[:, ETHERNET_SIZE] & 0xF).astype(np.intp) * 4
    place = ETHERNET_SIZE + size + np.where(seen.is_tcp, TCP_CHECKSUM, UDP_CHECKSUM)
    every = np.arange(len(data))
    there = data[every, place].astype(np.uint32) << 8 | data[every, place + 1]
    ends = [half for end in (seen.source, seen.destination) for half in (end >> 16, end & 0xFFFF)]
    total = sum(ends, start=seen.protocol + seen.total_length - size.astype(np.uint32))
    for _ in range(2):
        total = (total & 0xFFFF) + (total >> 16)
    unready: Mask = (seen.is_tcp | seen.is_udp) & (there == total)
    return unready

"""Summary: one scan as a table, the interesting rows first, the many alike as one line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from portlab.addresses import number
from portlab.evidence.result import FLOOD, ORDINARY
from portlab.evidence.verdict import FROM_NEW_PORT, NOT_CAPTURED, PROVEN_BY_SCANNER
from portlab.model import DAMAGED, RECEIVED, SENT, Answer, PortResult, Reason, State
from portlab.packets.left_out import sentence
from portlab.shown import text_table
from portlab.view import figure, words
from portlab.view.svg import badge, escape
from portlab.view.tokens import LOOKS

if TYPE_CHECKING:
    from portlab.evidence.result import Scan

MOST_ROWS, MOST_HOSTS = 30, 4
CAPTURE = "capture"
"""The fidelity of what was read from a file: it says nothing of this machine's link."""
INTERESTING = (
    State.OPEN,
    State.UP,
    State.OPEN_FILTERED,
    State.UNFILTERED,
    State.FILTERED,
    State.CLOSED,
    State.NO_ANSWER,
    State.DOWN,
)
"""What is listed first, where not everything can be."""


CONVENTION = "The usual service is a convention: any program may listen on any port."


@dataclass(frozen=True, slots=True)
class Alike:
    """Rows that came out alike and are told in one line."""

    state: State
    reason: Reason
    count: int
    where: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What the table shows: facts about the scan, warnings, rows and groups."""

    title: str
    fidelity: str
    facts: str
    warnings: tuple[str, ...]
    is_ping: bool
    rows: tuple[PortResult, ...]
    groups: tuple[Alike, ...]
    caveats: tuple[str, ...]


def summarise(scan: Scan) -> Summary:
    """Choose what to show of a scan."""
    listed, rest = _choose(scan)
    rows = tuple(scan.row(int(index)) for index in listed)
    hosts = len(np.unique(scan.address))
    to_or_of = "to" if scan.traffic == ORDINARY and scan.port[:1].max(initial=-1) >= 0 else "of"
    one_host = f" {to_or_of} {scan.host[0]}" if hosts == 1 else ""
    return Summary(
        title=f"{words.traffic_name(scan.technique, scan.traffic)}{one_host}{words.asked_by(scan)}",
        fidelity=words.fidelity_name(scan.fidelity),
        facts=_facts(scan, hosts),
        warnings=tuple(warnings(scan)),
        is_ping=all(row.port is None for row in rows) and bool(rows),
        rows=rows,
        groups=tuple(_groups(scan, rest, hosts)),
        caveats=tuple(_caveats(scan, listed.tolist(), rows)),
    )


def _caveats(scan: Scan, listed: list[int], rows: tuple[PortResult, ...]) -> Iterator[str]:
    """What reason and state of a listed row hide."""
    for index, row in zip(listed, rows, strict=True):
        remarked = scan.findings.remark[index] in (FROM_NEW_PORT, PROVEN_BY_SCANNER)
        if told := row.caveat or (row.sentence if remarked else ""):
            yield f"{row.host} {row.port}: {told}"


def _choose(scan: Scan) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows to list, in the order asked, and the rows to tell in groups.

    All of them if they fit; otherwise groups that came out alike are listed, the more interesting first, as long as
    they fit whole; of the open ports at least the first ones.
    """
    everything = np.arange(len(scan))
    if len(scan) <= MOST_ROWS:
        return everything, everything[:0]
    listed: list[NDArray[np.intp]] = []
    room = MOST_ROWS
    for state in INTERESTING:
        for reason in np.unique(scan.reason[scan.state == state.code]):
            alike = np.flatnonzero((scan.state == state.code) & (scan.reason == reason))
            if len(alike) > room and state in (State.OPEN, State.UP):
                alike = alike[:room]
            if len(alike) <= room:
                listed.append(alike)
                room -= len(alike)
    chosen = np.sort(np.concatenate(listed)) if listed else everything[:0]
    return chosen, np.setdiff1d(everything, chosen)


def _groups(scan: Scan, rest: NDArray[np.intp], hosts: int) -> list[Alike]:
    """The rows not listed, by state and reason."""
    groups = []
    for state in INTERESTING:
        for reason in np.unique(scan.reason[rest][scan.state[rest] == state.code]):
            alike = rest[(scan.state[rest] == state.code) & (scan.reason[rest] == reason)]
            where = _where(scan, alike, hosts)
            groups.append(Alike(state, Reason.of(reason), len(alike), where))
    return sorted(groups, key=lambda group: group.count)


def _where(scan: Scan, rows: NDArray[np.intp], hosts: int) -> str:
    """Which ports of which hosts these rows are."""
    ports = scan.port[rows]
    if (ports < 0).any():
        return words.address_ranges(scan.address[rows].tolist())
    told = f"{'port' if len(np.unique(ports)) == 1 else 'ports'} {words.port_ranges(ports.tolist())}"
    if hosts == 1:
        return told
    names = list(dict.fromkeys(scan.host[row] for row in rows.tolist()))
    on = ", ".join(names[:6]) + (f" and {len(names) - 6:,} more" if len(names) > 6 else "")
    among = "" if len(rows) == len(names) * len(np.unique(ports)) else "among "
    return f"{on}: {among}{told}"


def _facts(scan: Scan, hosts: int) -> str:
    """What was asked, of whom, in what time, with how many packets."""
    ports = int((scan.port >= 0).sum())
    asked = (
        f"{words.count(ports, 'port')} of {words.count(hosts, 'host')}"
        if ports
        else words.count(hosts, "host")
    )
    if not len(scan.probes):  # read from a file without packets, or nothing was sent
        return f"{asked} · {words.duration(scan.elapsed_s * 1e9)}"
    connects = scan.technique == "connect"
    sent = words.count(len(scan.probes), "connection attempt" if connects else "probe")
    frames = scan.recorded.frames
    received = (frames["direction"] == RECEIVED) & (frames["marks"] & DAMAGED == 0)
    heard = words.count(int(received.sum()), "frame") + " received"
    parts = [asked, f"{words.duration(scan.elapsed_s * 1e9)}", sent]
    return " · ".join(parts if connects and not len(frames) else [*parts, heard])


def warnings(scan: Scan) -> list[str]:
    """What a reader must know before believing the table."""
    told = [*_of_its_end(scan), *_of_its_evidence(scan)]
    if scan.authorised:
        told.append(f"Authorised by you: {', '.join(scan.authorised)}.")
    return [*told, *scan.notes]


def _of_its_end(scan: Scan) -> Iterator[str]:
    """Whether the scan ended early, and what it says nothing about."""
    if not scan.complete:
        why = f" ({scan.stopped_by})" if scan.stopped_by else ""
        yield f"INCOMPLETE: the scan ended early{why}. What is shown is what was known by then."
    for pairs, what in ((scan.unanswered, "asked, unanswered so far"), (scan.never_asked, "never asked")):
        if pairs:
            kind = "host" if pairs[0][1] is None else "port"
            counted = words.count(len(pairs), kind)
            yield f"{counted} {what}: nothing is said about them ({_apart(scan, pairs)})."


def _of_its_evidence(scan: Scan) -> Iterator[str]:
    """Why some silence may be no silence, and some answer nobody's."""
    if _silent_link(scan):
        yield (
            "Not one frame came in on this machine's own link, not even an answer to ARP. Either nobody has "
            "that address, or the link itself is dead. Ask somebody who must answer, such as the gateway."
        )
    if not scan.matched:
        yield "UNMATCHED: answers without their questions. Nothing ties them to a probe."
    if (scan.findings.remark == NOT_CAPTURED).any():
        yield "ONE DIRECTION: no frame to the scanner is in this capture. Silence here says nothing."
    if scan.traffic == FLOOD:
        yield (
            "MANY ASKERS: most of them asked once. These are forged senders, as in a flood, or very many scanners."
        )
    if scan.left_out:
        yield f"{sentence(scan.left_out)} Some silence may be theirs."
    if scan.lost_here:
        lost = words.count(scan.lost_here, "frame")
        yield f"{lost} lost on this machine before they were read: some silence may be our own fault."


def _silent_link(scan: Scan) -> bool:
    """Whether this machine asked by ARP and heard nothing at all, of nobody."""
    frames = scan.recorded.frames
    if scan.fidelity == CAPTURE or (frames["direction"] == RECEIVED).any() or not len(scan):
        return False
    asked = (scan.recorded.seen.is_arp & (frames["direction"] == SENT)).any()
    return bool(asked or (scan.findings.answer == Answer.NO_NEIGHBOUR.code).any())


def _apart(scan: Scan, pairs: tuple[tuple[str, int | None], ...]) -> str:
    """Which rows are listed apart: hosts, or ports by host."""
    if pairs[0][1] is None:
        return words.address_ranges(number(address) for address, _ in pairs)
    ports: dict[str, list[int]] = {}
    for address, port in pairs:
        ports.setdefault(address, []).append(port or 0)
    told = [
        f"{scan.asked.names.get(number(address), address)}: {words.port_ranges(which)}"
        for address, which in list(ports.items())[:MOST_HOSTS]
    ]
    return "; ".join(told) + (
        f"; and {len(ports) - MOST_HOSTS:,} more hosts" if len(ports) > MOST_HOSTS else ""
    )


# --- as text ----------------------------------------------------------------------------------------


def text(scan: Scan) -> str:
    """The summary for a terminal."""
    return _text(summarise(scan))


def _text(seen: Summary) -> str:
    lines = [f"{seen.title}   [{seen.fidelity}]", seen.facts]
    lines += [f"! {warning}" for warning in seen.warnings]
    lines += ["", *_text_table(seen)] if seen.rows else [""]
    for group in seen.groups:
        lines.append(f"{group.count:,} {LOOKS[group.state].words} ({group.reason})  {group.where}".rstrip())
    lines += [f"! {caveat}" for caveat in seen.caveats]
    return "\n".join(lines)


def _text_table(seen: Summary) -> list[str]:
    return text_table([_heads(seen), *([plain for plain, _ in _cells(row, seen)] for row in seen.rows)])


def _heads(seen: Summary) -> list[str]:
    if seen.is_ping:
        return ["host", "address", "state", "reason", "rtt"]
    return ["host", "port", "state", "reason", "rtt", "usual service"]


def _cells(row: PortResult, seen: Summary) -> list[tuple[str, str]]:
    """One row's cells, each as plain text and as HTML."""
    rtt = "" if row.rtt_ms is None else words.duration(row.rtt_ms * 1e6)
    by = f" from {row.answered_by}" if row.answered_by not in (None, row.address) else ""
    look = LOOKS[row.state]
    state = (f"{look.character} {look.words}", badge(row.state))
    rest = [state, _plain(f"{row.reason}{by}"), _plain(rtt)]
    if seen.is_ping:
        return [_plain(row.host), _plain(row.address), *rest]
    return [_plain(row.host), _plain(f"{row.port}/{row.protocol}"), *rest, _plain(row.service)]


def _plain(cell: str) -> tuple[str, str]:
    return cell, escape(cell)


# --- as a figure ------------------------------------------------------------------------------------


def mimebundle(scan: Scan) -> dict[str, str]:
    """What a notebook shows: the table, and the same as text where there is no HTML."""
    seen = summarise(scan)
    return {"text/plain": _text(seen), "text/html": _html(seen, scan.fidelity)}


def html(scan: Scan) -> str:
    """The summary as an accessible table."""
    return _html(summarise(scan), scan.fidelity)


def _html(seen: Summary, fidelity: str) -> str:
    head = figure.heading(seen.title, seen.facts, figure.fidelity(fidelity))
    warnings = "".join(f'<p class="warning">{escape(warning)}</p>' for warning in seen.warnings)
    rows = [[cell for _, cell in _cells(row, seen)] for row in seen.rows]
    table = figure.table(seen.title, _heads(seen), rows) if rows else ""
    groups = "".join(
        f"<li>{badge(group.state, f'{group.count:,} {LOOKS[group.state].words}')} "
        f'<span class="muted">({group.reason}) {escape(group.where)}</span></li>'
        for group in seen.groups
    )
    caveats = "".join(f'<p class="warning">{escape(caveat)}</p>' for caveat in seen.caveats)
    note = "" if seen.is_ping else f'<p class="muted">{CONVENTION}</p>'
    body = head + warnings + table + (f'<ul class="groups">{groups}</ul>' if groups else "") + caveats + note
    return figure.wrap("summary", seen.title, body, "summary")

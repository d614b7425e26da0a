"""The port reference: a table to search, filter and sort, with what scans of the lab found beside each port.

The searching is done in the page, so it works in exported HTML; without a script the whole table stands there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from portlab.model import State
from portlab.ports import EXAMS, Port, PortTable, find
from portlab.shown import Shown
from portlab.view import figure, given, words
from portlab.view.port_reference.marks import GROUPS, SECRECY
from portlab.view.summary import CONVENTION, INTERESTING
from portlab.view.svg import badge, escape
from portlab.view.tokens import LOOKS

if TYPE_CHECKING:
    from portlab.evidence.result import Scan

FEW = 5
"""So many rows need no searching."""
MOST_HOSTS = 6

HEADS = ("port", "service", "purpose", "encrypted?", "safer way", "exam")

Found = dict[State, list[str]]
"""Hosts by the state in which one port was found."""


@dataclass(frozen=True, eq=False, repr=False)
class Reference(Shown):
    """Rows of the port reference as a picture.

    `scans` fill the column "in the lab".  `probe` puts a button into it, for a live picture; `told` is a sentence
    that screen readers announce.
    """

    rows: Sequence[Port]
    scans: tuple[Scan, ...] = ()
    probe: bool = False
    told: str = ""

    def __str__(self) -> str:
        return "\n".join([str(self.rows), *self._found_lines(), *_sources(self.scans)])

    def _found_lines(self) -> Iterator[str]:
        found = found_in(self.scans, self.rows)
        if found:
            yield ""
        for where, by_state in found.items():
            yield f"{where} in the lab: {in_words(by_state)}"

    def html(self) -> str:
        """The reference as a figure."""
        return html(self)


def reference(scans: Iterable[Scan] = (), rows: PortTable | None = None) -> Reference:
    """The port reference as a table to search; `scans` add what was found on each port, and where.

    reference([pl.syn_scan("web", "common"), pl.udp_scan("infra", "common")]).  Where two scans asked the same port of
    the same host, the later one counts.  `rows` are what `ports.find` brings; all of them if left out.
    """
    example = 'reference([scan], ports.find("mail"))'
    chosen = find() if rows is None else rows
    given.port_rows(chosen, example)
    return Reference(chosen, given.scans(scans, example))


def found_in(scans: Iterable[Scan], rows: Sequence[Port]) -> dict[str, Found]:
    """What the scans found on these ports: {"22/tcp": {State.OPEN: ["web", "files"]}}."""
    wanted: dict[tuple[int | None, str], str] = {(row.port, row.protocol): row.where for row in rows}
    states: dict[str, dict[str, State]] = {}
    for scan in scans:
        asked = np.isin(scan.port, [row.port for row in rows if row.protocol == scan.protocol])
        for result in (scan.row(index) for index in np.flatnonzero(asked).tolist()):
            where = wanted[result.port, scan.protocol]
            states.setdefault(where, {})[result.host] = result.state
    in_order = sorted(states, key=list(dict.fromkeys(wanted.values())).index)
    return {where: _by_state(states[where]) for where in in_order}


def _by_state(states: dict[str, State]) -> Found:
    hosts = {state: [host for host, its in states.items() if its is state] for state in INTERESTING}
    return {state: names for state, names in hosts.items() if names}


def in_words(found: Found) -> str:
    """One port's hosts by state: "open on web, files; filtered on db"."""
    return "; ".join(f"{LOOKS[state].words} on {_hosts(names)}" for state, names in found.items())


def _hosts(names: list[str]) -> str:
    more = len(names) - MOST_HOSTS
    return ", ".join(names[:MOST_HOSTS]) + (f" and {more} more" if more > 0 else "")


def _sources(scans: Iterable[Scan]) -> list[str]:
    """Which scans stand behind the column "in the lab"."""
    named = (f"{words.technique_name(s.technique)} ({words.fidelity_name(s.fidelity)})" for s in scans)
    return [f"In the lab: {', '.join(dict.fromkeys(named))}."] if scans else []


# --- as a figure ------------------------------------------------------------------------------------


def html(shown: Reference) -> str:
    """The reference as a figure; an empty one is a sentence that helps."""
    if not shown.rows:
        return f"<p>{escape(str(shown.rows))}</p>"
    lab = bool(shown.scans) or shown.probe
    moves = len(shown.rows) > FEW or shown.probe
    found = found_in(shown.scans, shown.rows)
    cells = [_cells(row) + ([_lab_cell(row, found, shown.probe)] if lab else []) for row in shown.rows]
    body = (
        figure.heading(
            "Port reference", f"{words.count(len(shown.rows), 'row')} · CompTIA Network+ N10-008, N10-009"
        )
        + (_controls(len(shown.rows)) if moves else "")
        + (f'<p class="told" role="status">{escape(shown.told)}</p>' if shown.probe else "")
        + figure.table(
            "Port reference",
            (*HEADS, "in the lab") if lab else HEADS,
            cells,
            "ports",
            [_marks(row) for row in shown.rows],
        )
        + f'<figcaption class="muted">{" ".join([CONVENTION, *map(escape, _sources(shown.scans))])}</figcaption>'
    )
    return figure.wrap(
        "reference", "Port reference", body, "reference", script_name="reference" if moves else ""
    )


def _cells(row: Port) -> list[str]:
    exams = " ".join(exam if exam in row.exams else "–" for exam in EXAMS) if row.exams else "neither"
    return [
        f'<b>{row.port}</b><span class="muted">/{row.protocol}</span>',
        f'<b>{escape(row.name)}</b> <code class="muted">{escape(row.service)}</code>',
        f'{escape(row.purpose)}<span class="note muted">{escape(_note(row))}</span>',
        SECRECY[row.encrypted].html(),
        escape(row.secure_alternative),
        exams,
    ]


def _note(row: Port) -> str:
    """What else is known of a port: remarks, what a UDP probe can hope for, and where it is written."""
    section = f", section {row.section}" if row.section else ""
    unread = "" if row.checked else " (not checked against its text)"
    source = "No standard." if row.standard == "none" else f"Source: {row.standard}{section}{unread}."
    parts = [
        f"{row.remark.rstrip('.')}." if row.remark else "",
        f"Answers a UDP probe: {row.udp_answer}." if row.udp_answer else "",
        f"Registered as: {row.iana_name}." if row.iana_name else "Not registered.",
        source,
    ]
    return " ".join(filter(None, parts))


def _marks(row: Port) -> str:
    """What the script filters a row by."""
    return (
        f'data-port="{row.port}" data-exam="{" ".join(row.exams)}" data-transport="{row.protocol}" '
        f'data-secrecy="{SECRECY[row.encrypted].group}"'
    )


def _lab_cell(row: Port, found: dict[str, Found], probe: bool) -> str:
    """Shape, word and hosts for each state, and the button that asks."""
    by_state = found.get(row.where, {})
    told = "".join(f"<div>{badge(state)} {escape(_hosts(names))}</div>" for state, names in by_state.items())
    if not probe:
        return told or '<span class="muted">not asked</span>'
    label = f"Probe the lab for {row.where} {row.service}"
    words_ = "Probe again" if told else "Probe the lab"
    return told + (
        f'<button type="button" class="button needs-python" data-do="probe" data-protocol="{row.protocol}" '
        f'data-where="{row.where} {row.service}" aria-label="{escape(label)}">{words_}</button>'
    )


def _controls(count: int) -> str:
    exams = {exam: f"N10-{exam}" for exam in reversed(EXAMS)}
    return figure.controls(
        "Search the reference",
        '<label>Search <input type="search" data-filter="search" placeholder="22, ssh, mail …" size="14"></label>',
        _choice("exam", "Exam", "any", exams),
        _choice("transport", "Transport", "both", {"tcp": "TCP", "udp": "UDP"}),
        _choice("secrecy", "Encrypted?", "all", GROUPS),
        '<label><input type="checkbox" data-filter="notes"> notes and sources</label>',
        figure.button("reset", "Show all"),
        f'<output class="muted">{words.count(count, "row")}</output>',
    )


def _choice(name: str, label: str, everything: str, options: dict[str, str]) -> str:
    every = {"": everything, **options}
    listed = "".join(f'<option value="{value}">{told}</option>' for value, told in every.items())
    return f'<label>{label} <select data-filter="{name}">{listed}</select></label>'

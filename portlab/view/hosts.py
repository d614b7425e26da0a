"""Hosts x ports: what several hosts said on the same ports, as a table with a shape and a word in every cell."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from portlab.addresses import dotted
from portlab.evidence.result import Scan
from portlab.evidence.verdict import NO_PORT
from portlab.model import Reason, State
from portlab.ports import common, service_name
from portlab.shown import Shown
from portlab.view import figure, given, heads, words
from portlab.view.svg import badge, escape
from portlab.view.tokens import LOOKS, glyph, slug

MOST_PORTS, MOST_HOSTS = 64, 64
WIDTH = 100
"""What one can look at; what is left out is counted."""

Cell = tuple[State, Reason]


@dataclass(frozen=True, eq=False, repr=False)
class HostTable(Shown):
    """What each host said on each port: a real table, so it needs no other words beside it."""

    scan: Scan
    hosts: dict[int, str]
    ports: tuple[int, ...]
    cells: dict[tuple[int, int], Cell]
    """(address, port) -> what came out; what is not in it was not asked, or has not answered so far."""
    left_out: str

    @property
    def title(self) -> str:
        what = words.traffic_name(self.scan.technique, self.scan.traffic)
        return f"{what}{words.asked_by(self.scan)}: hosts and what they said"

    @property
    def detail(self) -> str:
        hosts = words.count(len(self.hosts), "host")
        what = hosts if self.ports == (NO_PORT,) else f"{hosts}, {words.count(len(self.ports), 'port')}"
        return f"{what}. {self.left_out}".strip()

    @cached_property
    def _unanswered(self) -> set[tuple[str, int | None]]:
        return set(self.scan.unanswered)

    @property
    def ports_go_down(self) -> bool:
        """The longer side goes down the page, where there is room."""
        return len(self.ports) > len(self.hosts)

    def __str__(self) -> str:
        head = f"{self.title}   [{words.fidelity_name(self.scan.fidelity)}]"
        told = [head, self.detail, *(f"! {warning}" for warning in heads.warnings(self.scan)), ""]
        width = max(len(name) for name in self.hosts.values())
        seen = sorted({state for state, _ in self.cells.values()}, key=lambda state: state.code)
        for address, name in self.hosts.items():
            parts = []
            for state in seen:
                said = [port for port in self.ports if self.cells.get((address, port), ("",))[0] == state]
                which = "" if self.ports == (NO_PORT,) else f" {words.port_ranges(said, MOST_PORTS)}"
                parts += [f"{LOOKS[state].character} {LOOKS[state].words}{which}"] if said else []
            start = f"{name:<{width}}  {dotted(address):<15}  "
            told.append(
                textwrap.fill("   ".join(parts), WIDTH, initial_indent=start, subsequent_indent=" " * 4)
            )
        return "\n".join(told)

    def html(self) -> str:
        """The table as a figure, with a legend of the states in it."""
        seen = dict.fromkeys(
            sorted((state for state, _ in self.cells.values()), key=lambda state: state.code)
        )
        legend = "".join(f"<li>{badge(state)}</li>" for state in seen)
        hosts = [
            (address, f"<b>{escape(name)}</b><span>{dotted(address)}</span>")
            for address, name in self.hosts.items()
        ]
        ports = [(port, self._port(port)) for port in self.ports]
        if self.ports_go_down:
            rows = [(head, [self._cell(address, port) for address, _ in hosts]) for port, head in ports]
        else:
            rows = [(head, [self._cell(address, port) for port, _ in ports]) for address, head in hosts]
        across = hosts if self.ports_go_down else ports
        top = "".join(f'<th scope="col">{head}</th>' for _, head in across)
        body = "".join(f'<tr><th scope="row">{head}</th>{"".join(cells)}</tr>' for head, cells in rows)
        whole = f'<table class="hosts"><thead><tr><td></td>{top}</tr></thead><tbody>{body}</tbody></table>'
        table = figure.scrolling(f"Table: {self.title}", whole)
        head = heads.head(self.title, self.detail, self.scan)
        return figure.wrap("hosts", self.title, f'{head}<ul class="legend">{legend}</ul>{table}', "hosts")

    def _port(self, port: int) -> str:
        if port == NO_PORT:
            return "<b>host</b>"
        return f"<b>{port}</b><span>{escape(service_name(port, self.scan.protocol))}</span>"

    def _cell(self, address: int, port: int) -> str:
        if (address, port) not in self.cells:
            asked = (dotted(address), None if port == NO_PORT else port) in self._unanswered
            return f'<td><span class="muted">{"no answer so far" if asked else "not asked"}</span></td>'
        state, reason = self.cells[address, port]
        # Shown as a shape where there is a style; the word is there for all others.
        word = f'<span class="word">{LOOKS[state].words}</span>'
        return f'<td class="c-{slug(state)}" title="{LOOKS[state].words} ({reason})">{glyph(state, 14)}{word}</td>'


def host_table(scan: Scan) -> HostTable:
    """What each host said on each port, as a table: host_table(scan).

    Where the scan asked more ports than can be looked at, those open anywhere and the common ones are shown.
    """
    scan = given.one_scan(scan, "host_table(scan)")
    asked = np.unique(scan.port)
    ports, why = asked, ""
    if len(asked) > MOST_PORTS:
        found = np.unique(scan.port[scan.state == State.OPEN.code])
        usual = np.intersect1d(asked, common(scan.protocol))
        ports = np.sort(np.concatenate([found, np.setdiff1d(usual, found)])[:MOST_PORTS])
        why = f"{len(asked) - len(ports):,} other ports are not shown."
    first = np.sort(np.unique(scan.address, return_index=True)[1])
    addresses = scan.address[first]
    if len(addresses) > MOST_HOSTS:
        heard = addresses[np.isin(addresses, scan.address[scan.answered_by != 0])]
        addresses = (heard if len(heard) else addresses)[:MOST_HOSTS]
        silent = " that said nothing" if len(heard) <= MOST_HOSTS and len(heard) else ""
        why += f" {len(first) - len(addresses):,} other hosts{silent} are not shown."
    shown = np.flatnonzero(np.isin(scan.port, ports) & np.isin(scan.address, addresses))
    keys = zip(scan.address[shown].tolist(), scan.port[shown].tolist(), strict=True)
    states, reasons = State.words(scan.state[shown]), Reason.words(scan.reason[shown])
    return HostTable(
        scan,
        {address: scan.asked.names.get(address) or dotted(address) for address in addresses.tolist()},
        tuple(ports.tolist()),
        dict(zip(keys, zip(states, reasons, strict=True), strict=True)),
        why.strip(),
    )

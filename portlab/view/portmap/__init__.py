"""Port map: every port of one host is one cell, drawn by state; the open ones are named."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from portlab.addresses import dotted
from portlab.errors import BadTarget
from portlab.evidence.result import Scan
from portlab.shown import Shown
from portlab.view import figure, given, heads, words
from portlab.view.portmap import drawing
from portlab.view.portmap.cells import MOST_LISTED, PORTS, HostPorts, Range, ports_of
from portlab.view.svg import badge, escape
from portlab.view.tokens import LOOKS, slug

HEADS = ("ports", "count", "state", "reason", "usual service")


@dataclass(frozen=True, eq=False, repr=False)
class PortMap(Shown):
    """The ports of one host: a picture in a notebook, ranges as text."""

    scan: Scan
    ports: HostPorts

    @property
    def title(self) -> str:
        what = words.traffic_name(self.scan.technique, self.scan.traffic)
        return f"{what} of {self.ports.host}{words.asked_by(self.scan)}: the ports as a map"

    @property
    def detail(self) -> str:
        return f"{self.ports.address}, {self.ports.protocol}, {words.count(self.ports.asked, 'port')} asked"

    def __str__(self) -> str:
        head = f"{self.title}   [{words.fidelity_name(self.scan.fidelity)}]"
        told = [f"! {warning}" for warning in heads.warnings(self.scan)]
        lines = [
            f"{row.ports:>13}  {row.size:>6,}  {LOOKS[row.kind.state].character} {LOOKS[row.kind.state].words:<13}  "
            f"{row.kind.reason:<16}  {row.service}".rstrip()
            for row in self.ports.ranges()
        ]
        return "\n".join([head, self.detail, *told, self.ports.in_short, "", *lines])

    def html(self) -> str:
        """The map as a figure: legend, look-up, picture, list of what is open, and the ranges as a table."""
        ranges = self.ports.ranges()
        name = figure.identity(f"{self.title}{self.ports.address}{ranges}")
        body = (
            heads.head(self.title, self.detail, self.scan)
            + self._legend()
            + _look_up(name)
            + self._pictures(name)
            + self._open_list()
            + f"<figcaption>{escape(self.ports.in_short)}</figcaption>"
            + f"<details{' open' if len(ranges) <= 16 else ''}>"
            + f"<summary>The same map in words ({words.count(len(ranges), 'row')})</summary>"
            + figure.table(self.title, HEADS, [_cells(row) for row in ranges], "ranges")
            + "</details>"
        )
        return figure.wrap(
            "portmap",
            self.title,
            body,
            "portmap",
            "portmap_page",
            script_name="portmap",
            data=self._data(),
        )

    def _legend(self) -> str:
        rest = PORTS - self.ports.asked
        items = [f"<li>{badge(state)} {count:,}</li>" for state, count in self.ports.counts.items()]
        if self.ports.unanswered:
            items.append(f'<li><span class="empty"></span> unanswered so far {self.ports.unanswered:,}</li>')
        if rest:
            items.append(f'<li><span class="empty"></span> not asked {rest:,}</li>')
        return f'<ul class="legend">{"".join(items)}</ul>'

    def _pictures(self, name: str) -> str:
        """One window where the ports fit into it; otherwise all of them small, and a strip of them enlarged."""
        asked = np.flatnonzero(self.ports.cells)
        window = drawing.window_of(int(asked[0]), int(asked[-1]))
        alternative = f"{self.title}. {self.ports.in_short} The table below says the same in words."
        states, labels = (
            self.ports.states,
            {port: self.ports.services.get(port, "") for port in self.ports.open},
        )
        pictures = ""
        if window is None:
            window = drawing.strip_of(int(asked[0]))
            whole = drawing.draw(drawing.WHOLE, states, labels, f"{name}w", window)
            pictures = f'<p class="muted">{drawing.WHOLE.caption} The framed strip is enlarged below.</p>'
            pictures += figure.picture(whole.svg, whole.height, alternative, "portmap", left=50, right=206)
        large = drawing.draw(window, states, labels, f"{name}d")
        pictures += f'<p class="muted caption">{window.caption}</p>'
        return pictures + figure.picture(large.svg, large.height, alternative, "portmap", left=50, right=206)

    def _open_list(self) -> str:
        """What the margin says, for where there is no room for a margin."""
        ports, services = self.ports.open, self.ports.services
        items = [f"<li><b>{port}</b> {escape(services.get(port, ''))}</li>" for port in ports[:MOST_LISTED]]
        if len(ports) > MOST_LISTED:
            items.append(f"<li>and {len(ports) - MOST_LISTED:,} more</li>")
        return f'<ul class="opens" aria-label="Open ports">{"".join(items)}</ul>' if items else ""

    def _data(self) -> str:
        """For the script: lengths and kinds of the runs in turns, the kinds in words, the usual services."""
        lengths = self.ports.runs[:, 1] - self.ports.runs[:, 0] + 1
        runs = ",".join(map(str, np.stack([lengths, self.ports.runs[:, 2]], axis=1).ravel().tolist()))
        kinds = [
            ["", "not asked, or unanswered so far" if self.ports.unanswered else "not asked"],
            *([slug(state), f"{state} ({reason})"] for state, reason in self.ports.kinds),
        ]
        told = {"kinds": kinds, "services": self.ports.services}
        return f'data-runs="{runs}" data-words="{escape(json.dumps(told, separators=(",", ":")))}"'


def _cells(row: Range) -> list[str]:
    return [row.ports, f"{row.size:,}", badge(row.kind.state), escape(row.kind.reason), escape(row.service)]


def _look_up(name: str) -> str:
    """The keyboard's way to point at a port; shown once the script is there."""
    return (
        f'<div class="look" hidden="hidden"><label for="{name}n">Look up port</label>'
        f'<input id="{name}n" type="number" min="0" max="{PORTS - 1}" inputmode="numeric">'
        f'<output for="{name}n">or point at the map</output></div>'
    )


def port_map(scan: Scan, host: str | None = None) -> PortMap:
    """Every port of one host as a cell, by state: port_map(scan), or port_map(scan, "web") where several were asked.

    What was not asked, or had not answered when the scan ended early, is left empty.
    Raises BadTarget where it is not clear which host is meant, and for a ping.
    """
    scan = given.one_scan(scan, "port_map(scan)")
    ports = ports_of(scan, _which(scan, host))
    if not ports.cells.any():
        raise BadTarget(f"A {scan.technique} asks hosts, not ports.  To see them type: host_table(scan)")
    return PortMap(scan, ports)


def _which(scan: Scan, host: str | None) -> int:
    """The address of the host that is meant."""
    first = np.sort(np.unique(scan.address, return_index=True)[1])
    asked = {scan.asked.names.get(a) or dotted(a): a for a in scan.address[first].tolist()}
    few = ", ".join(list(asked)[:8]) + (" and others" if len(asked) > 8 else "")
    if host is None:
        if len(asked) != 1:
            example = next(iter(asked), "web")
            raise BadTarget(
                f"This scan asked {few or 'nobody'}: a port map shows one host.  Name it: "
                f"port_map(scan, {example!r}), or see all of them: host_table(scan)"
            )
        return next(iter(asked.values()))
    if not isinstance(host, str):
        raise BadTarget(f"{given.said(host)} is not the name of a host.  Name one in quotes: {few}.")
    wanted = host.lower().removesuffix(".lab")
    for name, address in asked.items():
        if wanted in (name, dotted(address)):
            return address
    raise BadTarget(f"This scan did not ask {host!r}.  It asked {few or 'nobody'}.")

"""The gallery's scans: summaries, maps, plots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import portlab as pl
from lab_env import lab
from portlab.view import host_table, lab_map, meanings, plots, port_map, progress_bar

SEED = 5
QUICK: dict[str, Any] = {"seed": SEED, "progress": False}
Made = Iterator[tuple[str, str, Any]]


def summaries() -> Made:
    """Scans in short, what their answers mean, and how far one is."""
    yield "Lab", "Which lab this is, loudly: simulated.", lab.here()
    yield "Summary of one host", "Open ports named, the rest counted.", pl.syn_scan("web", "common", **QUICK)
    yield "Summary of several hosts", "Host by host.", pl.syn_scan(["infra", "web", "db"], "common", **QUICK)
    yield "Summary of a ping", "Up, down, no answer.", pl.ping("office", **QUICK)
    stopped = pl.udp_scan("ops", "1-500", deadline=2, **QUICK)
    yield "Summary of a scan that ended early", "Says so first, and what it does not know.", stopped
    for technique in ("syn", "udp", "ping"):
        yield f"Meanings of a {technique} scan", "Answer, state, reason, why, source.", meanings(technique)
    bar = Bar()
    shown = progress_bar.Notebook(bar)
    shown.show("SYN scan of web", 21_845, 65_535)
    yield "Progress", "A bar and the count.", bar.html


class Bar:
    """Stands for the notebook: keeps what would be shown."""

    html = ""

    def __init__(self) -> None:
        self.display_pub = self

    def publish(self, data: dict[str, str], **_: Any) -> None:
        """Keep it."""
        self.html = data["text/html"]


def maps() -> Made:
    """Ports of one host, hosts beside each other, the lab."""
    few = pl.syn_scan("web", "20-25,80,443,3389,8080,8443", **QUICK)
    yield "Port map: few ports", "Ports far apart: an overview and a strip.", port_map(few)
    yield (
        "Port map: 1,024 ports",
        "Open ones named beside the map.",
        port_map(pl.syn_scan("mail", "1-1024", **QUICK)),
    )
    everything = pl.syn_scan("web", "all", **QUICK)
    yield "Port map: all ports", "Overview, and a strip enlarged.", port_map(everything)
    yield "Port map: UDP", "One grid, no overview.", port_map(pl.udp_scan("infra", "1-256", **QUICK))
    hosts = pl.syn_scan(["infra", "files", "mail", "web", "db", "vault"], "common", **QUICK)
    yield "Host table", "A glyph for every state, the same columns for all.", host_table(hosts)
    here = pl.lab.current()
    assert here is not None
    yield "Lab map: before", "Hosts and networks; nothing asked yet.", lab_map(here)
    office = pl.ping("office", method="arp", **QUICK)
    yield "Lab map: after", "Who is up, and what is open.", lab_map(here, office, hosts)


def plotted() -> Made:
    """The five plots."""
    web = pl.syn_scan(["web", "voip"], "20-25,80,443,5060,5061,8080,8443", **QUICK)
    yield "Plot: states", "How many of each.", themed(plots.states(web.to_frame()))
    yield "Plot: round-trip times", "A strip a state; silence as hatching.", themed(plots.rtt(web.to_frame()))
    yield "Plot: timeline", "Sends and answers of each port.", themed(plots.timeline(web))
    limited = pl.udp_scan("ops", "1-30", **QUICK)
    yield "Plot: ICMP limit", "A few at once, then one a second.", themed(plots.icmp_staircase(limited))
    with lab.case("M11"):
        changed = pl.syn_scan("web", "20-25,80,443", **QUICK)
    before = pl.syn_scan("web", "20-25,80,443", **QUICK)
    yield (
        "Plot: two scans",
        "What differs, in words.",
        themed(plots.compare(before.to_frame(), changed.to_frame())),
    )


def themed(ax: Any) -> Any:
    """A plot as the notebook shows it."""
    return plots.themed(ax.figure)

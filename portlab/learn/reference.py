"""The port reference with a live probe: a button beside each row asks the lab."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from portlab.evidence.result import Scan
from portlab.learn.live import Live
from portlab.ports import PortTable, find
from portlab.view.port_reference import Reference, found_in, in_words

Probe = Callable[[int, str], Scan | Iterable[Scan]]
"""What is called for a row: probe(22, "tcp") returns a scan, or several."""


def port_reference(probe: Probe, scans: Iterable[Scan] = (), rows: PortTable | None = None) -> Live:
    """The port reference with a button beside each row that probes the lab, and shows who has that port open.

    `probe` is handed the port and its transport, "tcp" or "udp", and returns what it found:

        def probe(port, protocol):
            return (pl.udp_scan if protocol == "udp" else pl.syn_scan)(["web", "files", "infra"], port)

    `scans` are results that are known already, `rows` what `ports.find` brings; all rows if left out.
    """
    shown = Reference(find() if rows is None else rows, tuple(scans), probe=True)
    live = Live(*_drawn(shown))

    def answer(told: dict[str, Any]) -> None:
        nonlocal shown
        port, protocol = int(told["port"]), str(told["protocol"])
        try:
            brought = probe(port, protocol)
            new = (brought,) if isinstance(brought, Scan) else tuple(brought)
            found = in_words(found_in(new, find(port, protocol)).get(f"{port}/{protocol}", {}))
            shown = replace(
                shown, scans=(*shown.scans, *new), told=f"{port}/{protocol}: {found or 'nothing was asked'}."
            )
            live.draw(*_drawn(shown))
        finally:
            live.send_to_page({"asked": port})  # the button can be pressed again, whatever happened

    live.on_tell(answer)
    return live


def _drawn(shown: Reference) -> tuple[str, str]:
    drawn = shown._repr_mimebundle_()
    return drawn["text/html"], drawn["text/plain"]

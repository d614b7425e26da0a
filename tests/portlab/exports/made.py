"""Scans for export tests: run for real over the simulated lab, or put together from chosen rows."""

from __future__ import annotations

from functools import cache
from typing import Any

from lab_env.lab import simulated
from lab_env.topology import topology
from portlab import lab
from portlab.evidence.result import Scan
from portlab.exports.table import scan_of
from portlab.scanning import scan
from portlab.techniques import is_ping, ping_methods

FACTS = {
    "technique": "syn",
    "fidelity": "embedded",
    "started_ns": 1_700_000_000_123_456_789,
    "elapsed_s": 1.25,
    "complete": True,
    "stopped_by": "",
    "authorised": (),
    "lost_here": 0,
}
ROW = {"host": "web", "address": "10.77.2.10", "port": 80, "state": "open", "reason": "syn-ack"}


def made(*rows: dict[str, Any], **facts: Any) -> Scan:
    return scan_of([ROW | row for row in rows], FACTS | facts)


@cache
def scanned(technique: str) -> Scan:
    """A scan in the simulated lab that meets every kind of answer."""
    lab.use(simulated(topology()))
    try:
        hosts = ["web", "db", "vault", "quiet", "infra", "ghost", "lost", "voip"]
        options: dict[str, Any] = {"seed": 1, "progress": False}
        if is_ping(technique):
            method = next(method for method, name in ping_methods().items() if name == technique)
            near = ["infra", "ghost", "quiet", "gateway"]
            return scan.ping(near if method == "arp" else hosts, method=method, **options)
        ports = "53,67,123,161,514" if technique == "udp" else "22,53,80,443,3306,3389,8080,8443"
        run = getattr(scan, f"{technique}_scan")
        found: Scan = run(hosts if technique == "udp" else hosts[:5], ports, **options)
        return found
    finally:
        lab.use(None)

"""The scans as functions: what was checked is what is asked."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portlab import scan
from portlab.addresses import number
from portlab.errors import OutOfScope
from portlab.result import Scan
from portlab.targets import Targets
from tests.portlab.wires import RuleWire, answer_like_linux

SCANS = {
    "syn": lambda target: scan.syn_scan(target, 80),
    "fin": lambda target: scan.fin_scan(target, 80),
    "null": lambda target: scan.null_scan(target, 80),
    "xmas": lambda target: scan.xmas_scan(target, 80),
    "ack": lambda target: scan.ack_scan(target, 80),
    "udp": lambda target: scan.udp_scan(target, 53),
    "connect": lambda target: scan.connect_scan(target, 80),
} | {
    f"ping by {method}": (lambda how: lambda target: scan.ping(target, method=how))(method)
    for method in scan.PING_METHODS
}
OUTSIDE: list[Any] = ["198.51.100.9", ["web", "198.51.100.9"], "10.77.2.0-10.77.4.9", "10.77.2.255"]


@pytest.mark.parametrize("name", SCANS)
@pytest.mark.parametrize("target", OUTSIDE, ids=str)
def test_no_scan_opens_a_wire_for_an_address_outside(
    in_lab: Path, monkeypatch: pytest.MonkeyPatch, name: str, target: object
) -> None:
    monkeypatch.setattr(scan, "open_wire", lambda kind: pytest.fail("a wire was opened"))
    with pytest.raises(OutOfScope):
        SCANS[name](target)


@pytest.mark.parametrize("name", SCANS)
def test_every_scan_is_checked_again_where_it_begins(
    in_lab: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whatever names and lists came to: the column of addresses that is asked is the one that is judged."""
    outside = Targets(np.array([number("198.51.100.9")], np.uint32))
    monkeypatch.setattr(scan, "target_addresses", lambda typed: outside)
    monkeypatch.setattr(scan, "open_wire", lambda kind: pytest.fail("a wire was opened"))
    with pytest.raises(OutOfScope):
        SCANS[name]("web")


def test_who_watches_cannot_lead_the_scan_elsewhere(in_lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = RuleWire(answer_like_linux({80}, silent_ports=set(range(1, 60))))
    monkeypatch.setattr(scan, "open_wire", lambda kind: wire)
    looks = 0

    def meddling(so_far: Scan) -> bool:
        nonlocal looks
        looks += 1
        for column in (so_far.asked.address, so_far.address):
            with contextlib.suppress(ValueError):  # read-only
                column[:] = number("198.51.100.9")
        return False

    scan.syn_scan("web", "1-60", tries=3, rate=100, watch=meddling, progress=False)
    assert looks
    assert {packet.dst for _, packet in wire.sent} == {"10.77.2.10"}

"""The scans as functions: what was checked is what is asked."""

import contextlib
import errno
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP

from portlab.addresses import number
from portlab.errors import BadTarget, NotPermitted, OutOfScope
from portlab.evidence.result import Scan
from portlab.model import RECEIVED
from portlab.scanning import scan
from portlab.targets import Targets
from portlab.techniques import ping_methods, port_techniques, technique
from portlab.view import progress_bar
from portlab.wire import raw
from portlab.wire.kernel import KernelWire
from tests.portlab.frames import SCANNER
from tests.portlab.wires import RuleWire, answer_like_linux

SCANS = {name: partial(getattr(scan, f"{name}_scan"), ports=80) for name in port_techniques()} | {
    f"ping by {method}": partial(scan.ping, method=method) for method in ping_methods()
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
            with contextlib.suppress(ValueError):  # read-only, and not to be made anything else
                column.setflags(write=True)
                column[:] = number("198.51.100.9")
        return False

    scan.syn_scan("web", "1-60", tries=3, rate=100, watch=meddling, progress=False)
    assert looks
    assert {packet.dst for _, packet in wire.sent} == {"10.77.2.10"}


def nobody_speaks(monkeypatch: pytest.MonkeyPatch, *neighbours: str) -> RuleWire:
    """A wire on whose link nobody speaks; `neighbours` are on the link, all else is behind the next hop."""
    wire = RuleWire(lambda packet: None)
    wire.missing = {number(address) for address in ("10.77.2.10", "10.77.2.20", "10.77.1.20")}
    near = {number(address) for address in neighbours}
    monkeypatch.setattr(wire, "on_link", lambda address: address in near)
    monkeypatch.setattr(scan, "open_wire", lambda kind: wire)
    return wire


def test_behind_a_dead_link_nothing_is_said_about_the_target(
    in_lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_speaks(monkeypatch)
    found = scan.syn_scan(["web", "db"], [22, 80])
    assert len(found) == 0
    assert not found.complete
    assert found.never_asked == (
        ("10.77.2.10", 22),
        ("10.77.2.10", 80),
        ("10.77.2.20", 22),
        ("10.77.2.20", 80),
    )
    assert "this machine's own link is dead" in str(found)
    assert "filtered" not in str(found)


def test_a_neighbour_who_does_not_answer_may_be_missing_or_the_link_dead(
    in_lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_speaks(monkeypatch, "10.77.1.20")
    found = scan.syn_scan(["files", "web"], 22)
    assert [(row.host, str(row.state), str(row.reason)) for row in found] == [
        ("files", "filtered", "host-unreach")
    ]
    assert found.never_asked == (("10.77.2.10", 22),)
    assert "Not one frame came in on this machine's own link" in str(found)


def test_behind_a_dead_link_what_was_asked_stands(in_lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way to the one was known already; to the other nobody could be asked for it."""
    nobody_speaks(monkeypatch).missing = {number("10.77.2.20")}
    found = scan.syn_scan(["web", "db"], 22, tries=1)
    assert [(row.host, str(row.reason)) for row in found] == [("web", "no-response")]
    assert found.never_asked == (("10.77.2.20", 22),)


def test_a_link_on_which_anything_was_heard_is_not_blamed(
    in_lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = nobody_speaks(monkeypatch)
    wire.arrive(0, IP(src="10.77.1.1", dst=SCANNER) / ICMP(type=3, code=1) / IP(dst="10.77.1.9"), RECEIVED)
    found = scan.syn_scan("web", 22)
    assert found.complete
    assert str(found["web", 22].reason) == "host-unreach"
    assert "own link" not in str(found)


def test_where_nobody_listened_beside_connect_its_word_stands(
    in_lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a capture, that no frame came in says nothing of the link."""
    wire = nobody_speaks(monkeypatch)
    wire.late = {22: (3.1, errno.EHOSTUNREACH)}
    found = scan.connect_scan("web", 22, tries=1)
    assert found.complete
    assert str(found["web", 22].reason) == "host-unreach"


@pytest.mark.parametrize(
    ("target", "called"), [("web", "web"), ("10.77.2.77", "10.77.2.77"), (["files", "web"], "web")]
)
def test_arp_asks_the_own_link_alone(
    in_lab: Path, monkeypatch: pytest.MonkeyPatch, target: Any, called: str
) -> None:
    nobody_speaks(monkeypatch, "10.77.1.20")
    with pytest.raises(BadTarget, match=f"'{called}' is not on this machine's own link"):
        scan.ping(target, method="arp")


def test_nobody_asks_himself_by_arp(in_lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody_speaks(monkeypatch, "10.77.1.20")
    with pytest.raises(BadTarget, match="This is your own address"):
        scan.ping("student", method="arp")
    found = scan.ping(["student", "files"], method="arp")
    assert [(row.host, str(row.state)) for row in found] == [("files", "down")]


def test_without_rights_the_kernel_s_wire_connects_and_does_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(raw, "permitted", lambda: False)
    wire = scan.open_wire(technique("connect"))
    assert isinstance(wire, KernelWire)
    wire.close()
    for kind in (technique("syn"), None):
        with pytest.raises(NotPermitted, match=r"CAP_NET_RAW.*connect_scan"):
            scan.open_wire(kind)


@pytest.mark.parametrize(("options", "bars"), [({}, 1), ({"progress": True}, 1), ({"progress": False}, 0)])
def test_a_scan_shows_its_progress_unless_told_not_to(
    in_lab: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, bool], bars: int
) -> None:
    made: list[tuple[object, ...]] = []
    real = progress_bar.ProgressBar
    monkeypatch.setattr(progress_bar, "ProgressBar", lambda *how: made.append(how) or real(*how))
    monkeypatch.setattr(scan, "open_wire", lambda kind: RuleWire(answer_like_linux({80})))
    scan.syn_scan("web", 80, **options)
    assert len(made) == bars

"""A permission's rules hold for every way of sending: what it excludes is not asked, and nobody is faster."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP, TCP, IPOption_LSRR

from portlab import cli, lab, scope
from portlab.errors import BadTarget, OutOfScope
from portlab.evidence.result import Scan
from portlab.learn import ScanWidget
from portlab.scanning import scan, send
from portlab.targets import targets
from portlab.techniques import ping_methods, port_techniques
from tests.portlab.wires import RuleWire, answer_like_linux

WEB, DB, FILES = "10.77.2.10", "10.77.2.20", "10.77.1.20"


def _at_80(ask: Callable[..., Any], target: Any, **options: Any) -> Any:
    return ask(target, 80, **options)


SCANS: dict[str, Callable[..., Any]] = {name: getattr(scan, f"{name}_scan") for name in port_techniques()}
WAYS: dict[str, Callable[..., Any]] = {name: partial(_at_80, ask) for name, ask in SCANS.items()} | {
    f"ping by {method}": partial(scan.ping, method=method) for method in ping_methods()
}


def permit(**terms: Any) -> scope.Authorisation:
    """The permission card of these tests: all of the lab but db, 50 packets a second."""
    given = {"exclude": "db", "reason": "the card", "rate": 50, "tell": lambda text: None} | terms
    return scope.authorise(["office", "dmz", "branch"], **given)


@pytest.fixture
def card(in_lab: Path) -> scope.Authorisation:
    return permit()


@pytest.fixture
def no_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    for opens in (scan, send):
        monkeypatch.setattr(opens, "open_wire", lambda *kind: pytest.fail("a wire was opened"))


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> RuleWire:
    """The wire that every scan and send will open."""
    opened = RuleWire(answer_like_linux({80}))
    for opens in (scan, send):
        monkeypatch.setattr(opens, "open_wire", lambda *kind: opened)
    return opened


# --- what is excluded ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("card", "no_wire")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("target", ["db", "DB.lab", DB, ["web", "db"], f"{DB}/32", "0xa4d0214"], ids=str)
def test_an_excluded_host_is_refused_by_every_scan_however_it_is_called(way: str, target: Any) -> None:
    with pytest.raises(OutOfScope) as caught:
        WAYS[way](target)
    assert DB in str(caught.value)


@pytest.mark.usefixtures("card", "no_wire")
def test_the_refusal_says_whom_why_and_what_to_do() -> None:
    with pytest.raises(OutOfScope) as caught:
        scan.syn_scan(["web", "db"], 80)
    assert str(caught.value) == (
        "10.77.2.20 (from 'db') was excluded when its network was authorised: your permission says that db may not "
        "be probed.  Leave it out (a whole network or a range passes it by)."
    )


@pytest.mark.usefixtures("card", "no_wire")
@pytest.mark.parametrize(
    "packet",
    [
        IP(dst=DB) / TCP(dport=80),
        bytes(IP(src=FILES, dst=DB) / TCP(dport=80)),
        [IP(dst=WEB) / ICMP(), IP(dst=DB) / ICMP()],
        IP(dst=WEB, options=[IPOption_LSRR(routers=[DB])]) / ICMP(),
    ],
    ids=["Scapy's", "bytes", "one of several", "by a source route"],
)
def test_a_packet_made_by_hand_does_not_lead_there(packet: Any) -> None:
    with pytest.raises(OutOfScope, match="your permission says that db may not be probed"):
        send.send(packet)


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("typed", ["dmz", "10.77.2.0/24", "10.77.2.1-30", ["10.77.2.15-25", "web"]], ids=str)
def test_a_sweep_passes_it_by_and_the_result_says_so(wire: RuleWire, typed: Any) -> None:
    found = scan.ping(typed, tries=1)
    assert len(found) > 10
    assert DB not in {packet.dst for _, packet in wire.sent}
    assert found.notes == ("Not asked, since your permission excludes it: db 10.77.2.20.",)
    assert found.notes[0] in str(found)
    assert json.loads(found.to_json() or "")["notes"] == list(found.notes)


def test_of_many_passed_by_the_first_are_named(in_lab: Path) -> None:
    permit(exclude="10.77.2.16/28")
    assert targets("10.77.2.2-40").notes() == (
        "Not asked, since your permission excludes it: "
        + ", ".join(f"{'db ' if last == 20 else ''}10.77.2.{last}" for last in range(16, 24))
        + " and 8 more.",
    )
    assert targets("office").notes() == ()  # its own first and last address are nobody's


# --- how fast -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("card", "no_wire")
@pytest.mark.parametrize("way", WAYS)
def test_a_higher_rate_is_refused_by_every_scan(way: str) -> None:
    with pytest.raises(OutOfScope) as caught:
        WAYS[way]("files", rate=50.5)
    assert str(caught.value) == (
        "rate=50.5 is faster than your permission allows: at most 50 packets a second to office 10.77.1.0/24, "
        "dmz 10.77.2.0/24, branch 10.77.3.0/24 (the card).  Type rate=50, or leave rate out: the scan then keeps "
        "to it by itself."
    )


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize(("rate", "most"), [(None, 50), (50, 50), (10, 10)])
def test_a_scan_keeps_to_the_permission_or_below(wire: RuleWire, rate: float | None, most: float) -> None:
    options: Any = {} if rate is None else {"rate": rate}
    found = scan.syn_scan("web", "1-80", **options)
    times = [moment for moment, _ in wire.sent]
    assert len(times) == 80
    assert np.diff(times).min() >= 1 / most - 1e-9
    assert "at most 50 packets a second" in found.authorised[0]


@pytest.mark.usefixtures("card")
def test_scans_that_follow_one_another_keep_to_it_together(wire: RuleWire) -> None:
    for _ in range(5):
        scan.syn_scan("web", 80)
    assert np.diff([moment for moment, _ in wire.sent]).min() >= 0.02 - 1e-9


@pytest.mark.usefixtures("card")
def test_packets_made_by_hand_keep_to_it(wire: RuleWire) -> None:
    began = wire.time
    send.send(IP(dst=WEB) / TCP(dport=[1, 2, 3, 4]), timeout=0.001)
    times = [moment for moment, _ in wire.sent]
    assert len(times) == 4
    assert np.diff([began, *times]).min() >= 0.02


def test_of_several_the_strictest_holds_for_what_it_speaks_of(in_lab: Path) -> None:
    permit()
    scope.authorise(["files", WEB], reason="slower", rate=5, tell=lambda text: None)
    allowed = {name: scope.allowed_rate(targets(name).addresses) for name in ("files", "web", "infra")}
    assert allowed == {"files": 5, "web": 5, "infra": 50}
    assert scope.allowed_rate(targets(["infra", "files"]).addresses) == 5
    assert scope.allowed_rate(targets("127.0.0.1").addresses, 1e6) is None


def test_without_a_rate_nothing_is_held_back(in_lab: Path, wire: RuleWire) -> None:
    permit(rate=None)
    assert scope.allowed_rate(targets("web").addresses, 1e6) is None
    scan.syn_scan("web", "1-80")
    assert wire.sent[-1][0] - wire.sent[0][0] < 0.1


# --- until when ---------------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time of day, to be set."""
    moments = [datetime(2026, 11, 27, 12, tzinfo=UTC)]
    monkeypatch.setattr(scope, "_now", lambda: moments[0])
    return moments


def test_what_has_ended_is_refused_in_a_lab_too_until_it_is_allowed_anew(
    in_lab: Path, clock: list[datetime]
) -> None:
    given = permit(until=clock[0] + timedelta(minutes=1))
    targets(["web", "infra"])
    clock[0] += timedelta(minutes=1)
    with pytest.raises(OutOfScope) as caught:
        targets("web")
    assert (
        f"may no longer be probed: its permission ended at {given.end}.  Ask its owner for a new one."
        in str(caught.value)
    )
    permit(until=clock[0] + timedelta(minutes=1))
    targets("web")
    with pytest.raises(OutOfScope, match="was excluded"):
        targets("db")


def test_a_scan_ends_when_its_permission_does(in_lab: Path, clock: list[datetime], wire: RuleWire) -> None:
    given = permit(until=clock[0] + timedelta(seconds=1))
    found = scan.syn_scan("web", "1-1000")
    assert 40 <= len(wire.sent) <= 50
    assert (found.complete, found.stopped_by) == (False, f"the permission ended at {given.end}")
    assert scan.syn_scan("web", "1-1000", deadline=0.5).stopped_by == "the deadline of 0.5 s passed"


# --- the other doors ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("card", "no_wire")
@pytest.mark.parametrize(
    ("target", "rate", "why"), [("web db", "", "was excluded"), ("web", "500", "is faster")]
)
def test_the_panel_shows_the_refusal(target: str, rate: str, why: str) -> None:
    widget = ScanWidget(scan.syn_scan, target=target, ports="80", rate=rate)
    widget.start()
    assert widget.wait(10) is None
    deadline = time.monotonic() + 10
    while "Nothing was sent." not in repr(widget._panel) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert why in widget._panel.error


@pytest.mark.usefixtures("in_lab")
def test_the_command_line_takes_the_lab_s_names(wire: RuleWire, capsys: pytest.CaptureFixture[str]) -> None:
    rules = ["--authorise", "dmz", "--exclude", "db", "--reason", "homework"]
    assert cli.main(["syn", "dmz", "-p", "80", "--tries", "1", "--rate", "1000", *rules]) == cli.DONE
    told = capsys.readouterr()
    assert "dmz 10.77.2.0/24 without db 10.77.2.20 (homework)" in told.err
    assert "Not asked, since your permission excludes it: db 10.77.2.20." in told.out
    assert DB not in {packet.dst for _, packet in wire.sent}
    assert cli.main(["syn", "web", "db", "-p", "80", *rules]) == cli.WRONG_USE
    assert "your permission says that db may not be probed" in capsys.readouterr().err


def test_a_permission_for_the_lab_alone_asks_no_name_server(
    card: scope.Authorisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *name: pytest.fail("a name server was asked"))
    with pytest.raises(BadTarget, match="There is no host called 'wbe' here"):
        targets("wbe")
    assert not scope.reaches_out()
    lab.use(None)
    scope.authorise("192.0.2.0/28", reason="mine", tell=lambda text: None)
    assert scope.reaches_out()


def test_what_is_allowed_twice_is_said_once(card: scope.Authorisation) -> None:
    with pytest.raises(OutOfScope) as caught:
        targets("192.0.2.1")
    assert "outside 127.0.0.0/8, 10.77.1.0/24, 10.77.2.0/24, 10.77.3.0/24." in str(caught.value)


def test_a_result_is_a_scan_all_the_same(card: scope.Authorisation, wire: RuleWire) -> None:
    found = scan.syn_scan("web", "80,81")
    assert isinstance(found, Scan)
    assert found.notes == ()
    assert f"Authorised by you: {card}." in str(found)

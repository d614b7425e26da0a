"""A scan as a value: rows, look-ups, what is listed apart, and the evidence behind each verdict."""

from dataclasses import fields, replace

import numpy as np
import pytest

from lab_env.lab import simulated
from lab_env.topology import topology
from portlab import lab
from portlab.errors import BadTarget
from portlab.model import BATCH_CLOCK, RECEIVED, SENT, Events, Reason, State
from portlab.packets.dissect import Dissected
from portlab.scanning.scan import udp_scan
from portlab.techniques import technique
from portlab.techniques.matching import NOBODY, ProbeTable, conversations
from portlab.view import summary
from tests.portlab.exports.made import made, scanned
from tests.portlab.frames import OTHER, TARGET
from tests.portlab.scanning.test_loop import scan
from tests.portlab.wires import RuleWire, answer_like_linux


@pytest.fixture
def found():
    return scan(RuleWire(answer_like_linux({80}, {22})), ports=(22, 80, 81), hosts=(TARGET, OTHER), tries=2)


def arrays(scan_):
    findings = {column.name: getattr(scan_.findings, column.name) for column in fields(scan_.findings)}
    exchange = scan_.exchange(TARGET, 80)
    return findings | {
        "address": scan_.address,
        "port": scan_.port,
        "probes": scan_.probes,
        "recorded": scan_.recorded.frames,
        "errnos": scan_.recorded.errnos,
        "events": scan_.events.frames,
        "frames": exchange.frames,
        "its probes": exchange.probes,
        "its errnos": exchange.errnos,
    }


def test_a_result_is_a_value_its_arrays_cannot_be_written(found):
    more = scan(
        RuleWire(answer_like_linux({80})), ports=range(1, 4200)
    )  # what it sent is not captured, but made up
    for each in (found, more, found.without(found.port == 22)):
        for name, array in arrays(each).items():
            assert not array.flags.writeable, name
            with pytest.raises(ValueError, match="read-only"):
                array[...] = array


def test_a_scan_shown_while_it_runs_does_not_change_afterwards():
    seen = []
    wire = RuleWire(answer_like_linux({80}))
    scan(
        wire, ports=range(1, 300), rate=300, watch=lambda so_far: seen.append((so_far, so_far.probes.copy()))
    )
    assert len(seen) > 2
    assert all(np.array_equal(so_far.probes, then) for so_far, then in seen)


def test_rows_by_name_address_and_number(found):
    assert len(found) == 6
    assert [row.port for row in found] == [22, 80, 81] * 2
    row = found[TARGET, 80]
    assert (row.host, row.address, row.state, row.reason) == (TARGET, TARGET, State.OPEN, Reason.SYN_ACK)
    assert (row.service, row.protocol, row.technique, row.fidelity) == ("http", "tcp", "syn", "test")
    assert (row.icmp_type, row.icmp_code, row.answered_by, row.caveat) == (None, None, TARGET, "")
    assert found[OTHER, 80] == found.row(4)
    named = scanned("syn")
    assert named["WEB.lab", 80] == named["10.77.2.10", 80] == named["web", 80]
    pings = scanned("ping")
    assert pings["web"].port is None
    assert pings["web"].service == ""


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (("nobody", 80), r"This scan did not ask .* It asked 10.77.2.10, 10.77.2.20\."),
        ((TARGET, 23), r"This scan did not ask '10.77.2.10', 23. It asked its ports 22, 80, 81\."),
        ((TARGET, "80"), r"'80' is not the number of a port. Type scan\['10.77.2.10', 22\]\."),
        (80, r"80 is not the name or address of a host. Type scan\['10.77.2.10', 22\]\."),
        (TARGET, r"has a row a port: name one. Type scan\['10.77.2.10', 22\]\."),
    ],
)
def test_what_was_not_asked_is_a_mistake(found, key, said):
    with pytest.raises(BadTarget, match=said):
        found[key]


def test_rows_listed_apart_leave_the_others_as_they_were(found):
    less = found.without(found.port == 22, found.port == 81)
    assert less.never_asked == ((TARGET, 22), (OTHER, 22))
    assert less.unanswered == ((TARGET, 81), (OTHER, 81))
    assert [row.port for row in less] == [80, 80]
    assert less[OTHER, 80] == found[OTHER, 80]
    assert less.probes["row"].max() == 1
    assert sorted(less.probes["row"][less.probes["row"] >= 0].tolist()) == [0, 1]
    for host in (TARGET, OTHER):
        one, other = less.exchange(host, 80), found.exchange(host, 80)
        assert np.array_equal(one.frames, other.frames)
        assert (one.decides, one.result) == (other.decides, other.result)


def test_with_nothing_apart_it_is_the_same(found):
    assert found.without(np.zeros(6, bool)) is found
    pings = scanned("ping")
    assert pings.without(pings.address == pings.address[0]).never_asked[0][1] is None


def test_the_exchange_has_the_frames_of_its_port_in_both_directions(found):
    exchange = found.exchange(TARGET, 80)
    assert exchange.frames["direction"].tolist() == [SENT, RECEIVED]
    assert exchange.decides == 1
    assert exchange.result == found[TARGET, 80]
    assert exchange.ended_ns == found.started_ns + int(found.elapsed_s * 1e9)
    silent = found.exchange(TARGET, 22)
    assert (len(silent.frames), silent.decides) == (2, None)


def test_an_exchange_without_a_neighbour_shows_the_arp():
    row = next(row for row in scanned("ping-arp") if row.state is State.DOWN)
    arp = scanned("ping-arp").exchange(row.host)
    assert len(arp.frames) >= 1
    assert arp.decides is None


def test_what_connect_hid_is_a_caveat():
    refused = scanned("connect")["web", 8443]
    assert refused.caveat.startswith("Not a RST: it was ICMP 3/3 from 10.77.1.1")
    assert "SYN scan" not in refused.caveat  # whoever connects for the first time has met no other scan
    assert scanned("connect")["web", 80].caveat == ""
    assert scanned("syn")["web", 8443].caveat == ""
    other = made(
        {
            "state": "filtered",
            "reason": "host-unreach",
            "icmp_type": 3,
            "icmp_code": 1,
            "answered_by": "10.77.2.10",
        },
        technique="connect",
    )
    assert (
        other["web", 80].caveat == "It was ICMP 3/1 from the host itself that ended this connection attempt."
    )


def test_the_deciding_frame_of_a_connection_is_the_one_heard():
    exchange = scanned("connect").exchange("web", 80)
    frame = exchange.frames[exchange.decides]
    assert frame["direction"] == RECEIVED
    assert frame["time_ns"] == exchange.errnos["heard_ns"][-1] > 0
    assert len(exchange.errnos) == 1


def test_sent_rows_that_were_not_captured_are_made_up_in_order_of_time():
    more = scan(RuleWire(answer_like_linux({80})), ports=range(1, 4200))
    frames = more.events.frames
    assert (np.diff(frames["time_ns"]) >= 0).all()
    sent = frames[frames["direction"] == SENT]
    assert (sent["marks"] == BATCH_CLOCK).all()
    assert len(sent) == len(more.probes)
    assert scanned("ping").events is scanned("ping").recorded  # captured: nothing is added
    read = made({})
    assert read.events is read.recorded  # it has no packets to show


# --- read once ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["syn", "udp", "ping", "ping-arp", "connect"])
def test_frames_are_dissected_once_to_judge_and_once_to_show(name, monkeypatch, tmp_path):
    found = replace(
        scanned(name), recorded=Events(scanned(name).recorded.frames, scanned(name).recorded.errnos)
    )
    whole = []
    read = Dissected.__init__

    def counted(self, frames, forgiving=False):
        if len(frames) >= len(found.recorded.frames):
            whole.append(forgiving)
        read(self, frames, forgiving)

    monkeypatch.setattr(Dissected, "__init__", counted)
    found._repr_mimebundle_()
    found.to_nmap_xml(tmp_path / "x.xml")
    for index in range(len(found)):
        found.exchange(found.host[index], found.row(index).port)
    judged = technique(name).recognise(found.recorded, ProbeTable(found.probes))
    assert np.isin(found.findings.event[found.findings.event >= 0], judged.event).all()
    assert sorted(whole) == ([True] if name == "connect" else [False, True])


def test_a_table_in_a_notebook_is_chosen_once(monkeypatch):
    chosen = []
    choose = summary.summarise
    monkeypatch.setattr(summary, "summarise", lambda scan: chosen.append(scan) or choose(scan))
    shown = scanned("syn")._repr_mimebundle_()
    assert len(chosen) == 1
    assert shown == {"text/plain": summary.text(scanned("syn")), "text/html": summary.html(scanned("syn"))}


@pytest.mark.parametrize("name", ["syn", "udp", "fin", "ping", "ping-arp", "connect"])
def test_an_exchange_has_the_frames_that_a_look_at_its_own_probes_finds(name):
    found = scanned(name)
    whose = conversations(
        Dissected(found.events.frames, forgiving=True), ProbeTable(found.probes), found.protocol
    )
    row = np.where(whose == NOBODY, NOBODY, np.append(found.probes["row"], NOBODY)[whose])
    for index in range(len(found)):
        exchange = found.exchange(found.host[index], found.row(index).port)
        mine = found.probes[found.probes["row"] == index]
        seen = Dissected(found.events.frames, forgiving=True)
        its = conversations(seen, ProbeTable(mine), found.protocol) != NOBODY
        its &= (row == index) | (row == NOBODY)  # not what answers another port
        if found.row(index).reason == Reason.HOST_UNREACH and not found.answered_by[index]:
            its |= seen.is_arp & (
                (seen.arp_target == found.address[index]) | (seen.arp_sender == found.address[index])
            )
        assert np.array_equal(exchange.frames, found.events.frames[its])
        assert np.array_equal(exchange.probes, mine)
        ends = found.recorded.errnos
        assert np.array_equal(exchange.errnos, ends[found.probes["row"][ends["probe"]] == index])


def test_ports_asked_from_one_port_have_each_their_own_answers():
    for port in (53, 67, 123):
        exchange = scanned("udp").exchange("infra", port)
        seen = Dissected(exchange.frames)
        assert (exchange.probes["source_port"] == scanned("udp").probes["source_port"][0]).all()
        assert (seen.source_port.tolist(), exchange.decides) == ([exchange.probes["source_port"][0], port], 1)


@pytest.mark.parametrize("ports", ["69", "67-70"])
def test_a_datagram_that_nobody_can_place_is_shown_where_it_may_belong(ports):
    lab.use(simulated(topology()))
    try:
        found = udp_scan("files", ports, payload="tftp", seed=1, progress=False)
    finally:
        lab.use(None)
    came = Dissected(found.exchange("files", 69).frames)
    assert (came.source_port[came.received] > 1023).all()
    assert came.is_udp.all()
    assert came.received.sum() == (~came.received).sum() == found["files", 69].tries

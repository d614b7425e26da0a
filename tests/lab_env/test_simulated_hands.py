"""Hands on the simulated lab: every case before, meanwhile and after; what observers see; what is written down."""

import json

import numpy as np
import pytest

import portlab as pl
from lab_env import changes
from lab_env.cases import CASES
from lab_env.contract import expected
from lab_env.recordings import plain
from lab_env.simulated.controls import SimulatedControls
from lab_env.simulated_run import descriptor
from lab_env.topology import Action, Rule, topology
from portlab.errors import BadTarget
from portlab.lab import VARIABLE
from portlab.model import RECEIVED, SENT
from portlab.packets.dissect import Dissected
from portlab.packets.headers import ACK, RST, SYN

LAB = topology()


@pytest.fixture
def controls(tmp_path, monkeypatch):
    path = tmp_path / "lab.json"
    path.write_text(json.dumps(descriptor(LAB, lossy=False)))
    monkeypatch.setenv(VARIABLE, str(path))
    hands = SimulatedControls()
    yield hands
    hands.reset()


def ask(question):
    """State and reason of one question, by a real scan."""
    if question.technique == "ping":
        result = pl.ping(question.host, method=question.method, timeout=4, tries=1)[question.host]
    else:
        scan = getattr(pl, f"{question.technique}_scan")
        patience = {"timeout": 4.0, "tries": 1} if question.host == "lost" else {"tries": 2}
        result = scan(question.host, question.port, **patience)[question.host, question.port]
    return result.state, result.reason


def must_be(lab, question):
    told = expected(
        lab, question.technique, question.host, question.port, question.payload or None, question.method
    )
    return told.state, told.reason


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_case_before_meanwhile_and_after(case, controls):
    changed = case.topology(LAB)
    for question in case.questions:
        assert ask(question) == must_be(LAB, question)
    with controls.borrow(case.states(LAB)):
        for question in case.questions:
            assert ask(question) == must_be(changed, question)
    for question in case.questions:
        assert ask(question) == must_be(LAB, question)


def test_a_case_is_undone_when_its_block_fails(controls):
    with pytest.raises(RuntimeError), controls.borrow(CASES["stopped"].states(LAB)):
        raise RuntimeError
    assert pl.syn_scan("web", 80)["web", 80].state == "open"


def test_while_a_case_is_open_its_hosts_cannot_be_changed(controls):
    state = controls.state("web")
    with controls.borrow(CASES["stopped"].states(LAB)), pytest.raises(BadTarget, match="still open"):
        controls.become({"web": state})


def test_a_reset_ends_a_case(controls):
    with controls.borrow(CASES["stopped"].states(LAB)):
        controls.reset()
        assert pl.syn_scan("web", 80)["web", 80].state == "open"
        controls.become({"web": changes.stopped(controls.state("web"), "https")})
    assert pl.syn_scan("web", 443)["web", 443].state == "closed"


def test_rules_as_text_need_a_kernel(controls):
    with pytest.raises(BadTarget, match="real kernel"):
        controls.become({"web": changes.guarded(controls.state("web"), "table ip x {}")})


# --- both ends --------------------------------------------------------------------------------------------


def steps(recording, port):
    """Who saw which TCP packet of a port go which way, in order of time."""
    seen = Dissected(plain(recording.frames))
    names = {SYN: "SYN", SYN | ACK: "SYN-ACK", RST: "RST", RST | ACK: "RST-ACK", ACK: "ACK"}
    told = []
    for row, frame in enumerate(recording.frames):
        if port in (seen.source_port[row], seen.destination_port[row]):
            way = {RECEIVED: "in", SENT: "out"}[int(frame["direction"])]
            flags = names[int(seen.control_bits[row])]
            told.append(f"{frame['observer']} {frame['interface']} {way} {flags} {seen.ttl[row]}")
    return told


def test_both_ends_of_an_open_port(controls):
    with controls.recording(["gateway", "web"]) as recording:
        pl.syn_scan("web", 80)
    assert steps(recording, 80) == [
        "gateway eth0 in SYN 64",
        "gateway eth1 out SYN 63",
        "web eth0 in SYN 63",
        "web eth0 out SYN-ACK 64",
        "gateway eth1 in SYN-ACK 64",
        "gateway eth0 out SYN-ACK 63",
        "gateway eth0 in RST 64",
        "gateway eth1 out RST 63",
        "web eth0 in RST 63",
    ]
    assert (np.diff(recording.frames["time_ns"]) >= 0).all()


@pytest.mark.parametrize(
    ("port", "told"),
    [
        (22, ["gateway eth0 in SYN 64"]),
        (3389, ["gateway eth0 in SYN 64", "gateway eth0 out RST-ACK 64"]),
    ],
)
def test_what_the_gateway_stops_never_reaches_the_host(controls, port, told):
    with controls.recording(["gateway", "web"]) as recording:
        pl.syn_scan("web", port, tries=1)
    assert steps(recording, port) == told


def test_with_a_wrong_gateway_the_question_arrives_and_no_answer_leaves(controls):
    with (
        controls.borrow(CASES["wrong-gateway"].states(LAB)),
        controls.recording(["gateway", "web"]) as recording,
    ):
        pl.syn_scan("web", 80, tries=1)
    assert steps(recording, 80) == ["gateway eth0 in SYN 64", "gateway eth1 out SYN 63", "web eth0 in SYN 63"]


def test_a_connection_is_seen_to_its_end(controls):
    with controls.recording(["files"]) as recording:
        pl.connect_scan("files", 21)
    assert [step.split()[3] for step in steps(recording, 21)] == ["SYN", "SYN-ACK", "ACK", "RST-ACK"]


def test_recorded_frames_are_whole_and_right(controls):
    """Scapy finds every checksum as it must be, at each place of the way."""
    from scapy.layers.inet import Ether

    with controls.recording(["gateway", "web", "voip"]) as recording:
        pl.syn_scan(["web", "voip"], "80,5060")
        pl.ping(["web", "voip"])
    assert len(recording.frames) > 30
    for frame in recording.frames:
        raw = frame["data"][: frame["captured"]].tobytes()
        packet = Ether(raw)
        again = Ether(raw)
        for layer in (again["IP"], again["IP"].payload):
            del layer.chksum
        assert bytes(again) == raw == bytes(packet)
        assert frame["length"] == frame["captured"]


# --- what is written down ---------------------------------------------------------------------------------


def test_the_log_is_the_evidence_of_a_silent_service(controls):
    before = controls.log("ops").count("port 514: 0 bytes from")
    pl.udp_scan("ops", 514, tries=1)
    assert controls.log("ops").count("port 514: 0 bytes from") == before + 1


def test_counters_count_what_a_rule_met(controls):
    controls.become({"files": changes.guarded(controls.state("files"), [Rule(Action.DROP, protocol="tcp")])})
    pl.syn_scan("files", "21-24", tries=1)
    [counter] = controls.counters("files")
    assert (counter.rule, counter.packets, counter.bytes) == ("ip protocol tcp counter drop", 4, 4 * 40)
    controls.reset()
    assert controls.counters("files") == []


def test_the_gateway_remembers_conversations_with_db(controls):
    pl.connect_scan("db", 3306)
    assert f"dst={LAB.address('db')}" in controls.conntrack()
    assert "dport=3306" in controls.conntrack()


def test_sockets_tell_loopback_from_all(controls):
    with controls.borrow(CASES["loopback"].states(LAB)):
        told = controls.sockets("web")
    assert "127.0.0.1:80" in told
    assert f"{LAB.address('web')}:443" in told


def test_time_and_chance_are_as_they_were_without_a_recording():
    from lab_env.simulated import Medium, SimulatedWire

    def frames(recorded):
        medium = Medium(LAB, seed=3, lossy=True)
        wire = SimulatedWire(None, medium)
        with medium.observed(["gateway", "voip"] if recorded else []):
            from portlab.packets import craft

            packets = craft.tcp(
                medium.places.student_address,
                np.full(
                    50, int.from_bytes(bytes(map(int, LAB.address("voip").split("."))), "big"), np.uint32
                ),
                np.arange(50, dtype=np.uint16) + 40000,
                22,
                sequence_number=7,
                control_bits=SYN,
            )
            wire.resolve(np.array([medium.places.gateway_address], np.uint32), 1.0)
            wire.send(packets)
            return wire.receive(1.0)

    assert (frames(True) == frames(False)).all()


def test_a_gateway_that_denies_by_default_lets_answers_come_back(controls):
    rules = [Rule(Action.ACCEPT, ("web",), "tcp", (80,)), Rule(Action.DROP)]
    controls.become({"gateway": changes.guarded(controls.state("gateway"), rules)})
    scan = pl.syn_scan("web", [80, 443], tries=1)
    assert [row.state for row in scan] == ["open", "filtered"]


def test_a_rule_may_name_an_address_with_nobody_behind_it(controls):
    rules = [Rule(Action.DROP, ("lost",))]
    controls.become({"gateway": changes.guarded(controls.state("gateway"), rules)})
    pl.syn_scan("lost", 80, tries=1, timeout=4.0)
    assert [counter.packets for counter in controls.counters("gateway")] == [1]


def test_a_recording_is_kept_when_its_block_fails(controls):
    def scan_and_fail():
        pl.syn_scan("web", 80)
        raise RuntimeError

    with pytest.raises(RuntimeError), controls.recording(["web", "web"]) as recording:
        scan_and_fail()
    assert recording.hosts == ("web",)
    assert len(recording.of("web")) == 3


def test_a_full_queue_is_seen_in_the_sockets(controls):
    with controls.borrow(CASES["M04"].states(LAB)):
        [line] = [line for line in controls.sockets("web").splitlines() if ":443 " in line]
    assert line.split()[:4] == ["tcp", "LISTEN", "1", "0"]

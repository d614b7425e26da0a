"""Both ends of an exchange: what the firewall and the target have seen, counted and written down."""

from __future__ import annotations

import socket
import struct
import time

import numpy as np
import pytest

import portlab as pl
from lab_env import Action, Rule, lab
from lab_env.control import recorder
from lab_env.topology import FORWARD, GATEWAY, topology
from portlab.model import FRAME, RECEIVED, SENT
from portlab.packets.dissect import Dissected

LAB = topology()
HOPE = 60.0  # seconds for an answer that comes
SYN, SYN_ACK, RST, RST_ACK = 0x02, 0x12, 0x04, 0x14

pytestmark = pytest.mark.inlab


@pytest.fixture(autouse=True)
def lab_as_planned():
    yield
    lab.reset()


def scan(host, port, technique="syn", timeout=0.5):
    """One probe; `timeout` is how long to wait where no answer is to be expected."""
    return getattr(pl, f"{technique}_scan")(host, [port], progress=False, timeout=timeout, tries=1)


def of_scan(recording, found):
    """Which frames of a recording belong to the conversation of this scan: all that its own port is in.

    A port of the target would not do: a host whose answer was lost goes on sending it, for half a minute.
    """
    ((host, port),) = [(result.host, result.port) for result in found]
    own = Dissected(found.exchange(host, port).frames[:1]).source_port[0]
    seen = Dissected(with_frame_columns(recording.frames))
    return seen.is_tcp & ((seen.destination_port == own) | (seen.source_port == own))


def tcp_of(recording, found):
    """Who saw which segment of this scan, and whether it came or went."""
    rows, seen = recording.frames, Dissected(with_frame_columns(recording.frames))
    mine = of_scan(recording, found)
    return [
        (str(row["observer"]), str(row["interface"]), int(row["direction"]), int(bits))
        for row, bits in zip(rows[mine], seen.control_bits[mine], strict=True)
    ]


def with_frame_columns(rows):
    frames = np.zeros(len(rows), FRAME)
    for name in FRAME.names:
        frames[name] = rows[name]
    return frames


def test_the_recorders_frames_have_portlabs_layout():
    assert recorder.FRAME.size == FRAME.itemsize
    packed = recorder.FRAME.pack(1_700_000_000_000_000_001, 1, 2, 60, 1500, b"\x01\x02")
    frame = np.frombuffer(packed, FRAME)[0]
    told = [int(frame[name]) for name in ("time_ns", "direction", "marks", "captured", "length")]
    assert told == [1_700_000_000_000_000_001, 1, 2, 60, 1500]
    assert bytes(frame["data"]) == b"\x01\x02" + bytes(126)


def test_a_syn_that_the_firewall_drops_reaches_the_gateway_and_not_the_target():
    with lab.recording("gateway", "web") as seen:
        found = scan("web", 22)
    assert found["web", 22].state == "filtered"
    assert tcp_of(seen, found) == [("gateway", "eth0", RECEIVED, SYN)]


@pytest.mark.parametrize(
    ("case", "segments"),
    [
        ("dropped", [("gateway", "eth0", RECEIVED, SYN)]),
        ("rejected", [("gateway", "eth0", RECEIVED, SYN)]),
        (
            "stopped",
            [
                ("gateway", "eth0", RECEIVED, SYN),
                ("gateway", "eth1", SENT, SYN),
                ("web", "eth0", RECEIVED, SYN),
                ("web", "eth0", SENT, RST_ACK),
                ("gateway", "eth1", RECEIVED, RST_ACK),
                ("gateway", "eth0", SENT, RST_ACK),
            ],
        ),
    ],
)
def test_a_recording_tells_the_tickets_apart(case, segments):
    with lab.case(case), lab.recording("gateway", "web") as seen:
        found = scan("web", 80)
    assert tcp_of(seen, found) == segments


def test_a_rejected_syn_is_answered_by_the_gateway_itself():
    with lab.case("rejected"), lab.recording("gateway", "web") as seen:
        assert scan("web", 80, timeout=HOPE)["web", 80].reason == "admin-prohibited"
    parts = Dissected(with_frame_columns(seen.frames))
    errors = seen.frames[parts.is_error]
    assert [(row["observer"], row["interface"], row["direction"]) for row in errors] == [
        ("gateway", "eth0", SENT)
    ]


def test_with_a_wrong_gateway_the_syn_arrives_and_the_answer_goes_nowhere():
    with lab.case("wrong-gateway"), lab.recording("gateway", "web") as seen:
        found = scan("web", 80)
    assert found["web", 80].state == "filtered"
    segments = tcp_of(seen, found)
    assert ("web", "eth0", RECEIVED, SYN) in segments
    assert not any(bits == SYN_ACK for *_, bits in segments)  # web has nobody to hand it to
    asked = seen.frames[
        (seen.frames["observer"] == "web") & Dissected(with_frame_columns(seen.frames)).is_arp
    ]
    lost = socket.inet_aton(LAB.address("lost"))
    assert any(bytes(row["data"])[38:42] == lost for row in asked)  # it asks for Ethernet addresses in vain


def test_all_observers_and_the_scanner_share_one_clock():
    with lab.recording("gateway", "web") as seen:
        before = time.time_ns()
        found = scan("web", 80, timeout=HOPE)
    after = time.time_ns()
    path = [SYN] * 3 + [SYN_ACK] * 3 + [RST] * 3
    assert [bits for *_, bits in tcp_of(seen, found)] == path
    assert (np.diff(seen.frames["time_ns"]) >= 0).all()
    times = seen.frames["time_ns"][of_scan(seen, found)]
    assert before < times[0] < times[-1] < after
    own = found.exchange("web", 80).frames["time_ns"]
    assert own[0] < times[0] < times[5] < own[1]  # out of the scanner, through all observers, and back


def test_a_scan_of_a_thousand_ports_is_recorded_whole():
    with lab.recording("gateway", "vault", "voip") as seen:
        pl.syn_scan(["vault", "voip"], "1-1000", progress=False)
    assert seen.lost == {"gateway": 0, "vault": 0, "voip": 0}
    rows, parts = seen.frames, Dissected(with_frame_columns(seen.frames))
    voip = struct.unpack("!I", socket.inet_aton(LAB.address("voip")))[0]
    syns = parts.is_tcp & (parts.control_bits == SYN) & (parts.destination == voip)
    for observer, direction in (("gateway", RECEIVED), ("gateway", SENT), ("voip", RECEIVED)):
        mine = syns & (rows["observer"] == observer) & (rows["direction"] == direction)
        assert set(parts.destination_port[mine].tolist()) == set(range(1, 1001)), (observer, direction)


def test_what_a_case_sends_back_over_the_slow_link_is_waited_for():
    with lab.recording("desk") as seen:
        found = scan("desk", 3389, "connect", timeout=HOPE)
    assert len(tcp_of(seen, found)) >= 3


def test_the_log_of_a_server_that_never_answers_knows_who_came():
    with lab.recording("ops") as seen:
        assert scan("ops", 514, "udp")["ops", 514].state == "open|filtered"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as logger:
            logger.sendto(b"<11>disk nearly full", (pl.lab.resolve("ops"), 514))
    assert Dissected(with_frame_columns(seen.frames)).is_udp.sum() == 2
    assert f"from {LAB.address('student')}, facility 1, error: disk nearly full" in lab.log("ops")


def test_the_rules_of_the_gateway_count():
    lab.rules(GATEWAY, [Rule(Action.DROP, ("web",), "tcp", (80,)), *FORWARD])
    first = lab.counters()[0]
    assert first.rule == f"ip daddr {LAB.address('web')} tcp dport 80 counter drop"
    assert first.packets == 0
    scan("web", 80)
    assert [(each.packets, each.bytes) for each in lab.counters()[:2]] == [(1, 40), (0, 0)]


def test_the_gateway_remembers_conversations_with_db_and_none_with_web():
    with socket.create_connection((pl.lab.resolve("db"), 3306)) as to_db:
        port = to_db.getsockname()[1]
        with socket.create_connection((pl.lab.resolve("web"), 80)):
            known = lab.conntrack().splitlines()
        mine = [line for line in known if f"sport={port} " in line]
        assert len(mine) == 1
        assert mine[0].startswith("tcp ")
        assert " ESTABLISHED " in mine[0]
        assert f"dst={LAB.address('db')}" in mine[0]
        assert mine[0].endswith("[ASSURED]")
    assert not any(LAB.address("web") in line for line in known)


def test_the_sockets_of_a_host_show_what_a_scan_cannot():
    with lab.case("loopback"):
        assert "127.0.0.1:80 " in lab.sockets("web")
        assert f"{LAB.address('web')}:80 " not in lab.sockets("web")
    with lab.case("M04"):
        queue = next(line.split() for line in lab.sockets("web").splitlines() if ":443 " in line)
        assert queue[:4] == ["tcp", "LISTEN", "1", "0"]  # one waits, and there is room for none
    assert f"{LAB.address('web')}:80 " in lab.sockets("web")

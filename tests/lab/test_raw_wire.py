"""Real packets in the lab: what is sent is seen once, what comes back has the kernel's times."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.sendrecv import AsyncSniffer
from scapy.utils import wrpcap

import portlab as pl
from portlab.model import RECEIVED, SENT, Reason
from portlab.packets.craft import arp_requests
from portlab.packets.dissect import Dissected
from portlab.wire import raw
from portlab.wire.raw import RawWire

pytestmark = pytest.mark.inlab

WEB = pl.lab.resolve("web")


def test_each_frame_is_captured_once_with_true_times():
    before = time.time_ns()
    found = pl.syn_scan("web", [80])
    after = time.time_ns()
    seen = Dissected(found.events.frames)
    tcp = np.flatnonzero(seen.is_tcp)
    said = list(zip(seen.frames["direction"][tcp].tolist(), seen.control_bits[tcp].tolist(), strict=True))
    assert said == [(SENT, 0x02), (RECEIVED, 0x12), (SENT, 0x04)]  # SYN, SYN-ACK, and the kernel's own RST
    times = seen.frames["time_ns"]
    assert (np.diff(times) >= 0).all()
    assert before <= times[0] <= times[-1] <= after
    assert 0 < found["web", 80].rtt_ms < (after - before) / 1e6


def test_neighbours_are_asked_no_faster_than_the_rate():
    """Every ARP request leaves 20 ms after the one before it, at least (a bit less by the clock of the stamps)."""
    found = pl.ping("10.77.1.10-40", method="arp", rate=50)
    seen = Dissected(found.events.frames)
    asked = seen.frames["time_ns"][seen.is_arp & (seen.frames["direction"] == SENT)]
    assert len(asked) > 60
    assert np.diff(asked).min() >= 15_000_000
    assert {"infra", "files", "mail"} <= {row.host for row in found if str(row.state) == "up"}


def test_every_checksum_in_the_lab_is_true():
    found = pl.syn_scan(["web", "infra", "voip"], [22, 80, 53, 3389, 8080])
    assert (found.recorded.frames["marks"] == 0).all()
    for frame in found.recorded.frames:
        data = frame["data"][14 : frame["captured"]].tobytes()
        if frame["data"][12:14].tobytes() == b"\x08\x00" and frame["captured"] == frame["length"]:
            rebuilt = IP(data)
            for layer in (IP, TCP, UDP, ICMP):
                if layer in rebuilt:
                    del rebuilt[layer].chksum
            assert bytes(rebuilt) == data


def test_a_scan_of_loopback_tells_directions_apart():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = pl.syn_scan("127.0.0.1", [port, 1])
        assert [str(result.state) for result in found] == ["open", "closed"]
        exchange = found.exchange("127.0.0.1", port)
        assert exchange.frames["direction"].tolist() == [SENT, RECEIVED, SENT]
        assert [str(r.state) for r in pl.connect_scan("127.0.0.1", [port, 1])] == ["open", "closed"]
        assert str(pl.ping("127.0.0.1")["localhost"].state) == "up"


def test_packets_made_by_hand_leave_towards_loopback():
    for packet in (TCP(sport=20, dport=1), UDP(sport=4000, dport=1)):
        frames = pl.send(IP(dst="127.0.0.1") / packet).frames
        assert frames["direction"].tolist() == [SENT, RECEIVED], packet


def test_a_connect_scan_shows_the_whole_handshake():
    found = pl.connect_scan("web", [80, 8443])
    flags = Dissected(found.exchange("web", 80).frames).control_bits.tolist()
    assert flags[:3] == [0x02, 0x12, 0x10]
    assert flags[-1] & 0x04
    refused = found["web", 8443]
    assert (str(refused.state), refused.icmp_type, refused.icmp_code) == ("closed", 3, 3)
    assert refused.answered_by == pl.lab.resolve("gateway")
    assert "Not a RST" in refused.caveat


def test_the_kernel_gives_up_a_silent_connection_by_itself():
    found = pl.connect_scan("web", 22, timeout=20, tries=1)
    syns = Dissected(found.exchange("web", 22).frames)
    gaps = np.diff(syns.frames["time_ns"]) / 1e9
    assert 5 < found.elapsed_s < 15  # tcp_syn_retries=2
    assert len(syns) >= 3
    assert gaps[0] == pytest.approx(1.0, abs=0.3)


def test_a_packet_made_by_hand_goes_out_as_it_is():
    exchange = pl.send(IP(dst=WEB) / TCP(sport=50_000, dport=80, flags="S"))
    seen = Dissected(exchange.frames)
    assert seen.control_bits[seen.is_tcp].tolist() == [0x02, 0x12, 0x04]
    wrong = pl.send(IP(dst=WEB) / TCP(sport=50_001, dport=80, flags="S", chksum=1), timeout=0.5)
    assert not (Dissected(wrong.frames).is_tcp & (wrong.frames["direction"] == RECEIVED)).any()


def test_several_packets_made_by_hand_each_have_their_exchange():
    found = pl.send(IP(dst=WEB) / TCP(sport=50_100, dport=[80, 81]))
    said = [Dissected(exchange.frames).control_bits.tolist() for exchange in found]
    assert said == [[0x02, 0x12, 0x04], [0x02, 0x14]]


def test_the_link_says_how_long_a_packet_may_be():
    with pytest.raises(pl.MalformedPacket, match=r"1,501 bytes, and the link takes 1,500"):
        pl.send(IP(dst=WEB) / UDP(dport=9) / ("x" * 1473))
    assert len(pl.send(IP(dst=WEB) / UDP(dport=9) / ("x" * 1472)).frames) == 2


FOREIGN_SYS = """
mount -t tmpfs none /sys && mkdir -p /sys/class/net/eth0 && cd /sys/class/net/eth0 || exit 9
echo 02:aa:bb:cc:dd:ee > address; echo 68 > mtu
exec "$0" -m portlab syn web -p 22,80,81 --no-progress --json -
"""


def test_a_sys_of_another_network_namespace_leads_nobody_astray():
    """In a container that may not mount its own, /sys describes the container's interfaces, not the lab's."""
    command = ["unshare", "--mount", "sh", "-c", FOREIGN_SYS, sys.executable]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stderr == ""
    found = {row["port"]: row["state"] for row in json.loads(done.stdout)["results"]}
    assert found == {22: "filtered", 80: "open", 81: "closed"}


@pytest.fixture
def foreign_hardware_address(monkeypatch):
    """This machine asks with a hardware address that is not its own: answers go elsewhere."""
    monkeypatch.setattr(
        raw, "arp_requests", lambda mac, *rest: arp_requests(np.arange(2, 8, dtype=np.uint8), *rest)
    )


@pytest.mark.usefixtures("foreign_hardware_address")
@pytest.mark.parametrize("scan", [pl.syn_scan, pl.udp_scan])
def test_a_dead_link_is_not_blamed_on_the_target(scan):
    found = scan("web", [53, 80])
    assert len(found) == 0
    assert found.never_asked == ((WEB, 53), (WEB, 80))
    assert "this machine's own link is dead" in found.stopped_by
    neighbour = pl.syn_scan("files", 22)
    assert "Not one frame came in on this machine's own link" in str(neighbour)


def test_an_interrupted_scan_is_marked_and_returns_what_is_known():
    def interrupt():
        time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    found = pl.syn_scan("db", "1-2000", rate=200)
    assert not found.complete
    assert found.stopped_by == "interrupted"
    assert len(found) + len(found.unanswered) + len(found.never_asked) == 2000
    assert 0 < len(found.never_asked) < 2000
    assert not any(result.reason is Reason.NO_RESPONSE for result in found)


def test_every_port_of_a_host_is_reported_once():
    found = pl.syn_scan("infra", "all")
    assert found.port.tolist() == list(range(1, 65_536))
    states = {
        port for port, state in zip(found.port.tolist(), found.state.tolist(), strict=True) if state == 1
    }
    assert states == {53, 389, 636, 3128}
    assert found.lost_here == 0


def test_another_sniffer_sees_the_same(tmp_path):
    path = str(tmp_path / "theirs.pcap")
    listening = threading.Event()
    sniffer = AsyncSniffer(iface="eth0", started_callback=listening.set, filter=None)
    sniffer.start()
    assert listening.wait(10)
    found = pl.syn_scan("web", "common")
    time.sleep(0.3)  # the last frames are on their way through the sniffer's thread
    wrpcap(path, sniffer.stop())
    (theirs,) = pl.read_pcap(path)
    mine = {result.port: (result.state, result.reason) for result in found}
    assert {result.port: (result.state, result.reason) for result in theirs} == mine


@pytest.mark.inlab(loss=True, seed=3)
def test_the_slow_links_loss_hides_no_port():
    # 30 scans of 5 answering ports at 3.96 % loss: the chance of one miss in all of them is below 1 in 10,000.
    for _ in range(30):
        found = pl.syn_scan("voip", [22, 23, 81, 5060, 5061])
        assert [str(result.state) for result in found] == ["open", "open", "closed", "open", "open"]


def test_source_ports_are_new_each_time():
    wire = RawWire()
    try:
        assert len({wire.source_port("tcp") for _ in range(500)}) == 500
    finally:
        wire.close()

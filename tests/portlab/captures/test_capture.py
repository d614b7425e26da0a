"""Captures: whole frames, written and read back, and what is found in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

import portlab as pl
from portlab import lab
from portlab.errors import BadTarget, LabNotRunning
from portlab.model import SNAP
from portlab.view import follow

CLIENT, SERVER = "10.77.1.100", "10.77.2.10"
PAGE = b"HTTP/1.1 200 OK\r\n\r\n" + b"<p>hello</p>\r\n" * 50
NMAP = Path(__file__).parents[2] / "data" / "nmap_seen_by_tcpdump.pcap"


@pytest.fixture
def capture(tmp_path: Path) -> pl.captures.Capture:
    """A page asked for and given, captured by another tool."""
    ask, answer = {"src": CLIENT, "dst": SERVER}, {"src": SERVER, "dst": CLIENT}
    request = b"GET / HTTP/1.1\r\n\r\n"
    packets = [
        IP(**ask) / TCP(sport=40_000, dport=80, seq=10, flags="S"),
        IP(**answer) / TCP(sport=80, dport=40_000, seq=20, ack=11, flags="SA"),
        IP(**ask) / TCP(sport=40_000, dport=80, seq=11, ack=21, flags="PA") / request,
        IP(**answer) / TCP(sport=80, dport=40_000, seq=21, ack=11 + len(request), flags="PA") / PAGE,
    ]
    path = tmp_path / "page.pcap"
    wrpcap(str(path), [Ether() / packet for packet in packets])
    return pl.read_capture(path)


def test_frames_are_whole(capture: pl.captures.Capture) -> None:
    assert len(capture) == 4
    assert (capture.frames["captured"] == capture.frames["length"]).all()
    assert capture.frames["length"].max() > SNAP
    assert follow(capture, SERVER, 80).stream.bytes_of(client=False) == PAGE


@pytest.mark.parametrize("name", ["again.pcapng", "again.pcap"])
def test_what_is_written_is_read_back(capture: pl.captures.Capture, tmp_path: Path, name: str) -> None:
    capture.to_pcap(tmp_path / name)
    again = pl.read_capture(tmp_path / name)
    assert (again.frames["data"] == capture.frames["data"]).all()
    assert (again.frames["time_ns"] == capture.frames["time_ns"]).all()
    assert again.streams() == capture.streams()


def test_a_capture_holds_the_scans_that_read_pcap_finds() -> None:
    found, expected = pl.read_capture(NMAP).scans(), pl.read_pcap(NMAP)
    assert [list(scan) for scan in found] == [list(scan) for scan in expected]
    assert found


def test_the_list_says_who_spoke_to_whom(capture: pl.captures.Capture) -> None:
    lines = repr(capture).splitlines()
    assert lines[0] == "Capture: 4 frames, 1 TCP conversation"
    assert f"SYN-ACK        {SERVER}:80 → {CLIENT}:40000" in lines[3]
    assert "SYN-ACK" in capture._repr_mimebundle_()["text/html"]


def test_names_are_those_of_the_lab(tmp_path: Path, capture: pl.captures.Capture) -> None:
    here = lab.Lab(lab.SIMULATED, {"dmz": "10.77.2.0/24"}, {"web": (SERVER,)}, "student", "nowhere:none")
    capture.to_pcap(tmp_path / "named.pcapng")
    lab.use(here)
    try:
        named = pl.read_capture(tmp_path / "named.pcapng")
    finally:
        lab.use(None)
    assert f"web:80 → {CLIENT}:40000" in repr(named)
    assert follow(named, "web", 80).title == "What was said to web, port 80 (http)"


def test_frames_of_which_bytes_are_missing_are_counted(capture: pl.captures.Capture) -> None:
    capture.frames["captured"] = np.minimum(capture.frames["captured"], 60)
    assert "only the first bytes were kept" in repr(capture)


# --- where capturing is refused ---------------------------------------------------------------------


def test_outside_a_lab_only_loopback_may_be_captured() -> None:
    with pytest.raises(LabNotRunning, match=r'pl\.capture\("lo"\)'), pl.capture():
        pytest.fail("nothing may be captured here")
    with pytest.raises(LabNotRunning, match=r"run lab"), pl.capture("eth0"):
        pytest.fail("nothing may be captured here")


def test_another_interface_than_the_lab_s_is_refused() -> None:
    lab.use(lab.Lab(lab.SIMULATED, {"dmz": "203.0.113.0/24"}, {}, "student", "nowhere:none"))
    try:
        with pytest.raises(BadTarget, match="'eth7' is no link to the lab"), pl.capture("eth7"):
            pytest.fail("nothing may be captured here")
    finally:
        lab.use(None)

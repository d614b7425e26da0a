"""Packets made by hand, odd ones among them: simulated and embedded lab bring back the same."""

import json

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP
from scapy.layers.l2 import Ether

import portlab as pl
from lab_env.simulated_run import descriptor
from lab_env.topology import topology
from portlab.lab import VARIABLE
from portlab.model import RECEIVED

LAB = topology()
OTHER = LAB.address("gateway", "dmz")
NOTHING: list[tuple] = []


def to(host, **fields):
    return IP(**{"dst": LAB.address(host)} | fields)


def tcp(host, port, flags="S", ip=None, **fields):
    return to(host, **(ip or {})) / TCP(sport=61500, dport=port, flags=flags, seq=1000, **fields)


def said(host, *what):
    """One answer: its sender, its time to live, and what it says."""
    return [(LAB.address(host), *what)]


ODD = {
    "port 0": (tcp("files", 0), said("files", 64, "RA", 0, 1001)),
    "SYN and FIN to a closed port": (tcp("files", 1, "SF"), said("files", 64, "RA", 0, 1002)),
    "SYN and FIN to an open port": (tcp("files", 22, "SF"), NOTHING),
    "SYN and ACK": (tcp("files", 22, "SA", ack=77), said("files", 64, "R", 77, 0)),
    "no flags to a closed port": (tcp("files", 1, ""), said("files", 64, "RA", 0, 1000)),
    "URG alone to a closed port": (tcp("files", 1, "U"), said("files", 64, "RA", 0, 1000)),
    "data to a closed port": (tcp("files", 1, "P") / b"hello", said("files", 64, "RA", 0, 1005)),
    "RST": (tcp("files", 1, "R"), NOTHING),
    "all flags": (tcp("files", 1, "FSRPAU"), NOTHING),
    "ECN flags of a SYN": (tcp("files", 1, "SEC"), said("files", 64, "RA", 0, 1001)),
    "FIN to desk": (tcp("desk", 3389, "F"), said("desk", 63, "RA", 0, 1001)),
    "reset in web's name": (tcp("web", 3389), said("web", 64, "RA", 0, 1001)),
    "the gateway's other address": (
        tcp("gateway", 1, ip={"dst": "10.77.2.1"}),
        [("10.77.2.1", 64, "RA", 0, 1001)],
    ),
    "wrong TCP checksum": (tcp("files", 22, chksum=1), NOTHING),
    "wrong IP checksum": (tcp("files", 22, ip={"chksum": 1}), NOTHING),
    "data offset too small": (tcp("files", 22, dataofs=3), NOTHING),
    "wrong UDP checksum": (to("infra") / UDP(sport=61500, dport=9, chksum=1), NOTHING),
    "UDP without a checksum": (
        to("infra") / UDP(sport=61500, dport=9, chksum=0),
        said("infra", 64, 3, 3, 64),
    ),
    "UDP to port 0": (to("infra") / UDP(sport=61500, dport=0), said("infra", 64, 3, 3, 64)),
    "IP options": (tcp("files", 1, ip={"options": [IPOption_NOP()] * 4}), said("files", 64, "RA", 0, 1001)),
    "time to live 1 on the link": (tcp("files", 1, ip={"ttl": 1}), said("files", 64, "RA", 0, 1001)),
    "time to live 1 to the dmz": (tcp("web", 80, ip={"ttl": 1}), said("gateway", 64, 11, 0, 1)),
    "time to live 1 to a dropped port": (tcp("db", 80, ip={"ttl": 1}), said("gateway", 64, 11, 0, 1)),
    "time to live 2 to the dmz": (tcp("web", 1, ip={"ttl": 2}), said("web", 63, "RA", 0, 1001)),
    "quoted by the gateway": (tcp("web", 8443), said("gateway", 64, 3, 3, 63)),
    "quoted by the target": (to("web") / UDP(sport=61500, dport=9), said("web", 63, 3, 3, 63)),
    "an unknown protocol": (to("files", proto=47) / b"GRE, or so", said("files", 64, 3, 2, 64)),
    "an error about nothing": (to("vault") / ICMP(type=3, code=3) / bytes(tcp("web", 80)), NOTHING),
    "echo": (to("files") / ICMP(id=7, seq=9) / b"odd", said("files", 64, 0, 0, None)),
    "echo without a single bit": (to("files") / ICMP(), said("files", 64, 0, 0, None)),
    "timestamp": (to("files") / ICMP(type=13, id=7, seq=9), said("files", 64, 14, 0, None)),
    "address mask": (to("files") / ICMP(type=17), NOTHING),
    "a fragment": (tcp("files", 22, ip={"frag": 100}), NOTHING),
    "a first fragment": (tcp("files", 22, ip={"flags": "MF"}), NOTHING),
}


def summary(packet):
    """What came back, in a few words."""
    ip = packet[IP]
    if TCP in packet:
        return ip.src, ip.ttl, str(packet[TCP].flags), packet[TCP].seq, packet[TCP].ack
    quoted = packet[ICMP].payload if packet[ICMP].type in (3, 11) else None
    return ip.src, ip.ttl, packet[ICMP].type, packet[ICMP].code, quoted and quoted.ttl


def check(name):
    packet, expected = ODD[name]
    exchange = pl.send(packet, timeout=0.3)
    frames = [frame for frame in exchange.frames if frame["direction"] == RECEIVED]
    heard = [Ether(frame["data"][: frame["captured"]].tobytes()) for frame in frames]
    assert [summary(packet) for packet in heard if IP in packet] == expected


@pytest.mark.inlab
def test_an_echo_without_a_single_bit_is_read():
    """The answer to a plain ICMP() has no bit set, its checksum included."""
    assert "The echo comes back" in str(pl.send(to("files") / ICMP(), timeout=0.3))


@pytest.mark.parametrize("name", ODD)
def test_simulated(name, tmp_path, monkeypatch):
    path = tmp_path / "lab.json"
    path.write_text(json.dumps(descriptor(LAB, lossy=False)))
    monkeypatch.setenv(VARIABLE, str(path))
    check(name)


@pytest.mark.inlab
@pytest.mark.parametrize("name", ODD)
def test_embedded(name):
    check(name)

"""What is a scan in a capture, and what is ordinary traffic or none at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from tests.portlab.captures.captured import (
    EVERYBODY,
    GATEWAY,
    HERE,
    KERNEL,
    ME,
    OTHER,
    WEB,
    answered,
    back,
    datagram,
    error,
    is_at,
    scans_of,
    session,
    tcp,
    told,
    who_has,
)


def lookup(name: str, port: int) -> Packet:
    return IP(src=ME, dst=GATEWAY) / UDP(sport=port, dport=53) / DNS(id=port, rd=1, qd=DNSQR(qname=name))


def broadcast(packet: Packet) -> Packet:
    return Ether(src=HERE, dst=EVERYBODY) / packet


NO_QUESTION = {
    "a connection from before the capture": [
        tcp("A", seq=50, ack=60),
        back("PA", seq=60, ack=50, data=b"news"),
        tcp("A", seq=50, ack=64),
    ],
    "a connection from before the capture that ends": [
        tcp("FA", seq=50, ack=60),
        back("A", seq=60, ack=51),
        back("FA", seq=60, ack=51),
        tcp("A", seq=51, ack=61),
    ],
    "one acknowledgement, and nothing else": [tcp("A", seq=50, ack=60)],
    "both keep their connection alive": [tcp("A", seq=49, ack=60), back("A", seq=60, ack=50)] * 3,
    "one side closes, unheard": [tcp("FA", seq=50, ack=60)] * 4,
    "the end of a handshake": [back("SA", seq=7, ack=1001, source=OTHER), tcp("A", seq=50, ack=60)],
    "an answer to a broadcast": [
        broadcast(datagram(1900, 51_000, dst="239.255.255.250")),
        datagram(51_000, 40_000, src=WEB, dst=ME),
    ],
    "an announcement to everybody": [
        broadcast(datagram(138, 138, dst="10.77.1.255")),
        broadcast(IP(src=ME, dst="10.77.1.255") / ICMP(id=1, seq=1)),
        broadcast(datagram(67, 68, src="0.0.0.0", dst="255.255.255.255")),
    ],
    "an offer of DHCP": [datagram(68, 67, src=GATEWAY, dst="10.77.1.150")],
}


@pytest.mark.parametrize("packets", NO_QUESTION.values(), ids=NO_QUESTION)
def test_where_nobody_asked_nothing_is_claimed(tmp_path: Path, packets: list[Packet]) -> None:
    found = [scan for scan in scans_of(tmp_path, *packets) if scan.technique != "syn"]
    assert found == []


ORDINARY = {
    "one connection": session(),
    "many connections to one port": [p for at in range(30) for p in session(port=50_000 + at)],
    "connections to many hosts": [p for at in range(30) for p in session(target=f"10.9.0.{at + 1}")],
    "a server's several ports": [p for at in (80, 443, 8080) for p in session(to=at)],
    "names looked up, some in vain": [
        *(p for at in range(20) for p in answered(53, 50_000 + at)),
        *(datagram(53, 51_000 + at) for at in range(5)),
    ],
    "one host pinged": [IP(src=ME, dst=WEB) / ICMP(id=1, seq=at) / b"1234" for at in range(3)],
    "traceroute": [IP(src=ME, dst=WEB, ttl=at + 1) / UDP(sport=50_000, dport=33_434 + at) for at in range(9)],
    "a connection called off": [
        *session(),
        tcp("S", port=50_001, options=KERNEL),
        back("SA", port=50_001),
        tcp("R", port=50_001, seq=1001),
    ],
    "dead hosts here and there": [tcp("S", target=f"10.9.{at}.1", options=KERNEL) for at in range(9)],
    "a refused connection": [tcp("S", options=KERNEL), back("RA", seq=0)],
    "a rest of a connection, reset": [tcp("FA", ack=77), back("R", seq=77, ack=0)],
}


@pytest.mark.parametrize("packets", ORDINARY.values(), ids=ORDINARY)
def test_what_programs_do_is_no_scan(tmp_path: Path, packets: list[Packet]) -> None:
    scans = scans_of(tmp_path, *packets)
    assert {scan.traffic for scan in scans} == {"ordinary"}
    assert list(scans.ordinary) == list(scans)
    assert scans.only == []
    assert repr(scans).startswith("No scan was found.\n\nNo scan, but ordinary traffic: ")


PORTS, HOSTS = (21, 22, 23), [f"10.9.0.{at}" for at in range(1, 6)]
SCANS = {
    "syn": [tcp("S")],
    "fin": [tcp("F")],
    "fin, with data": [tcp("F", data=b"x")],
    "null": [tcp("")],
    "xmas": [tcp("FPU")],
    "connect": [p for at in PORTS for p in (tcp("S", to=at, options=KERNEL), back("RA", to=at, seq=0))],
    "connect, nothing said": [p for at in PORTS for p in session(to=at) if not bytes(p[TCP].payload)],
    "connect, one port of several hosts": [tcp("S", target=host, options=KERNEL) for host in HOSTS],
    "udp": [datagram(at) for at in PORTS],
    "udp, half of it answered": [*answered(53), *answered(123), datagram(9), datagram(161)],
    "udp, one port of several hosts": [datagram(161, dst=host) for host in HOSTS],
    "ping": [IP(src=ME, dst=host) / ICMP(id=1, seq=1) / b"1234" for host in HOSTS],
    "ack": [tcp("A", to=at, ack=77) for at in PORTS],
    "maimon": [p for at in PORTS[:2] for p in (tcp("FA", to=at, ack=77), back("R", to=at, seq=77, ack=0))],
    "ping-arp": [who_has(host) for host in HOSTS],
}


@pytest.mark.parametrize(("name", "packets"), SCANS.items(), ids=SCANS)
def test_what_only_scanners_do_is_a_scan(tmp_path: Path, name: str, packets: list[Packet]) -> None:
    """...also beside ordinary traffic of the same host, which stays apart."""
    others = [p for at in range(4) for p in session(port=40_000 + at, target="10.8.0.1")]
    scans = scans_of(tmp_path, *packets, *others)
    assert [(scan.technique, scan.traffic) for scan in scans] == [
        (name.partition(",")[0], "scan"),
        ("connect", "ordinary"),
    ]


def test_ordinary_traffic_is_told_after_the_scans_in_one_sentence(tmp_path: Path) -> None:
    scans = scans_of(
        tmp_path,
        *(p for at in range(20) for p in session(port=50_000 + at)),
        *(lookup(name, 40_000 + at) for at, name in enumerate(["a.lab", "b.lab", "c.lab", "a.lab"])),
        tcp("F", to=99),
    )
    text = repr(scans)
    assert text.index("FIN scan of 10.77.2.10 by 10.77.1.100") < text.index(
        "20 connections, 3 names looked up."
    )
    assert "Connections to 10.77.2.10 by 10.77.1.100" in text
    assert "20 connections, 3 names looked up" in scans._repr_mimebundle_()["text/html"]
    assert set(scans.to_frame()["traffic"]) == {"scan", "ordinary"}


def test_an_answer_is_no_question_to_the_scanner(tmp_path: Path) -> None:
    """A raw socket's kernel knows nothing of the datagram it asked for, and says so."""
    answer = datagram(50_000, 53, src=WEB, dst=ME)
    (scan,) = scans_of(tmp_path, datagram(53), answer, error(answer, source=ME))
    assert told([scan]) == {("udp", "ordinary"): {(WEB, 53): "open"}}  # type: ignore[arg-type]
    assert scan.events.frames["direction"].tolist() == [1, 0, 1]


def test_split_handshake_is_one_connection(tmp_path: Path) -> None:
    (scan,) = scans_of(
        tmp_path,
        tcp("S", options=KERNEL),
        back("S", ack=0, seq=77, options=KERNEL),
        tcp("SA", ack=78),
        back("A", seq=78),
    )
    assert told([scan]) == {("connect", "ordinary"): {(WEB, 80): "open"}}  # type: ignore[arg-type]


def test_arp_sweep_beside_other_traffic(tmp_path: Path) -> None:
    hosts = [f"10.77.1.{at}" for at in range(1, 30)]
    sweep = [who_has(host) for host in hosts]
    scans = scans_of(tmp_path, *sweep, is_at(GATEWAY), lookup("web.lab", 50_000))
    assert [(scan.technique, scan.traffic) for scan in scans] == [("ping-arp", "scan"), ("udp", "ordinary")]
    assert {row.address: str(row.state) for row in scans[0]} == {
        h: "up" if h == GATEWAY else "down" for h in hosts
    }


def test_hosts_of_an_ordinary_neighbour_are_no_sweep(tmp_path: Path) -> None:
    hosts = [f"10.77.1.{at}" for at in range(1, 9)]
    packets = [p for host in hosts for p in (who_has(host), is_at(host), *session(target=host))]
    (scan,) = scans_of(tmp_path, *packets)
    assert (scan.technique, scan.traffic) == ("connect", "ordinary")


@pytest.mark.parametrize("address", ["240.0.0.1", "250.1.2.3", "10.0.0.255"])
def test_addresses_that_only_look_like_groups(tmp_path: Path, address: str) -> None:
    ping = IP(src=ME, dst=address) / ICMP(id=1, seq=1) / b"1234"
    scans = scans_of(tmp_path, datagram(161, dst=address), ping)
    assert {scan.technique: scan.row(0).address for scan in scans} == {"udp": address, "ping": address}


def test_probes_for_operating_systems_are_no_connect(tmp_path: Path) -> None:
    """nmap -O: six SYNs with odd options, and segments that no system begins with; nobody finishes a handshake."""
    ts, ok = ("Timestamp", (0xFFFF_FFFF, 0)), ("SAckOK", b"")
    orders = [
        (1, [("WScale", 10), ("NOP", None), ("MSS", 1460), ts, ok]),
        (63, [("MSS", 1400), ("WScale", 0), ok, ts, ("EOL", None)]),
        (4, [ts, ("NOP", None), ("NOP", None), ("WScale", 5), ("NOP", None), ("MSS", 640)]),
        (16, [("MSS", 536), ok, ts, ("WScale", 10), ("EOL", None)]),
    ]
    packets = []
    for at, (window, options) in enumerate(orders):
        packets += [tcp("S", port=50_000 + at, seq=1000 + at, window=window, options=options)]
        packets += [back("SA", port=50_000 + at, ack=1001 + at), tcp("R", port=50_000 + at, seq=1001 + at)]
    packets += [tcp("S", to=9, window=31_337, options=orders[0][1]), back("RA", to=9, seq=0)]
    packets += [
        tcp("", port=50_010, options=orders[0][1]),
        tcp("FPU", to=9, port=50_011, options=orders[0][1]),
    ]
    scans = scans_of(tmp_path, *packets)
    assert told(scans) == {
        ("syn", "scan"): {(WEB, 80): "open", (WEB, 9): "closed"},
        ("null", "scan"): {(WEB, 80): "open|filtered"},
        ("xmas", "scan"): {(WEB, 9): "open|filtered"},
    }


def test_decoys_are_told_apart_by_who_asked(tmp_path: Path) -> None:
    """Two scanners from the same port, in the same moment, with the same number."""
    packets = [
        p
        for source in (ME, OTHER)
        for at, flags in ((80, "SA"), (81, "RA"))
        for p in (tcp("S", to=at, source=source), back(flags, to=at, source=source))
    ]
    scans = scans_of(tmp_path, *packets)
    assert [row.scanner for scan in scans for row in scan] == [ME, ME, OTHER, OTHER]
    assert [repr(scan).splitlines()[0] for scan in scans] == [
        f"SYN scan of {WEB} by {who}   [capture]" for who in (ME, OTHER)
    ]
    frame = scans.to_frame()
    assert frame["scanner"].tolist() == [ME, ME, OTHER, OTHER]
    assert frame["state"].tolist() == ["open", "closed"] * 2


@pytest.mark.parametrize(("flags", "verdict"), [("A", "unfiltered"), ("FA", "closed")], ids=["ack", "maimon"])
@pytest.mark.parametrize("number", [0, 77, 1000])
def test_a_rst_repeats_what_was_acknowledged_be_it_nothing(
    tmp_path: Path, flags: str, verdict: str, number: int
) -> None:
    """RFC 9293 section 3.10.7.1: its sequence number is the acknowledgment number that it answers."""
    asked = [p for at in PORTS for p in (tcp(flags, to=at, ack=number), back("R", to=at, seq=number, ack=0))]
    (scan,) = scans_of(tmp_path, *asked)
    assert [(row.state, row.reason) for row in scan] == [(verdict, "reset")] * len(PORTS)

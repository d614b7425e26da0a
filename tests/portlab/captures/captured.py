"""Captures made by Scapy, as tcpdump on somebody's Ethernet would write them, and their scans."""

from __future__ import annotations

from pathlib import Path

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet
from scapy.utils import wrpcap

import portlab as pl
from portlab.evidence.scans import Scans

ME, OTHER, WEB, GATEWAY = "10.77.1.100", "10.77.1.101", "10.77.2.10", "10.77.1.1"
KERNEL = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)]
HERE, THERE, EVERYBODY = "02:00:00:00:00:01", "02:00:00:00:00:02", "ff:ff:ff:ff:ff:ff"


def scans_of(path: Path, *packets: Packet, gap_s: float = 0.001) -> Scans:
    """The scans that are found in these packets, sent in even steps."""
    frames = []
    for index, packet in enumerate(packets):
        frame = packet if Ether in packet else Ether(src=HERE, dst=THERE) / packet
        frame.time = 1_700_000_000 + index * gap_s
        frames.append(frame)
    wrpcap(str(path / "x.pcap"), frames)
    return pl.read_pcap(path / "x.pcap")


def tcp(flags: str, *, to: int = 80, port: int = 50_000, data: bytes = b"", **fields: object) -> Packet:
    """A segment to the web server; `source` and `target` may be others."""
    ends = {"src": fields.pop("source", ME), "dst": fields.pop("target", WEB)}
    return IP(**ends) / TCP(**({"sport": port, "dport": to, "flags": flags, "seq": 1000} | fields)) / data


def back(flags: str, *, to: int = 80, port: int = 50_000, data: bytes = b"", **fields: object) -> Packet:
    """A segment that comes back."""
    ends = {"src": fields.pop("target", WEB), "dst": fields.pop("source", ME)}
    values = {"sport": to, "dport": port, "flags": flags, "seq": 7, "ack": 1001} | fields
    return IP(**ends) / TCP(**values) / data


def session(to: int = 443, port: int = 50_000, **ends: object) -> list[Packet]:
    """A connection on which something is asked and answered."""
    return [
        tcp("S", to=to, port=port, options=KERNEL, **ends),
        back("SA", to=to, port=port, **ends),
        tcp("A", to=to, port=port, seq=1001, ack=8, **ends),
        tcp("PA", to=to, port=port, seq=1001, ack=8, data=b"GET /", **ends),
        back("PA", to=to, port=port, seq=8, ack=1006, data=b"200", **ends),
        tcp("FA", to=to, port=port, seq=1006, ack=11, **ends),
        back("FA", to=to, port=port, seq=11, ack=1007, **ends),
        tcp("A", to=to, port=port, seq=1007, ack=12, **ends),
    ]


def datagram(to: int, port: int = 50_000, data: bytes = b"?", **ends: str) -> Packet:
    return IP(**({"src": ME, "dst": WEB, "id": 7} | ends)) / UDP(sport=port, dport=to) / data


def answered(to: int, port: int = 50_000, **ends: str) -> list[Packet]:
    """A datagram and what comes back for it."""
    src, dst = ends.get("src", ME), ends.get("dst", WEB)
    return [datagram(to, port, **ends), datagram(port, to, src=dst, dst=src)]


def error(about: Packet, type_: int = 3, code: int = 3, source: str = WEB) -> Packet:
    return IP(src=source, dst=about[IP].src) / ICMP(type=type_, code=code) / IP(bytes(about)[:28])


def who_has(address: str, asker: str = ME) -> Packet:
    return Ether(src=HERE, dst=EVERYBODY) / ARP(op=1, psrc=asker, pdst=address)


def is_at(address: str, asker: str = ME) -> Packet:
    return Ether(src=THERE, dst=HERE) / ARP(op=2, psrc=address, pdst=asker)


def told(scans: Scans) -> dict[tuple[str, str], dict[tuple[str, int | None], str]]:
    """(technique, traffic) -> (address, port) -> state."""
    return {
        (scan.technique, scan.traffic): {(row.address, row.port): str(row.state) for row in scan}
        for scan in scans
    }


def spoilt(packet: Packet) -> Packet:
    """The same with a wrong checksum of TCP or ICMP."""
    packet = IP(bytes(packet))
    packet[TCP if packet.proto == 6 else ICMP].chksum ^= 0x1234
    return packet

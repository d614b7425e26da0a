"""Scapy is the judge of every field."""

from typing import Any

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether

from portlab.addresses import number
from portlab.view.ladder.packet import read
from tests.portlab.view import made

NAMES: list[tuple[str, Any]] = [
    ("SYN", TCP(flags="S")),
    ("SYN-ACK", TCP(flags="SA")),
    ("RST-ACK", TCP(flags="RA")),
    ("FIN-ACK", TCP(flags="FA")),
    ("FIN-PSH-URG", TCP(flags="FPU")),
    ("no flags", TCP(flags="")),
    ("PSH-ACK 5 B", TCP(flags="PA") / b"hello"),
    ("SYN", TCP(flags="S", options=[("MSS", 1460), ("Timestamp", (1, 0))])),
    ("UDP, empty", UDP(sport=9, dport=9)),
    ("UDP 12 B", UDP(sport=9, dport=9) / bytes(12)),
    ("ICMP echo request", ICMP(type=8)),
    ("ICMP echo reply", ICMP(type=0)),
    ("ICMP timestamp request", ICMP(type=13)),
    ("ICMP net unreachable (3/0)", ICMP(type=3, code=0) / bytes(28)),
    ("ICMP host unreachable (3/1)", ICMP(type=3, code=1) / bytes(28)),
    ("ICMP protocol unreachable (3/2)", ICMP(type=3, code=2) / bytes(28)),
    ("ICMP port unreachable (3/3)", ICMP(type=3, code=3) / bytes(28)),
    ("ICMP host prohibited (3/10)", ICMP(type=3, code=10) / bytes(28)),
    ("ICMP admin prohibited (3/13)", ICMP(type=3, code=13) / bytes(28)),
    ("ICMP unreachable (3/15)", ICMP(type=3, code=15) / bytes(28)),
    ("ICMP time exceeded (11/0)", ICMP(type=11, code=0) / bytes(28)),
    ("ICMP type 40, code 1", ICMP(type=40, code=1)),
]


@pytest.mark.parametrize(("name", "layer"), NAMES, ids=[name for name, _ in NAMES])
def test_names(name: str, layer: Any) -> None:
    (packet,) = read(made.frame(0, False, IP(src=made.WEB, dst=made.SCANNER) / layer))
    assert packet.what == name


@pytest.mark.parametrize("name", made.EXCHANGES)
def test_fields_are_those_that_scapy_reads(name: str) -> None:
    frames = made.EXCHANGES[name]().frames
    for row, packet in zip(frames, read(frames), strict=True):
        seen = Ether(bytes(row["data"][: row["captured"]]))
        if ARP in seen:
            assert (packet.arp_operation, packet.arp_target) == (seen[ARP].op, number(seen[ARP].pdst))
            continue
        assert (packet.source, packet.destination) == (number(seen[IP].src), number(seen[IP].dst))
        assert (packet.ttl, packet.length) == (seen[IP].ttl, row["length"])
        if TCP in seen and not packet.is_error:
            tcp = seen[TCP]
            assert (packet.sequence_number, packet.acknowledgment_number) == (tcp.seq, tcp.ack)
            assert packet.control_bits == int(tcp.flags)
            assert {packet.near, packet.far} == {tcp.sport, tcp.dport}
        if UDP in seen and not packet.is_error:
            assert packet.data_length == seen[UDP].len - 8
        if ICMP in seen:
            assert packet.icmp == (seen[ICMP].type, seen[ICMP].code)


def test_lengths_with_options() -> None:
    layer = TCP(flags="PA", options=[("MSS", 1460), ("NOP", None), ("WScale", 7)]) / b"four"
    plain, with_ip_options = (
        made.frame(0, True, IP(src=made.SCANNER, dst=made.WEB, options=options) / layer)
        for options in ([], b"\x01" * 4)
    )
    packets = read(np.concatenate([plain, with_ip_options]))
    assert [packet.data_length for packet in packets] == [4, 4]


def test_what_cannot_be_read_is_told() -> None:
    unknown = IP(src=made.WEB, dst=made.SCANNER, proto=132) / bytes(20)
    other = Ether(type=0x88CC) / bytes(60)
    names = [
        packet.what
        for packet in read(np.concatenate([made.frame(0, False, unknown), made.frame(1, False, other)]))
    ]
    assert names == ["IP packet that cannot be read", "frame of 74 B"]


def test_a_packet_with_a_wrong_checksum_is_named_and_marked() -> None:
    bad = IP(src=made.WEB, dst=made.SCANNER) / TCP(flags="SA", chksum=1)
    received, sent = read(np.concatenate([made.frame(0, False, bad), made.frame(1, True, bad)]))
    assert (received.what, received.damaged) == ("SYN-ACK", True)
    assert (sent.what, sent.damaged) == ("SYN-ACK", False)  # its card fills it in

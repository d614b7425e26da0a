"""Every crafted packet equals what Scapy builds from the same fields, checksums included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether

from portlab.addresses import dotted
from portlab.packets import craft
from portlab.techniques import TECHNIQUES, technique
from tests.portlab.frames import probe

ports = st.integers(0, 0xFFFF)
addresses = st.integers(0, 0xFFFFFFFF)
words = st.integers(0, 0xFFFFFFFF)


def rebuilt(data: bytes) -> bytes:
    """The same packet with every checksum and length worked out anew by Scapy."""
    packet = IP(data)
    del packet.chksum, packet.len
    for layer in (TCP, UDP, ICMP):
        if layer in packet:
            del packet[layer].chksum
    if UDP in packet:
        del packet[UDP].len
    return bytes(packet)


@settings(max_examples=200, deadline=None)
@given(addresses, addresses, ports, ports, words, words, st.integers(0, 0x3F), st.integers(1, 255))
def test_tcp_equals_scapys(source, destination, sport, dport, sequence, acknowledgment, flags, ttl):
    (row,) = craft.tcp(
        source,
        np.array([destination], np.uint32),
        sport,
        dport,
        sequence_number=sequence,
        acknowledgment_number=acknowledgment,
        control_bits=flags,
        ttl=ttl,
    )
    theirs = IP(src=dotted(source), dst=dotted(destination), ttl=ttl, flags="DF", id=0) / TCP(
        sport=sport, dport=dport, seq=sequence, ack=acknowledgment, flags=flags, window=craft.WINDOW
    )
    assert row.tobytes() == bytes(theirs)


@settings(max_examples=200, deadline=None)
@given(addresses, ports, ports, st.lists(st.binary(max_size=40), min_size=1, max_size=4))
def test_udp_of_different_lengths_equals_scapys(destination, sport, dport, payloads):
    width = max(len(data) for data in payloads)
    table = np.zeros((len(payloads), width), np.uint8)
    for row, data in zip(table, payloads, strict=True):
        row[: len(data)] = np.frombuffer(data, np.uint8)
    rows = craft.udp(
        1,
        np.full(len(payloads), destination, np.uint32),
        sport,
        dport,
        data=table,
        data_length=[len(data) for data in payloads],
    )
    for row, length, data in zip(rows, craft.total_length(rows), payloads, strict=True):
        theirs = (
            IP(src="0.0.0.1", dst=dotted(destination), flags="DF", id=0)
            / UDP(sport=sport, dport=dport)
            / data
        )
        assert row[:length].tobytes() == bytes(theirs)


def test_a_udp_checksum_of_zero_is_sent_as_ones():
    # RFC 768: zero means "no checksum", so a sum that comes out as zero is sent as its other form
    rows = craft.udp(0, np.zeros(65_536, np.uint32), np.arange(65_536), 0)
    (special,) = np.flatnonzero((rows[:, 26:28] == 0xFF).all(axis=1))
    assert not (rows[:, 26:28] == 0).all(axis=1).any()
    assert rebuilt(rows[special].tobytes())[26:28] == b"\xff\xff"


@settings(max_examples=100, deadline=None)
@given(addresses, st.sampled_from([0, 8]), ports, ports, st.binary(max_size=61))
def test_icmp_equals_scapys(destination, type_, identifier, sequence, data):
    rows = craft.icmp(
        1,
        np.array([destination], np.uint32),
        type_=type_,
        identifier=identifier,
        sequence_number=sequence,
        data=data,
    )
    ours = IP(rows[0].tobytes())
    assert (ours[ICMP].type, ours[ICMP].id, ours[ICMP].seq) == (type_, identifier, sequence)
    assert rebuilt(rows[0].tobytes()) == rows[0].tobytes()


def test_an_icmp_error_equals_scapys():
    quoted = bytes(IP(dst="10.77.2.10") / UDP(dport=9))
    rows = craft.icmp(1, np.array([2], np.uint32), type_=3, code=13, data=quoted)
    theirs = IP(src="0.0.0.1", dst="0.0.0.2", flags="DF", id=0) / ICMP(type=3, code=13) / quoted
    assert rows[0].tobytes() == bytes(theirs)


def test_arp_requests_equal_scapys():
    mac = np.array([2, 0, 10, 77, 1, 100], np.uint8)
    frames = craft.arp_requests(mac, 0x0A4D0164, np.array([0x0A4D010A, 0x0A4D0163], np.uint32))
    for frame, asked in zip(frames, ["10.77.1.10", "10.77.1.99"], strict=True):
        theirs = Ether(src="02:00:0a:4d:01:64", dst="ff:ff:ff:ff:ff:ff") / ARP(
            op="who-has", hwsrc="02:00:0a:4d:01:64", psrc="10.77.1.100", hwdst="00:00:00:00:00:00", pdst=asked
        )
        assert frame.tobytes() == bytes(theirs)


def test_a_table_of_all_ports_differs_only_where_it_must():
    numbers = np.arange(65_536)
    rows = craft.tcp(1, np.full(65_536, 2, np.uint32), 61_000, numbers, sequence_number=7, control_bits=2)
    assert rows.shape == (65_536, 40)
    for port in (0, 1, 255, 256, 65_535):
        assert IP(rows[port].tobytes())[TCP].dport == port
        assert rebuilt(rows[port].tobytes()) == rows[port].tobytes()


@pytest.mark.parametrize("name", [name for name in TECHNIQUES if name not in ("connect", "ping-arp")])
def test_what_every_technique_sends_is_whole(name):
    payload = {"payload": 2} if name == "udp" else {}
    rows = technique(name).craft(probe(**payload))
    data = rows[0][: craft.total_length(rows)[0]].tobytes()
    assert rebuilt(data) == data

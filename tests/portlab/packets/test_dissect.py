"""Every field is read as Scapy reads it; what a host would not read either matches no mask."""

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP, fragment
from scapy.layers.l2 import ARP

from portlab.addresses import number
from portlab.model import CHECKSUM_NOT_READY, SENT, no_frames
from portlab.packets.dissect import Dissected
from tests.portlab.frames import GATEWAY, SCANNER, TARGET, frame_of

SYN_ACK = IP(src=TARGET, dst=SCANNER, ttl=63, id=77) / TCP(sport=80, dport=61_234, flags="SA", seq=5, ack=9)
UNREACHABLE = (
    IP(src=GATEWAY, dst=SCANNER)
    / ICMP(type=3, code=13)
    / IP(src=SCANNER, dst=TARGET, id=99)
    / TCP(sport=61_234, dport=8080, seq=4321)
)


def read(*packets, **how):
    return Dissected(np.concatenate([frame_of(packet, **how) for packet in packets]))


def test_tcp_fields():
    seen = read(SYN_ACK)
    assert seen.is_tcp[0]
    assert not seen.is_udp[0]
    assert not seen.is_icmp[0]
    found = (seen.source, seen.destination, seen.source_port, seen.destination_port, seen.sequence_number)
    assert [int(column[0]) for column in found] == [number(TARGET), number(SCANNER), 80, 61_234, 5]
    assert (seen.acknowledgment_number[0], seen.control_bits[0], seen.ttl[0], seen.identification[0]) == (
        9,
        0x12,
        63,
        77,
    )


def test_the_packet_quoted_in_an_error():
    seen = read(UNREACHABLE)
    assert seen.is_error[0]
    assert (seen.icmp_type[0], seen.icmp_code[0], seen.quoted_protocol[0]) == (3, 13, 6)
    assert (seen.quoted_source_port[0], seen.quoted_destination_port[0], seen.quoted_sequence_number[0]) == (
        61_234,
        8080,
        4321,
    )
    assert (seen.quoted_destination[0], seen.quoted_identification[0]) == (number(TARGET), 99)


def test_ip_options_in_either_header_shift_nothing():
    options = [IPOption_NOP()] * 8
    seen = read(
        IP(src=TARGET, dst=SCANNER, options=options) / TCP(sport=80, dport=61_234, flags="SA", seq=5, ack=9),
        IP(src=GATEWAY, dst=SCANNER, options=options)
        / ICMP(type=3, code=3)
        / IP(src=SCANNER, dst=TARGET, options=options)
        / UDP(sport=61_234, dport=161),
        SYN_ACK,
    )
    assert seen.is_tcp.tolist() == [True, False, True]
    assert seen.acknowledgment_number[[0, 2]].tolist() == [9, 9]
    assert (seen.quoted_destination_port[1], seen.quoted_source_port[1], seen.is_error[1]) == (
        161,
        61_234,
        True,
    )


def test_arp_fields():
    seen = read(ARP(op="is-at", psrc=TARGET, hwsrc="02:00:0a:4d:02:0a", pdst=SCANNER))
    assert seen.is_arp[0]
    assert not seen.is_ipv4[0]
    assert (seen.arp_operation[0], seen.arp_sender[0], seen.arp_target[0]) == (
        2,
        number(TARGET),
        number(SCANNER),
    )
    assert bytes(seen.arp_sender_hardware[0]).hex(":") == "02:00:0a:4d:02:0a"


def test_data_beyond_the_packet_is_no_part_of_it():
    # Ethernet pads short frames to 60 bytes, and not every card pads with zeros
    padded = frame_of(SYN_ACK)
    padded["length"] = padded["captured"] = 60
    padded["data"][0, 54:60] = 0xAB
    assert Dissected(padded).is_tcp[0]


def spoilt(packet, **fields):
    copy = IP(bytes(packet))
    for path, value in fields.items():
        layer, _, name = path.partition("_")
        setattr(copy[{"ip": IP, "tcp": TCP, "icmp": ICMP}[layer]], name, value)
    return copy


@pytest.mark.parametrize(
    "packet",
    [
        spoilt(SYN_ACK, tcp_chksum=1),
        spoilt(SYN_ACK, ip_chksum=1),
        spoilt(SYN_ACK, ip_len=2000),
        spoilt(SYN_ACK, ip_len=30),
        spoilt(SYN_ACK, ip_version=6),
        spoilt(SYN_ACK, ip_ihl=4),
        IP(src=TARGET, dst=SCANNER) / TCP(sport=80, dport=61_234, flags="SA", dataofs=4),
        IP(src=TARGET, dst=SCANNER) / TCP(sport=80, dport=61_234, flags="SA", dataofs=15),
        spoilt(UNREACHABLE, icmp_chksum=1),
        fragment(IP(src=TARGET, dst=SCANNER, proto=6) / (b"x" * 64), 32)[1],
    ],
    ids=[
        "tcp checksum",
        "ip checksum",
        "too long",
        "too short",
        "version",
        "ihl",
        "data offset too small",
        "data offset too large",
        "icmp checksum",
        "later fragment",
    ],
)
def test_what_a_host_would_discard_is_not_read(packet):
    seen = read(packet)
    assert not (seen.is_tcp | seen.is_udp | seen.is_icmp | seen.is_error)[0]


def test_a_checksum_that_the_kernel_has_not_filled_yet_is_not_wrong():
    assert read(spoilt(SYN_ACK, tcp_chksum=1), marks=CHECKSUM_NOT_READY).is_tcp[0]
    assert read(spoilt(SYN_ACK, tcp_chksum=1), direction=SENT).is_tcp[0]


def test_a_frame_cut_off_inside_a_header_is_not_read():
    cut = frame_of(SYN_ACK)
    cut["captured"] = 50
    assert not Dissected(cut).is_tcp[0]
    quoting = frame_of(UNREACHABLE)
    quoting["captured"] = 68  # the quoted ports would begin at 62 and need eight bytes
    assert not Dissected(quoting).is_error[0]


def test_a_long_segment_of_which_only_the_beginning_was_kept_is_read():
    assert read(IP(src=TARGET, dst=SCANNER) / TCP(sport=80, dport=1, flags="A") / (b"x" * 400)).is_tcp[0]


def test_no_frames_at_all():
    seen = Dissected(no_frames())
    assert len(seen) == 0
    assert not seen.is_tcp.any()


@pytest.mark.parametrize(("checksum", "readable"), [(0, True), (0xFFFF, True), (1, False)])
def test_an_echo_without_a_single_bit_has_two_right_checksums(checksum, readable):
    seen = read(IP(src=TARGET, dst=SCANNER) / ICMP(type=0, chksum=checksum))
    assert seen.is_icmp.tolist() == [readable]

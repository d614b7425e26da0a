"""Headers as tables: each is a NumPy structured dtype whose fields carry the names of its RFC.

`rows.view(TCP)` reads bytes as headers; filling a field writes it in network byte order.
"""

from __future__ import annotations

import numpy as np

ETHERNET = np.dtype([("destination", "u1", 6), ("source", "u1", 6), ("ethertype", ">u2")])
"""Ethernet II frame header, 14 bytes."""

ARP = np.dtype(
    [
        ("hardware_type", ">u2"),
        ("protocol_type", ">u2"),
        ("hardware_length", "u1"),
        ("protocol_length", "u1"),
        ("operation", ">u2"),
        ("sender_hardware", "u1", 6),
        ("sender_protocol", ">u4"),
        ("target_hardware", "u1", 6),
        ("target_protocol", ">u4"),
    ]
)
"""Address Resolution Protocol for IPv4 on Ethernet, 28 bytes (RFC 826)."""

IPV4 = np.dtype(
    [
        ("version_ihl", "u1"),
        ("type_of_service", "u1"),
        ("total_length", ">u2"),
        ("identification", ">u2"),
        ("flags_fragment_offset", ">u2"),
        ("time_to_live", "u1"),
        ("protocol", "u1"),
        ("header_checksum", ">u2"),
        ("source_address", ">u4"),
        ("destination_address", ">u4"),
    ]
)
"""Internet Protocol header without options, 20 bytes (RFC 791 section 3.1)."""

ICMP = np.dtype(
    [("type", "u1"), ("code", "u1"), ("checksum", ">u2"), ("identifier", ">u2"), ("sequence_number", ">u2")]
)
"""ICMP message header, 8 bytes; in an error the last four are unused and the quoted packet follows (RFC 792).
"""

TCP = np.dtype(
    [
        ("source_port", ">u2"),
        ("destination_port", ">u2"),
        ("sequence_number", ">u4"),
        ("acknowledgment_number", ">u4"),
        ("data_offset", "u1"),  # upper four bits; the lower four are reserved
        ("control_bits", "u1"),
        ("window", ">u2"),
        ("checksum", ">u2"),
        ("urgent_pointer", ">u2"),
    ]
)
"""TCP header without options, 20 bytes (RFC 9293 section 3.1)."""

UDP = np.dtype([("source_port", ">u2"), ("destination_port", ">u2"), ("length", ">u2"), ("checksum", ">u2")])
"""UDP header, 8 bytes (RFC 768)."""

FIN, SYN, RST, PSH, ACK, URG = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
"""TCP's control bits (RFC 9293 section 3.1)."""

ICMP_PROTOCOL, TCP_PROTOCOL, UDP_PROTOCOL = 1, 6, 17
PROTOCOLS = {"icmp": ICMP_PROTOCOL, "tcp": TCP_PROTOCOL, "udp": UDP_PROTOCOL}
ETHERTYPE_IPV4, ETHERTYPE_ARP = 0x0800, 0x0806
ARP_REQUEST, ARP_REPLY = 1, 2

ECHO_REPLY, UNREACHABLE, ECHO_REQUEST, TIME_EXCEEDED, TIMESTAMP, TIMESTAMP_REPLY = 0, 3, 8, 11, 13, 14
"""ICMP types (RFC 792)."""
ICMP_ERRORS = (UNREACHABLE, 4, 5, TIME_EXCEEDED, 12)
"""ICMP types that quote the packet they are about (RFC 1122 section 3.2.2)."""

ETHERNET_SIZE, IPV4_SIZE, TCP_SIZE, UDP_SIZE, ICMP_SIZE = 14, 20, 20, 8, 8

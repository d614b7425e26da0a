"""Fill tables of packets: one row a packet, every column at once, checksums included.

Each function returns a (rows, bytes) table of IPv4 packets, beginning with the IP header.  Numbers may be
arrays (one a row) or single values (the same for all).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from portlab.packets.checksum import fold, native, pseudo_header_sum, words_sum
from portlab.packets.headers import (
    ARP,
    ARP_REQUEST,
    ETHERNET,
    ETHERTYPE_ARP,
    ETHERTYPE_IPV4,
    ICMP,
    ICMP_PROTOCOL,
    IPV4,
    IPV4_SIZE,
    TCP,
    TCP_PROTOCOL,
    TCP_SIZE,
    UDP,
    UDP_PROTOCOL,
    UDP_SIZE,
)

TTL = 64
DONT_FRAGMENT = 0x4000
WINDOW = 1024

Packets = NDArray[np.uint8]


def tcp(
    source: ArrayLike,
    destination: ArrayLike,
    source_port: ArrayLike,
    destination_port: ArrayLike,
    *,
    sequence_number: ArrayLike,
    acknowledgment_number: ArrayLike = 0,
    control_bits: ArrayLike,
    window: ArrayLike = WINDOW,
    ttl: ArrayLike = TTL,
    identification: ArrayLike = 0,
    options: bytes = b"",
) -> Packets:
    """TCP segments without data (RFC 9293 section 3.1); `options`, a multiple of four bytes, is the same for all."""
    rows = _blank(destination, TCP_SIZE + len(options))
    header = rows[:, IPV4_SIZE : IPV4_SIZE + TCP_SIZE].view(TCP)[:, 0]
    header["source_port"], header["destination_port"] = source_port, destination_port
    header["sequence_number"], header["acknowledgment_number"] = sequence_number, acknowledgment_number
    header["data_offset"] = (TCP_SIZE + len(options)) // 4 << 4
    header["control_bits"], header["window"] = control_bits, window
    rows[:, IPV4_SIZE + TCP_SIZE :] = np.frombuffer(options, np.uint8)
    _fill_ipv4(rows, source, destination, TCP_PROTOCOL, ttl, identification)
    _fill_transport_checksum(rows, TCP_PROTOCOL, header["checksum"], rows.shape[1] - IPV4_SIZE)
    return rows


def udp(
    source: ArrayLike,
    destination: ArrayLike,
    source_port: ArrayLike,
    destination_port: ArrayLike,
    *,
    data: NDArray[np.uint8] | None = None,
    data_length: ArrayLike = 0,
    ttl: ArrayLike = TTL,
    identification: ArrayLike = 0,
) -> Packets:
    """UDP datagrams (RFC 768).  `data` is a (rows, bytes) table padded with zeros, of which `data_length` count."""
    size = 0 if data is None else data.shape[1]
    rows = _blank(destination, UDP_SIZE + size)
    length = np.broadcast_to(np.asarray(data_length, np.uint16) + UDP_SIZE, len(rows))
    header = rows[:, IPV4_SIZE : IPV4_SIZE + UDP_SIZE].view(UDP)[:, 0]
    header["source_port"], header["destination_port"], header["length"] = (
        source_port,
        destination_port,
        length,
    )
    if data is not None:
        rows[:, IPV4_SIZE + UDP_SIZE :] = data
    _fill_ipv4(rows, source, destination, UDP_PROTOCOL, ttl, identification, IPV4_SIZE + length)
    _fill_transport_checksum(rows, UDP_PROTOCOL, header["checksum"], length)
    # "If the computed checksum is zero, it is transmitted as all ones" (RFC 768)
    header["checksum"][header["checksum"] == 0] = 0xFFFF
    return rows


def icmp(
    source: ArrayLike,
    destination: ArrayLike,
    *,
    type_: ArrayLike,
    code: ArrayLike = 0,
    identifier: ArrayLike = 0,
    sequence_number: ArrayLike = 0,
    data: NDArray[np.uint8] | bytes = b"",
    ttl: ArrayLike = TTL,
    identification: ArrayLike = 0,
) -> Packets:
    """ICMP messages (RFC 792); `data` follows the header: bytes for all, or a (rows, bytes) table."""
    body = np.frombuffer(data, np.uint8)[np.newaxis] if isinstance(data, bytes) else data
    rows = _blank(destination, ICMP.itemsize + body.shape[1])
    header = rows[:, IPV4_SIZE : IPV4_SIZE + ICMP.itemsize].view(ICMP)[:, 0]
    header["type"], header["code"] = type_, code
    header["identifier"], header["sequence_number"] = identifier, sequence_number
    rows[:, IPV4_SIZE + ICMP.itemsize :] = body
    _fill_ipv4(rows, source, destination, ICMP_PROTOCOL, ttl, identification)
    native(header["checksum"])[:] = fold(words_sum(rows[:, IPV4_SIZE:]))
    return rows


def arp_requests(
    own_mac: NDArray[np.uint8], source: ArrayLike, asked: NDArray[np.uint32]
) -> NDArray[np.uint8]:
    """Whole Ethernet frames that ask "who has this address?" of everybody on the link (RFC 826)."""
    rows = np.zeros((len(asked), ETHERNET.itemsize + ARP.itemsize), np.uint8)
    ethernet(rows, own_mac, np.full(6, 0xFF, np.uint8), ETHERTYPE_ARP)
    header = rows[:, ETHERNET.itemsize :].view(ARP)[:, 0]
    header["hardware_type"], header["protocol_type"] = 1, ETHERTYPE_IPV4
    header["hardware_length"], header["protocol_length"] = 6, 4
    header["operation"] = ARP_REQUEST
    header["sender_hardware"], header["sender_protocol"] = own_mac, source
    header["target_protocol"] = asked
    return rows


def ethernet(frames: NDArray[np.uint8], source: ArrayLike, destination: ArrayLike, ethertype: int) -> None:
    """Fill the Ethernet header at the beginning of each frame."""
    header = frames[:, : ETHERNET.itemsize].view(ETHERNET)[:, 0]
    header["source"], header["destination"], header["ethertype"] = source, destination, ethertype


def total_length(packets: Packets) -> NDArray[np.uint16]:
    """How many bytes of each row are the packet's, as its own header says."""
    return packets[:, :IPV4_SIZE].view(IPV4)[:, 0]["total_length"].astype(np.uint16)


def _blank(destination: ArrayLike, body: int) -> Packets:
    return np.zeros((len(np.atleast_1d(destination)), IPV4_SIZE + body), np.uint8)


def _fill_ipv4(
    rows: Packets,
    source: ArrayLike,
    destination: ArrayLike,
    protocol: int,
    ttl: ArrayLike,
    identification: ArrayLike,
    length: ArrayLike | None = None,
) -> None:
    header = rows[:, :IPV4_SIZE].view(IPV4)[:, 0]
    header["version_ihl"] = 0x45
    header["total_length"] = rows.shape[1] if length is None else length
    header["identification"], header["flags_fragment_offset"] = identification, DONT_FRAGMENT
    header["time_to_live"], header["protocol"] = ttl, protocol
    header["source_address"], header["destination_address"] = source, destination
    native(header["header_checksum"])[:] = fold(words_sum(rows[:, :IPV4_SIZE]))


def _fill_transport_checksum(
    rows: Packets, protocol: int, checksum: NDArray[np.uint16], length: NDArray[np.uint16] | int
) -> None:
    header = rows[:, :IPV4_SIZE].view(IPV4)[:, 0]
    pseudo = pseudo_header_sum(header["source_address"], header["destination_address"], protocol, length)
    native(checksum)[:] = fold(words_sum(rows[:, IPV4_SIZE:]) + pseudo)

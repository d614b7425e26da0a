"""Reading what arrives in the lab: of a table of packets, the few columns that decide their fate.

A packet that Linux would drop without a word (bad checksum, impossible lengths, a fragment) is left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from portlab.model import FRAME, RECEIVED, SENT, SNAP, Frames
from portlab.packets.checksum import fold, native, words_sum
from portlab.packets.craft import Packets, ethernet, total_length
from portlab.packets.dissect import Dissected
from portlab.packets.headers import (
    ETHERNET_SIZE,
    ETHERTYPE_IPV4,
    FIN,
    IPV4,
    IPV4_SIZE,
    PROTOCOLS,
    SYN,
    TCP_PROTOCOL,
    TCP_SIZE,
    UDP_SIZE,
)

ARRIVAL = np.dtype(
    [
        ("row", "i8"),  # which row of the packet table
        ("time_ns", "i8"),  # when it was sent
        ("source", "u4"),
        ("destination", "u4"),
        ("protocol", "u1"),
        ("time_to_live", "u1"),
        ("source_port", "u2"),
        ("port", "u2"),  # destination port
        ("sequence_number", "u4"),
        ("acknowledgment_number", "u4"),
        ("control_bits", "u1"),
        ("segment_length", "u4"),  # RFC 9293 section 3.4: data, and one each for SYN and FIN
        ("icmp_type", "u1"),
        ("data_offset", "u2"),  # where the data behind all headers begin, from the start of the packet
        ("total_length", "u2"),
    ],
    align=True,
)
Arrivals = NDArray[np.void]


def frames_of(
    packets: Packets, time_ns: NDArray[np.int64], source: ArrayLike, destination: ArrayLike
) -> Frames:
    """The packets as received frames, between Ethernet addresses: one for all, or one a row."""
    frames = np.zeros(len(packets), FRAME)
    width = min(packets.shape[1], SNAP - ETHERNET_SIZE)
    frames["time_ns"], frames["direction"] = time_ns, RECEIVED
    frames["length"] = np.minimum(total_length(packets), packets.shape[1]) + np.uint32(ETHERNET_SIZE)
    frames["captured"] = np.minimum(frames["length"], ETHERNET_SIZE + width)
    ethernet(frames["data"], source, destination, ETHERTYPE_IPV4)
    frames["data"][:, ETHERNET_SIZE : ETHERNET_SIZE + width] = packets[:, :width]
    beyond = np.arange(SNAP) >= frames["captured"][:, np.newaxis]
    frames["data"][beyond] = 0
    return frames


def as_sent(frames: Frames) -> Frames:
    """The same frames, seen by who sent them."""
    frames = frames.copy()
    frames["direction"] = SENT
    return frames


def read(packets: Packets, frames: Frames) -> Arrivals:
    """The packets that a host would take, in the same order; `frames` are the same packets on the link."""
    seen = Dissected(frames)
    other = seen.is_ipv4 & ~np.isin(seen.protocol, list(PROTOCOLS.values()))
    more_fragments = packets[:, 6] & 0x20 > 0  # reassembly is not simulated
    rows = np.flatnonzero((seen.is_tcp | seen.is_udp | seen.is_icmp | other) & ~more_fragments)
    arrivals = np.zeros(len(rows), ARRIVAL)
    arrivals["row"], arrivals["time_ns"] = rows, frames["time_ns"][rows]
    arrivals["source"], arrivals["destination"] = seen.source[rows], seen.destination[rows]
    arrivals["protocol"], arrivals["time_to_live"] = seen.protocol[rows], seen.ttl[rows]
    arrivals["source_port"], arrivals["port"] = seen.source_port[rows], seen.destination_port[rows]
    arrivals["sequence_number"] = seen.sequence_number[rows]
    arrivals["acknowledgment_number"] = seen.acknowledgment_number[rows]
    arrivals["control_bits"], arrivals["icmp_type"] = seen.control_bits[rows], seen.icmp_type[rows]
    arrivals["total_length"] = seen.total_length[rows]
    return arrivals[_fill_lengths(arrivals, packets[rows])]


def _fill_lengths(arrivals: Arrivals, packets: Packets) -> NDArray[np.bool_]:
    """Where each packet's data begin, and how long a TCP segment is; False where its data offset cannot be."""
    transport = (packets[:, 0] & 0x0F).astype(np.intp) * 4
    is_tcp = arrivals["protocol"] == TCP_PROTOCOL
    at_tcp_offset = np.minimum(transport + 12, packets.shape[1] - 1)
    tcp_size = (packets[np.arange(len(packets)), at_tcp_offset] >> 4).astype(np.intp) * 4
    arrivals["data_offset"] = transport + np.where(
        is_tcp, tcp_size, UDP_SIZE
    )  # an ICMP header is as long as UDP's
    data = np.maximum(arrivals["total_length"].astype(np.intp) - arrivals["data_offset"], 0)
    flags = arrivals["control_bits"]
    arrivals["segment_length"] = is_tcp * (data + (flags & SYN > 0) + (flags & FIN > 0))
    possible: NDArray[np.bool_] = (tcp_size >= TCP_SIZE) & (
        arrivals["data_offset"] <= arrivals["total_length"]
    )
    return ~is_tcp | possible


def data_of(packets: Packets, arrival: np.void) -> bytes:
    """What one packet carries behind its headers."""
    return packets[arrival["row"], arrival["data_offset"] : arrival["total_length"]].tobytes()


def through_router(packets: Packets) -> Packets:
    """The packets as a router hands them on: time to live one less, header checksum right again."""
    packets = packets.copy()
    header = packets[:, :IPV4_SIZE].view(IPV4)[:, 0]
    header["time_to_live"] -= 1
    header["header_checksum"] = 0
    native(header["header_checksum"])[:] = fold(words_sum(packets[:, :IPV4_SIZE]))
    return packets

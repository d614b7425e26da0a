"""Read a table of frames as headers: every field of every frame as a column, computed only when asked for.

Fields have a meaning only where the matching mask (`is_ipv4`, `is_tcp`, ...) is true.  A frame cut off before
the end of a header, a later fragment and a packet whose checksum is wrong match no mask but `is_ipv4`: a real
host would not read them either.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from portlab.model import CHECKSUM_NOT_READY, DAMAGED, FRAME, RECEIVED, SNAP, Frames
from portlab.packets.headers import (
    ARP,
    ETHERNET_SIZE,
    ETHERTYPE_ARP,
    ETHERTYPE_IPV4,
    ICMP,
    ICMP_ERRORS,
    ICMP_PROTOCOL,
    ICMP_SIZE,
    IPV4,
    IPV4_SIZE,
    TCP,
    TCP_PROTOCOL,
    TCP_SIZE,
    UDP,
    UDP_PROTOCOL,
    UDP_SIZE,
)
from portlab.packets.verify import RIGHT, UNJUDGED, check

_DATA = FRAME.fields["data"][1]  # type: ignore[index]  # FRAME has fields
_IP = _DATA + ETHERNET_SIZE
_TRANSPORT = _IP + IPV4_SIZE
_QUOTED_IP = _TRANSPORT + ICMP_SIZE
_QUOTED_TRANSPORT = _QUOTED_IP + IPV4_SIZE

_LAYOUT = np.dtype(
    {
        "names": [
            "ethertype",
            "arp",
            "ip",
            "tcp",
            "udp",
            "icmp",
            "icmp_data",
            "quoted_ip",
            "quoted_tcp",
            "quoted_icmp",
            "tcp_option",
        ],
        "formats": [">u2", ARP, IPV4, TCP, UDP, ICMP, ">u4", IPV4, TCP, ICMP, "u1"],
        "offsets": [_DATA + 12, _IP, _IP, _TRANSPORT, _TRANSPORT, _TRANSPORT, _QUOTED_IP, _QUOTED_IP]
        + [_QUOTED_TRANSPORT, _QUOTED_TRANSPORT, _TRANSPORT + TCP_SIZE],
        "itemsize": FRAME.itemsize,
    }
)
"""A frame whose IP headers carry no options, field by field; headers with options are shortened to this first."""

BLOCK = 1 << 16
"""Frames whose checksums are summed at once."""

Mask = NDArray[np.bool_]
Column = NDArray[np.uint32]


class Dissected:
    """The headers of a frame table, as columns of the same length.

    `forgiving` reads packets with a wrong checksum, too: to show what was on the wire, never to judge by it.
    """

    def __init__(self, frames: Frames, forgiving: bool = False) -> None:
        self.frames = frames
        self._forgiving = forgiving
        self._headers = _without_options(frames).view(_LAYOUT)

    def __len__(self) -> int:
        return len(self.frames)

    # --- which frames are what ----------------------------------------------------------------------------

    @cached_property
    def is_arp(self) -> Mask:
        return (self._headers["ethertype"] == ETHERTYPE_ARP) & self._holds(ARP.itemsize)

    @cached_property
    def is_ipv4(self) -> Mask:
        header = self._headers["ip"]
        return (
            (self._headers["ethertype"] == ETHERTYPE_IPV4)
            & (header["version_ihl"] >> 4 == 4)
            & (header["version_ihl"] & 0xF >= 5)
            & (self.total_length + ETHERNET_SIZE <= self.frames["length"])
            & self._holds(IPV4_SIZE)
        )

    @cached_property
    def is_tcp(self) -> Mask:
        header_size = (self._headers["tcp"]["data_offset"] >> 4).astype(np.uint32) * 4
        return (
            self._is_transport(TCP_PROTOCOL, TCP_SIZE)
            & (header_size >= TCP_SIZE)
            & (header_size <= self.total_length - IPV4_SIZE)
        )

    @cached_property
    def is_udp(self) -> Mask:
        return self._is_transport(UDP_PROTOCOL, UDP_SIZE)

    @cached_property
    def is_icmp(self) -> Mask:
        return self._is_transport(ICMP_PROTOCOL, ICMP_SIZE)

    @cached_property
    def is_error(self) -> Mask:
        """ICMP messages that quote the beginning of the packet they are about:
        its header and eight bytes at least.
        """
        return (
            self.is_icmp
            & np.isin(self.icmp_type, ICMP_ERRORS)
            & self._holds(IPV4_SIZE + ICMP_SIZE + IPV4_SIZE + 8)
            & (self._headers["quoted_ip"]["version_ihl"] >> 4 == 4)
        )

    @cached_property
    def received(self) -> Mask:
        return self.frames["direction"] == RECEIVED

    # --- columns ------------------------------------------------------------------------------------------

    @cached_property
    def source(self) -> Column:
        return self._column("ip", "source_address")

    @cached_property
    def destination(self) -> Column:
        return self._column("ip", "destination_address")

    @cached_property
    def ttl(self) -> NDArray[np.uint8]:
        return self._headers["ip"]["time_to_live"]

    @cached_property
    def protocol(self) -> NDArray[np.uint8]:
        return self._headers["ip"]["protocol"]

    @cached_property
    def identification(self) -> Column:
        return self._column("ip", "identification")

    @cached_property
    def total_length(self) -> Column:
        """Of a packet that a network card was still to cut into segments, which says 0, all that is there."""
        told = self._column("ip", "total_length")
        uncut = (told == 0) & (self.frames["marks"] & CHECKSUM_NOT_READY != 0)
        return np.where(
            uncut, np.maximum(self.frames["length"], ETHERNET_SIZE) - np.uint32(ETHERNET_SIZE), told
        )

    @cached_property
    def ip_header_length(self) -> Column:
        """Bytes of an IP header with its options."""
        return (self._headers["ip"]["version_ihl"] & 0xF).astype(np.uint32) * 4

    @cached_property
    def fragment_offset(self) -> Column:
        """Where in its packet a fragment's data begins, in bytes."""
        return (self._column("ip", "flags_fragment_offset") & np.uint32(0x1FFF)) * np.uint32(8)

    @cached_property
    def more_fragments(self) -> Mask:
        return self._headers["ip"]["flags_fragment_offset"] & 0x2000 != 0

    @cached_property
    def source_port(self) -> Column:
        """Of TCP and UDP, whose ports lie at the same place."""
        return self._column("tcp", "source_port")

    @cached_property
    def destination_port(self) -> Column:
        return self._column("tcp", "destination_port")

    @cached_property
    def sequence_number(self) -> Column:
        return self._column("tcp", "sequence_number")

    @cached_property
    def acknowledgment_number(self) -> Column:
        return self._column("tcp", "acknowledgment_number")

    @cached_property
    def control_bits(self) -> NDArray[np.uint8]:
        return self._headers["tcp"]["control_bits"]

    @cached_property
    def tcp_header_length(self) -> Column:
        """Bytes of a TCP header with its options."""
        return (self._headers["tcp"]["data_offset"] >> 4).astype(np.uint32) * 4

    @cached_property
    def tcp_data_length(self) -> Column:
        """Bytes of data in a segment."""
        return self.total_length - self.ip_header_length - self.tcp_header_length

    @cached_property
    def tcp_window(self) -> Column:
        return self._column("tcp", "window")

    @cached_property
    def first_tcp_option(self) -> NDArray[np.uint8]:
        """The kind of a TCP header's first option; without options any value."""
        return self._headers["tcp_option"]

    @cached_property
    def icmp_type(self) -> NDArray[np.uint8]:
        return self._headers["icmp"]["type"]

    @cached_property
    def icmp_code(self) -> NDArray[np.uint8]:
        return self._headers["icmp"]["code"]

    @cached_property
    def icmp_identifier(self) -> Column:
        return self._column("icmp", "identifier")

    @cached_property
    def icmp_sequence_number(self) -> Column:
        return self._column("icmp", "sequence_number")

    @cached_property
    def icmp_data(self) -> Column:
        """The first four bytes after the ICMP header: PortLab's token in an echo,
        the originate time of a timestamp.
        """
        return self._headers["icmp_data"].astype(np.uint32)

    @cached_property
    def quoted_source(self) -> Column:
        return self._column("quoted_ip", "source_address")

    @cached_property
    def quoted_destination(self) -> Column:
        return self._column("quoted_ip", "destination_address")

    @cached_property
    def quoted_protocol(self) -> NDArray[np.uint8]:
        return self._headers["quoted_ip"]["protocol"]

    @cached_property
    def quoted_identification(self) -> Column:
        return self._column("quoted_ip", "identification")

    @cached_property
    def quoted_source_port(self) -> Column:
        return self._column("quoted_tcp", "source_port")

    @cached_property
    def quoted_destination_port(self) -> Column:
        return self._column("quoted_tcp", "destination_port")

    @cached_property
    def quoted_sequence_number(self) -> Column:
        return self._column("quoted_tcp", "sequence_number")

    @cached_property
    def quoted_control_bits(self) -> NDArray[np.uint8]:
        """0 where less than 14 bytes of the segment were quoted."""
        return self._headers["quoted_tcp"]["control_bits"]

    @cached_property
    def quoted_icmp_type(self) -> NDArray[np.uint8]:
        return self._headers["quoted_icmp"]["type"]

    @cached_property
    def quoted_icmp_identifier(self) -> Column:
        return self._column("quoted_icmp", "identifier")

    @cached_property
    def quoted_icmp_sequence_number(self) -> Column:
        return self._column("quoted_icmp", "sequence_number")

    @cached_property
    def arp_operation(self) -> Column:
        return self._column("arp", "operation")

    @cached_property
    def arp_sender(self) -> Column:
        return self._column("arp", "sender_protocol")

    @cached_property
    def arp_target(self) -> Column:
        return self._column("arp", "target_protocol")

    @cached_property
    def arp_sender_hardware(self) -> NDArray[np.uint8]:
        return self._headers["arp"]["sender_hardware"]

    # --- helpers ------------------------------------------------------------------------------------------

    def _column(self, header: str, field: str) -> Column:
        return self._headers[header][field].astype(np.uint32)

    def _holds(self, size: int) -> Mask:
        """Whether that many bytes after the Ethernet header were captured."""
        return self.frames["captured"] >= ETHERNET_SIZE + size

    def _is_transport(self, protocol: int, size: int) -> Mask:
        header = self._headers["ip"]
        first_fragment = header["flags_fragment_offset"] & 0x1FFF == 0
        long_enough = self.total_length >= (header["version_ihl"] & 0xF) * 4 + size
        mask = self.is_ipv4 & (header["protocol"] == protocol) & first_fragment & long_enough
        mask &= self._holds(IPV4_SIZE + size)
        return mask if self._forgiving else mask & self._checksums_right

    @cached_property
    def is_damaged(self) -> Mask:
        """IPv4 packets with a wrong checksum: whoever receives one silently discards it (RFC 1122)."""
        return self.is_ipv4 & ~self._checksums_right

    @cached_property
    def _checksums_right(self) -> Mask:
        """False where a packet is marked as damaged, or was received with a wrong checksum.

        What was not captured whole, what this machine sent, and what is marked as "checksum not ready" pass.
        """
        right = self.frames["marks"] & DAMAGED == 0
        ready = self.frames["marks"] & CHECKSUM_NOT_READY == 0
        judged = np.flatnonzero(right & self.is_ipv4 & self.received & ready)
        for begin in range(
            0, len(judged), BLOCK
        ):  # the sums over all of a large capture would take much room
            rows = judged[begin : begin + BLOCK]
            frames = self.frames[rows]
            at = np.arange(len(rows)) * frames.itemsize + _IP
            end = at - ETHERNET_SIZE + frames["captured"]
            for found in check(frames.view(np.uint8), at, end):
                right[rows] &= (found == UNJUDGED) | (found == RIGHT)
        return right


def _without_options(frames: Frames) -> Frames:
    """The frames with IP options cut out of outer and quoted headers, so that every field lies at a fixed place."""
    frames = _cut_options(frames, ETHERNET_SIZE, frames["data"][:, 12] == 8)
    is_icmp = frames["data"][:, ETHERNET_SIZE + 9] == ICMP_PROTOCOL
    errors = is_icmp & np.isin(frames["data"][:, ETHERNET_SIZE + IPV4_SIZE], ICMP_ERRORS)
    return _cut_options(frames, ETHERNET_SIZE + IPV4_SIZE + ICMP_SIZE, errors)


def _cut_options(frames: Frames, start: int, candidates: Mask) -> Frames:
    words = frames["data"][:, start] & 0xF
    long = candidates & (words > 5) & (frames["data"][:, start] >> 4 == 4)
    if not long.any():
        return frames
    frames = frames.copy()
    for size in np.unique(words[long]).astype(int) * 4:
        rows = np.flatnonzero(long & (words == size // 4))
        data = frames["data"][rows]
        rest = data[:, start + size :]
        data[:, start + IPV4_SIZE : start + IPV4_SIZE + rest.shape[1]] = rest
        data[:, SNAP - (size - IPV4_SIZE) :] = 0
        frames["data"][rows] = data
        frames["captured"][rows] -= np.minimum(size - IPV4_SIZE, frames["captured"][rows]).astype(np.uint16)
    return frames

"""One frame in plain numbers, and its name: "SYN-ACK", "ICMP port unreachable (3/3)", "UDP 12 B"."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portlab.addresses import dotted
from portlab.model import BATCH_CLOCK, SENT, Frames
from portlab.packets.dissect import Dissected
from portlab.packets.headers import (
    ACK,
    ARP_REQUEST,
    ECHO_REPLY,
    ECHO_REQUEST,
    ETHERNET_SIZE,
    FIN,
    ICMP_ERRORS,
    ICMP_PROTOCOL,
    IPV4_SIZE,
    PSH,
    RST,
    SYN,
    TIME_EXCEEDED,
    TIMESTAMP,
    TIMESTAMP_REPLY,
    UDP_SIZE,
    UNREACHABLE,
    URG,
)

FLAG_NAMES = {SYN: "SYN", FIN: "FIN", RST: "RST", PSH: "PSH", URG: "URG", ACK: "ACK"}
"""In the order in which they are said: SYN-ACK, RST-ACK, FIN-PSH-URG."""

ICMP_NAMES = {
    ECHO_REPLY: "echo reply",
    ECHO_REQUEST: "echo request",
    TIMESTAMP: "timestamp request",
    TIMESTAMP_REPLY: "timestamp reply",
    TIME_EXCEEDED: "time exceeded",
    4: "source quench",
    5: "redirect",
    12: "parameter problem",
}
UNREACHABLE_NAMES = {
    0: "net unreachable",
    1: "host unreachable",
    2: "protocol unreachable",
    3: "port unreachable",
    9: "net prohibited",
    10: "host prohibited",
    13: "admin prohibited",
}
"""ICMP type 3 by code, in nmap's short words (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1)."""


@dataclass(frozen=True, slots=True)
class PacketFields:
    """The fields of one frame that a ladder shows.  Times in ns of the wall clock, lengths in bytes.

    `near` and `far` are the ports at the scanner's and at the other side (of an echo: identifier and sequence
    number); of an ICMP error they are those of the packet it quotes.
    """

    time_ns: int
    sent: bool
    batch_clock: bool
    protocol: str  # "tcp", "udp", "icmp", "arp"; "ip": another protocol, or one that cannot be read; "": not even IP
    source: int
    destination: int
    near: int
    far: int
    ttl: int
    length: int
    data_length: int
    control_bits: int
    sequence_number: int
    acknowledgment_number: int
    icmp: tuple[int, int] | None  # type and code
    is_error: bool
    arp_operation: int
    arp_sender: int
    arp_target: int
    hardware: str
    damaged: bool  # its checksum is wrong: it is shown, and is no evidence

    @property
    def has_ack(self) -> bool:
        """Whether the acknowledgment number means something (RFC 9293 section 3.1)."""
        return self.protocol == "tcp" and bool(self.control_bits & ACK)

    @property
    def what(self) -> str:
        """The packet's name."""
        match self.protocol:
            case "tcp":
                return flags_name(self.control_bits) + (f" {self.data_length} B" if self.data_length else "")
            case "udp":
                return f"UDP {self.data_length} B" if self.data_length else "UDP, empty"
            case "icmp" if self.icmp is not None:
                return icmp_name(*self.icmp)
            case "arp" if self.arp_operation == ARP_REQUEST:
                return f"ARP who has {dotted(self.arp_target)}?"
            case "arp":
                return f"ARP {dotted(self.arp_sender)} is at {self.hardware}"
            case "ip":
                return "IP packet that cannot be read"
        return f"frame of {self.length} B"

    @property
    def short(self) -> str:
        """The name for narrow pictures: "ICMP 3/13"."""
        if self.protocol == "icmp" and self.icmp is not None and self.is_error:
            return "ICMP {}/{}".format(*self.icmp)
        if self.protocol == "arp":
            return "ARP who has?" if self.arp_operation == ARP_REQUEST else "ARP is at"
        return self.what.removeprefix("ICMP ")


def flags_name(control_bits: int) -> str:
    """0x12 -> "SYN-ACK"."""
    return "-".join(name for bit, name in FLAG_NAMES.items() if control_bits & bit) or "no flags"


def icmp_name(type_: int, code: int) -> str:
    """3, 13 -> "ICMP admin prohibited (3/13)"."""
    if type_ == UNREACHABLE:
        return f"ICMP {UNREACHABLE_NAMES.get(code, 'unreachable')} ({type_}/{code})"
    name = ICMP_NAMES.get(type_)
    if name is None:
        return f"ICMP type {type_}, code {code}"
    return f"ICMP {name} ({type_}/{code})" if type_ in ICMP_ERRORS else f"ICMP {name}"


def read(frames: Frames) -> list[PacketFields]:
    """Every frame as a Packet, in the same order."""
    if not len(frames):
        return []
    seen = Dissected(frames, forgiving=True)
    protocol = np.select(
        [seen.is_tcp, seen.is_udp, seen.is_icmp, seen.is_arp, seen.is_ipv4],
        ["tcp", "udp", "icmp", "arp", "ip"],
        "",
    )
    sent = frames["direction"] == SENT
    near, far = _ports(seen, sent)
    header_length, data_offset = _lengths(frames)
    transport_length = np.select([seen.is_tcp, seen.is_udp], [data_offset, UDP_SIZE], 0)
    data_length = np.maximum(seen.total_length.astype(int) - header_length - transport_length, 0)
    hardware = [":".join(f"{byte:02x}" for byte in row) for row in seen.arp_sender_hardware]
    icmp = zip(seen.icmp_type.tolist(), seen.icmp_code.tolist(), strict=True)
    columns = zip(
        frames["time_ns"].tolist(),
        sent.tolist(),
        (frames["marks"] & BATCH_CLOCK != 0).tolist(),
        protocol.tolist(),
        np.where(seen.is_arp, seen.arp_sender, seen.source).tolist(),
        np.where(seen.is_arp, seen.arp_target, seen.destination).tolist(),
        near.tolist(),
        far.tolist(),
        seen.ttl.tolist(),
        frames["length"].tolist(),
        data_length.tolist(),
        seen.control_bits.tolist(),
        seen.sequence_number.tolist(),
        seen.acknowledgment_number.tolist(),
        [pair if is_icmp else None for pair, is_icmp in zip(icmp, seen.is_icmp, strict=True)],
        seen.is_error.tolist(),
        seen.arp_operation.tolist(),
        seen.arp_sender.tolist(),
        seen.arp_target.tolist(),
        hardware,
        seen.is_damaged.tolist(),
        strict=True,
    )
    return [PacketFields(*row) for row in columns]


def _ports(seen: Dissected, sent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The scanner's port and the other side's, for each frame."""
    with_ports = seen.is_tcp | seen.is_udp
    about_icmp = seen.is_error & (seen.quoted_protocol == ICMP_PROTOCOL)
    cases = [about_icmp, seen.is_error, seen.is_icmp, with_ports & sent, with_ports]
    quoted = [seen.quoted_icmp_identifier, seen.quoted_source_port]
    near = np.select(cases, [*quoted, seen.icmp_identifier, seen.source_port, seen.destination_port], 0)
    quoted = [seen.quoted_icmp_sequence_number, seen.quoted_destination_port]
    far = np.select(cases, [*quoted, seen.icmp_sequence_number, seen.destination_port, seen.source_port], 0)
    return near, far


def _lengths(frames: Frames) -> tuple[np.ndarray, np.ndarray]:
    """Bytes of the IP header and, if it is TCP, of the TCP header: they may carry options."""
    data = frames["data"]
    header_length = (data[:, ETHERNET_SIZE] & 0xF).astype(int) * 4
    offset = np.minimum(ETHERNET_SIZE + np.maximum(header_length, IPV4_SIZE) + 12, data.shape[1] - 1)
    data_offset = (np.take_along_axis(data, offset[:, np.newaxis], axis=1)[:, 0] >> 4).astype(int) * 4
    return header_length, data_offset

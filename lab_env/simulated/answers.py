"""The answers as packets: a table of fates becomes tables of IPv4 packets, checksums and all."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lab_env.simulated.datagrams import Programs
from lab_env.simulated.network import Fates, Reply, SimulatedNetwork
from lab_env.simulated.packets import Arrivals, data_of, through_router
from portlab.packets import craft
from portlab.packets.craft import Packets
from portlab.packets.headers import ACK, ECHO_REPLY, ICMP, IPV4_SIZE, RST, SYN, TIME_EXCEEDED, TIMESTAMP_REPLY

MAXIMUM_SEGMENT_SIZE = b"\x02\x04\x05\xb4"
"""TCP option 2: 1460 bytes, what Ethernet leaves (RFC 9293 section 3.7.1)."""
WINDOW = 64240
QUOTED = 548
"""How many bytes an ICMP error quotes at most: all of it stays within 576 (RFC 1812 section 4.3.2.3)."""
DAY_MS = 86_400_000

Answers = Iterator[tuple[Packets, NDArray[np.int64]]]
"""Tables of packets, each with the rows of the arrivals they answer."""


def syn_acks(arrivals: Arrivals, fates: Fates) -> Answers:
    """SYN-ACK: "yes, let us talk" (RFC 9293 section 3.10.7.2, third step)."""
    rows = np.flatnonzero(fates["kind"] == Reply.SYN_ACK)
    if not len(rows):
        return
    asked = arrivals[rows]
    yield (
        craft.tcp(
            asked["destination"],
            asked["source"],
            asked["port"],
            asked["source_port"],
            sequence_number=fates["sequence_number"][rows],
            acknowledgment_number=asked["sequence_number"] + np.uint32(1),
            control_bits=SYN | ACK,
            window=WINDOW,
            ttl=fates["time_to_live"][rows],
            options=MAXIMUM_SEGMENT_SIZE,
        ),
        rows,
    )


def resets(arrivals: Arrivals, fates: Fates) -> Answers:
    """RST: "no such conversation", numbered as the segment wants, or acknowledging it.

    RFC 9293 section 3.10.7.1.
    """
    rows = np.flatnonzero(fates["kind"] == Reply.RESET)
    if not len(rows):
        return
    asked = arrivals[rows]
    acknowledged = asked["control_bits"] & ACK > 0
    yield (
        craft.tcp(
            asked["destination"],
            asked["source"],
            asked["port"],
            asked["source_port"],
            sequence_number=np.where(acknowledged, asked["acknowledgment_number"], 0),
            acknowledgment_number=np.where(
                acknowledged, 0, asked["sequence_number"] + asked["segment_length"]
            ),
            control_bits=np.where(acknowledged, RST, RST | ACK),
            window=0,
            ttl=fates["time_to_live"][rows],
        ),
        rows,
    )


def icmp_errors(packets: Packets, arrivals: Arrivals, fates: Fates, gateway: int) -> Answers:
    """Errors quote the packet they are about as it looked where it ended, its time to live taken down."""
    errors = fates["kind"] == Reply.ICMP_ERROR
    routed = (fates["speaker"] == gateway) & (arrivals["destination"] != gateway)
    routed = (routed | (fates["time_to_live"] < craft.TTL)) & (fates["icmp_type"] != TIME_EXCEEDED)
    for length in np.unique(arrivals["total_length"][errors]):
        rows = np.flatnonzero(errors & (arrivals["total_length"] == length))
        quoted = packets[arrivals["row"][rows], : int(length)]
        quoted[routed[rows]] = through_router(quoted[routed[rows]])
        table = craft.icmp(
            fates["speaker"][rows],
            arrivals["source"][rows],
            type_=fates["icmp_type"][rows],
            code=fates["icmp_code"][rows],
            data=quoted[:, :QUOTED],
            ttl=fates["time_to_live"][rows],
        )
        yield table, rows


def icmp_replies(packets: Packets, arrivals: Arrivals, fates: Fates) -> Answers:
    """Echo replies repeat identifier, sequence number and data; timestamp replies add two times (RFC 792)."""
    for kind, reply_type in ((Reply.ECHO_REPLY, ECHO_REPLY), (Reply.TIMESTAMP_REPLY, TIMESTAMP_REPLY)):
        of_kind = fates["kind"] == kind
        for length in np.unique(arrivals["total_length"][of_kind]):
            rows = np.flatnonzero(of_kind & (arrivals["total_length"] == length))
            messages = packets[arrivals["row"][rows], : int(length)]
            header = messages[:, IPV4_SIZE : IPV4_SIZE + ICMP.itemsize].copy().view(ICMP)[:, 0]
            data = messages[:, IPV4_SIZE + ICMP.itemsize :]
            if kind is Reply.TIMESTAMP_REPLY:
                data = _with_times(data, fates["time_ns"][rows])
            table = craft.icmp(
                fates["speaker"][rows],
                arrivals["source"][rows],
                type_=reply_type,
                identifier=header["identifier"],
                sequence_number=header["sequence_number"],
                data=data,
                ttl=fates["time_to_live"][rows],
            )
            yield table, rows


def _with_times(data: NDArray[np.uint8], time_ns: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Originate time as it was; receive and transmit time in milliseconds since midnight UT."""
    filled = np.zeros((len(data), 12), np.uint8)
    width = min(data.shape[1], 4)
    filled[:, :width] = data[:, :width]
    milliseconds = (time_ns // 1_000_000 % DAY_MS).astype(">u4").view(np.uint8).reshape(-1, 4)
    filled[:, 4:8] = filled[:, 8:12] = milliseconds
    return filled


def datagrams(
    network: SimulatedNetwork, programs: Programs, packets: Packets, arrivals: Arrivals, fates: Fates
) -> Answers:
    """What the programs say.  TFTP says it from a port of its own choice, one for each transfer."""
    for row in np.flatnonzero(fates["kind"] == Reply.DATAGRAM).tolist():
        asked, fate = arrivals[row], fates[row]
        service = network.places.services[fate["service"]]
        address = str(ipaddress.ip_address(int(asked["destination"])))
        said = programs.answer(service, address, data_of(packets, asked), int(fate["time_ns"]) / 1e9)
        if said is not None:
            port = int(network.random.integers(32768, 61000)) if service.from_new_port else asked["port"]
            table = craft.udp(
                asked["destination"],
                asked["source"],
                port,
                asked["source_port"],
                data=np.frombuffer(said, np.uint8)[np.newaxis],
                data_length=len(said),
                ttl=fate["time_to_live"],
            )
            yield table, np.array([row])


def all_answers(
    network: SimulatedNetwork, programs: Programs, packets: Packets, arrivals: Arrivals, fates: Fates
) -> Answers:
    """Every answer there is."""
    yield from syn_acks(arrivals, fates)
    yield from resets(arrivals, fates)
    yield from icmp_errors(packets, arrivals, fates, network.places.gateway_address)
    yield from icmp_replies(packets, arrivals, fates)
    yield from datagrams(network, programs, packets, arrivals, fates)

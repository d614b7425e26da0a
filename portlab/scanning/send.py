"""pl.send: a packet made by hand, sent as it is, and what follows it.

Nothing leaves before all of it was checked: what was checked is what is sent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from portlab import scope
from portlab.errors import MalformedPacket
from portlab.model import (
    FRAME,
    PROBE,
    RECEIVED,
    SENT,
    SNAP,
    Exchange,
    Exchanges,
    Frames,
    Probes,
    no_errnos,
    no_frames,
)
from portlab.packets.byhand import Draft, drafts
from portlab.packets.dissect import Dissected
from portlab.packets.headers import ETHERNET_SIZE, ETHERTYPE_IPV4
from portlab.scanning.scan import TIMEOUT_S, lab_names, open_wire
from portlab.targets import between
from portlab.wire import Wire

LONGEST_PACKET = 0xFFFF  # bytes: what total_length can say
LINGER_S = 0.2
"""After the first answer to a packet made by hand: time for what follows it, such as the kernel's own RST."""


def send(packet: Any, *, timeout: float = 1.0) -> Exchange | Exchanges:
    """Send a packet made by hand (Scapy's IP/..., or bytes that begin with an IPv4 header) and keep what
    follows: an Exchange.

    The bytes go out as they are, wrong checksums included (on loopback the kernel fills in the IP header's own).
    What stands for several packets (`dport=[80, 81]`, a list) is sent as all of them, one after another, and gives
    Exchanges, a list.  Each is checked before the first leaves: its destination, its source, since answers go there,
    and whatever makes somebody send it on (source routes, packets inside it, ICMP redirects).  Waits `timeout`
    seconds for an answer, and a little longer for what follows one.  MalformedPacket where nobody can say where a
    packet leads, OutOfScope where it leads outside.
    """
    timeout = between("timeout", timeout, *TIMEOUT_S)
    made = drafts(packet)
    for draft in made:
        scope.check_packet(draft.data)
    wire = open_wire()
    try:
        packets = [_signed(wire, draft) for draft in made]
        rate = scope.allowed_rate([draft.destination for draft in made])
        exchanges = [_converse(wire, packet, timeout, 1 / rate if rate else 0.0) for packet in packets]
        return exchanges[0] if len(exchanges) == 1 else Exchanges(exchanges)
    finally:
        wire.close()


def _signed(wire: Wire, draft: Draft) -> bytes:
    """The bytes that will be sent, judged as they are: nothing is built again after this."""
    own = wire.source(draft.destination)
    packet = draft.sent_from(own)
    scope.check_packet(packet, own)
    limit = getattr(wire, "mtu", lambda address: LONGEST_PACKET)  # a wire may have none
    most = limit(draft.destination)
    if len(packet) > most:
        raise MalformedPacket(
            f"This packet has {len(packet):,} bytes, and the link takes {most:,} (its MTU). Make it shorter, or send "
            "the fragments of it: pl.send(scapy.all.fragment(packet))."
        )
    return packet


def _converse(wire: Wire, packet: bytes, timeout: float, lead: float) -> Exchange:
    """Send a packet, after a pause that a permission asks for, and hear what follows."""
    wire.record_sent = True
    begins = wire.now() + lead
    while (left := begins - wire.now()) > 0:
        wire.receive(left)
    rows = np.frombuffer(packet, np.uint8)[np.newaxis]
    heard: list[Frames] = []
    probes = _as_probe(rows, wire.clock_ns())
    reachable = bool(wire.resolve(probes["address"], timeout).all())
    if reachable:
        wire.send(rows)
    end = wire.now() + timeout
    while (left := end - wire.now()) > 0:
        frames = wire.receive(left)
        heard.append(frames)
        if (Dissected(frames).is_ipv4 & (frames["direction"] == RECEIVED)).any():
            end = min(end, wire.now() + LINGER_S)
    frames = np.concatenate(heard) if heard else no_frames()
    return Exchange(
        result=None,
        # where ARP was answered it is no part of the story
        frames=frames[Dissected(frames).is_ipv4] if reachable else frames,
        errnos=no_errnos(),
        probes=probes,
        decides=None,
        ended_ns=wire.clock_ns(),
        names=lab_names(),
    )


def _as_probe(packet: NDArray[np.uint8], time_ns: int) -> Probes:
    """A packet made by hand as a row of the probes table: its conversation is then told like any other."""
    frame = np.zeros(1, FRAME)
    size = min(packet.shape[1], SNAP - ETHERNET_SIZE)
    frame["data"][:, 12:14] = divmod(ETHERTYPE_IPV4, 256)
    frame["data"][:, ETHERNET_SIZE : ETHERNET_SIZE + size] = packet[:, :size]
    frame["length"], frame["captured"] = packet.shape[1] + ETHERNET_SIZE, size + ETHERNET_SIZE
    frame["direction"] = SENT
    seen = Dissected(frame)
    probe = np.zeros(1, PROBE)
    probe["address"], probe["source"], probe["attempt"], probe["time_ns"] = (
        seen.destination,
        seen.source,
        1,
        time_ns,
    )
    if seen.is_icmp[0]:
        probe["source_port"], probe["port"] = seen.icmp_identifier, seen.icmp_sequence_number
    elif seen.is_tcp[0] or seen.is_udp[0]:
        probe["source_port"], probe["port"] = seen.source_port, seen.destination_port
        probe["token"] = seen.sequence_number if seen.is_tcp[0] else seen.identification
    return probe

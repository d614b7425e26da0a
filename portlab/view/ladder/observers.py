"""What other observers recorded of an exchange: each packet followed from place to place.

A packet is the same at every place: addresses, ports, flags and numbers do not change on the way (hop count and
hardware addresses do).  Nothing is claimed that no observer saw.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from portlab.model import CHECKSUM_NOT_READY, FRAME, RECEIVED, SENT, Exchange, Frames
from portlab.packets.dissect import Dissected
from portlab.techniques.matching import NOBODY, ProbeTable, conversations
from portlab.view.ladder.packet import PacketFields, read

SCANNER = ""
"""The observer whose frames are the exchange's own."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One observer saw a packet once."""

    observer: str
    left: bool  # it went out there; False: it came in
    time_ns: int


@dataclass(slots=True)
class Journey:
    """One packet and all who saw it, in the order of its way.  `own`: its place among the scanner's frames."""

    packet: PacketFields
    seen: list[Seen] = field(default_factory=list)
    own: int | None = None

    def at(self, observer: str, left: bool) -> Seen | None:
        """When it came to an observer or left it."""
        return next((one for one in self.seen if (one.observer, one.left) == (observer, left)), None)


@dataclass(frozen=True, slots=True)
class Recorded:
    """All journeys of an exchange, and who recorded: those on the way in order, and whether the target did."""

    target_name: str = ""
    between: tuple[str, ...] = ()
    by_target: bool = False
    journeys: tuple[Journey, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True where nobody else recorded."""
        return not self.observers

    @property
    def observers(self) -> tuple[str, ...]:
        """Everybody else who recorded something of this, or should have seen it."""
        return (*self.between, self.target_name) if self.by_target else self.between

    def made_by(self, journey: Journey) -> str | None:
        """Who on the way made this packet: the first who saw it, and saw it only leave."""
        first = journey.seen[0]
        return first.observer if first.left and first.observer in self.between else None


def follow(exchange: Exchange, packets: list[PacketFields], target_name: str) -> Recorded:
    """Follow every packet of an exchange through its recordings; `packets` are the scanner's own frames.

    Observers are told by name: where the target has none, there is no telling which of them it is.
    """
    if exchange.recording is None or not target_name:
        return Recorded()
    frames, hosts = exchange.recording.frames, exchange.recording.hosts
    frames = _belonging(exchange, packets, frames)
    sightings = list(
        zip(frames["observer"].tolist(), frames["left"].tolist(), read(_plain(frames)), strict=True)
    )
    asked = [(observer, left) for observer, left, packet in sightings if packet.sent]
    scanners = {observer for observer, left in asked if left and (observer, False) not in asked}
    between = dict.fromkeys(o for o, _, _ in sightings if o != target_name and o not in scanners)
    stops = [SCANNER, *between, target_name]
    places: dict[tuple[bool, str, bool], list[tuple[PacketFields, int | None]]] = defaultdict(list)
    for number, packet in enumerate(packets):
        places[packet.sent, SCANNER, packet.sent].append((packet, number))
    for observer, left, packet in sightings:
        places[packet.sent, observer, left].append((packet, None))
    journeys: list[Journey] = []
    for sent in (True, False):
        started: dict[tuple[object, ...], list[Journey]] = defaultdict(list)
        for observer in stops if sent else reversed(stops):
            for left in (False, True):
                for packet, own in places[sent, observer, left]:
                    _join(started[_same(packet)], packet, Seen(observer, left, packet.time_ns), own)
        journeys += [journey for copies in started.values() for journey in copies]
    journeys = [one for one in journeys if one.own is not None or one.seen[0].time_ns <= exchange.ended_ns]
    return Recorded(target_name, tuple(between), target_name in hosts, tuple(journeys))


def _join(copies: list[Journey], packet: PacketFields, seen: Seen, own: int | None) -> None:
    """Add a sighting to the latest copy that may have come here and has not yet, or begin a journey with it."""
    waiting = [copy for copy in copies if copy.at(seen.observer, seen.left) is None]
    earlier = [copy for copy in waiting if copy.seen[-1].time_ns <= seen.time_ns]
    vague = [copy for copy in waiting if copy.packet.batch_clock]  # its own clock may be a little late
    journey = earlier[-1] if earlier else vague[0] if vague else Journey(packet)
    if not journey.seen:
        copies.append(journey)
    journey.seen.append(seen)
    if own is not None:
        journey.own = own


def _same(packet: PacketFields) -> tuple[object, ...]:
    """What does not change on the way."""
    return (
        packet.protocol,
        packet.source,
        packet.destination,
        packet.near,
        packet.far,
        packet.control_bits,
        packet.sequence_number,
        packet.acknowledgment_number,
        packet.data_length,
        packet.icmp,
        packet.arp_operation,
    )


_WITH_OBSERVER = np.dtype([*FRAME.descr, ("observer", "U16"), ("left", "?")])


def _belonging(exchange: Exchange, packets: list[PacketFields], recorded: Frames) -> Frames:
    """The recorded frames of this exchange; `direction` becomes the scanner's, `left` keeps the observer's."""
    frames = np.empty(len(recorded), _WITH_OBSERVER)
    for name in FRAME.names or ():
        frames[name] = recorded[name]
    frames["observer"], frames["left"] = recorded["observer"], recorded["direction"] == SENT
    seen = Dissected(_plain(frames))
    source = np.where(seen.is_arp, seen.arp_sender, seen.source)
    scanner = {int(probe["source"]) for probe in exchange.probes}
    scanner |= {packet.source for packet in packets if packet.sent}
    frames["direction"] = np.where(np.isin(source, list(scanner)), SENT, RECEIVED)
    frames["marks"] |= CHECKSUM_NOT_READY  # this is for showing, never for judging
    protocol = exchange.result.protocol if exchange.result else next(iter(packets)).protocol
    probe = conversations(Dissected(_plain(frames)), ProbeTable(exchange.probes), protocol)
    return frames[probe != NOBODY]


def _plain(frames: Frames) -> Frames:
    """Only the columns of FRAME, packed."""
    plain = np.empty(len(frames), FRAME)
    for name in FRAME.names or ():
        plain[name] = frames[name]
    return plain

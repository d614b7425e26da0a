"""Who is who in an exchange: whose packet is it, who is on the lifelines, and how far did a packet come."""

from __future__ import annotations

from collections.abc import Iterator

from portlab.addresses import dotted
from portlab.model import Exchange
from portlab.packets.headers import SYN
from portlab.view.ladder.observers import follow
from portlab.view.ladder.packet import PacketFields
from portlab.view.ladder.story import Actor, Speaker


class Sides:
    """Who is who in an exchange, and which of the packets are probes."""

    def __init__(self, exchange: Exchange, packets: list[PacketFields]) -> None:
        self.exchange, self.packets = exchange, packets
        self.is_connect = exchange.result is not None and exchange.result.technique == "connect"
        self.target = self._target()
        self.attempts = {
            (int(probe["source_port"]), int(probe["port"])): int(probe["attempt"])
            for probe in exchange.probes[::-1]  # of several from the same port the first stays
        }
        self.tokens = {int(probe["token"]) for probe in exchange.probes}
        self.heard = {packet.near for packet in packets if not packet.sent and not packet.damaged}
        spoke = [packet.source for packet in packets if not packet.sent and packet.protocol]
        spoke += [int(end["answered_by"]) for end in exchange.errnos if end["answered_by"]]
        self.others = [address for address in dict.fromkeys(spoke) if address != self.target]
        self.recorded = follow(exchange, packets, exchange.names.get(self.target, ""))
        self.actors = (
            Actor("scanner", dotted(self._scanner()), "scanner"),
            *self._between(),
            Actor(self._target_name(), dotted(self.target), self._target_name()),
        )

    def _between(self) -> Iterator[Actor]:
        """Those who spoke for the target, and those whose recordings show that packets came by.

        An observer whose own packets carry an address that the scanner heard from is one and the same.
        """
        at = {
            maker: journey.packet.source
            for journey in self.recorded.journeys
            if (maker := self.recorded.made_by(journey)) and journey.packet.source in self.others
        }
        self.others.sort(key=lambda address: address in at.values())
        for address in self.others:
            called = self.exchange.names.get(address, Speaker.OTHER.value)
            observer = next((observer for observer in at if at[observer] == address), "")
            yield Actor(observer or called, dotted(address), called, bool(observer))
        for observer in self.recorded.between:
            if observer not in at:
                yield Actor(observer, "", "", True)

    def _scanner(self) -> int:
        sources = [int(source) for source in self.exchange.probes["source"] if source]
        sources += [packet.source for packet in self.packets if packet.sent and packet.source]
        return next(iter(sources), next((packet.destination for packet in self.packets), 0))

    def _target(self) -> int:
        if len(self.exchange.probes):
            return int(self.exchange.probes["address"][0])
        sent = [packet.destination for packet in self.packets if packet.sent]
        return next(iter(sent), next((packet.source for packet in self.packets), 0))

    def _target_name(self) -> str:
        return self.exchange.names.get(self.target, "target")

    def where(self, observer: str) -> int:
        """An observer's place in the actors."""
        return next((i for i, actor in enumerate(self.actors) if actor.name == observer), 0)

    def place(self, packet: PacketFields) -> tuple[int, int]:
        """Sender and receiver, as places in the actors."""
        last = len(self.actors) - 1
        if packet.sent:
            return 0, last
        return (1 + self.others.index(packet.source) if packet.source in self.others else last), 0

    def quoting(self, packet: PacketFields) -> int | None:
        """Who of the others complained about this packet of ours, quoting it."""
        for answer in self.packets:
            told = answer.is_error and not answer.sent and not answer.damaged
            if told and (answer.near, answer.far) == (packet.near, packet.far):
                return self.place(answer)[0]
        return None

    def is_probe(self, packet: PacketFields) -> bool:
        """Whether the scan asked with this packet (otherwise the kernel sent it by itself)."""
        if not packet.sent or packet.damaged:
            return False
        if packet.protocol == "arp":
            return True
        if self.is_connect:
            return packet.control_bits & SYN != 0
        asked = (packet.near, packet.far) in self.attempts
        return asked and (packet.protocol != "tcp" or packet.sequence_number in self.tokens)

    def speaker(self, packet: PacketFields, probe: bool) -> Speaker:
        """Who sent it."""
        if packet.sent:
            return Speaker.SCANNER if probe and not self.is_connect else Speaker.KERNEL
        return Speaker.OTHER if packet.source in self.others else Speaker.TARGET

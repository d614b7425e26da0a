"""How far each packet came, as all recordings together show it, and in words."""

from __future__ import annotations

from portlab.model import State
from portlab.packets.headers import RST, UNREACHABLE
from portlab.view.ladder.observers import SCANNER, Journey, Seen
from portlab.view.ladder.packet import PacketFields
from portlab.view.ladder.sides import Sides
from portlab.view.ladder.story import Fate, Path, Sighting
from portlab.view.words import duration

NO_WAY = (0, 1)
"""Codes of ICMP type 3 by which a router says that it could not deliver: net and host unreachable."""


class Paths:
    """The paths of an exchange's packets; `start_ns` is where the story's time begins."""

    def __init__(self, sides: Sides, start_ns: int) -> None:
        self.sides, self.recorded, self.start_ns = sides, sides.recorded, start_ns
        self.target = sides.actors[-1].name
        self.own = {one.own: one for one in self.recorded.journeys if one.own is not None}
        self.unseen = [one for one in self.recorded.journeys if one.own is None]

    def of(self, packet: int, reaches: int | None) -> Path | None:
        """The path of one of the scanner's own frames; None where no recording adds to it.

        `reaches` is where the scanner itself knows it to have come.
        """
        return None if self.recorded.is_empty else self.path(self.own[packet], reaches)

    def path(self, journey: Journey, reaches: int | None = None) -> Path:
        """The path of any packet, and what it tells."""
        first, last = journey.seen[0], journey.seen[-1]
        sightings = tuple(
            Sighting(
                self.sides.where(one.observer),
                one.time_ns - (self.start_ns if one is first else first.time_ns),
                one is not first,
            )
            for one in journey.seen
            if one.observer != SCANNER
        )
        sender = self._sender(journey)
        fate, end = self._end(journey, last)
        end = reaches if end is None else end
        told = (
            self._told_going(journey, fate)
            if journey.packet.sent
            else self._told_coming(journey, sender, fate)
        )
        return Path(sender, end, fate, sightings, told)

    def _sender(self, journey: Journey) -> int:
        if journey.packet.sent:
            return 0
        maker = self.recorded.made_by(journey)
        return self.sides.where(maker) if maker else self.sides.place(journey.packet)[0]

    def _end(self, journey: Journey, last: Seen) -> tuple[Fate | None, int | None]:
        """How it ended and where: a packet that came in and never left died there, unless that was its goal."""
        goal = self.target if journey.packet.sent else SCANNER
        place = 0 if last.observer == SCANNER else self.sides.where(last.observer)
        if last.observer == goal:
            return None, place
        if not last.left:
            return self._fate(journey.packet, last), place
        if last.observer == SCANNER:
            return None, None
        recorded = self.recorded.by_target if journey.packet.sent else bool(self.sides.packets)
        return (Fate.LOST, place) if recorded else (None, None)

    def _fate(self, packet: PacketFields, last: Seen) -> Fate:
        """Whether an observer that kept a packet said so: by ICMP, or by RST in the target's name."""
        for other in self.recorded.journeys:
            answer, same = other.packet, (other.packet.near, other.packet.far) == (packet.near, packet.far)
            if answer.sent or not same or self.recorded.made_by(other) != last.observer:
                continue
            if answer.icmp and answer.icmp[0] == UNREACHABLE and answer.icmp[1] in NO_WAY:
                return Fate.UNDELIVERED
            if answer.is_error or (answer.protocol == "tcp" and answer.control_bits & RST):
                return Fate.REJECTED
        return Fate.DROPPED

    # --- in words -----------------------------------------------------------------------------------------

    def _at(self, journey: Journey, seen: Seen) -> str:
        first = journey.seen[0]
        if seen is first:
            return f"at {duration(seen.time_ns - self.start_ns)}"
        return f"after {duration(seen.time_ns - first.time_ns)}"

    def _told_going(self, journey: Journey, fate: Fate | None) -> str:
        """What became of a packet of the scanner's."""
        told = []
        for observer in self.recorded.between:
            came, left = journey.at(observer, False), journey.at(observer, True)
            if left:
                told.append(f"{observer} passes it on {self._at(journey, left)}")
            elif came:
                answers = " and answers itself" if fate in (Fate.REJECTED, Fate.UNDELIVERED) else ""
                told.append(
                    f"{observer} gets it {self._at(journey, came)}, passes nothing on{answers}: {fate}"
                )
            else:
                told.append(f"{observer} sees nothing of it")
        if arrived := journey.at(self.target, False):
            silent = "" if self._answered(journey) else " and sends nothing back"
            told.append(f"{self.target} gets it {self._at(journey, arrived)}{silent}")
        elif self.recorded.by_target:
            told.append(
                f"{self.target} sees nothing of it" + (": lost on the way" if fate is Fate.LOST else "")
            )
        return _sentence(told)

    def _answered(self, journey: Journey) -> bool:
        """Whether the target sent anything in this conversation."""
        return any(
            other.packet.near == journey.packet.near and other.at(self.target, True)
            for other in self.recorded.journeys
        )

    def _told_coming(self, journey: Journey, sender: int, fate: Fate | None) -> str:
        """Where a packet to the scanner came from."""
        told = []
        maker = self.recorded.made_by(journey)
        in_its_name = maker is not None and journey.packet.source == self.sides.target
        if left := journey.at(self.target, True):
            told.append(f"{self.target} sends it {self._at(journey, left)}")
        elif in_its_name and self.recorded.by_target:
            told.append(f"{self.target} never sent it")
        for observer in self.recorded.between:
            came, left = journey.at(observer, False), journey.at(observer, True)
            if observer == maker and left:
                told.append(
                    f"{observer} makes it {self._at(journey, left)}"
                    + (f", in {self.target}'s name" * in_its_name)
                )
            elif left:
                told.append(f"{observer} passes it on {self._at(journey, left)}")
            elif came:
                told.append(f"{observer} gets it {self._at(journey, came)}, passes nothing on: {fate}")
        if journey.own is None:
            told.append("the scanner does not see it")
        return _sentence(told)

    # --- both ends together ---------------------------------------------------------------------------------

    @property
    def untouched(self) -> bool:
        """Whether the target recorded and saw nothing."""
        return self.recorded.by_target and not any(
            seen.observer == self.target for journey in self.recorded.journeys for seen in journey.seen
        )

    @property
    def agreed(self) -> bool:
        """Whether what the target recorded bears the verdict out, and not only what the scanner heard.

        An answer must have left the target itself; a filter must have kept every probe from it.
        """
        exchange = self.sides.exchange
        if exchange.result is None or not self.recorded.by_target:
            return False
        if exchange.result.state is State.FILTERED:
            probes = [one for i, one in self.own.items() if self.sides.is_probe(self.sides.packets[i])]
            kept = [self._end(one, one.seen[-1])[0] in (Fate.DROPPED, Fate.REJECTED) for one in probes]
            return self.untouched and bool(kept) and all(kept)
        decides = self.own.get(exchange.decides) if exchange.decides is not None else None
        return decides is not None and decides.at(self.target, True) is not None


def _sentence(parts: list[str]) -> str:
    """One sentence of several: "Recorded: gateway passes it on; web gets it."."""
    return f"Recorded: {'; '.join(parts)}." if parts else ""

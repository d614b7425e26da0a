"""Misconceptions: which wrong belief a wrong prediction points to, as one table.

Only what really follows stands in the table.  A prediction that fits no row is explained from its evidence alone.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

from portlab.errors import BadTarget
from portlab.learn.evidence import Packet
from portlab.model import State


@dataclass(frozen=True, slots=True)
class Misconception:
    """One wrong belief, the sentence that corrects it, and what one would see in the lab."""

    id: str
    name: str
    belief: str
    sentence: str
    example: str


class Prediction(NamedTuple):
    """What was said, or what was seen: a state, and the packet that decides it."""

    state: State
    packet: Packet


class Row(NamedTuple):
    """Said this where that was seen, with one of these techniques: the belief is `id`.  None stands for anything."""

    techniques: tuple[str, ...]
    said_state: State | None
    said_packet: Packet | None
    seen_state: State | None
    seen_packet: Packet | None
    id: str

    def fits(self, technique: str, said: Prediction, seen: Prediction) -> bool:
        """Whether this row is about such an answer."""
        wanted = (self.said_state, self.said_packet, self.seen_state, self.seen_packet)
        return technique in self.techniques and all(
            want in (None, have) for want, have in zip(wanted, (*said, *seen), strict=True)
        )


TCP = ("syn", "connect")
FLAGS = ("fin", "null", "xmas")
ANY = (*TCP, *FLAGS, "ack", "udp")
DOWN, NO_ANSWER = State.DOWN, State.NO_ANSWER
OPEN, CLOSED, FILTERED = State.OPEN, State.CLOSED, State.FILTERED
UNFILTERED, OPEN_FILTERED = State.UNFILTERED, State.OPEN_FILTERED
SYN_ACK, RST, ICMP, NOTHING = Packet.SYN_ACK, Packet.RST, Packet.ICMP_ERROR, Packet.NOTHING

ROWS = (
    # technique, said state, said packet, seen state, seen packet, belief
    Row(("connect",), CLOSED, RST, CLOSED, ICMP, "M15"),
    Row(("connect",), FILTERED, ICMP, CLOSED, ICMP, "M15"),
    Row(TCP, CLOSED, SYN_ACK, OPEN, SYN_ACK, "M01"),
    Row(TCP, FILTERED, RST, CLOSED, RST, "M02"),
    Row(TCP, FILTERED, NOTHING, CLOSED, RST, "M02"),
    Row(TCP, CLOSED, NOTHING, FILTERED, NOTHING, "M02"),
    Row(TCP, CLOSED, NOTHING, CLOSED, RST, "M02"),
    Row(TCP, CLOSED, ICMP, FILTERED, ICMP, "M03"),
    Row(ANY, FILTERED, NOTHING, FILTERED, ICMP, "M03"),
    Row(ANY, OPEN, ICMP, None, ICMP, "M05"),
    Row((*TCP, *FLAGS), OPEN, RST, CLOSED, RST, "M05"),
    Row(("udp",), OPEN, NOTHING, OPEN_FILTERED, NOTHING, "M06"),
    Row(("udp",), CLOSED, NOTHING, OPEN_FILTERED, NOTHING, "M07"),
    Row(("udp",), CLOSED, NOTHING, CLOSED, ICMP, "M07"),
    Row(("udp", *FLAGS), FILTERED, NOTHING, OPEN_FILTERED, NOTHING, "M04"),
    Row(FLAGS, OPEN, NOTHING, OPEN_FILTERED, NOTHING, "M17"),
    Row(("ack",), OPEN, None, UNFILTERED, RST, "M20"),
    Row(("ack",), CLOSED, RST, UNFILTERED, RST, "M20"),
    Row(("ping",), DOWN, NOTHING, NO_ANSWER, NOTHING, "M09"),
)  # fmt: skip
"""The first row that fits decides."""


def match(technique: str, said: Prediction, seen: Prediction) -> str:
    """The id of the belief that a prediction points to; "" where it was right, or where nothing follows."""
    if said == seen:
        return ""
    return next((row.id for row in ROWS if row.fits(technique, said, seen)), "")


@cache
def all_of_them() -> dict[str, Misconception]:
    """Every misconception by its id, M01 to M40."""
    text = (resources.files("portlab") / "data" / "misconceptions.csv").read_text("utf-8")
    rows = [Misconception(**row) for row in csv.DictReader(text.splitlines())]
    return {row.id: row for row in rows}


def misconception(id_: str) -> Misconception:
    """The misconception of that id: misconception("M04").  BadTarget where there is none."""
    found = all_of_them().get(id_.upper())
    if found is None:
        raise BadTarget(f"There is no misconception {id_!r}. They are called M01 to M{len(all_of_them())}.")
    return found

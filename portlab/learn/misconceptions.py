"""Misconceptions: which wrong belief a wrong prediction points to, as one table.

A belief is said of somebody only where the answer holds it.  Where it fits, and something else does too, it is asked:
"Did you think that ...?"  A prediction that fits no row is explained from its evidence alone.
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
from portlab.techniques import ping_methods, technique


@dataclass(frozen=True, slots=True)
class Misconception:
    """One wrong belief, the sentence that corrects it, and what one would see in the lab."""

    id: str
    name: str
    belief: str
    sentence: str
    example: str

    @property
    def thought(self) -> str:
        """The belief inside another sentence: "closed means that the port is in use"."""
        first, _, rest = self.belief.partition(" ")
        begin = first if any(map(str.isupper, first[1:])) else first.lower()
        return f"{begin} {rest}".rstrip(".")


class Prediction(NamedTuple):
    """What was said, or what was seen: a state, and the packet that decides it."""

    state: State
    packet: Packet


class Imputed(NamedTuple):
    """A belief that an answer points to: one that it holds, or (`asks`) one that it may come from."""

    id: str
    asks: bool


class Row(NamedTuple):
    """Said this where that was seen, with one of these techniques, at that port: the belief is `id`.

    None stands for anything.
    """

    techniques: tuple[str, ...]
    said: tuple[State | None, Packet | None]
    seen: tuple[State | None, Packet | None]
    id: str
    port: int | None = None

    def fits(self, technique: str, said: Prediction, seen: Prediction, port: int | None = None) -> bool:
        """Whether this row is about such an answer."""
        wanted, have = (*self.said, *self.seen, self.port), (*said, *seen, port)
        return technique in self.techniques and all(
            want in (None, has) for want, has in zip(wanted, have, strict=True)
        )


TCP = ("syn", "connect")
FLAGS = ("fin", "null", "xmas", "maimon")
UDP, ACK = ("udp",), ("ack",)
PINGS = tuple(
    name for name in ping_methods().values() if technique(name).PROTOCOL != "arp"
)  # it can tell "down"
DOWN, OPEN, CLOSED = State.DOWN, State.OPEN, State.CLOSED
FILTERED, UNFILTERED = State.FILTERED, State.UNFILTERED
SYN_ACK, RST, ICMP, NOTHING = Packet.SYN_ACK, Packet.RST, Packet.ICMP_ERROR, Packet.NOTHING
ANYTHING = (None, None)

FOLLOWS = (
    # technique, said, seen, belief
    Row((*TCP, *FLAGS), (CLOSED, NOTHING), ANYTHING, "M41"),
    Row((*TCP, *FLAGS), (FILTERED, RST), ANYTHING, "M02"),
    Row(FLAGS, (OPEN, NOTHING), ANYTHING, "M17"),
    Row(UDP, (OPEN, NOTHING), ANYTHING, "M06"),
    Row(UDP, (CLOSED, NOTHING), ANYTHING, "M07"),
    Row(ACK, (OPEN, None), ANYTHING, "M20"),
    Row(ACK, (CLOSED, None), ANYTHING, "M20"),
    Row(PINGS, (DOWN, NOTHING), ANYTHING, "M09"),
)
"""The answer holds the belief.  It says what a packet means, which does not depend on what then came; and no row of
the technique's own table gives that packet that meaning."""

ASKS = (
    # what somebody may know of that port by heart
    Row(UDP, (OPEN, None), ANYTHING, "M32", port=23),
    Row(TCP, (OPEN, SYN_ACK), ANYTHING, "M30", port=20),
    Row(TCP, (OPEN, SYN_ACK), ANYTHING, "M27", port=123),
    Row(TCP, (OPEN, SYN_ACK), ANYTHING, "M08", port=69),
    Row(TCP, (OPEN, SYN_ACK), ANYTHING, "M08", port=161),
    Row(TCP, (CLOSED, None), (OPEN, SYN_ACK), "M28", port=53),
    # a packet taken for what it is not
    Row(TCP, (CLOSED, SYN_ACK), ANYTHING, "M01"),
    Row((*TCP, *FLAGS), (OPEN, RST), ANYTHING, "M05"),
    Row((*TCP, *FLAGS, *UDP), (OPEN, ICMP), ANYTHING, "M05"),
    Row(("syn", *FLAGS), (CLOSED, ICMP), ANYTHING, "M03"),
    Row(ACK, (UNFILTERED, ICMP), ANYTHING, "M03"),
    # a filter expected to be silent, and it spoke
    Row((*TCP, *FLAGS, *ACK), (FILTERED, NOTHING), (None, ICMP), "M03"),
    Row(UDP, (FILTERED, NOTHING), (FILTERED, ICMP), "M03"),
    # silence taken for a filter
    Row((*FLAGS, *UDP), (FILTERED, NOTHING), ANYTHING, "M04"),
    # another answer expected of such a port
    Row(TCP, (FILTERED, NOTHING), (CLOSED, RST), "M41"),
    Row(TCP, (CLOSED, RST), (FILTERED, None), "M02"),
    Row(("connect",), (CLOSED, RST), (CLOSED, ICMP), "M15"),
)
"""The belief fits the answer; so does not knowing that host, or that table.  Only the learner can tell which."""


def belief_of(technique: str, said: Prediction, seen: Prediction, port: int | None = None) -> Imputed | None:
    """The belief behind a wrong prediction; None where it was right, or where nothing follows.

    What the answer holds comes before what it may come from; of each table the first row that fits decides.
    """
    if said == seen:
        return None
    for rows, asks in ((FOLLOWS, False), (ASKS, True)):
        for row in rows:
            if row.fits(technique, said, seen, port):
                return Imputed(row.id, asks)
    return None


@cache
def all_of_them() -> dict[str, Misconception]:
    """Every misconception by its id, M01 to M41."""
    text = (resources.files("portlab") / "data" / "misconceptions.csv").read_text("utf-8")
    rows = [Misconception(**row) for row in csv.DictReader(text.splitlines())]
    return {row.id: row for row in rows}


def misconception(id_: str) -> Misconception:
    """The misconception of that id: misconception("M04").  BadTarget where there is none."""
    found = all_of_them().get(id_.upper())
    if found is None:
        raise BadTarget(f"There is no misconception {id_!r}. They are called M01 to M{len(all_of_them())}.")
    return found

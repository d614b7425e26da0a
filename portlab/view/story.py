"""An exchange told as rows: what text ladder, picture and table are all made from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from portlab.model import PortResult


class Kind(StrEnum):
    """What a row tells of."""

    PACKET = "packet"
    SILENCE = "silence"
    CALL = "call"  # the program calls connect(), or connect() returns


class Speaker(StrEnum):
    """Who did it."""

    SCANNER = "the scanner"
    KERNEL = "the scanner's kernel"
    TARGET = "the target"
    OTHER = "somebody else"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Actor:
    """One lifeline of the ladder."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that happened (or did not).  Times are ns since the first of them.

    `sender` and `receiver` are places in the story's actors.  `reaches` is where a packet is known to have come: its
    receiver, or the actor that quotes it in an ICMP error; None: nobody knows.
    """

    kind: Kind
    at_ns: int
    what: str
    speaker: Speaker
    until_ns: int = 0  # a silence ends
    short: str = ""  # `what` for narrow pictures
    detail: str = ""  # relative seq and ack, TTL
    absolute: str = ""  # seq and ack as on the wire, length
    sentence: str = ""
    note: str = ""  # a few words beside the packet, where its sender is worth a remark
    sender: int = 0
    receiver: int = 0
    reaches: int | None = None
    protocol: str = ""
    attempt: int = 0  # of a probe: 1 for the first; 0: not a probe
    gives_up: bool = False  # of a silence: the scanner stops waiting at its end
    decides: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """One exchange, told.  The scanner is the first of the actors, the target the last."""

    title: str
    asked: str
    fidelity: str
    actors: tuple[Actor, ...]
    rows: tuple[Row, ...]
    batch_clock: bool
    result: PortResult | None

    @property
    def simulated(self) -> bool:
        """True where nothing was measured."""
        return self.result is not None and self.result.fidelity == "simulated"

    @property
    def certain(self) -> bool:
        """True where an answer decided; False where silence did."""
        return any(row.decides and row.kind is not Kind.SILENCE for row in self.rows)

    @property
    def claim(self) -> str:
        """What the deciding row says ("says open"), or suggests where it is a silence ("suggests filtered")."""
        if self.result is None:
            return ""
        return f"{'says' if self.certain else 'suggests'} {self.result.state.value}"

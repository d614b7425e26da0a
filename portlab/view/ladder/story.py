"""An exchange told as rows: what text ladder, picture and table are all made from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from portlab.model import PortResult


class RowKind(StrEnum):
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


class Fate(StrEnum):
    """How a packet ended on its way, where recordings show it."""

    DROPPED = "dropped"
    REJECTED = "rejected"
    UNDELIVERED = "not delivered"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Actor:
    """One lifeline of the ladder.  `scanners_name` is what the scanner can call it; "": it knows nothing of it."""

    name: str
    address: str
    scanners_name: str
    is_wall: bool = False  # a recording shows that packets pass through it, or do not


@dataclass(frozen=True, slots=True)
class Sighting:
    """An observer other than the scanner recorded the packet.

    Where it began its way there, `at_ns` is on the story's time axis; else ns since it began (`since_start`).
    """

    actor: int
    at_ns: int
    since_start: bool


@dataclass(frozen=True, slots=True)
class Path:
    """A packet's way as all recordings together show it: from `sender` to `end`, the last place that had it.

    `end` is None where nobody can tell how far it came.  `told` is what only the lab knows, in words.
    """

    sender: int
    end: int | None
    fate: Fate | None
    sightings: tuple[Sighting, ...]
    told: str


@dataclass(frozen=True, slots=True)
class StoryRow:
    """One thing that happened (or did not).  Times are ns since the first of them.

    `sender` and `receiver` are places in the story's actors.  `reaches` is where the scanner knows a packet to have
    come: its receiver, or the actor that quotes it in an ICMP error; None: it cannot know.
    """

    kind: RowKind
    at_ns: int
    what: str
    speaker: Speaker
    until_ns: int = 0  # a silence ends
    short: str = ""  # `what` for narrow pictures
    detail: str = ""  # relative seq and ack, TTL
    ttl: str = ""  # the TTL alone, for narrow pictures: it may tell who spoke
    absolute: str = ""  # seq and ack as on the wire
    sentence: str = ""
    note: str = ""  # a few words beside the packet, where its sender is worth a remark
    sender: int = 0
    receiver: int = 0
    reaches: int | None = None
    protocol: str = ""
    attempt: int = 0  # of a probe: 1 for the first; 0: not a probe
    gives_up: bool = False  # of a silence: the scanner stops waiting at its end
    decides: bool = False
    path: Path | None = None  # what recordings add; None: nothing
    unseen: bool = False  # the scanner never saw it: only recordings did
    struck: bool = False  # it was left out: no evidence; `note` says why

    @property
    def differs(self) -> bool:
        """Whether recordings show another way than the one the scanner must believe in."""
        path = self.path
        return path is not None and (path.sender, path.end, path.fate) != (self.sender, self.reaches, None)


@dataclass(frozen=True, slots=True)
class Story:
    """One exchange, told.  The scanner is the first of the actors, the target the last."""

    title: str
    asked: str
    fidelity: str
    actors: tuple[Actor, ...]
    rows: tuple[StoryRow, ...]
    batch_clock: bool
    result: PortResult | None
    observers: tuple[str, ...] = ()  # whose recordings are in it, besides the scanner's own
    untouched: bool = False  # the target recorded, and saw nothing of this
    agreed: bool = False  # the recordings of both ends bear the verdict out

    @property
    def simulated(self) -> bool:
        """True where nothing was measured."""
        return self.result is not None and self.result.fidelity == "simulated"

    @property
    def certain(self) -> bool:
        """True where an answer decided; False where silence did."""
        return any(row.decides and row.kind is not RowKind.SILENCE for row in self.rows)

    @property
    def claim(self) -> str:
        """What the deciding row tells the scanner: it "says open"; a silence only "suggests filtered"."""
        if self.result is None:
            return ""
        return f"{'says' if self.certain else 'suggests'} {self.result.state.value}"

    @property
    def whole_claim(self) -> str:
        """The same with all that is recorded: "shows open" where both ends agree."""
        return f"shows {self.result.state.value}" if self.result and self.agreed else self.claim

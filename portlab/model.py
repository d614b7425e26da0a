"""The words of PortLab: states, reasons, answers and what one port's result holds.

Words are for people, one-byte codes for arrays: each member of `State`, `Reason` and `Answer` is a string
that carries a fixed `code`.  States and reasons are spelled as nmap spells them, so that results can be laid
side by side.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from portlab.errors import BadTarget, quoted

if TYPE_CHECKING:
    from portlab.packets.dissect import Dissected

AnyType = TypeVar("AnyType", bound=np.generic)


class Coded(StrEnum):
    """A word with a fixed one-byte code."""

    code: int

    def __new__(cls, word: str, code: int) -> Self:
        member = str.__new__(cls, word)
        member._value_ = word
        member.code = code
        return member

    @classmethod
    def of(cls, code: int) -> Self:
        """The word that belongs to a code."""
        return _BY_CODE[cls][int(code)]  # type: ignore[return-value]  # the table holds each class's own members

    @classmethod
    def words(cls, codes: NDArray[np.uint8]) -> list[Self]:
        """The words of a whole column of codes."""
        table = _BY_CODE[cls]
        return [table[code] for code in codes.tolist()]  # type: ignore[misc]


class State(Coded):
    """What the scanner concludes about a port or a host; not a property of the port itself."""

    OPEN = "open", 1
    CLOSED = "closed", 2
    FILTERED = "filtered", 3
    UNFILTERED = "unfiltered", 4
    OPEN_FILTERED = "open|filtered", 5
    UP = "up", 6
    NO_ANSWER = "no-answer", 7
    DOWN = "down", 8


class Reason(Coded):
    """Why the scanner concludes it, in nmap's vocabulary."""

    NO_RESPONSE = "no-response", 1
    SYN_ACK = "syn-ack", 2
    RESET = "reset", 3
    CONN_REFUSED = "conn-refused", 4
    UDP_RESPONSE = "udp-response", 5
    ECHO_REPLY = "echo-reply", 6
    TIMESTAMP_REPLY = "timestamp-reply", 7
    ARP_RESPONSE = "arp-response", 8
    NET_UNREACH = "net-unreach", 9
    HOST_UNREACH = "host-unreach", 10
    PROTO_UNREACH = "proto-unreach", 11
    PORT_UNREACH = "port-unreach", 12
    NET_PROHIBITED = "net-prohibited", 13
    HOST_PROHIBITED = "host-prohibited", 14
    ADMIN_PROHIBITED = "admin-prohibited", 15
    TIME_EXCEEDED = "time-exceeded", 16
    SPLIT_HANDSHAKE_SYN = "split-handshake-syn", 17
    DEST_UNREACH = "dest-unreach", 18
    PERM_DENIED = "perm-denied", 19
    UNKNOWN = "unknown", 255  # the file that it was read from gives none; PortLab's own scans always know


class Answer(Coded):
    """What came back for a probe.  Who spoke is part of the answer.

    The code orders them: where several answers reach one probe, the lowest code decides (a packet of the
    protocol itself beats an error message, an error message beats silence).
    """

    SYN_ACK = "syn-ack", 1
    SYN = "syn", 2
    RST = "rst", 3
    UDP_RESPONSE = "udp-response", 4
    ECHO_REPLY = "echo-reply", 5
    TIMESTAMP_REPLY = "timestamp-reply", 6
    ARP_REPLY = "arp-reply", 7
    CONNECTED = "connected", 8
    REFUSED = "refused", 9
    PORT_UNREACH_BY_TARGET = "port-unreach-by-target", 20
    PORT_UNREACH_BY_OTHER = "port-unreach-by-other", 21
    PROTO_UNREACH_BY_TARGET = "proto-unreach-by-target", 22
    PROTO_UNREACH_BY_OTHER = "proto-unreach-by-other", 23
    NET_UNREACH = "net-unreach", 24
    HOST_UNREACH = "host-unreach", 25
    NET_PROHIBITED = "net-prohibited", 26
    HOST_PROHIBITED = "host-prohibited", 27
    ADMIN_PROHIBITED = "admin-prohibited", 28
    TIME_EXCEEDED = "time-exceeded", 29
    DEST_UNREACH = "dest-unreach", 30
    NO_NEIGHBOUR = "no-neighbour", 31
    PERM_DENIED = "perm-denied", 32
    UNKNOWN = "unknown", 254  # another tool's verdict, for which the technique has no row
    SILENCE = "silence", 255

    @property
    def is_icmp_error(self) -> bool:
        """Whether an ICMP error was the answer."""
        return Answer.PORT_UNREACH_BY_TARGET.code <= self.code <= Answer.DEST_UNREACH.code


_BY_CODE: dict[type[Coded], dict[int, Coded]] = {
    words: {word.code: word for word in words} for words in (State, Reason, Answer)
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of a technique's table: what an answer says about the port, and where that is written."""

    state: State
    reason: Reason
    sentence: str
    source: str


@dataclass(frozen=True, slots=True)
class Ping:
    """What a technique that asks hosts says of itself.

    `method` is how `ping(method=...)` calls it; `found` the reason with which it usually finds a host up, by which
    nmap's reports tell of it; `port` the one at which it knocks (0: ICMP and ARP know none).
    """

    method: str
    found: Reason
    port: int = 0


@dataclass(frozen=True, slots=True)
class PortResult:
    """What one scan knows of one port (or, after a ping, of one host: then `port` is None).

    `rtt_ms` is None where nothing came back or where the answer cannot be tied to one try.  `answered_by` is
    the address that spoke, which need not be the address that was asked, and `ttl` the Time to Live that was left in
    the deciding packet (None where no IP packet decided: silence, ARP, or what connect() said).
    """

    host: str
    address: str
    port: int | None
    protocol: str
    technique: str
    state: State
    reason: Reason
    rtt_ms: float | None
    tries: int
    answered_by: str | None
    icmp_type: int | None
    icmp_code: int | None
    service: str
    fidelity: str
    sentence: str
    source: str
    caveat: str = ""
    scanner: str | None = None  # who asked
    traffic: str = "scan"
    ttl: int | None = None

    def __str__(self) -> str:
        where = self.address if self.port is None else f"{self.address} {self.port}/{self.protocol}"
        return f"{self.host} ({where}): {self.state}, {self.reason}. {self.sentence}"


# --- events: what a scan keeps as evidence ----------------------------------------------------------------

SNAP = 128
"""Bytes kept of each frame of a scan (a capture() keeps whole frames)."""
WHOLE = 0xFFFF
"""Bytes kept of each frame where whole frames are kept: no Ethernet frame is longer."""

RECEIVED, SENT = 0, 1
BATCH_CLOCK, CHECKSUM_NOT_READY, DAMAGED = 1, 2, 4


@cache
def frame_table(kept: int) -> np.dtype[np.void]:
    """The dtype of a table of frames that keeps at most `kept` bytes of each."""
    return np.dtype(
        [
            ("time_ns", "i8"),  # wall clock of the kernel's timestamp
            ("direction", "u1"),  # RECEIVED or SENT
            # BATCH_CLOCK: a sent row that carries the clock of its batch; CHECKSUM_NOT_READY: whoever sent it left
            # the checksum to the network card; DAMAGED: its checksum is wrong, so it is no evidence
            ("marks", "u1"),
            ("captured", "u2"),  # how many bytes of `data` are the frame's, at most `kept`
            ("length", "u4"),  # bytes on the wire, Ethernet header included
            ("data", "u1", kept),  # the first bytes, Ethernet header first, zero padded
        ]
    )


FRAME = frame_table(SNAP)
"""One frame as seen on the wire."""

ERRNO = np.dtype(
    [
        ("time_ns", "i8"),  # wall clock, when it was read
        ("heard_ns", "i8"),  # when the frame that decided it was captured; 0: no capture ran beside it
        ("probe", "i4"),  # row of the probes table
        ("errno", "i4"),  # 0: connected; ETIMEDOUT also where the scanner itself gave up
        ("icmp_type", "i2"),  # from the socket's error queue (IP_RECVERR); -1: no ICMP
        ("icmp_code", "i2"),
        ("answered_by", "u4"),  # who sent that ICMP message; 0: nobody
    ]
)
"""How one connect() ended."""

PROBE = np.dtype(
    [
        ("time_ns", "i8"),  # when it was sent, wall clock; 0: not yet
        ("row", "i4"),  # which asked (host, port) this try belongs to
        ("address", "u4"),
        ("source", "u4"),
        ("token", "u4"),  # TCP: the sequence number
        ("port", "u2"),  # destination port; ICMP: the sequence number of the message
        ("source_port", "u2"),  # a new one for each try; ICMP: the identifier of the message
        ("attempt", "u1"),  # 1 for the first; 0: asked only to measure the loss, not part of any result
        ("payload", "u1"),  # UDP: which of techniques.payloads.PAYLOADS; 0: an empty datagram
        # of other tools' TCP probes, as a capture shows them:
        ("data_length", "u2"),  # bytes of data in the segment
        (
            "acknowledged",
            "u4",
        ),  # the acknowledgment number where it has one: the token in PortLab's own probes
    ],
    align=True,
)
"""One try: a probe that was sent, or will be."""

Frames = NDArray[np.void]
Errnos = NDArray[np.void]
Probes = NDArray[np.void]


def read_only(array: NDArray[AnyType]) -> NDArray[AnyType]:
    """The same array for readers: whoever made it may go on writing, but not through this."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, eq=False)
class Events:
    """The evidence of one scan: frames and errnos, each a table in order of time, to be read and not written."""

    frames: Frames
    errnos: Errnos

    def __post_init__(self) -> None:
        object.__setattr__(self, "frames", read_only(self.frames))
        object.__setattr__(self, "errnos", read_only(self.errnos))

    @cached_property
    def seen(self) -> Dissected:
        """The headers of the frames, dissected once however many rooms ask for them."""
        from portlab.packets.dissect import Dissected

        return Dissected(self.frames)

    @cached_property
    def shown(self) -> Dissected:
        """The same with damaged packets: to show what was on the wire, never to judge by it."""
        from portlab.packets.dissect import Dissected

        return Dissected(self.frames, forgiving=True)


class Recording(Protocol):
    """What other observers saw meanwhile, by the same clock (`lab.recording("gateway", "web")` makes one).

    `hosts` recorded; `frames` has the columns of FRAME and `observer`, the host that saw the frame (and `direction`
    is as that host saw it).
    """

    @property
    def hosts(self) -> tuple[str, ...]: ...

    @property
    def frames(self) -> Frames: ...


@dataclass(frozen=True, eq=False, repr=False)
class Exchange:
    """One conversation: the frames of one port (or of one packet made by hand), in order of time.

    `decides` is the index of the frame that decided the verdict, None for silence; `result` is None for a
    packet made by hand, about which nothing is concluded.  `recording` may hold what others saw meanwhile.
    """

    result: PortResult | None
    frames: Frames
    errnos: Errnos
    probes: Probes
    decides: int | None
    ended_ns: int
    names: dict[int, str] = field(default_factory=dict)  # how to call an address
    recording: Recording | None = None

    def both_ends(self, recording: Recording) -> Exchange:
        """The same conversation with what the firewall and the target saw of it:
        `scan.exchange("web", 22).both_ends(recording)`.
        """
        if not (hasattr(recording, "hosts") and hasattr(recording, "frames")):
            raise BadTarget(
                f"{quoted(recording)} is no recording. Make one by: "
                'with lab.recording("gateway", "web") as seen: ...'
            )
        return replace(self, recording=recording)

    def __str__(self) -> str:
        from portlab.view import ladder

        return ladder.transcript(self)

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from portlab.view import ladder

        return ladder.mimebundle(self)


class Exchanges(list[Exchange]):
    """What came of several packets made by hand, one Exchange each, in the order in which they were sent."""

    @property
    def frames(self) -> Frames:
        """The frames of all of them."""
        return np.concatenate([no_frames(), *(exchange.frames for exchange in self)])

    def __str__(self) -> str:
        return "\n\n".join(map(str, self))

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundles = [exchange._repr_mimebundle_() for exchange in self]
        return {kind: "\n\n".join(bundle[kind] for bundle in bundles) for kind in ("text/plain", "text/html")}


def no_frames() -> Frames:
    """An empty frame table."""
    return np.empty(0, FRAME)


def no_errnos() -> Errnos:
    """An empty errno table."""
    return np.empty(0, ERRNO)

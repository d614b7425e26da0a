"""What was said on a connection, in turns: text, Telnet's negotiation, gaps; each told apart from the others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from portlab.packets.streams import Said, Stream
from portlab.view.dissection.fields import printable
from portlab.view.words import count

TELNET = 23
IAC, SB, SE = 255, 250, 240
COMMANDS = {251: "WILL", 252: "WON'T", 253: "DO", 254: "DON'T"}
OTHER_COMMANDS = {SE: "SE", 241: "NOP", 242: "data mark", 243: "break", 244: "interrupt process", 245: "abort output",
                  246: "are you there", 247: "erase character", 248: "erase line", 249: "go ahead"}  # fmt: skip
OPTIONS = {0: "binary", 1: "echo", 3: "suppress go ahead", 5: "status", 6: "timing mark", 24: "terminal type",
           31: "window size", 32: "terminal speed", 33: "remote flow control", 34: "linemode", 35: "X display",
           36: "environment", 37: "authentication", 38: "encryption", 39: "new environment",
           42: "charset"}  # fmt: skip
"""RFC 854, and the IANA's list of Telnet options."""

NEGOTIATION = re.compile(rb"\xff[\xfb-\xfe].|\xff\xfa.*?\xff\xf0|\xff[\xf0-\xf9]", re.DOTALL)
ONE_KEY = 3  # bytes: what one key sends
READABLE_SHARE = 0.75
"""Bytes of which fewer look like text are none: of bytes that are pure chance 38 % do."""


class PartKind(Enum):
    """What a part of a turn is."""

    TEXT = "text"
    BYTES = "bytes"
    NEGOTIATION = "negotiation"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a turn: what it is, and how it is written."""

    kind: PartKind
    words: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said before the other spoke.  `echoed`: the server showed each key as it was typed."""

    by_client: bool
    time_ns: int
    data: bytes
    missing: int = 0
    echoed: bool = False


def turns(stream: Stream) -> list[Turn]:
    """The stream as turns, in order; keys that the server echoes one by one make one turn of the client."""
    found: list[Turn] = []
    said = list(stream.said)
    place = 0
    while place < len(said):
        one = said[place]
        echoed = place + 1 < len(said) and _echoes(one, said[place + 1])
        place += 2 if echoed else 1
        last = found[-1] if found else None
        goes_on = last is not None and last.by_client == one.by_client and not (last.missing or one.missing)
        if last is not None and goes_on and last.echoed == echoed:
            found[-1] = Turn(last.by_client, last.time_ns, last.data + one.data, 0, echoed)
        else:
            found.append(Turn(one.by_client, one.time_ns, one.data, one.missing, echoed))
    return found


def _echoes(key: Said, answer: Said) -> bool:
    """Whether the server gives back what was just typed."""
    if not key.by_client or answer.by_client or len(key.data) > ONE_KEY or not key.data:
        return False
    return answer.data == key.data or (key.data[:1] == b"\r" and answer.data == b"\r\n")


def parts(turn: Turn, telnet: bool) -> Iterator[Part]:
    """A turn in parts: text, and what Telnet's programs agree between themselves."""
    if turn.missing:
        yield Part(PartKind.GAP, f"{count(turn.missing, 'byte')} not in this capture")
    if not telnet:
        if turn.data:
            yield _said(turn.data)
        return
    place = 0
    for command in NEGOTIATION.finditer(turn.data):
        if text := turn.data[place : command.start()]:
            yield _said(text)
        yield Part(PartKind.NEGOTIATION, _negotiated(command[0]))
        place = command.end()
    if text := turn.data[place:]:
        yield _said(text)


def is_telnet(stream: Stream) -> bool:
    """Whether the server speaks Telnet: by its port, or because it begins to negotiate."""
    return stream.server[1] == TELNET or NEGOTIATION.match(stream.bytes_of(client=False)) is not None


def _said(data: bytes) -> Part:
    """Bytes as text, or as bytes that are none."""
    text = sum(32 <= byte < 127 or byte in b"\r\n\t" for byte in data)
    if 0 in data or text < READABLE_SHARE * len(data):
        return Part(PartKind.BYTES, printable(data))
    return Part(PartKind.TEXT, readable(data))


def readable(data: bytes) -> str:
    """Bytes as a person reads them: line ends as ↵, what cannot be printed as a dot."""
    lines = data.replace(b"\r\n", b"\n").replace(b"\r\0", b"\n").split(b"\n")
    written = ["\t".join(printable(cell) for cell in line.split(b"\t")) for line in lines]
    return "↵\n".join(written).removesuffix("\n")


def _negotiated(command: bytes) -> str:
    """A command in words, such as: DO terminal type."""
    code = command[1]
    if code in COMMANDS:
        return f"{COMMANDS[code]} {OPTIONS.get(command[2], f'option {command[2]}')}"
    if code == SB:
        option, inside = command[2], command[3:-2]
        return f"about {OPTIONS.get(option, f'option {option}')}: {readable(inside).strip() or 'nothing'}"
    return OTHER_COMMANDS.get(code, str(code))

"""Follow the stream: what both sides of a TCP connection said, as whoever listens on the way can read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from portlab.addresses import dotted
from portlab.captures.capture import Capture
from portlab.errors import BadTarget, quoted
from portlab.packets.streams import End, Stream
from portlab.ports import service_name
from portlab.shown import Shown
from portlab.view import figure, given
from portlab.view.dissection.fields import printable
from portlab.view.stream.turns import Part, PartKind, Turn, is_telnet, parts, turns
from portlab.view.svg import escape
from portlab.view.words import count, duration

MOST_CHARACTERS = {PartKind.TEXT: 1_500, PartKind.BYTES: 200}  # of one turn
MOST_HEX = 4_096  # bytes
SIDES = {True: "client", False: "server"}
MARKS = {True: "▶", False: "◀"}


@dataclass(frozen=True, eq=False, repr=False)
class Conversation(Shown):
    """One TCP connection to be read; `place` says which of several it is."""

    stream: Stream
    names: dict[int, str] = field(default_factory=dict)
    place: str = ""

    @property
    def title(self) -> str:
        """Such as: What was said to voip, port 23 (telnet)."""
        address, port = self.stream.server
        service = service_name(port, "tcp")
        return f"What was said to {self._name(address)}, port {port}" + (f" ({service})" if service else "")

    @property
    def detail(self) -> str:
        """Both ends, and how much each said."""
        sizes = [f"{SIDES[side]} {count(len(self.stream.bytes_of(side)), 'byte')}" for side in (True, False)]
        ends = f"{self._end(self.stream.client)} → {self._end(self.stream.server)}"
        return " · ".join([ends, *sizes, *([self.place] if self.place else [])])

    @property
    def notes(self) -> list[str]:
        """What a reader has to know about this capture of it."""
        stream, notes = self.stream, []
        if not stream.began:
            notes.append(
                "The beginning is not in this capture; which side is the client is guessed by the ports."
            )
        if stream.missing:
            notes.append(f"{count(stream.missing, 'byte')} are not in this capture; each gap is marked.")
        if stream.repeated:
            notes.append(
                f"{count(stream.repeated, 'byte')} came again in retransmissions and are shown once."
            )
        if stream.ended == "RST":
            notes.append("It was ended by a RST.")
        return notes

    def __str__(self) -> str:
        return "\n".join([self.title, self.detail, "", *self._lines(), *self.notes, "", *self._hexadecimal()])

    def html(self, bare: bool = False) -> str:
        """The figure; a `bare` one stands beside others."""
        telnet = is_telnet(self.stream)
        rows = "".join(_turn(turn, telnet, self.stream.time_ns) for turn in turns(self.stream))
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        label = f"{self.title}: all that both sides said, in order"
        body = (
            figure.heading(self.title, self.detail)
            + f'<ol class="turns" tabindex="0" aria-label="{escape(label)}">{rows}</ol>'
            + (f"<figcaption>{notes}</figcaption>" if notes else "")
            + "<details><summary>The same bytes in hexadecimal</summary>"
            + f'<pre class="dump" tabindex="0">{escape(chr(10).join(self._hexadecimal()))}</pre></details>'
        )
        return figure.wrap("stream", self.title, body, "stream", bare=bare)

    def _name(self, address: int) -> str:
        return self.names.get(address) or dotted(address)

    def _end(self, end: End) -> str:
        return f"{self._name(end[0])}:{end[1]}"

    def _lines(self) -> list[str]:
        """The turns as text: what the server said stands further in."""
        telnet, lines = is_telnet(self.stream), []
        for turn in turns(self.stream):
            first, *rest = "".join(_written(part) for part in parts(turn, telnet)).rstrip("\n").split("\n")
            indent = "" if turn.by_client else "    "
            time = duration(turn.time_ns - self.stream.time_ns)
            echo = "  (each key echoed)" if turn.echoed else ""
            lines.append(f"{time:>8}  {indent}{SIDES[turn.by_client]} {MARKS[turn.by_client]} {first}{echo}")
            lines += [f"{'':8}  {indent}         {line}" for line in rest]
        return lines

    def _hexadecimal(self) -> list[str]:
        """Every byte in hexadecimal, 16 a line, with its place in what its side said."""
        lines, told = [], 0
        for said in self.stream.said:
            indent = "" if said.by_client else "    "
            if said.missing:
                lines.append(
                    f"{indent}{SIDES[said.by_client]} {said.offset:06x}  {said.missing:,} bytes missing"
                )
            for start in range(0, len(said.data), 16):
                row = said.data[start : start + 16]
                place = said.offset + start
                lines.append(
                    f"{indent}{SIDES[said.by_client]} {place:06x}  {row.hex(' '):<47}  {printable(row)}"
                )
            told += len(said.data)
            if told > MOST_HEX:
                return [*lines, "(the rest is left out: stream.said has it)"]
        return lines


def _turn(turn: Turn, telnet: bool, begin_ns: int) -> str:
    """One turn as a list item: who, when, what."""
    side = SIDES[turn.by_client]
    pieces = ""
    for part in parts(turn, telnet):
        if part.kind in MOST_CHARACTERS:
            pieces += f'<span class="{part.kind.value}">{escape(_shortened(part))}</span>'
        else:
            pieces += f'<small class="{part.kind.value}">{escape(part.words)}</small> '
    echo = "<small>the server echoes each key</small>" if turn.echoed else ""
    return (
        f'<li class="turn {side}"><span class="who"><b>{side}</b> <span class="mark" aria-hidden="true">'
        f'{MARKS[turn.by_client]}</span> <span class="when">{duration(turn.time_ns - begin_ns)}</span></span>'
        f'<div class="words">{pieces}{echo}</div></li>'
    )


def _written(part: Part) -> str:
    """A part in plain text: what is not said as it stands is in brackets."""
    words = _shortened(part)
    return words if part.kind in MOST_CHARACTERS else f"[{words}]"


def _shortened(part: Part) -> str:
    most = MOST_CHARACTERS.get(part.kind, len(part.words))
    more = len(part.words) - most
    return part.words if more <= 0 else f"{part.words[:most]} … and {more:,} more"


@dataclass(frozen=True, eq=False, repr=False)
class Conversations(Shown):
    """Several connections to be compared."""

    each: Sequence[Conversation]

    def __str__(self) -> str:
        return "\n\n\n".join(str(one) for one in self.each)

    def html(self) -> str:
        """The figures beside each other."""
        page = "".join(one.html(bare=True) for one in self.each)
        return f'{figure.style("stream", "stream")}<div class="pl-streams">{page}</div>'


def follow(capture: Capture, host: str, port: int, *, which: int = 0) -> Conversation:
    """What was said on a TCP connection: `follow(c, "voip", 23)`.

    `host` is the server's name or address; `which` chooses where there were several connections, 0 is the first.
    BadTarget where the capture holds none, or not so many.
    """
    example = 'follow(capture, "voip", 23)'
    capture = given.of_kind(capture, Capture, "a capture", example)
    wanted = given.of_kind(host, str, "the name of a host", example).lower().removesuffix(".lab")
    port, which = given.whole(port, "the number of a port", example), given.whole(which, "a number", example)
    found = [
        stream
        for stream in capture.streams()
        if stream.server[1] == port
        and wanted in (capture.names.get(stream.server[0]), dotted(stream.server[0]))
    ]
    if not -len(found) <= which < len(found):
        raise BadTarget(_nothing(capture, f"{quoted(host)}, {quoted(port)}", which, len(found)))
    place = f"connection {which % len(found) + 1} of {len(found)}" if len(found) > 1 else ""
    return Conversation(found[which], capture.names, place)


def _nothing(capture: Capture, asked: str, which: int, found: int) -> str:
    if found:
        which_ones = f"they are counted from 0 to {found - 1}"
        return f"There is no connection {quoted(which)} to {asked} in this capture: {which_ones}."
    there = {f"{capture.names.get(a) or dotted(a)!r}, {p}" for a, p in (s.server for s in capture.streams())}
    return (
        f"On no TCP connection of this capture was anything said to {asked}. "
        f"It holds {'; '.join(sorted(there)[:8]) or 'no conversation over TCP'}."
    )


def conversations(*each: Conversation) -> Conversations:
    """Several side by side: conversations(follow(c, "voip", 23), follow(c, "voip", 22))."""
    example = 'conversations(follow(capture, "voip", 23))'
    return Conversations([given.of_kind(one, Conversation, "a conversation", example) for one in each])

"""Tell an exchange: frames, errnos and silences become the rows of a Story.

Times are ns since the first event; sequence numbers are relative to the first one seen from that side.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import replace

from portlab.addresses import dotted
from portlab.model import SENT, Exchange, PortResult, Reason
from portlab.view import words
from portlab.view.ladder import sentences
from portlab.view.ladder.packet import PacketFields, read
from portlab.view.ladder.paths import Paths
from portlab.view.ladder.sides import Sides
from portlab.view.ladder.silences import CALLED, folded, is_answer, with_silences
from portlab.view.ladder.story import Actor, RowKind, Speaker, Story, StoryRow

MOST_FRAMES = 300
STRUCK = "left out: wrong checksum"


def describe(exchange: Exchange) -> Story:
    """Tell an exchange; of a very long one (a download, a flood) its beginning."""
    frames, silent = len(exchange.frames), _silent(exchange)
    if frames > MOST_FRAMES:
        exchange = _beginning(exchange)
    packets = read(exchange.frames)
    result = exchange.result
    sides = Sides(exchange, packets)
    paths = Paths(sides, _start(sides))
    events = sorted(
        [*_calls(sides), *_packet_rows(sides, paths), *_returns(sides)], key=lambda row: row.at_ns
    )
    rows = with_silences(events, exchange.ended_ns if silent else None)
    rows = folded(_marked(rows, exchange, silent)) + list(_unseen_rows(sides, paths))
    start = paths.start_ns
    rows = [replace(row, at_ns=row.at_ns - start, until_ns=max(row.until_ns - start, 0)) for row in rows]
    return Story(
        title=_title(result, sides.actors[-1]),
        asked=_asked(result, sides.actors[-1])
        + (f"; the first {MOST_FRAMES} of {frames:,} frames" if frames > MOST_FRAMES else ""),
        fidelity="" if result is None else words.fidelity_name(result.fidelity),
        actors=sides.actors,
        # what happened in a silence is told before it: the silence is known only at its end
        rows=tuple(sorted(rows, key=lambda row: row.until_ns if row.kind is RowKind.SILENCE else row.at_ns)),
        batch_clock=any(packet.batch_clock for packet in packets),
        result=result,
        observers=sides.recorded.observers,
        untouched=paths.untouched,
        agreed=paths.agreed,
    )


def _beginning(exchange: Exchange) -> Exchange:
    """The first frames of an exchange, and what was asked and returned by then."""
    frames = exchange.frames[:MOST_FRAMES]
    ends_ns = int(frames["time_ns"][-1])
    errnos, probes = (table[table["time_ns"] <= ends_ns] for table in (exchange.errnos, exchange.probes))
    decides = exchange.decides if exchange.decides is not None and exchange.decides < len(frames) else None
    return replace(
        exchange, frames=frames, errnos=errnos, probes=probes[:MOST_FRAMES], decides=decides, ended_ns=ends_ns
    )


def _start(sides: Sides) -> int:
    """When the first thing happened that the scanner knows of."""
    called = [
        int(probe["time_ns"]) for probe in sides.exchange.probes if sides.is_connect and probe["time_ns"]
    ]
    ended = [int(end["time_ns"]) for end in sides.exchange.errnos]
    return min([*called, *ended, *(packet.time_ns for packet in sides.packets)], default=0)


def _title(result: PortResult | None, target: Actor) -> str:
    if result is None:
        return f"A packet made by hand, sent to {target.name}"
    what = words.traffic_name(result.technique, result.traffic)
    if result.fidelity == "capture" and result.scanner:
        what += f" by {result.scanner}"
    return f"{what}: {result.host}" if result.port is None else f"{what}: {result.host}, port {result.port}"


def _asked(result: PortResult | None, target: Actor) -> str:
    if result is None or result.port is None:
        return target.address
    return f"{result.address} port {result.port}/{result.protocol}"


def _packet_rows(sides: Sides, paths: Paths) -> Iterator[StoryRow]:
    numbers = _RelativeNumbers()
    asked_before: dict[tuple[int, int, str], int] = {}
    asked, answered = 0, False
    for number, packet in enumerate(sides.packets):
        probe = sides.is_probe(packet)
        sender, receiver = sides.place(packet)
        attempt, same = 0, (packet.near, packet.far, packet.protocol)
        if probe:
            asked += 1
            asked_before[same] = asked_before.get(same, 0) + 1
            attempt = max(sides.attempts.get(same[:2], 1), asked_before[same], asked * sides.is_connect)
        repeated = probe and asked_before[same] > 1
        relative, absolute = numbers.of(packet)
        reaches = _reaches(sides, packet, probe, receiver)
        speaker = sides.speaker(packet, probe)
        told = sentences.of_packet(
            packet,
            speaker,
            attempt,
            repeated,
            (sides.actors[sender], sides.actors[-1]),
            sides.is_connect,
            answered,
        )
        row = StoryRow(
            kind=RowKind.PACKET,
            at_ns=packet.time_ns,
            what=packet.what,
            short=packet.short,
            detail=" ".join(filter(None, [relative, _ttl(packet)])),
            ttl=_ttl(packet),
            absolute=absolute,
            sentence=told,
            note=STRUCK if packet.damaged else _note(speaker, attempt, sides.is_connect),
            struck=packet.damaged,
            speaker=speaker,
            sender=sender,
            receiver=receiver,
            reaches=reaches,
            protocol=packet.protocol,
            attempt=attempt,
            path=paths.of(number, reaches),
        )
        answered |= is_answer(row)
        yield row


def _unseen_rows(sides: Sides, paths: Paths) -> Iterator[StoryRow]:
    """Packets that recordings hold and the scanner never saw."""
    for journey in paths.unseen:
        packet, path = journey.packet, paths.path(journey)
        sender, receiver = sides.place(packet)
        yield StoryRow(
            kind=RowKind.PACKET,
            at_ns=journey.seen[0].time_ns,
            what=packet.what,
            short=packet.short,
            detail=_ttl(packet),
            ttl=_ttl(packet),
            sentence=f"Only the recordings know of this {packet.what}.",
            speaker=Speaker.OTHER if path.sender not in (0, len(sides.actors) - 1) else Speaker.TARGET,
            sender=sender,
            receiver=receiver,
            protocol=packet.protocol,
            path=path,
            unseen=True,
        )


def _ttl(packet: PacketFields) -> str:
    """How many hops an answer had left: it may tell who spoke."""
    return "" if packet.sent or packet.protocol in ("arp", "") else f"TTL {packet.ttl}"


def _note(speaker: Speaker, attempt: int, is_connect: bool) -> str:
    """Who sent it, where that surprises (in a connect scan the kernel sends everything), and which try it is."""
    if speaker is Speaker.KERNEL and not is_connect:
        return "sent by the scanner's kernel"
    return f"try {attempt}" if attempt > 1 else ""


def _reaches(sides: Sides, packet: PacketFields, probe: bool, receiver: int) -> int | None:
    """Where a packet is known to have come to.  An unanswered probe may have died anywhere."""
    if not probe:
        return receiver
    quoting = sides.quoting(packet)
    if quoting is not None:
        return quoting
    return receiver if packet.near in sides.heard else None


class _RelativeNumbers:
    """Sequence and acknowledgment numbers relative to the first number seen from each side of each connection."""

    def __init__(self) -> None:
        self._first: dict[tuple[int, bool], int] = {}

    def of(self, packet: PacketFields) -> tuple[str, str]:
        """The numbers as text, relative and absolute."""
        if packet.protocol != "tcp":
            return "", ""
        first = self._first.setdefault((packet.near, packet.sent), packet.sequence_number)
        relative = [f"seq {_minus(packet.sequence_number, first)}"]
        absolute = [f"seq {packet.sequence_number}"]
        if packet.has_ack:
            other = self._first.get((packet.near, not packet.sent))
            number = packet.acknowledgment_number
            relative.append(f"ack {number if other is None else _minus(number, other)}")
            absolute.append(f"ack {number}")
        return " ".join(relative), " ".join(absolute)


def _minus(number: int, first: int) -> int:
    """The distance of two sequence numbers, which wrap around at 2^32; small negative ones stay negative."""
    distance = (number - first) % 2**32
    return distance - 2**32 if distance > 2**31 else distance


def _calls(sides: Sides) -> Iterator[StoryRow]:
    """connect() is called: before the SYN that it causes, whatever the clocks say."""
    if not sides.is_connect:
        return
    for probe in sides.exchange.probes:
        if not probe["time_ns"]:
            continue
        caused = [packet.time_ns for packet in sides.packets if packet.near == int(probe["source_port"])]
        yield _call(min([int(probe["time_ns"]), *caused]), "connect() called", "")


def _returns(sides: Sides) -> Iterator[StoryRow]:
    """connect() returns: the evidence of a connect scan."""
    for end in sides.exchange.errnos:
        number, icmp = int(end["errno"]), (int(end["icmp_type"]), int(end["icmp_code"]))
        told = "" if icmp[0] < 0 else "ICMP {}/{} from {}".format(*icmp, dotted(int(end["answered_by"])))
        name = "0" if number == 0 else errno.errorcode.get(number, f"errno {number}")
        what = "connect() succeeded" if number == 0 else f"connect() returned {name}"
        yield _call(int(end["time_ns"]), what, name, told)


SHORT_CALLS = {"": CALLED, "0": "connected"}


def _call(at_ns: int, what: str, name: str, detail: str = "") -> StoryRow:
    told = sentences.of_call(name, detail)
    return StoryRow(
        RowKind.CALL,
        at_ns,
        what,
        Speaker.SCANNER,
        short=SHORT_CALLS.get(name, name),
        detail=detail,
        sentence=told,
    )


def _silent(exchange: Exchange) -> bool:
    """Whether no event decided: then the wait ended with the scanner giving up."""
    if exchange.decides is not None or _deciding_errno(exchange):
        return False
    return exchange.result is not None or not bool((exchange.frames["direction"] != SENT).any())


def _deciding_errno(exchange: Exchange) -> bool:
    result = exchange.result
    return bool(len(exchange.errnos)) and result is not None and result.reason is not Reason.NO_RESPONSE


def _marked(rows: list[StoryRow], exchange: Exchange, silent: bool) -> list[StoryRow]:
    """The same rows, the deciding one marked: a packet, what connect() returned, or the last silence.

    What decided may be among the frames that are not told; then none of these did.
    """
    if exchange.result is None:
        return rows
    if exchange.decides is not None:
        chosen = [i for i, row in enumerate(rows) if row.kind is RowKind.PACKET][exchange.decides]
    else:
        wanted = RowKind.CALL if _deciding_errno(exchange) else RowKind.SILENCE
        places = [i for i, row in enumerate(rows) if row.kind is wanted]
        if not places or (wanted is RowKind.SILENCE and not silent):
            return rows
        chosen = places[-1]
    return [replace(row, decides=i == chosen) for i, row in enumerate(rows)]

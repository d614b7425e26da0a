"""The scan loop: ask, listen, ask again, conclude.  Read `Loop.run` from top to bottom.

Each special measure has a file of its own: `neighbours`, `loss`, `icmp_budget`.

The loop knows no network and no clock but its wire's, and no randomness but what it is handed, so the same
loop runs over real packets and over the simulated lab.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import EMFILE, ENFILE
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from portlab.evidence.result import Scan
from portlab.evidence.true_times import with_true_times
from portlab.evidence.verdict import Asked, conclude
from portlab.model import PROBE, Answer, Events, Probes, no_errnos
from portlab.scanning.icmp_budget import rationed, spend_icmp_budget
from portlab.scanning.journal import NO_ROW, Journal
from portlab.scanning.loss import measure_loss
from portlab.scanning.neighbours import find_neighbours
from portlab.scanning.pacing import (
    KERNEL_PATIENCE_S,
    LossMeter,
    Pace,
    RoundTripTimers,
    Throttle,
    syns_within,
)
from portlab.techniques import Technique
from portlab.techniques.matching import Matches
from portlab.wire import Wire

RECORD_SENT_UP_TO = 4096
"""Scans of more probes do not capture what they send: the sent rows carry the clock of their batch."""

LOOK_S = 0.2

RandomBytes = Callable[[int], bytes]

Watch = Callable[[Scan], bool]
"""Is shown, up to five times a second, the scan as it would be if it ended now; True ends it."""


class Tell(Protocol):
    """What the loop tells while it runs: how many of all ports are settled."""

    def __call__(self, done: int, total: int) -> None: ...


class _Enough(Exception):
    """Stop and conclude from what is known; the message says why."""


class Loop:
    """One scan while it runs."""

    def __init__(
        self,
        technique: Technique,
        asked: Asked,
        wire: Wire,
        pace: Pace,
        random_bytes: RandomBytes,
        progress: Tell,
        payload: NDArray[np.uint8] | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.technique, self.asked, self.wire, self.pace = technique, asked, wire, pace
        self.random_bytes, self.progress, self.watch = random_bytes, progress, watch
        self.payload = payload
        addresses, self.host = np.unique(asked.address, return_inverse=True)
        self.addresses = addresses
        self.attempts = np.zeros(len(asked), np.uint8)
        self.answered = np.zeros(len(asked), bool)
        self.no_neighbour = np.zeros(len(asked), bool)
        self.given_up = np.zeros(len(asked), bool)  # asked and listened to enough: it is silence
        least = 0.0 if technique.NEEDS_RAW else KERNEL_PATIENCE_S
        self.timers, self.loss = RoundTripTimers(len(addresses), least), LossMeter(len(addresses))
        self.journal, self.begun = Journal(technique), 0  # begun: probes handed over to the kernel
        self.started = wire.now()
        self.started_ns = wire.clock_ns()
        self.next_look = self.started + LOOK_S
        self.throttle = Throttle(pace, self.started)
        self.refusals = np.zeros(len(addresses), np.int64)  # port unreachables by the hosts themselves

    def run(self) -> tuple[bool, str]:
        """Ask until every port has answered or been asked often enough: (complete, why it stopped early)."""
        self.wire.record_sent = len(self.asked) <= RECORD_SENT_UP_TO
        try:
            self.wait(self.pace.lead)
            find_neighbours(self)
            while len(rows := self.due()):
                self.ask(rows[~self.asked_enough()[rows]])
                if self.listen(rows):
                    self.give_up(rows)
                measure_loss(self)
            spend_icmp_budget(self)
        except KeyboardInterrupt:
            return False, "interrupted"
        except _Enough as enough:
            return False, str(enough)
        except OSError as error:
            return False, _what_is_missing(error)
        return True, ""

    # --- who is still to be asked -------------------------------------------------------------------------

    def due(self) -> NDArray[np.intp]:
        """Rows without an answer that have to be asked again, or at least to be listened to for longer."""
        left_alone = self.given_up | rationed(self)[self.host]
        return np.flatnonzero(self.silent() & ~(self.asked_enough() & left_alone))

    def asked_enough(self) -> NDArray[np.bool_]:
        """Rows that have been asked as often as they need be."""
        needed = np.where(rationed(self), np.minimum(self.tries_needed(), 2), self.tries_needed())
        return self.attempts >= needed[self.host]

    def tries_needed(self) -> NDArray[np.int64]:
        """For each host: as often as the user said, or as the loss measured demands."""
        if self.technique.PROTOCOL == "arp":
            return np.zeros(len(self.addresses), np.int64)  # the wire has asked already
        if self.pace.tries is not None:
            return np.full(len(self.addresses), self.pace.tries)
        tries = self.loss.tries(self.pace.miss)
        if not self.technique.NEEDS_RAW:  # a kernel asks again by itself
            tries = -(-tries // syns_within(self.pace.timeout or KERNEL_PATIENCE_S))
        return tries

    def silent(self) -> NDArray[np.bool_]:
        return ~self.answered & ~self.no_neighbour

    def give_up(self, rows: NDArray[np.intp]) -> None:
        """Conclude silence from the rows that nobody will ask again."""
        self.given_up[rows] = (self.silent() & self.asked_enough() & ~rationed(self)[self.host])[rows]

    # --- asking -------------------------------------------------------------------------------------------

    def ask(self, rows: NDArray[np.intp]) -> None:
        """Ask each row once more, in random order and no faster than the throttle allows."""
        self.attempts[rows] = np.minimum(self.attempts[rows], 254) + 1
        self.given_up[rows] = False
        rows = rows[np.argsort(self.random(len(rows)), kind="stable")]
        if not self.technique.NEEDS_RAW:
            self.journal.add(self.make_probes(rows, source_port=0))  # see `connect`
        elif len(rows):
            self.send(self.make_probes(rows, self.wire.source_port(self.technique.PROTOCOL)))

    def make_probes(self, rows: NDArray[np.intp], source_port: int) -> Probes:
        """One row of the probes table for each asked row."""
        probes = np.zeros(len(rows), PROBE)
        probes["row"], probes["attempt"] = rows, self.attempts[rows]
        probes["address"], probes["source_port"] = self.asked.address[rows], source_port
        probes["token"] = probes["acknowledged"] = self.random(len(rows))
        probes["source"] = self.sources()[self.host[rows]] if self.technique.NEEDS_RAW else 0
        probes["port"] = self.asked.port[rows]
        if self.technique.PING is not None:  # it asks no port: ICMP numbers its messages, others knock at one
            is_icmp = self.technique.PROTOCOL == "icmp"
            probes["port"] = probes["attempt"] if is_icmp else self.technique.PING.port
        if self.payload is not None:
            probes["payload"] = self.payload[rows]
        return probes

    def sources(self) -> NDArray[np.uint32]:
        """The own address that packets to each host carry."""
        return np.array([self.wire.source(int(address)) for address in self.addresses], np.uint32)

    def random(self, count: int) -> NDArray[np.uint32]:
        return np.frombuffer(self.random_bytes(4 * count), np.uint32)

    def send(self, probes: Probes) -> slice:
        """Send a table of probes, listening all the while; where in the journal they stand."""
        place = self.journal.add(probes)
        packets = self.technique.craft(probes)
        sent = 0
        self.throttle.begin_round(self.wire.now())
        while sent < len(packets):
            count = min(self.throttle.allow(self.wire.now()), len(packets) - sent)
            if count:
                part = slice(place.start + sent, place.start + sent + count)
                self.journal.probes.rows["time_ns"][part] = self.wire.clock_ns()
                self.wire.send(packets[sent : sent + count])
                sent += count
            self.collect(self.throttle.pause() if sent < len(packets) else 0)
            self.tell()
        return place

    # --- listening ----------------------------------------------------------------------------------------

    def listen(self, rows: NDArray[np.intp]) -> bool:
        """Wait for their answers, until all are there or the time is up; whether that was all patience."""
        if not self.technique.NEEDS_RAW:
            return self.connect(rows)
        last_heard = self.wire.now()
        while len(waiting := rows[self.silent()[rows]]):
            wait = self.waiting_time(waiting)
            left = last_heard + wait - self.wire.now()
            if left <= 0:
                return wait >= self.patience(waiting)
            if self.collect(left):
                last_heard = self.wire.now() if self.pace.timeout is None else last_heard
            self.tell()
        return True

    def connect(self, rows: NDArray[np.intp]) -> bool:
        """Let the kernel connect to those just asked, and say how each attempt ended; as `listen`."""
        wait, patience = self.waiting_time(rows), self.patience(rows)
        probes, self.begun = self.journal.probes.rows[self.begun :], len(self.journal.probes)
        for events in self.wire.connect(probes, wait, patience, self.pace.gap):
            self.absorb(events)
            self.tell()
        return wait >= patience

    def waiting_time(self, rows: NDArray[np.intp]) -> float:
        """Seconds until those rows are asked again: the retransmission timeout, or after a last try all patience."""
        patience = self.patience(rows)
        if self.asked_enough()[rows].any():
            return patience
        return min(patience, float(self.timers.timeout(self.host[rows]).max()))

    def patience(self, rows: NDArray[np.intp]) -> float:
        """Seconds after which no answer is expected any more; or what the user said."""
        if self.pace.timeout is not None:
            return self.pace.timeout
        return float(self.timers.patience(self.host[rows]).max())

    def collect(self, wait: float) -> int:
        """Take in what the wire has, waiting for it at most so long; the number of ports newly answered."""
        wait = min(wait, self.time_left(), LOOK_S if self.watch else wait)
        fresh = 0
        while len(frames := self.wire.receive(wait)):
            fresh += self.absorb(Events(frames, no_errnos()))
            wait = 0
        return fresh

    def time_left(self) -> float:
        """Seconds until the deadline; where it has passed, this was enough."""
        if self.pace.deadline is None:
            return float("inf")
        left = self.started + self.pace.deadline - self.wire.now()
        if left <= 0:
            raise _Enough(self.pace.ends or f"the deadline of {self.pace.deadline:g} s passed")
        return left

    def absorb(self, events: Events) -> int:
        """Keep events and learn from the answers among them; the number of ports newly answered."""
        found = self.journal.keep(events)
        return self.learn(found, events) if len(found) else 0

    def learn(self, found: Matches, events: Events) -> int:
        """Round-trip times, loss and speed from the answers just found; the number of ports newly answered."""
        probes = self.journal.probes.rows[found.probe]
        times = (events.frames if self.technique.EVIDENCE == "frames" else events.errnos)["time_ns"][
            found.event
        ]
        rtt_s = np.maximum(times - probes["time_ns"], 1000) / 1e9
        counted = probes["row"] != NO_ROW
        rows = probes["row"][counted]
        first_of_row = np.unique(rows, return_index=True)[1] if len(rows) > 1 else np.arange(len(rows))
        new = first_of_row[~self.answered[rows[first_of_row]]]
        fresh_rows, attempt = rows[new], probes["attempt"][counted][new]
        host = self.host[fresh_rows]
        self.answered[fresh_rows] = True
        if len(fresh_rows):
            self.timers.learn(host, rtt_s[counted][new])
            self.loss.answered(host, attempt)
            refused = found.answer[counted][new] == Answer.PORT_UNREACH_BY_TARGET.code
            self.refusals += np.bincount(host[refused], minlength=len(self.addresses))
        self.throttle.answers(len(found), self.wire.now(), repeated=bool((attempt > 1).any()))
        return len(fresh_rows)

    def tell(self) -> None:
        """Say how far the scan is, and end it where the deadline has passed or the onlooker has seen enough."""
        self.progress(int((self.answered | self.no_neighbour).sum()), len(self.asked))
        self.time_left()
        if self.watch and self.wire.now() >= self.next_look:
            if self.watch(self.conclude(False, "still running")):
                raise _Enough("stopped")
            self.next_look = self.wire.now() + LOOK_S

    def wait(self, seconds: float) -> None:
        """Listen for so long, whatever comes."""
        end = self.wire.now() + seconds
        while (left := end - self.wire.now()) > 0:
            self.collect(left)
            self.tell()

    # --- the end ------------------------------------------------------------------------------------------

    def conclude(self, complete: bool, stopped_by: str, authorised: tuple[str, ...] = ()) -> Scan:
        """Everything known as a value.  Rows never asked, or asked but not waited for, are listed apart."""
        elapsed = self.wire.now() - self.started
        probes, events = self.journal.sent(), self.journal.events()
        if self.wire.record_sent or not self.technique.NEEDS_RAW:
            probes, events = with_true_times(probes, events, self.technique.PROTOCOL)
        findings = conclude(
            self.technique, self.asked, probes, events, self.journal.answers(), self.no_neighbour
        )
        scan = Scan(
            technique=self.technique.NAME,
            fidelity=self.wire.fidelity,
            started_ns=self.started_ns,
            elapsed_s=elapsed,
            complete=complete,
            stopped_by=stopped_by,
            authorised=authorised,
            lost_here=self.wire.lost_here,
            asked=self.asked,
            findings=findings,
            probes=probes,
            recorded=events,
        )
        open_rows = self.silent() & ~self.given_up
        tried = np.zeros(len(self.asked), bool)
        tried[probes["row"][probes["row"] != NO_ROW]] = True
        return scan.without(never_asked=open_rows & ~tried, unanswered=open_rows & tried)


def _what_is_missing(error: OSError) -> str:
    """Why a scan could not go on, in words."""
    what = "no socket is left on this machine" if error.errno in (EMFILE, ENFILE) else "the network went away"
    return f"{what}: {error.strerror or error}"

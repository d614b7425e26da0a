"""The scan loop: ask, listen, ask again, conclude.  Read `Loop.run` from top to bottom.

The loop knows no network and no clock but its wire's, and no randomness but what it is handed, so the same
loop runs over real packets and over the simulated lab.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from portlab.model import PROBE, Answer, Events, Frames, no_errnos, no_frames
from portlab.pacing import (
    CALIBRATION,
    KERNEL_PATIENCE_S,
    UNKNOWN_PATIENCE_S,
    LossMeter,
    Pace,
    RoundTripTimers,
    Throttle,
)
from portlab.result import Scan
from portlab.techniques import Technique
from portlab.techniques.matching import Matches, ProbeTable
from portlab.true_times import with_true_times
from portlab.verdict import NO_PORT, Asked, conclude
from portlab.wire import Wire

RECORD_SENT_UP_TO = 4096
"""Scans of more probes than this do not capture what they send: the sent rows carry the clock of their batch.
"""

ICMP_POLL_S, ICMP_GROUP = 0.1, 8
ICMP_QUIET_S = 2.2
"""Linux gives one ICMP error a second and host: after 2.2 s without one, nobody claims the next any more."""

ARP_PATIENCE_S = 0.6
NO_ROW = -1
LOOK_S = 0.2

RandomBytes = Callable[[int], bytes]

Watch = Callable[[Scan], bool]
"""Is shown, up to five times a second, the scan as it would be if it ended now; True ends it."""


class Progress(Protocol):
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
        progress: Progress,
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
        patience = UNKNOWN_PATIENCE_S if technique.NEEDS_RAW else KERNEL_PATIENCE_S
        self.timers, self.loss = RoundTripTimers(len(addresses), patience), LossMeter(len(addresses))
        self.probes = ProbeTable(np.empty(0, PROBE))
        self.frames: list[Frames] = []
        self.errnos: list[NDArray[np.void]] = []
        self.matches: list[Matches] = []
        self.frames_so_far = self.errnos_so_far = 0
        self.started = wire.now()
        self.started_ns = wire.clock_ns()
        self.next_look = self.started + LOOK_S
        self.throttle = Throttle(pace, self.started)
        self.refusals = np.zeros(len(addresses), np.int64)  # port unreachables by the hosts themselves

    def run(self) -> tuple[bool, str]:
        """Ask until every port has answered or been asked often enough: (complete, why it stopped early)."""
        self.wire.record_sent = len(self.asked) <= RECORD_SENT_UP_TO
        try:
            self.find_neighbours()
            while len(rows := self.due()):
                self.ask(rows)
                self.listen(rows)
                self.measure_loss()
            if self.technique.PROTOCOL == "udp":
                self.spend_icmp_budget()
        except KeyboardInterrupt:
            return False, "interrupted"
        except _Enough as enough:
            return False, str(enough)
        except OSError as error:
            return False, f"the network went away: {error.strerror or error}"
        return True, ""

    # --- who is still to be asked -------------------------------------------------------------------------

    def due(self) -> NDArray[np.intp]:
        """Rows without an answer that have not been asked often enough."""
        needed = self.tries_needed()
        if self.technique.PROTOCOL == "arp":
            needed = np.zeros_like(needed)  # the wire has asked already
        if self.technique.PROTOCOL == "udp" and self.pace.tries is None:
            needed = np.where(self.refusals > 0, np.minimum(needed, 2), needed)  # see spend_icmp_budget
        return np.flatnonzero(self.silent() & (self.attempts < needed[self.host]))

    def tries_needed(self) -> NDArray[np.int64]:
        """For each host: as often as the user said, or as the loss measured demands."""
        if self.pace.tries is None:
            return self.loss.tries(self.pace.miss)
        return np.full(len(self.addresses), self.pace.tries)

    def silent(self) -> NDArray[np.bool_]:
        return ~self.answered & ~self.no_neighbour

    def find_neighbours(self) -> None:
        """Find the next hop of every address; those whose ARP goes unanswered are asked nothing more."""
        if not self.technique.NEEDS_RAW:
            return
        if self.technique.PROTOCOL == "arp":
            self.attempts[:] = 1
            self.remember_probes(self.make_probes(np.arange(len(self.asked)), source_port=0))
        patience = self.pace.timeout or ARP_PATIENCE_S
        reachable = self.wire.resolve(self.addresses, patience)
        self.collect(0)
        if self.technique.PROTOCOL != "arp":
            self.no_neighbour = ~reachable[self.host]

    # --- asking -------------------------------------------------------------------------------------------

    def ask(self, rows: NDArray[np.intp]) -> None:
        """Ask each row once more, in random order and no faster than the throttle allows."""
        self.attempts[rows] = np.minimum(self.attempts[rows], 254) + 1
        rows = rows[np.argsort(self.random(len(rows)), kind="stable")]
        if self.technique.NEEDS_RAW:
            self.send(self.make_probes(rows, self.wire.source_port(self.technique.PROTOCOL)))
        else:
            self.connect(self.make_probes(rows, source_port=0))

    def make_probes(self, rows: NDArray[np.intp], source_port: int) -> NDArray[np.void]:
        """One row of the probes table for each asked row."""
        probes = np.zeros(len(rows), PROBE)
        probes["row"], probes["attempt"] = rows, self.attempts[rows]
        probes["address"], probes["source_port"] = self.asked.address[rows], source_port
        probes["token"] = self.random(len(rows))
        probes["source"] = self.sources()[self.host[rows]] if self.technique.NEEDS_RAW else 0
        # A ping asks no port: ICMP numbers its messages, TCP knocks at one port all the same.
        without = (
            probes["attempt"]
            if self.technique.PROTOCOL == "icmp"
            else getattr(self.technique, "PING_PORT", 0)
        )
        probes["port"] = np.where(self.asked.port[rows] == NO_PORT, without, self.asked.port[rows])
        if self.payload is not None:
            probes["payload"] = self.payload[rows]
        return probes

    def sources(self) -> NDArray[np.uint32]:
        """The own address that packets to each host carry."""
        return np.array([self.wire.source(int(address)) for address in self.addresses], np.uint32)

    def random(self, count: int) -> NDArray[np.uint32]:
        return np.frombuffer(self.random_bytes(4 * count), np.uint32)

    def remember_probes(self, probes: NDArray[np.void]) -> slice:
        """Append to the probes table; the slice is where they now stand."""
        start = len(self.probes)
        self.probes = ProbeTable(np.concatenate([self.probes.rows, probes]) if start else probes)
        return slice(start, start + len(probes))

    def send(self, probes: NDArray[np.void]) -> None:
        """Send a table of probes, listening all the while."""
        place = self.remember_probes(probes)
        packets = self.technique.craft(probes)
        sent = 0
        self.throttle.begin_round(self.wire.now())
        while sent < len(packets):
            count = min(self.throttle.allow(self.wire.now()), len(packets) - sent)
            if count:
                part = slice(place.start + sent, place.start + sent + count)
                self.probes.rows["time_ns"][part] = self.wire.clock_ns()
                self.wire.send(packets[sent : sent + count])
                sent += count
            self.collect(self.throttle.pause() if sent < len(packets) else 0)
            self.tell()

    def connect(self, probes: NDArray[np.void]) -> None:
        """Let the kernel connect to each; the wire says how each attempt ended."""
        place = self.remember_probes(probes)
        rows = probes["row"]
        for events in self.wire.connect(self.probes.rows[place], self.waiting_time(rows)):
            ends = events.errnos.copy()
            ends["probe"] += place.start
            self.absorb(Events(events.frames, ends))
            self.tell()

    # --- listening ----------------------------------------------------------------------------------------

    def listen(self, rows: NDArray[np.intp]) -> None:
        """Wait for the answers to the last round, until all are there or the time is up."""
        if not self.technique.NEEDS_RAW:
            return
        last_heard = self.wire.now()
        while len(waiting := rows[self.silent()[rows]]):
            left = last_heard + self.waiting_time(waiting) - self.wire.now()
            if left <= 0:
                return
            if self.collect(left):
                last_heard = self.wire.now() if self.pace.timeout is None else last_heard
            self.tell()

    def waiting_time(self, rows: NDArray[np.intp]) -> float:
        """Seconds: the retransmission timeout, or after the last try of a row its patience (or what the user
        said).
        """
        hosts = np.unique(self.host[rows])
        needed = self.tries_needed()
        last = bool((self.attempts[rows] >= needed[self.host[rows]]).any())
        if self.pace.timeout is not None:
            return (
                self.pace.timeout if last else min(self.pace.timeout, float(self.timers.timeout(hosts).max()))
            )
        return float((self.timers.patience(hosts) if last else self.timers.timeout(hosts)).max())

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
            raise _Enough(f"the deadline of {self.pace.deadline:g} s passed")
        return left

    def absorb(self, events: Events) -> int:
        """Match events to probes, learn from them, and keep them."""
        found = self.technique.recognise(events, self.probes)
        offset = self.frames_so_far if self.technique.NEEDS_RAW else self.errnos_so_far
        self.matches.append(Matches(found.probe, found.answer, found.event + offset))
        self.frames.append(events.frames)
        self.errnos.append(events.errnos)
        self.frames_so_far += len(events.frames)
        self.errnos_so_far += len(events.errnos)
        return self.learn(found, events) if len(found) else 0

    def learn(self, found: Matches, events: Events) -> int:
        """Round-trip times, loss and speed from the answers just found; the number of ports newly answered."""
        probes = self.probes.rows[found.probe]
        times = (events.frames if self.technique.NEEDS_RAW else events.errnos)["time_ns"][found.event]
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

    # --- two special measures -----------------------------------------------------------------------------

    def measure_loss(self) -> None:
        """Where loss was seen, or much depends on it, ask a port that is known to answer a hundred times
        more.
        """
        if self.technique.PROTOCOL != "tcp" or not self.technique.NEEDS_RAW or self.pace.tries is not None:
            return
        silent = np.bincount(self.host[self.silent()], minlength=len(self.addresses))
        for host in np.flatnonzero(self.loss.wants_calibration(silent)):
            row = np.flatnonzero(self.answered & (self.host == host))[:1]
            before = len(self.matches)
            probes = self.make_probes(np.repeat(row, CALIBRATION), source_port=0)
            probes["row"], probes["attempt"] = NO_ROW, 0
            # a repeated SYN of the same flow would be held back by the target: each is a flow of its own
            probes["source_port"] = [self.wire.source_port(self.technique.PROTOCOL) for _ in probes]
            self.send(probes)
            self.wait(float(self.timers.patience(np.array([host]))[0]))
            answered = np.unique(
                np.concatenate([m.probe for m in self.matches[before:]] or [np.empty(0, np.intp)])
            )
            heard = int((self.probes.rows["row"][answered] == NO_ROW).sum())
            self.loss.trials[host] += CALIBRATION
            self.loss.losses[host] += CALIBRATION - heard

    def spend_icmp_budget(self) -> None:
        """Hosts limit their port unreachables: silence counts only when the next one is due and nobody claims
        it.

        Small random groups of silent ports are asked again and again; each answer the host may give settles
        one.
        """
        if self.pace.tries is not None:
            return
        last_answer = self.wire.now()
        while len(rows := np.flatnonzero(self.silent() & (self.refusals[self.host] > 0))):
            idle = self.wire.now() - last_answer
            if idle >= ICMP_QUIET_S:
                return
            shuffled = rows[np.argsort(self.random(len(rows)), kind="stable")]
            self.ask(shuffled[:ICMP_GROUP] if idle < ICMP_QUIET_S / 2 else shuffled)
            self.wait(ICMP_POLL_S)
            if self.answered[rows].any():
                last_answer = self.wire.now()

    def wait(self, seconds: float) -> None:
        """Listen for so long, whatever comes."""
        end = self.wire.now() + seconds
        while (left := end - self.wire.now()) > 0:
            self.collect(left)
            self.tell()

    # --- the end ------------------------------------------------------------------------------------------

    def reached(self) -> int:
        """How many of the probes have really left: a round that was cut short leaves the last ones unsent."""
        if self.technique.PROTOCOL == "arp":
            return len(self.probes)  # the wire asks
        sent = np.flatnonzero(self.probes.rows["time_ns"])
        return int(sent[-1]) + 1 if len(sent) else 0

    def conclude(self, complete: bool, stopped_by: str, authorised: tuple[str, ...] = ()) -> Scan:
        """Everything known as a value.  Rows never asked are listed apart."""
        elapsed = self.wire.now() - self.started
        events = Events(
            np.concatenate(self.frames) if self.frames else no_frames(),
            np.concatenate(self.errnos) if self.errnos else no_errnos(),
        )
        matches = (
            Matches(
                *(
                    np.concatenate([getattr(m, name) for m in self.matches])
                    for name in ("probe", "answer", "event")
                )
            )
            if self.matches
            else Matches.none()
        )
        probes = self.probes.rows[: self.reached()]
        if self.wire.record_sent or not self.technique.NEEDS_RAW:
            probes, events = with_true_times(probes, events, self.technique.PROTOCOL)
        findings = conclude(self.technique, self.asked, probes, events, matches, self.no_neighbour)
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
            received=events,
        )
        never = ~self.no_neighbour & ~self.answered
        never[probes["row"][probes["row"] != NO_ROW]] = False
        return scan.without(never) if never.any() else scan

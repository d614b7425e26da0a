"""How fast to ask, how long to wait, how often to repeat.  Pure: time is handed in, nothing sleeps here.

Three rules:

1. The rate follows the answers: at most twice as many probes a second as answers come, or a blind floor if
   that is more. Once a repeated probe is answered (so its first copy was lost, not ignored) the floor falls
   to the speed proven.
2. How long to wait for an answer is measured for each host (RFC 6298), and after the last try follows the
   slowest; before the first answer nothing is known.
3. How often to repeat follows from the loss measured: often enough that the chance to miss an answering
   port is at most `miss`, one in a million unless told otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MISS = 1e-6
UNKNOWN_RTO_S = 0.25
"""Between the tries to a host that has never answered."""
UNKNOWN_PATIENCE_S = 1.0
"""After the last try to such a host: RFC 6298 section 2, rule 2.1."""
KERNEL_PATIENCE_S = 3.2
"""How long an attempt to connect() is given, at least: for three seconds the kernel looks for a neighbour before
it says "no route to host", and a program may be slow to accept on a host that is quick with all else.
"""
MOST_PATIENCE_S = 10.0
"""However slow the slowest answer was: a host that delays each answer more than the last must not hold a scan."""
KERNEL_SYNS_S = (0.0, 1.0, 3.0)
"""When a kernel that connects sends its SYN, and again by itself (RFC 6298 sections 2.1 and 5.5)."""
MIN_RTO_S, MAX_RTO_S = 0.1, 1.0
"""RFC 6298 asks for at least a second; a scanner that repeats and matches every try by itself can be quicker."""

BLIND_RATE = 200_000.0
"""Probes a second without any answer, inside a lab."""
POLITE_RATE = 1_000.0
"""The same on a network that is not a lab."""
FULL_SPEED = 300_000.0
"""From here on no pauses at all: the kernel is the limit."""

MAX_TRIES = 30
CALIBRATION = 100
"""How many answered or lost probes make a loss worth believing."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What the user asked for; None: PortLab decides.  Times in seconds, `rate` in probes a second.

    `lead` is waited before the first probe, so that scans that follow one another keep to a rate together.  `ends`
    says why there is a deadline, where the user set none.
    """

    tries: int | None = None
    timeout: float | None = None
    rate: float | None = None
    deadline: float | None = None
    miss: float = MISS
    blind_rate: float = BLIND_RATE
    lead: float = 0.0
    ends: str = ""

    @property
    def gap(self) -> float:
        """Seconds from one probe to the next, at least."""
        return 1 / self.rate if self.rate else 0.0


class RoundTripTimers:
    """The retransmission timeout of each host, from the round-trip times seen (RFC 6298 section 2)."""

    def __init__(self, hosts: int, least_patience: float = 0.0) -> None:
        self.least_patience = least_patience
        self.smoothed = np.zeros(hosts)
        self.variation = np.zeros(hosts)
        self.slowest = np.zeros(hosts)
        self.known = np.zeros(hosts, bool)

    def learn(self, host: NDArray[np.intp], rtt_s: NDArray[np.float64]) -> None:
        """Take in a batch of round-trip times; each host's batch counts as one measurement, its mean."""
        count = np.bincount(host, minlength=len(self.known))
        heard = np.flatnonzero(count)
        mean = np.bincount(host, weights=rtt_s, minlength=len(self.known))[heard] / count[heard]
        fresh = ~self.known[heard]
        difference = np.abs(self.smoothed[heard] - mean)
        variation = np.where(fresh, mean / 2, 0.75 * self.variation[heard] + 0.25 * difference)
        smoothed = np.where(fresh, mean, 0.875 * self.smoothed[heard] + 0.125 * mean)
        self.variation[heard], self.smoothed[heard], self.known[heard] = variation, smoothed, True
        np.maximum.at(self.slowest, host, rtt_s)

    def timeout(self, host: NDArray[np.intp]) -> NDArray[np.float64]:
        """Seconds to wait for an answer of each host before asking again."""
        measured = np.clip(self.smoothed[host] + 4 * self.variation[host], MIN_RTO_S, MAX_RTO_S)
        return np.where(self.known[host], measured, UNKNOWN_RTO_S)

    def patience(self, host: NDArray[np.intp]) -> NDArray[np.float64]:
        """Seconds to wait after the last try: never less than twice what the slowest answer took."""
        follows = np.maximum(self.timeout(host), np.minimum(2 * self.slowest[host], MOST_PATIENCE_S))
        patience = np.where(self.known[host], follows, UNKNOWN_PATIENCE_S)
        return np.maximum(patience, self.least_patience)


def syns_within(patience: float) -> int:
    """How often a kernel asks by itself while one attempt to connect() is given `patience` seconds."""
    return sum(after < patience for after in KERNEL_SYNS_S)


class LossMeter:
    """How many probes (or their answers) get lost on the way to each host and back."""

    def __init__(self, hosts: int) -> None:
        self.trials = np.zeros(hosts, np.int64)
        self.losses = np.zeros(hosts, np.int64)

    def answered(self, host: NDArray[np.intp], attempt: NDArray[np.uint8]) -> None:
        """An answer to the third try proves that two were lost (silence alone proves nothing: it may be a filter)."""
        hosts = len(self.trials)
        self.trials += np.bincount(host, weights=attempt, minlength=hosts).astype(np.int64)
        self.losses += np.bincount(host, weights=attempt - 1.0, minlength=hosts).astype(np.int64)

    def probability(self) -> NDArray[np.float64]:
        """Chance that a probe stays unanswered by mere loss; 10 % where nothing has been measured yet."""
        return (self.losses + 0.5) / (self.trials + 5.0)

    def tries(self, miss: float) -> NDArray[np.int64]:
        """How often to ask an unanswered port so that loss alone explains it with a chance of at most `miss`."""
        needed = np.ceil(math.log(miss) / np.log(np.minimum(self.probability(), 0.9)))
        return np.clip(needed, 2, MAX_TRIES).astype(np.int64)

    def wants_calibration(self, silent: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Hosts whose loss should be measured with extra probes: where some was seen, or much depends on it."""
        measurable = (self.trials > 0) & (self.trials < CALIBRATION) & (silent > 0)
        return measurable & ((self.losses > 0) | (silent >= CALIBRATION))


class Throttle:
    """How many probes may be sent now."""

    def __init__(self, pace: Pace, now: float) -> None:
        self.limit = pace.rate
        self.floor = min(pace.blind_rate, pace.rate or math.inf)
        self.rate = self.floor
        self.budget = 1.0
        self.last = self.started = now
        self.best = 0.0
        self.heard = self.heard_before = 0
        self.proven = 0.0

    def begin_round(self, now: float) -> None:
        """A new round starts: the speed proven is counted from here.  A limit by the user does not start anew."""
        saved = 1.0 if self.limit is None else min(1.0, self.budget + self.limit * (now - self.last))
        self.last = self.started = now
        self.heard = self.heard_before = 0
        self.best = 0.0
        self.rate = self.floor
        self.budget = saved

    def allow(self, now: float) -> int:
        """Probes that may be sent at this moment."""
        self.budget = min(self.budget + self.rate * (now - self.last), max(1.0, self.rate * 0.02))
        elapsed = max(now - self.last, 1e-4)
        self.best = max((self.heard - self.heard_before) / elapsed, 0.9 * self.best)
        self.heard_before, self.last = self.heard, now
        self.rate = max(self.floor, 2 * self.best)
        if self.limit is not None:
            self.rate = min(self.rate, self.limit)
        elif self.rate >= FULL_SPEED:
            return 1024
        allowed = int(self.budget)
        self.budget -= allowed
        return allowed

    def pause(self) -> float:
        """Seconds until it is worth asking again: short, since bursts are what queues drop."""
        if self.limit is None and self.rate >= FULL_SPEED:
            return 0.0
        return max(0.002 if self.rate > 50_000 else 0.0005, (1.0 - self.budget) / self.rate)

    def answers(self, count: int, now: float, *, repeated: bool) -> None:
        """Answers came in; where they answer repeated probes, loss is proven: the floor falls to the proven speed."""
        self.heard += count
        self.proven = max(self.proven, self.heard / max(now - self.started, 0.02))
        if repeated and self.heard > 20:
            self.floor = min(self.floor, self.proven)

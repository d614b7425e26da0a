"""The journal of a scan while it runs: its probes, its events, and which event answers which probe."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portlab.model import PROBE, Errnos, Events, Frames, Probes, no_errnos, no_frames
from portlab.techniques import Technique
from portlab.techniques.matching import Matches, ProbeTable

NO_ROW = -1
"""The row of a probe that only measures the loss: it is part of no result."""


class Journal:
    """What was sent and heard so far."""

    def __init__(self, technique: Technique) -> None:
        self.technique = technique
        self.probes = ProbeTable(np.empty(0, PROBE))
        self._frames: list[Frames] = []
        self._errnos: list[Errnos] = []
        self._answers: list[Matches] = []
        self._frames_so_far = self._errnos_so_far = 0

    def add(self, probes: Probes) -> slice:
        """Append to the probes table; the slice is where they now stand."""
        start = len(self.probes)
        self.probes = ProbeTable(np.concatenate([self.probes.rows, probes]) if start else probes)
        return slice(start, start + len(probes))

    def keep(self, events: Events) -> Matches:
        """Take in events; the answers among them, each `event` counted from the first of these."""
        found = self.technique.recognise(events, self.probes)
        before = self._frames_so_far if self.technique.EVIDENCE == "frames" else self._errnos_so_far
        self._answers.append(Matches(found.probe, found.answer, found.event + before))
        self._frames.append(events.frames)
        self._errnos.append(events.errnos)
        self._frames_so_far += len(events.frames)
        self._errnos_so_far += len(events.errnos)
        return found

    def sent(self) -> Probes:
        """The probes that have really left: a round that was cut short leaves the last ones unsent."""
        if self.technique.PROTOCOL == "arp":
            return self.probes.rows.copy()  # the wire asks
        left = np.flatnonzero(self.probes.rows["time_ns"])
        return self.probes.rows[: left[-1] + 1 if len(left) else 0].copy()

    def events(self) -> Events:
        """All events so far."""
        return Events(
            np.concatenate([no_frames(), *self._frames]), np.concatenate([no_errnos(), *self._errnos])
        )

    def answers(self) -> Matches:
        """All answers so far, each `event` counted from the first of all."""
        every = [Matches.none(), *self._answers]
        columns = ([getattr(found, name) for found in every] for name in ("probe", "answer", "event"))
        return Matches(*map(np.concatenate, columns))

    def answered(self, probes: slice) -> NDArray[np.bool_]:
        """Which of these probes were answered."""
        there = np.zeros(len(self.probes), bool)
        there[self.answers().probe] = True
        return there[probes]

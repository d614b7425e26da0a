"""When things really happened: the capture's clock instead of the program's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portlab.model import SENT, Events, Probes
from portlab.techniques.matching import NOBODY, ProbeTable, conversations


def with_true_times(probes: Probes, events: Events, protocol: str) -> tuple[Probes, Events]:
    """Probes with the times of their captured frames, instead of when this program got round to them; errnos with
    the time at which their frame was heard.

    A probe left when its first frame left; a connection attempt was decided when the first frame came back.
    """
    frames = events.frames
    if not len(frames):
        return probes, events
    probe = conversations(events.seen, ProbeTable(probes), protocol)
    sent, first_sent = _first(probe, frames["direction"] == SENT)
    probes = probes.copy()
    probes["time_ns"][sent] = frames["time_ns"][first_sent]
    if not len(events.errnos):
        return probes, events
    came_back = np.zeros(len(probes), np.int64)
    heard, first_heard = _first(probe, frames["direction"] != SENT)
    came_back[heard] = frames["time_ns"][first_heard]
    errnos = events.errnos.copy()
    known = (came_back[errnos["probe"]] > 0) & (came_back[errnos["probe"]] <= errnos["time_ns"])
    errnos["heard_ns"][known] = came_back[errnos["probe"]][known]
    return probes, Events(frames, errnos)


def _first(probe: NDArray[np.intp], among: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Each probe that has such a frame, and the first of them."""
    candidates = np.flatnonzero(among & (probe != NOBODY))
    probes, place = np.unique(probe[candidates], return_index=True)
    return probes, candidates[place]

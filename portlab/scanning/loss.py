"""How lossy is the way?  Where it matters, a port that answers is asked a hundred times to find out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from portlab.scanning.journal import NO_ROW
from portlab.scanning.pacing import CALIBRATION

if TYPE_CHECKING:
    from portlab.scanning.loop import Loop


def measure_loss(loop: Loop) -> None:
    """Where loss was seen, or much depends on it, ask a port that answers a hundred times more."""
    if loop.technique.PROTOCOL != "tcp" or not loop.technique.NEEDS_RAW or loop.pace.tries is not None:
        return
    silent = np.bincount(loop.host[loop.silent()], minlength=len(loop.addresses))
    for host in np.flatnonzero(loop.loss.wants_calibration(silent)):
        row = np.flatnonzero(loop.answered & (loop.host == host))[:1]
        probes = loop.make_probes(np.repeat(row, CALIBRATION), source_port=0)
        probes["row"], probes["attempt"] = NO_ROW, 0
        # a repeated SYN of the same flow would be held back by the target: each is a flow of its own
        probes["source_port"] = [loop.wire.source_port(loop.technique.PROTOCOL) for _ in probes]
        place = loop.send(probes)
        loop.wait(float(loop.timers.patience(np.array([host]))[0]))
        heard = int(loop.journal.answered(place).sum())
        loop.loss.trials[host] += CALIBRATION
        loop.loss.losses[host] += CALIBRATION - heard

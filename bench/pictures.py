"""What drawing takes: processor time of each picture, the median of many runs, and its size as HTML.

    python -m bench.pictures

The scans are made by hand, the frames come from a recording: what is measured is drawing, not scanning.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from pandas import DataFrame

from portlab.addresses import number
from portlab.evidence.result import Scan
from portlab.evidence.verdict import NO_EVENT, Asked, Findings
from portlab.lab import Lab
from portlab.learn import recorded
from portlab.model import PROBE, Events, Exchange, Reason, State, no_errnos, no_frames
from portlab.packets.dissect import Dissected
from portlab.packets.streams import first_bytes
from portlab.view import anatomy, host_table, lab_map, ladder, plots, port_map

RUNS = 15
HOST = number("192.0.2.10")
WORDS = (
    (State.CLOSED, Reason.RESET),
    (State.OPEN, Reason.SYN_ACK),
    (State.FILTERED, Reason.NO_RESPONSE),
)


def scan(which: np.ndarray[Any, np.dtype[np.intp]], hosts: int = 1) -> Scan:
    """A scan of as many ports of each host as `which` is long: 0 is closed, 1 open, 2 filtered."""
    count = len(which) * hosts
    states = np.array([state.code for state, _ in WORDS], np.uint8)[which]
    reasons = np.array([reason.code for _, reason in WORDS], np.uint8)[which]
    asked = Asked(
        np.repeat(np.arange(HOST, HOST + hosts, dtype=np.uint32), len(which)),
        np.tile(np.arange(len(which), dtype=np.int32), hosts),
        {HOST + i: f"host{i}" for i in range(hosts)},
    )
    none = np.full(count, -1, np.int16)
    findings = Findings(
        answer=np.ones(count, np.uint8),
        state=np.tile(states, hosts),
        reason=np.tile(reasons, hosts),
        rtt_ms=np.tile(np.where(which == 2, np.nan, 0.05 + which / 10), hosts),
        tries=np.ones(count, np.uint8),
        answered_by=np.where(np.tile(which, hosts) == 2, 0, asked.address).astype(np.uint32),
        icmp_type=none,
        icmp_code=none,
        event=np.full(count, NO_EVENT, np.intp),
    )
    nothing = Events(no_frames(), no_errnos())
    return Scan(
        technique="syn",
        fidelity="embedded",
        started_ns=0,
        elapsed_s=1.0,
        complete=True,
        authorised=(),
        lost_here=0,
        asked=asked,
        findings=findings,
        probes=np.empty(0, PROBE),
        recorded=nothing,
    )


def typical() -> np.ndarray[Any, np.dtype[np.intp]]:
    """All ports as scans find them: most closed, some ranges filtered, few open."""
    which = np.zeros(65_536, np.intp)
    which[6000:7000] = which[33_000:36_000] = 2
    which[[21, 22, 25, 53, 80, 110, 143, 443, 993, 3306, 5432, 8080]] = 1
    return which


def worst() -> np.ndarray[Any, np.dtype[np.intp]]:
    """All ports in as many pieces as chance makes: nothing real looks like it."""
    return np.random.default_rng(1).integers(0, 3, 65_536)


LAB = Lab(
    "embedded",
    {"office": "192.0.2.0/24"},
    {f"host{i}": (f"192.0.2.{10 + i}",) for i in range(14)},
    "host0",
    "",
)


def pictures() -> dict[str, Callable[[], str]]:
    """What is drawn, by name."""
    whole, pieces, small, several = (
        scan(typical()),
        scan(worst()),
        scan(typical()[:1024]),
        scan(typical()[:100], 14),
    )
    frame = whole.to_frame()
    conversation, syn = forty_frames(), recorded("log_ins").frames[0]
    return {
        "ladder, 40 frames": lambda: ladder.mimebundle(conversation)["text/html"],
        "anatomy, TCP SYN with options": lambda: anatomy(syn)._repr_mimebundle_()["text/html"],
        "port map, 1,024 ports": lambda: port_map(small).html(),
        "port map, 65,536 ports": lambda: port_map(whole).html(),
        "port map, 65,536 ports at random": lambda: port_map(pieces).html(),
        "host table, 14 hosts": lambda: host_table(several).html(),
        "lab map, 14 hosts": lambda: lab_map(LAB, several).html(),
        "plot of states, wide and narrow": lambda: plot_of_states(frame),
    }


def forty_frames() -> Exchange:
    """The first forty frames of a recorded conversation over SSH."""
    log_ins = recorded("log_ins")
    seen = Dissected(first_bytes(log_ins.frames))
    frames = first_bytes(log_ins.frames)[(seen.source_port == 22) | (seen.destination_port == 22)][:40]
    probes = np.empty(0, PROBE)
    return Exchange(None, frames, no_errnos(), probes, None, int(frames["time_ns"][-1]), log_ins.names)


def plot_of_states(frame: DataFrame) -> str:
    """A plot as a notebook shows it."""
    figure = Figure(figsize=(700 / 96, 150 / 96))
    plots.states(frame, figure.subplots())
    return plots.themed(figure).html()


def main() -> int:
    """One line a picture."""
    print(f"Drawing, {RUNS} runs each; load {os.getloadavg()[0]:.1f}")
    for name, draw in pictures().items():
        size = len(draw())
        times = []
        for _ in range(RUNS):
            started = time.process_time()
            draw()
            times.append((time.process_time() - started) * 1e3)
        told = f"median {statistics.median(times):6.1f} ms  ({min(times):.1f} to {max(times):.1f})"
        print(f"  {name:34} {told}  {size / 1024:6.0f} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

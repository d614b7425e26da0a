"""Listen to this machine's own link: `with capture() as c:` keeps what passes while the block runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from portlab import lab
from portlab.captures.capture import Capture, names_in
from portlab.errors import BadTarget, LabNotRunning, quoted
from portlab.model import Frames, no_frames
from portlab.wire import Wire

LOOPBACK = "lo"
LINGER_S = 0.2
"""For how long nothing must come, after the end of the block, so that no answer is missed."""


class Ears(Protocol):
    """What listens: frames up to now, in order of time, and how many came too fast."""

    @property
    def frames(self) -> Frames:
        """Whole where the network makes whole ones."""

    @property
    def lost(self) -> int:
        """Frames that could not be kept."""

    def close(self) -> None:
        """Hear what is still on its way, then stop."""


@contextmanager
def capture(interface: str | None = None) -> Iterator[Capture]:
    """Keep every frame that passes this machine's link to the lab, whole, in both directions, while the block runs.

        with pl.capture() as c:
            ...                         # log in, ask for a name, load a page
        c                               # the list; c.frames: the table; c.streams(): the TCP connections

    The frames are there when the block has ended.  `interface` chooses one of this machine's links to the lab, or
    "lo", which may be captured anywhere.  Outside a lab nothing else may: what passes there is other people's.
    """
    ears, fidelity = _ears(interface), lab.fidelity()
    heard = Capture(no_frames(), fidelity)
    try:
        yield heard
    finally:
        ears.close()
        heard.frames, heard.lost = ears.frames, ears.lost
        heard.names = names_in(heard.frames)


def _ears(interface: str | None) -> Ears:
    """Start to listen where it is allowed."""
    if interface is not None and not isinstance(interface, str):
        raise BadTarget(
            f'{quoted(interface)} is not the name of a link: type pl.capture() or pl.capture("lo").'
        )
    here = lab.current()
    if here is not None and here.fidelity == lab.SIMULATED and interface is None:
        return SimulatedEars(lab.open_wire(here))
    if interface != LOOPBACK and here is None:
        raise LabNotRunning(
            "Outside a lab PortLab captures only loopback, since all else on this machine's links is other people's. "
            f'Type pl.capture("lo"), or capture inside a lab.  {lab.why_not()}'
        )
    from portlab.wire import tap

    ours = [] if here is None else tap.interfaces_in(list(here.networks.values()))
    if interface is not None and interface not in (*ours, LOOPBACK):
        raise BadTarget(
            f"{quoted(interface)} is no link to the lab. This machine has {', '.join([*ours, LOOPBACK])}."
        )
    if interface is None and not ours:
        raise BadTarget(
            f'This machine has no link to the lab. Type pl.capture("{LOOPBACK}") for its loopback.'
        )
    return tap.Tap(ours if interface is None else [interface])


class SimulatedEars:
    """Frames of the simulated lab, as far as it makes them: their first 128 bytes."""

    lost = 0

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.frames = no_frames()

    def close(self) -> None:
        heard = [self.frames]
        while len(frames := self._wire.receive(LINGER_S)):
            heard.append(frames)
        self.frames = np.concatenate(heard)
        self._wire.close()

"""What observers saw, as one table in order of time: the same in every fidelity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from portlab.model import FRAME, Frames

NAME = "U16"
RECORDED = np.dtype([*FRAME.descr, ("observer", NAME), ("interface", NAME)])
"""A frame as portlab knows it, and two columns more: which host saw it, and on which of its interfaces."""


@dataclass(eq=False)
class Recording:
    """What hosts saw.  `frames` is empty until the recording has ended; `lost` frames went by unrecorded.

    `frames` has the columns of `portlab.model.FRAME` (times in ns of one clock for all) and two more:
    `observer`, the host, and `interface`, where it saw the frame.  `direction` is the observer's own: what a
    router receives on one interface it sends on another.
    """

    hosts: tuple[str, ...]
    frames: Frames = field(default_factory=lambda: np.empty(0, RECORDED))
    lost: int = 0
    ended: bool = False

    def end(self, parts: Iterable[Frames], lost: int) -> None:
        """Take what each observer saw: tables of RECORDED rows."""
        every = np.concatenate([np.empty(0, RECORDED), *parts])
        self.frames = every[np.argsort(every["time_ns"], kind="stable")]
        self.lost, self.ended = lost, True

    def __repr__(self) -> str:
        if not self.ended:
            return f"Recording of {', '.join(self.hosts)}: goes on until its `with` block ends"
        seen = (f"{host} {int((self.frames['observer'] == host).sum())}" for host in self.hosts)
        missing = f"; {self.lost} more were not kept" if self.lost else ""
        return f"Recording, frames seen by each host: {', '.join(seen)}{missing}"


def observed(
    host: str, frames: Frames, interfaces: Sequence[str], places: NDArray[np.uint8] | Sequence[int]
) -> Frames:
    """The frames of one observer with their two more columns; `places` are indices into `interfaces`."""
    table = np.zeros(len(frames), RECORDED)
    for name in FRAME.names or ():
        table[name] = frames[name]
    table["observer"] = host
    table["interface"] = np.array([*interfaces, ""], NAME)[np.asarray(places, np.intp)]
    return table

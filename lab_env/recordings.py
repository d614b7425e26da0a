"""What observers inside the lab have seen: the frames of several hosts in one table, all by the same clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from portlab.model import FRAME, Frames

SEEN = np.dtype(
    [*((name, FRAME[name]) for name in FRAME.names or ()), ("observer", "U16"), ("interface", "U16")]
)
"""A frame (`portlab.model.FRAME`), the host that saw it, and the interface where it did."""


class Recording:
    """What `hosts` saw while a block ran.  `frames` is complete when the block has ended.

    `lost` says how many frames a host could not keep; none, as a rule.
    """

    def __init__(self, hosts: Sequence[str]) -> None:
        self.hosts = tuple(hosts)
        self.frames: NDArray[np.void] = np.empty(0, SEEN)
        self.lost: Mapping[str, int] = {}

    def of(self, host: str) -> Frames:
        """The frames that one host saw, as a table like that of a scan."""
        return plain(self.frames[self.frames["observer"] == host])

    def __repr__(self) -> str:
        told = [f"{host} saw {len(self.of(host))} frames" for host in self.hosts]
        told += [f"{count} frames of {host} were lost" for host, count in self.lost.items() if count]
        return "; ".join(told)


def seen(frames: Frames, observer: str, interfaces: Sequence[str] | NDArray[np.str_]) -> NDArray[np.void]:
    """Frames as rows of a recording, each with its interface."""
    rows = np.zeros(len(frames), SEEN)
    for name in FRAME.names or ():
        rows[name] = frames[name]
    rows["observer"], rows["interface"] = observer, interfaces
    return rows


def plain(rows: NDArray[np.void]) -> Frames:
    """Rows of a recording without who saw them and where."""
    frames = np.empty(len(rows), FRAME)
    for name in FRAME.names or ():
        frames[name] = rows[name]
    return frames


def in_order(tables: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """Several tables as one, in order of time."""
    rows = np.concatenate([np.empty(0, SEEN), *tables])
    return rows[np.argsort(rows["time_ns"], kind="stable")]

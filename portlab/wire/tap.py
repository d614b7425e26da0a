"""A capture of whole frames on some interfaces, both directions, until it is closed.

A thread empties the rings, so that nothing is lost while the program that captures is busy with something else.
"""

from __future__ import annotations

import ipaddress
import os
import select
import threading

import numpy as np

from portlab.errors import NotPermitted
from portlab.model import RECEIVED, WHOLE, Frames, frame_table, no_frames
from portlab.wire.kernel import NEEDS_RAW
from portlab.wire.raw import LOOPBACK, mtu, permitted, routes
from portlab.wire.ring import FRAME_BEGINS, Ring

MEMORY = 1 << 25
"""Bytes of each interface's ring: 16,384 frames of Ethernet's usual size."""
USUAL = 2048 - FRAME_BEGINS
"""Bytes kept of a frame where no frame is longer: with the slot's header a power of two."""
LINGER_S = 0.2
"""After the end of the captured block: how long an interface has to be quiet, so that last answers are kept too."""
LINGERS_AT_MOST = 5
MOST_HEADER = 18  # Ethernet with a VLAN tag


class Tap:
    """Frames from the moment it is made; `close` waits for the last ones, then `frames` holds all of them."""

    def __init__(self, interfaces: list[str]) -> None:
        if not permitted():
            raise NotPermitted(NEEDS_RAW)
        self._rings = [Ring(name, outgoing=True, kept=_kept(name), memory=MEMORY) for name in interfaces]
        self._tables: list[Frames] = []
        self._lost = 0
        self._stop, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._empty, name="portlab capture", daemon=True)
        self._thread.start()

    @property
    def frames(self) -> Frames:
        """All frames up to now in order of time, in a table as wide as the longest."""
        return in_one_table(list(self._tables))

    @property
    def lost(self) -> int:
        """Frames that came faster than they could be read."""
        self._lost += sum(ring.lost() for ring in self._rings)
        return self._lost

    def close(self) -> None:
        """Keep what still comes while the interfaces are not quiet, at most a second; then give everything back."""
        os.close(self._stopper)
        self._thread.join()
        self._lost = self.lost
        for ring in self._rings:
            ring.close()
        self._rings = []
        os.close(self._stop)

    def _empty(self) -> None:
        sockets = [ring.socket.fileno() for ring in self._rings]
        while self._stop not in select.select([*sockets, self._stop], [], [])[0]:
            self._take()
        for _ in range(LINGERS_AT_MOST):
            ready = select.select(sockets, [], [], LINGER_S)[0]
            self._take()
            if not ready:
                return

    def _take(self) -> None:
        for ring in self._rings:
            while len(frames := ring.read()):
                if ring.interface == LOOPBACK:  # shows every packet twice, going out and coming in
                    frames = frames[frames["direction"] == RECEIVED]
                self._tables.append(in_one_table([frames]))


def in_one_table(tables: list[Frames]) -> Frames:
    """Several tables as one, in order of time, as wide as its longest frame."""
    tables = [table for table in tables if len(table)]
    if not tables:
        return no_frames()
    widest = max(int(table["captured"].max()) for table in tables)
    together = np.zeros(sum(len(table) for table in tables), frame_table(widest))
    at = 0
    for table in tables:
        rows = together[at : at + len(table)]
        for name in ("time_ns", "direction", "marks", "captured", "length"):
            rows[name] = table[name]
        width = min(widest, table["data"].shape[1])
        rows["data"][:, :width] = table["data"][:, :width]
        at += len(table)
    return together[np.argsort(together["time_ns"], kind="stable")]


def interfaces_in(networks: list[str]) -> list[str]:
    """The interfaces that are themselves on one of these networks (CIDRs)."""
    own = [ipaddress.IPv4Network(network) for network in networks]
    directly = [route for route in routes() if not route.gateway]
    return sorted(
        {
            route.interface
            for route in directly
            if any(route.network == int(net.network_address) for net in own)
        }
    )


def _kept(interface: str) -> int:
    """How many bytes the longest frame of an interface may have."""
    return USUAL if mtu(interface) + MOST_HEADER <= USUAL else WHOLE

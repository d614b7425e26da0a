"""The simulated lab as a Wire: the scan loop cannot tell it from a network card."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab_env.simulated.kernel import connections
from lab_env.simulated.medium import ARP_TRIES, SEND_NS, Medium, in_order
from lab_env.simulated.places import NOBODY, is_loopback
from lab_env.topology import topology
from portlab.addresses import dotted
from portlab.errors import NotPermitted
from portlab.lab import VARIABLE, Lab
from portlab.model import RECEIVED, Events, Frames, Probes, no_frames
from portlab.packets.craft import Packets
from portlab.packets.headers import IPV4, IPV4_SIZE

GATHER_NS = 500_000
"""Whoever waits for frames takes those of the next half millisecond too: one by one would take long."""
ETHERNET_MTU, LOOPBACK_MTU = 1500, 65_536
"""Linux's usual ones."""
CALL_NS = 1_000
"""How long a look at the wire takes, so that time passes even for who only looks."""


def medium_of(lab: Lab) -> Medium:
    """The simulated lab of this process.  All wires share it: time goes on from one scan to the next."""
    first = next(iter(lab.networks.values()))
    settings = _settings()
    return _medium(
        ".".join(first.split(".")[:2]), int(settings.get("seed") or 0), bool(settings.get("lossy", True))
    )


@cache
def _medium(prefix: str, seed: int, lossy: bool) -> Medium:
    return Medium(topology(prefix), seed, lossy)


def _settings() -> dict[str, Any]:
    """The lab's descriptor, where a runner wrote one: it says what the simulator's chance is to be."""
    path = os.environ.get(VARIABLE)
    described: dict[str, Any] = json.loads(Path(path).read_text("utf-8")) if path else {}
    return described


class SimulatedWire:
    """A wire whose far end is the simulated lab (see `portlab.wire.Wire` for what each method means)."""

    fidelity = "simulated"
    lost_here = 0

    def __init__(self, lab: Lab, medium: Medium | None = None) -> None:
        """Join the simulated lab of this process, which `lab` names, or another `medium`."""
        self.record_sent = True
        self._medium = medium = medium or medium_of(lab)
        self._coming = no_frames()
        self._attempts = 0  # connections begun so far
        self._known = {self._medium.places.student_address}  # neighbours whose Ethernet address was found
        medium.listen(self)

    def now(self) -> float:
        """Seconds since the simulated lab began."""
        return self._medium.elapsed_ns / 1e9

    def clock_ns(self) -> int:
        """Simulated wall clock: it begins with the year 2026."""
        return self._medium.clock_ns()

    def source(self, address: int) -> int:
        """The student's address, or loopback's for itself.  NotPermitted for an address outside the lab."""
        asked = np.array([address], np.uint32)
        if not self._medium.places.in_lab(asked)[0]:
            raise NotPermitted(
                f"There is no way from the simulated lab to {dotted(address)}: it has no route out.  "
                "Ask for a host of the lab, such as 'web', or run PortLab outside the lab."
            )
        return address if is_loopback(asked)[0] else self._medium.places.student_address

    def mtu(self, address: int) -> int:
        """Ethernet's, or loopback's."""
        return LOOPBACK_MTU if is_loopback(np.array([address], np.uint32))[0] else ETHERNET_MTU

    def source_port(self, protocol: str) -> int:
        """The next port above those that Linux gives to its own connections."""
        return next(self._medium.raw_ports)

    def on_link(self, address: int) -> bool:
        """Whether the address is on the office's link, so that ARP reaches it."""
        asked = np.array([address], np.uint32)
        return (
            bool(self._medium.places.on_own_link(asked)[0]) and address != self._medium.places.student_address
        )

    def resolve(self, addresses: NDArray[np.uint32], wait: float, gap: float = 0.0) -> NDArray[np.bool_]:
        """Ask by ARP for what is on the own link, and for the gateway where something lies behind it."""
        places, start, wait_ns = self._medium.places, self.clock_ns(), round(wait * 1e9)
        addresses = np.asarray(addresses, np.uint32)
        hops = np.where(places.on_own_link(addresses), addresses, places.gateway_address).astype(np.uint32)
        hops[is_loopback(addresses)] = places.student_address
        asked = np.setdiff1d(hops, list(self._known)).astype(np.uint32)
        each_ns = max(SEND_NS, round(gap * 1e9))
        times = start + np.arange(len(asked)) * each_ns
        frames = self._medium.ask_neighbours(
            asked, times, wait_ns // ARP_TRIES + len(asked) * round(gap * 1e9)
        )
        self._medium.deliver(frames)
        found: NDArray[np.bool_] = places.owner(hops) != NOBODY
        self._known.update(hops[found].tolist())
        last = int(frames["time_ns"].max(initial=start))
        self._medium.advance_to(last if found.all() else max(last, start + wait_ns))
        return found

    def send(self, packets: Packets) -> None:
        """Send rows of packets, one every 1.5 us; none can be sent to where nobody answers ARP."""
        destination = packets[:, :IPV4_SIZE].view(IPV4)[:, 0]["destination_address"].astype(np.uint32)
        packets = packets[self._medium.reachable(destination)]
        times = self.clock_ns() + np.arange(len(packets), dtype=np.int64) * SEND_NS
        self._medium.advance_to(self.clock_ns() + len(packets) * SEND_NS)
        if len(packets):
            sent, arrivals, fates, received = self._medium.exchange(packets, times)
            resets = self._medium.unexpected_resets(arrivals, fates)
            self._medium.deliver(in_order([sent, received, resets]))

    def receive(self, wait: float) -> Frames:
        """The frames that have passed by now, else the next ones: the clock jumps to them."""
        self._medium.advance_to(self.clock_ns() + CALL_NS)
        due = int(np.searchsorted(self._coming["time_ns"], self.clock_ns(), side="right"))
        if not due:
            deadline = self.clock_ns() + round(wait * 1e9)
            first = int(self._coming["time_ns"][0]) if len(self._coming) else deadline + 1
            until = min(deadline, first + GATHER_NS)
            due = int(np.searchsorted(self._coming["time_ns"], until, side="right"))
            self._medium.advance_to(int(self._coming["time_ns"][due - 1]) if due else deadline)
        frames, self._coming = self._coming[:due], self._coming[due:]
        return frames

    def hear(self, frames: Frames) -> None:
        """Frames on the student's interface: what was sent only where `record_sent` is set."""
        if not self.record_sent:
            frames = frames[frames["direction"] == RECEIVED]
        self._coming = in_order([self._coming, frames])

    def connect(self, probes: Probes, wait: float, patience: float, gap: float = 0.0) -> Iterator[Events]:
        """connect() by the student's kernel, as Linux does it; all attempts end, since time here costs nothing."""
        before, self._attempts = self._attempts, self._attempts + len(probes)
        for events in connections(self._medium, probes, round(patience * 1e9), round(gap * 1e9)):
            self._medium.deliver(events.frames, but=self)
            errnos = events.errnos.copy()
            errnos["probe"] += before
            yield Events(events.frames, errnos)

    def close(self) -> None:
        """Nothing to give back."""

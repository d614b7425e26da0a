"""The wire: the only way from PortLab to a network.  Tables of packets go out, tables of frames come in.

Three wires have this shape: `raw` (real packets by AF_PACKET, Linux), `kernel` (connect() by the operating
system, everywhere) and the simulated lab's own.  The scan loop cannot tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from portlab.model import Events, Frames, Probes


class Wire(Protocol):
    """What the scan loop needs of a network."""

    fidelity: str
    """"simulated", "embedded", "docker" or "host"."""

    @property
    def lost_here(self) -> int:
        """Frames that arrived but that this machine's own capture had to drop."""

    def now(self) -> float:
        """Seconds on a clock that only moves forward, for pacing."""

    def clock_ns(self) -> int:
        """Wall clock in nanoseconds: the clock of the frames' time stamps."""

    def source(self, address: int) -> int:
        """The own address that packets to `address` carry.  NotPermitted where there is no way to it."""

    def on_link(self, address: int) -> bool:
        """Whether `address` is on one of the own links, so that ARP reaches it."""

    def mtu(self, address: int) -> int:
        """How many bytes an IP packet to `address` may have where it leaves this machine."""

    def source_port(self, protocol: str) -> int:
        """A new source port ("tcp", "udp") or message identifier ("icmp"), which nobody else here uses."""

    def resolve(self, addresses: NDArray[np.uint32], wait: float, gap: float = 0.0) -> NDArray[np.bool_]:
        """Find the next hop of each address; False where ARP on the own link went unanswered.

        From one question to the next it takes `gap` seconds at least.  The ARP frames are events too: `receive`
        brings them.
        """

    def send(self, packets: NDArray[np.uint8]) -> None:
        """Send rows of IPv4 packets, each as long as its total_length says (the rest of the row is padding)."""

    def receive(self, wait: float) -> Frames:
        """The next frames in both directions; empty after `wait` seconds without one.

        What this wire sent comes back here too, with its true time and direction SENT, while `record_sent` is
        set.
        """

    record_sent: bool
    """Whether sent frames are captured as well (a scan of thousands of ports does without)."""

    def connect(self, probes: Probes, wait: float, patience: float, gap: float = 0.0) -> Iterator[Events]:
        """connect() to (address, port) of each probe, `gap` seconds apart at least; batches of events as they come,
        each probe ends in one errno.

        Over when all have ended, or `wait` seconds after the last has begun: what is still open then is given
        `patience` seconds from its own beginning, and may end during a later call.  So the errnos count all probes
        that this wire was ever handed here.  The frames of the connections come along where the system allows a
        capture.
        """

    def close(self) -> None:
        """Give everything back."""

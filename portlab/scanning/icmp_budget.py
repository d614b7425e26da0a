"""Hosts ration their port unreachables: silence counts only when the next one is due and nobody claims it.

Linux gives one ICMP error a second and host (net.ipv4.icmp_ratelimit); a UDP scan that does not
wait for them takes closed ports for open ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from portlab.scanning.loop import Loop

POLL_S, GROUP = 0.1, 8
QUIET_S = 2.2
"""After so long without an ICMP error, nobody claims the next any more."""


def rationed(loop: Loop) -> NDArray[np.bool_]:
    """Hosts that ration their port unreachables: their silent ports are left to `spend_icmp_budget`."""
    return (loop.refusals > 0) & (loop.technique.PROTOCOL == "udp") & (loop.pace.tries is None)


def spend_icmp_budget(loop: Loop) -> None:
    """Ask small random groups of silent ports again and again; each answer that the host may give settles one."""
    last_answer = loop.wire.now()
    loop.given_up &= ~rationed(loop)[loop.host]
    while len(rows := np.flatnonzero(loop.silent() & rationed(loop)[loop.host])):
        idle = loop.wire.now() - last_answer
        if idle >= QUIET_S:
            loop.given_up[rows] = True
            return
        shuffled = rows[np.argsort(loop.random(len(rows)), kind="stable")]
        loop.ask(shuffled[:GROUP] if idle < QUIET_S / 2 else shuffled)
        loop.wait(POLL_S)
        if loop.answered[rows].any():
            last_answer = loop.wire.now()

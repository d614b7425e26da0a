"""Before the first question: who is there on the link?  ARP asks (RFC 826); who is not is asked no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from portlab.scanning.loop import Loop

ARP_PATIENCE_S = 0.6


def find_neighbours(loop: Loop) -> None:
    """Find the next hop of every address; those whose ARP goes unanswered are asked nothing more.

    For a ping by ARP this is the whole scan: the wire's own requests are its probes.
    """
    if not loop.technique.NEEDS_RAW:
        return
    by_arp = loop.technique.PROTOCOL == "arp"
    if by_arp:
        loop.attempts[:] = 1
        loop.journal.add(loop.make_probes(np.arange(len(loop.asked)), source_port=0))
    reachable = loop.wire.resolve(loop.addresses, loop.pace.timeout or ARP_PATIENCE_S, loop.pace.gap)
    loop.collect(0)
    if by_arp:
        loop.given_up = loop.silent()
    else:
        loop.no_neighbour = ~reachable[loop.host]

"""Firewall rules asked by whole tables of packets: the first rule that matches a packet decides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lab_env.simulated.packets import Arrivals
from lab_env.simulated.places import Places
from lab_env.topology import Action, Rule
from portlab.addresses import number
from portlab.packets.headers import PROTOCOLS

ACTIONS = tuple(Action)
ACCEPT = ACTIONS.index(Action.ACCEPT)


def decide(
    rules: Sequence[Rule],
    packets: Arrivals,
    asked: NDArray[np.bool_],
    places: Places,
    established: NDArray[np.bool_],
    counts: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """The action for each packet, as its place in ACTIONS.  No rule: accept.

    Only the packets that are `asked` for are counted: `counts` has packets and bytes for each rule.
    """
    actions = np.full(len(packets), ACCEPT, np.uint8)
    undecided = asked.copy()
    for rule, count in zip(rules, counts, strict=True):
        hit = undecided & _matches(rule, packets, places, established)
        count += (int(hit.sum()), int(packets["total_length"][hit].sum()))
        actions[hit] = ACTIONS.index(rule.action)
        undecided &= ~hit
    return actions


def _matches(
    rule: Rule, packets: Arrivals, places: Places, established: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    hit = np.ones(len(packets), bool)
    if rule.hosts:
        named = [number(places.topology.address(host)) for host in rule.hosts]
        hit &= np.isin(packets["destination"], named)
    if rule.protocol:
        hit &= packets["protocol"] == PROTOCOLS[rule.protocol]
    if rule.ports:
        hit &= np.isin(packets["port"], rule.ports)
    if rule.flags:
        mask, value = rule.flags
        hit &= packets["control_bits"] & mask == value
    if rule.established:
        hit &= established
    return hit

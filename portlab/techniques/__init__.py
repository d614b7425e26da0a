"""The techniques: one file each, all in the same shape.

    NAME, PROTOCOL, NEEDS_RAW     what it is called; "tcp", "udp", "icmp" or "arp"; whether it crafts its own
    packets MEANINGS                      Answer -> Meaning: what each answer says, and where that is written
    craft(probes)                 rows of the probes table -> packets recognise(events, probes)     events ->
    which probe was answered, and how; strangers are left out

Matching an event to its probe (`recognise`) and saying what it means (`MEANINGS`) are different things in
different places.  Adding a technique is one file here, one test file, and one line in `TECHNIQUES`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from portlab.errors import BadTarget, quoted
from portlab.model import Answer, Events, Meaning
from portlab.techniques.matching import Matches, ProbeTable


class Technique(Protocol):
    """The shape that every technique has."""

    NAME: str
    PROTOCOL: str
    NEEDS_RAW: bool
    MEANINGS: dict[Answer, Meaning]

    def craft(self, probes: NDArray[np.void]) -> NDArray[np.uint8]: ...

    def recognise(self, events: Events, probes: ProbeTable) -> Matches: ...


TECHNIQUES = {
    "ping": "ping",
    "ping-timestamp": "ping_timestamp",
    "ping-arp": "ping_arp",
    "ping-syn": "ping_syn",
    "ping-ack": "ping_ack",
    "connect": "connect",
    "syn": "syn",
    "udp": "udp",
    "fin": "fin",
    "null": "null",
    "xmas": "xmas",
    "ack": "ack",
    "maimon": "maimon",
}
"""Name -> file."""


def technique(name: str) -> Technique:
    """The technique of that name."""
    if not isinstance(name, str) or name not in TECHNIQUES:
        raise BadTarget(f"There is no technique {quoted(name)}. PortLab knows {', '.join(TECHNIQUES)}.")
    return _loaded(name)


@cache
def _loaded(name: str) -> Technique:
    return cast(Technique, import_module(f"portlab.techniques.{TECHNIQUES[name]}"))

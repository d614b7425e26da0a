"""The techniques: one file each, all in the same shape.

    NAME, TITLE              what it is called in Python, and by people: "syn", "SYN scan"
    PROTOCOL                 "tcp", "udp", "icmp" or "arp"
    NEEDS_RAW                True: it sends packets of its own, which takes rights; False: the kernel asks for it
    EVIDENCE                 which events its verdicts rest on: "frames" that came in, or the "errnos" of connect()
    PING                     None: it asks ports; a Ping: it asks hosts (its method, and the port it knocks at)
    MEANINGS                 Answer -> Meaning: what each answer says, silence too, and where that is written
    craft(probes)            rows of the probes table -> packets
    recognise(events,        events -> which probe was answered, and how; strangers are left out
              probes)

Matching an event to its probe (`recognise`) and saying what it means (`MEANINGS`) are different things in
different places.  Adding a technique is one file here, one test file, and one line in `TECHNIQUES`: whatever
has to know something of a technique asks its file.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from portlab.errors import BadTarget, quoted
from portlab.model import Answer, Events, Meaning, Ping, Probes
from portlab.techniques.matching import Matches, ProbeTable


class Technique(Protocol):
    """The shape that every technique has."""

    NAME: str
    TITLE: str
    PROTOCOL: Literal["tcp", "udp", "icmp", "arp"]
    NEEDS_RAW: bool
    EVIDENCE: Literal["frames", "errnos"]
    PING: Ping | None
    MEANINGS: dict[Answer, Meaning]

    def craft(self, probes: Probes) -> NDArray[np.uint8]: ...

    def recognise(self, events: Events, probes: ProbeTable) -> Matches: ...


TECHNIQUES = {
    "ping": "ping",
    "ping-timestamp": "ping_timestamp",
    "ping-arp": "ping_arp",
    "ping-syn": "ping_syn",
    "ping-ack": "ping_ack",
    "ping-udp": "ping_udp",
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


def is_ping(name: str) -> bool:
    """Whether the technique of that name asks hosts, and no ports."""
    return technique(name).PING is not None


@cache
def ping_methods() -> dict[str, str]:
    """How `ping(method=...)` calls each technique that asks hosts -> the technique's name."""
    pings = {name: _loaded(name).PING for name in TECHNIQUES}
    return {ping.method: name for name, ping in pings.items() if ping is not None}


@cache
def port_techniques() -> tuple[str, ...]:
    """The names of the techniques that ask ports."""
    return tuple(name for name in TECHNIQUES if not is_ping(name))


@cache
def _loaded(name: str) -> Technique:
    return cast(Technique, import_module(f"portlab.techniques.{TECHNIQUES[name]}"))

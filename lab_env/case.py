"""One case: a small change of the lab, and the questions to ask before and meanwhile.

A case is data.  What each question must bring back follows from the changed topology (see `contract`); the same cases
hold in every fidelity.  Some need no change: the lab shows them as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from lab_env import changes
from lab_env.changes import Change, HostState
from lab_env.topology import Rule, Topology


@dataclass(frozen=True, slots=True)
class Question:
    """One probe of a case; `port` is None for a ping, `options` go to the scan."""

    technique: str
    host: str
    port: int | None = None
    payload: str = ""
    method: str = "icmp"
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    called: str = ""  # where its place would not do


class Headers(NamedTuple):
    """Header fields to lay side by side: of the packets that were sent, or (`answers`) of those that decided."""

    fields: tuple[str, ...]
    answers: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One case: its name, what is done to the lab in one sentence, and what to ask.

    `record` names hosts whose own view shows it, `sockets` one whose sockets do, `headers` the fields that do,
    `talks` the conversations, recorded in this lab: the capture, the server and its port.
    """

    id: str
    title: str
    questions: tuple[Question, ...]
    changes: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    record: tuple[str, ...] = ()
    sockets: str = ""
    headers: Headers | None = None
    talks: tuple[tuple[str, str, int], ...] = ()

    @property
    def belief(self) -> str:
        """The misconception that it speaks against: M05 of "M05-connect", which asks by connect()."""
        return self.id.partition("-")[0]

    def states(self, topology: Topology) -> dict[str, HostState]:
        """The hosts that this case changes, as they are meanwhile."""
        changed = {}
        for host, steps in self.changes.items():
            state = changes.state_of(topology, host)
            for step in steps:
                state = step(state)
            changed[host] = state
        return changed

    def topology(self, topology: Topology) -> Topology:
        """The whole lab as it is meanwhile."""
        return changes.topology_with(topology, self.states(topology))


def asking(technique: str, *places: str) -> tuple[Question, ...]:
    """Questions written shortly: "web 80" is a host and a port, "web" alone a host to ping."""
    split = (place.partition(" ") for place in places)
    return tuple(Question(technique, host, int(port) if port else None) for host, _, port in split)


def ruled(*rules: Rule) -> Change:
    """The change that gives a host these rules."""
    return partial(changes.guarded, rules=rules)

"""Hands on the lab: change a host, see what the firewall and the target saw, put everything back.

    lab.listen("web", 8081)                      a program begins to listen
    lab.stop("web", "http"); lab.start("web", "http")
    lab.rules("gateway", [Rule(Action.DROP, ("web",), "tcp", (80,))])
    with lab.case("M04") as case: ...            a prepared change, undone afterwards whatever happens
    with lab.recording("gateway", "web") as seen: ...     seen.frames: what they saw, with an `observer` column
    lab.log("ops"), lab.sockets("web"), lab.conntrack(), lab.counters("gateway")
    lab.reset()                                  as it was at the start

How a host is told depends on the fidelity (`Controls`); what may be changed is the same in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lab_env import changes, firewall
from lab_env.case import Case
from lab_env.cases import CASES, against
from lab_env.changes import HostState
from lab_env.topology import GATEWAY, Rule, Topology
from portlab.errors import BadTarget

if TYPE_CHECKING:
    from lab_env.recordings import Recording


@dataclass(frozen=True, slots=True)
class Counter:
    """What one rule of a firewall has met: the rule as nftables writes it, packets and bytes."""

    rule: str
    packets: int
    bytes: int


class Controls(Protocol):
    """The way to the hosts of one running lab, outside of its network."""

    def state(self, host: str) -> HostState:
        """The state a host is in now."""

    def become(self, states: Mapping[str, HostState]) -> None:
        """Put hosts into these states.  BadTarget: nothing has changed; LabNotRunning: nobody answers any more."""

    def borrow(self, states: Mapping[str, HostState]) -> AbstractContextManager[None]:
        """The same for as long as the block runs; the old states come back however this process ends."""

    def reset(self) -> None:
        """Put every host back into the state it started in, and end what anybody has borrowed."""

    def recording(self, hosts: Sequence[str]) -> AbstractContextManager[Recording]:
        """Record what these hosts see while the block runs; complete when it has ended."""

    def log(self, host: str) -> str:
        """What the programs of a host have written down."""

    def sockets(self, host: str) -> str:
        """What listens on a host, as `ss` shows it there."""

    def conntrack(self) -> str:
        """The conversations that the gateway remembers, one a line."""

    def counters(self, host: str) -> list[Counter]:
        """What each rule of a host's firewall has met; a change of the host begins the count anew."""


class Hands:
    """What a learner may do to the lab this process is in.  `controls` opens the way to it."""

    def controls(self) -> Controls:
        """The way to the hosts of this lab.  Raises LabNotRunning where there is none."""
        raise NotImplementedError

    def plan(self) -> Topology:
        """The lab as it was at the start."""
        raise NotImplementedError

    # --- change -------------------------------------------------------------------------------------------

    def listen(self, host: str, port: int, transport: str = "tcp") -> None:
        """Let a program listen on a port of a host; over TCP it greets, over UDP it never answers."""
        self._change(host, lambda state: changes.listening(state, port, transport))

    def stop(self, host: str, service: str | int) -> None:
        """Stop a service of a host, by name or port: `lab.stop("web", "http")`."""
        self._change(host, lambda state: changes.stopped(state, service))

    def start(self, host: str, service: str | int) -> None:
        """Start a service again that was stopped."""
        original = changes.state_of(self.plan(), changes.known(self.plan(), host))
        self._change(host, lambda state: changes.started(state, original, service))

    def rules(self, host: str, rules: Sequence[Rule] | str | None = None) -> str:
        """Give a host's firewall these rules, in place of those it has; returns them as nftables text.

        The gateway's rules judge what it passes on, answers to the learner's own network excepted; every other
        host's judge what arrives at it.  Without rules it
        only tells which there are.  A text is nftables' own language, which only a real kernel understands.

            from lab_env import Action, Rule, lab
            lab.rules("gateway", [Rule(Action.DROP, ("web",), "tcp", (80,))])
        """
        if rules is not None:
            for name in {name for rule in rules if isinstance(rule, Rule) for name in rule.hosts}:
                if name not in self.plan().by_name:
                    raise BadTarget(f"a rule names {name!r}, and the lab has no such host")
            self._change(host, lambda state: changes.guarded(state, rules))
        state = self.controls().state(changes.known(self.plan(), host))
        return firewall.text(self.plan(), state)

    @contextmanager
    def case(self, name: str, technique: str = "") -> Iterator[Case]:
        """A prepared change of the lab, undone when the block ends: `with lab.case("M04") as case: ...`

        `case.title` says what is changed, `case.questions` what to ask meanwhile; `technique` chooses where a case
        can be asked in several ways.  Raises BadTarget for a name that no case has.
        """
        case = against(name, technique)
        if case is None:
            names = dict.fromkeys(each.belief for each in CASES.values())
            raise BadTarget(f"there is no case {name!r}.  There are: {', '.join(names)}")
        with self.controls().borrow(case.states(self.plan())):
            yield case

    def reset(self) -> None:
        """Put the whole lab back as it was at the start."""
        self.controls().reset()

    def _change(self, host: str, change: changes.Change) -> None:
        name, controls = changes.known(self.plan(), host), self.controls()
        controls.become({name: change(controls.state(name))})

    # --- look ---------------------------------------------------------------------------------------------

    def recording(self, *hosts: str) -> AbstractContextManager[Recording]:
        """Record what hosts see while the block runs: `with lab.recording("gateway", "web") as seen: ...`

        Afterwards `seen.frames` holds their frames in order of time, all by the same clock, with the columns
        of `portlab.model.FRAME` and two more: `observer`, the host, and `interface`, where it saw the frame.
        """
        names = [changes.known(self.plan(), host) for host in hosts]
        if not names:
            raise BadTarget(
                'nobody is named who should record.  Type for example: lab.recording("gateway", "web")'
            )
        return self.controls().recording(names)

    def log(self, host: str) -> str:
        """What the programs of a host have written down."""
        return self.controls().log(changes.known(self.plan(), host))

    def sockets(self, host: str) -> str:
        """What listens on a host, as `ss` shows it there."""
        return self.controls().sockets(changes.known(self.plan(), host))

    def conntrack(self) -> str:
        """The conversations that the gateway remembers, one a line; empty: none."""
        return self.controls().conntrack()

    def counters(self, host: str = GATEWAY) -> list[Counter]:
        """What each rule of a host's firewall has met since the host was changed last."""
        return self.controls().counters(changes.known(self.plan(), host))

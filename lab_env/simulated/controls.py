"""Hands on the simulated lab: the same changes, made in the one lab of this process.

What a real host would show (`ss`, conntrack, rule counters) is worked out from what the simulator remembers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from lab_env import changes, firewall
from lab_env.changes import HostState
from lab_env.hands import Counter
from lab_env.recordings import Recording
from lab_env.services.listening import BACKLOG
from lab_env.simulated.medium import Medium
from lab_env.simulated.network import rules_of
from lab_env.simulated.wire import medium_of
from lab_env.topology import STUDENT
from portlab import lab
from portlab.addresses import dotted
from portlab.errors import BadTarget, LabNotRunning


class SimulatedControls:
    """The way to the hosts of a simulated lab (see `lab_env.hands.Controls`)."""

    def __init__(self, medium: Medium | None = None) -> None:
        """Hands on the simulated lab that this process is in, or on another `medium`."""
        if medium is None:
            current = lab.current()
            if current is None:
                raise LabNotRunning(lab.why_not())
            medium = medium_of(current)
        self._medium = medium

    def state(self, host: str) -> HostState:
        """The state a host is in now."""
        return changes.state_of(self._medium.network.topology, host)

    def become(self, states: Mapping[str, HostState]) -> None:
        """Put hosts into these states, unless a case holds one of them."""
        for host in states:
            if host in self._medium.borrowed:
                raise BadTarget(
                    f"{host} is part of a case that is still open.  End its `with` block first, or type lab.reset()"
                )
        self._change(states)

    @contextmanager
    def borrow(self, states: Mapping[str, HostState]) -> Iterator[None]:
        """The same for as long as the block runs."""
        before = {host: self.state(host) for host in states}
        self.become(states)
        self._medium.borrowed |= set(states)
        try:
            yield
        finally:
            held = {host: state for host, state in before.items() if host in self._medium.borrowed}
            self._medium.borrowed -= set(states)
            self._change(held)

    def reset(self) -> None:
        """Put every host back into the state it started in."""
        self._medium.borrowed.clear()
        self._medium.network.change(self._medium.plan, self._medium.plan.by_name)

    @contextmanager
    def recording(self, hosts: Sequence[str]) -> Iterator[Recording]:
        """Record what these hosts see while the block runs."""
        recording = Recording(tuple(dict.fromkeys(hosts)))
        with self._medium.observed(recording.hosts) as observers:
            try:
                yield recording
            finally:
                recording.frames = observers.frames()

    def log(self, host: str) -> str:
        """What the programs of a host have written down: datagrams that nobody answers."""
        return "".join(f"{line}\n" for line in self._medium.logs.get(host, []))

    def sockets(self, host: str) -> str:
        """What listens on a host, in the columns of `ss -ltun`: a full queue holds more than it has room for."""
        topology = self._medium.network.topology
        lines = [
            f"{'Netid':<6}{'State':<8}{'Recv-Q':<8}{'Send-Q':<8}{'Local Address:Port':<24}Peer Address:Port"
        ]
        for service in topology.by_name[host].services:
            state, waiting, room = "UNCONN", 0, 0
            if service.transport == "tcp":
                state, waiting, room = "LISTEN", int(service.full), 0 if service.full else BACKLOG
            for address in ["127.0.0.1"] if service.loopback else topology.addresses(host):
                place = f"{address}:{service.port}"
                lines.append(f"{service.transport:<6}{state:<8}{waiting:<8}{room:<8}{place:<24}0.0.0.0:*")
        return "".join(f"{line}\n" for line in lines)

    def conntrack(self) -> str:
        """The conversations with the hosts that the gateway keeps in mind, one a line."""
        student = self._medium.plan.address(STUDENT)
        known = self._medium.network.known_conversations(self._medium.clock_ns())
        lines = [
            f"tcp src={student} dst={dotted(address)} sport={source_port} dport={port}"
            for address, source_port, port in known
        ]
        return "".join(f"{line}\n" for line in lines)

    def counters(self, host: str) -> list[Counter]:
        """What each rule of a host's firewall has met: of a conversation only what opens it is counted here."""
        network = self._medium.network
        rules = rules_of(network.topology, host)
        counted = zip(rules, network.counts(host).tolist(), strict=True)
        return [Counter(firewall.line(network.topology, rule), *count) for rule, count in counted]

    def _change(self, states: Mapping[str, HostState]) -> None:
        if any(state.nft for state in states.values()):
            raise BadTarget(
                "rules as nftables text need a real kernel, and this lab is simulated.  Say them with Rule(...), "
                "or start a real lab: ./run lab"
            )
        network = self._medium.network
        network.change(changes.topology_with(network.topology, states), states)

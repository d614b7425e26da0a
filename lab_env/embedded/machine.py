"""A host's own side of `Hands`: the programs it runs, its rules, its route, and what it can tell."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from lab_env import services
from lab_env.changes import HostState
from lab_env.control import conntrack, kernel
from lab_env.embedded import own_files
from lab_env.services.full import Full
from lab_env.services.listening import Running
from lab_env.services.site import Site
from lab_env.topology import Service, Topology

LOOPBACK = "127.0.0.1"


class Program(Protocol):
    """A program that runs."""

    async def close(self) -> None:
        """Stop listening."""


class EmbeddedMachine:
    """The host whose namespaces this process is in (see `lab_env.control.agent.Machine`)."""

    def __init__(self, topology: Topology, site: Site) -> None:
        self._topology = topology
        self._site = site
        self._running: dict[tuple[Service, str], Program] = {}

    async def become(self, state: HostState) -> None:
        """Have these rules, this route and these programs."""
        kernel.load_rules(self._topology, state)
        kernel.set_route(self._topology, state)
        await self.serve(state.services)

    async def serve(self, wanted: Iterable[Service]) -> None:
        """Run these services and no others; each listens and, over UDP, answers when this returns."""
        places = [(service, address) for service in wanted for address in self._addresses(service)]
        for place in self._running.keys() - set(places):
            await self._running.pop(place).close()
        begun = [place for place in places if place not in self._running]
        for service, address in begun:
            self._running[service, address] = await self._start(service, address)
        for place in begun:
            program = self._running[place]
            if isinstance(program, Running) and place[0].transport == "udp":
                await program.loaded()  # for a TCP one that waits to be needed, the kernel answers

    def _addresses(self, service: Service) -> tuple[str, ...]:
        """Where it listens: an answer comes from where it was asked."""
        return (LOOPBACK,) if service.loopback else self._topology.addresses(self._site.name)

    async def _start(self, service: Service, address: str) -> Program:
        try:
            if service.full:
                full = Full(address, service.port)
                await full.fill()
                return full
            return await services.serve(
                service.server,
                self._site,
                address,
                service.port,
                transport=service.transport,
                tls=service.tls,
            )
        except OSError as error:
            raise OSError(f"{service.name}: {error}") from error

    def log(self) -> str:
        """All that the host's programs have written down since the lab began."""
        return Path(own_files.log_path(self._site.name)).read_text("utf-8", "replace")

    def sockets(self) -> str:
        return kernel.sockets()

    def conntrack(self) -> str:
        return conntrack.conversations()

    def counters(self) -> list[tuple[str, int, int]]:
        return kernel.counters()

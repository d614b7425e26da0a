"""A host of the lab: one process that holds the host's namespaces and runs its services."""

from __future__ import annotations

import asyncio
import datetime
import os
import socket

from lab_env import firewall, services
from lab_env.embedded import files, namespaces, network
from lab_env.embedded.members import LabFailed, Reporter, execute
from lab_env.services.listening import Running
from lab_env.services.site import Site
from lab_env.topology import Host, Service, Topology

MADE, GO, READY = "made", "go", "ready"


def live(topology: Topology, host: Host, site: Site, reporter: Reporter) -> None:
    """Be this host: make its namespaces, wait for its cables, configure it, serve until killed."""
    namespaces.unshare(namespaces.OF_A_HOST)
    reporter.say(MADE)
    os.environ.update(files.environment(host.name))
    socket.sethostname(host.name)
    files.settle(topology, host.name)
    if reporter.wait() == GO:
        configure(topology, host.name)
        asyncio.run(_serve(topology, host, site.at(host.name, _log), reporter))


def configure(topology: Topology, host: str) -> None:
    """Addresses, routes and firewall of the host whose namespaces this process is in."""
    for interface in network.interfaces(topology, host):
        namespaces.no_offload(interface.name)
    execute(["ip", "-batch", "-"], network.addresses(topology, host))
    rules = firewall.ruleset(topology, host)
    if rules:
        execute(["nft", "-f", "-"], rules)


async def _serve(topology: Topology, host: Host, site: Site, reporter: Reporter) -> None:
    running: dict[tuple[Service, str], Running] = {}
    for service in host.services:
        for address in topology.addresses(host.name):  # an answer comes from where it was asked
            running[service, address] = await _start(service, site, address)
    for (service, _), program in running.items():
        if service.transport == "udp":  # for a TCP one that waits to be needed, the kernel answers
            await program.loaded()
    reporter.say(READY)
    await asyncio.Event().wait()


async def _start(service: Service, site: Site, address: str) -> Running:
    try:
        return await services.serve(
            server(service), site, address, service.port, transport=service.transport, tls=service.tls
        )
    except OSError as error:
        raise LabFailed(f"{service.name}: {error}") from error


def server(service: Service) -> str:
    """The program of lab_env.services that serves it."""
    return service.server or service.name


def _log(line: str) -> None:
    """A line of the server's log, with the time."""
    print(datetime.datetime.now().isoformat(sep=" ", timespec="milliseconds"), line, flush=True)

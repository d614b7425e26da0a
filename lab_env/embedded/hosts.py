"""A host of the lab: one process that holds the host's namespaces, runs its services and takes orders."""

from __future__ import annotations

import asyncio
import datetime
import os
import socket

from lab_env import changes, firewall
from lab_env.control.agent import Agent
from lab_env.embedded import namespaces, network, own_files
from lab_env.embedded.machine import EmbeddedMachine
from lab_env.embedded.members import LabFailed, Reporter, execute
from lab_env.services.site import Site
from lab_env.topology import Host, Topology

MADE, GO, READY = "made", "go", "ready"


def live(topology: Topology, host: Host, site: Site, reporter: Reporter) -> None:
    """Be this host: make its namespaces, wait for its cables, configure it, serve until killed."""
    namespaces.unshare(namespaces.OF_A_HOST)
    reporter.say(MADE)
    os.environ.update(own_files.environment(host.name))
    socket.sethostname(host.name)
    own_files.settle(topology, host.name)
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
    machine = EmbeddedMachine(topology, site)
    try:
        await machine.serve(host.services)
    except OSError as error:
        raise LabFailed(str(error)) from error
    agent = Agent(changes.state_of(topology, host.name), machine, _log)
    server = await agent.serve(own_files.control_socket(host.name))
    reporter.say(READY)
    await server.serve_forever()


def _log(line: str) -> None:
    """A line of the server's log, with the time."""
    print(datetime.datetime.now().isoformat(sep=" ", timespec="milliseconds"), line, flush=True)

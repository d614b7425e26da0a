"""A host of the lab: one process that holds the host's namespaces and runs its services."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

from lab_env import firewall
from lab_env.embedded import files, namespaces, network
from lab_env.embedded.members import LabFailed, Reporter, execute
from lab_env.topology import Host, Service, Topology

MADE, GO, READY = "made", "go", "ready"


def live(topology: Topology, host: Host, reporter: Reporter) -> None:
    """Be this host: make its namespaces, wait for its cables, configure it, serve until killed."""
    namespaces.unshare(namespaces.NET | namespaces.MOUNT | namespaces.UTS)
    reporter.say(MADE)
    os.environ.update(files.environment(host.name))
    socket.sethostname(host.name)
    files.settle(topology, host.name)
    if reporter.wait() == GO:
        configure(topology, host.name)
        asyncio.run(_serve(topology, host, reporter))


def configure(topology: Topology, host: str) -> None:
    """Addresses, routes and firewall of the host whose namespaces this process is in."""
    for interface in network.interfaces(topology, host):
        namespaces.no_offload(interface.name)
    execute(["ip", "-batch", "-"], network.addresses(topology, host))
    rules = firewall.ruleset(topology, host)
    if rules:
        execute(["nft", "-f", "-"], rules)


async def _serve(topology: Topology, host: Host, reporter: Reporter) -> None:
    running: dict[tuple[Service, str], Any] = {}
    for service in host.services:
        for address in topology.addresses(host.name):
            try:
                running[service, address] = await _start(service, address)
            except Exception as error:
                raise LabFailed(f"{service.name} on port {service.port}/{service.transport}: {error!r}") from error
    reporter.say(READY)
    await asyncio.Event().wait()


async def _start(service: Service, address: str) -> Any:
    if service.transport == "udp":
        loop = asyncio.get_running_loop()
        return await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(address, service.port))

    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"220 {service.name} ready\r\n".encode())
        await writer.drain()
        writer.close()

    return await asyncio.start_server(hello, address, service.port)

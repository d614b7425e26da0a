"""Builds a whole lab around process 1: files, hosts, cables, services."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

from lab_env import services
from lab_env.embedded import hosts, members, network, own_files, switches
from lab_env.embedded.members import Member, Reporter
from lab_env.services.site import Site
from lab_env.topology import STUDENT, Topology


def build(
    topology: Topology, seed: int | None, lossy: bool, private: Iterable[socket.socket]
) -> dict[str, Member]:
    """Start every process of the lab, in step, and return them by name once all services stand.

    The caller's namespaces become the student's workstation.  `private` are sockets that no host may have.
    """
    os.environ["PATH"] = own_files.environment(STUDENT)["PATH"]
    own_files.make(topology)
    site = prepare_services(topology)
    gc.collect()
    gc.freeze()  # what all hosts share stays shared
    names = [name for name in network.machines(topology) if name != STUDENT]
    lab = {name: members.start(name, _host(topology, name, site), private) for name in names}
    socket.sethostname(STUDENT)
    own_files.settle(topology, STUDENT)
    for host in lab.values():
        host.hear(hosts.MADE)
    switch = members.start("switch", _switches(topology, lab, seed, lossy), private)
    switch.hear(switches.READY)
    for host in lab.values():
        host.tell(hosts.GO)
    hosts.configure(topology, STUDENT)
    for host in lab.values():
        host.hear(hosts.READY)
    return {**lab, switch.name: switch}


def prepare_services(topology: Topology) -> Site:
    """Keys and files for all hosts, and the libraries of UDP services, which must answer from the start.

    Raises BadTarget where the topology names a server that there is not.
    """
    every = [service for host in topology.hosts for service in host.services]
    services.check(service.server for service in every)
    services.preload({service.server for service in every if service.transport == "udp"})
    addresses = {host.name: topology.address(host.name) for host in topology.hosts}
    return services.prepare(Path(own_files.SITE), addresses)


def _host(topology: Topology, name: str, site: Site) -> Callable[[Reporter], None]:
    return lambda reporter: hosts.live(topology, topology.by_name[name], site, reporter)


def _switches(
    topology: Topology, lab: dict[str, Member], seed: int | None, lossy: bool
) -> Callable[[Reporter], None]:
    pids = {STUDENT: os.getpid(), **{name: host.pid for name, host in lab.items()}}
    return lambda reporter: switches.live(topology, pids, seed, lossy, reporter)

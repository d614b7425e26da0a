"""The topology as arrays: whose address is it, and does the port listen?  Asked for whole tables at once."""

from __future__ import annotations

import ipaddress

import numpy as np
from numpy.typing import NDArray

from lab_env.topology import GATEWAY, STUDENT, Service, Topology
from portlab.addresses import dotted, number

NOBODY = -1
LOOPBACK_NUMBER = 127  # the first number of all addresses by which a host means itself


def is_loopback(addresses: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Which addresses mean the own host."""
    loopback: NDArray[np.bool_] = np.asarray(addresses, np.uint32) >> 24 == LOOPBACK_NUMBER
    return loopback


class Places:
    """Who lives where.  A host is its row in `topology.hosts`; NOBODY lives at all other addresses."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        names = [host.name for host in topology.hosts]
        self.student, self.gateway = names.index(STUDENT), names.index(GATEWAY)
        self.student_address = number(topology.address(STUDENT))
        self.gateway_address = number(topology.address(GATEWAY))
        self.tracked = np.array([name in topology.tracked for name in names])
        self.icmp_limited = np.array([host.icmp_limited for host in topology.hosts])
        self.on_slow_link = np.array([host.network == topology.slow_link.network for host in topology.hosts])
        self._fill_addresses()
        self._fill_networks()
        self._fill_listeners()

    def _fill_addresses(self) -> None:
        owners: dict[int, int] = {}
        for row, host in enumerate(self.topology.hosts):
            if not host.nobody:
                owners |= {number(address): row for address in self.topology.addresses(host.name)}
        self._addresses = np.array(sorted(owners), np.uint32)
        self._owners = np.array([owners[address] for address in sorted(owners)])

    def _fill_networks(self) -> None:
        networks = [ipaddress.ip_network(self.topology.cidr(n.name)) for n in self.topology.networks]
        own = self.topology.by_name[STUDENT].network
        self._own_link = ipaddress.ip_network(self.topology.cidr(own))
        self._networks = networks
        self._broadcasts = np.array(
            [int(end) for n in networks for end in (n.network_address, n.broadcast_address)], np.uint32
        )

    def _fill_listeners(self) -> None:
        hosts = self.topology.hosts
        self.services: list[Service] = [service for host in hosts for service in host.services]
        self.tcp_listens = np.zeros((len(hosts), 65536), bool)
        self.full = np.zeros((len(hosts), 65536), bool)
        self.astray = np.array([bool(host.default_gateway) for host in hosts])
        self.udp_service = np.full(
            (len(hosts), 65536), -1, np.int16
        )  # row of `services`; -1: nothing listens
        for row, host in enumerate(hosts):
            for service in host.services:
                if service.loopback:
                    continue
                if service.transport == "tcp":
                    self.tcp_listens[row, service.port] = True
                    self.full[row, service.port] = service.full
                else:
                    self.udp_service[row, service.port] = self.services.index(service)

    def owner(self, addresses: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The host behind each address, or NOBODY."""
        at = np.minimum(np.searchsorted(self._addresses, addresses), len(self._addresses) - 1)
        found = np.where(self._addresses[at] == addresses, self._owners[at], NOBODY)
        return np.where(is_loopback(addresses), self.student, found)

    def on_own_link(self, addresses: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Whether an address is on the student's own link."""
        mask = int(self._own_link.netmask)
        on_link: NDArray[np.bool_] = addresses & np.uint32(mask) == int(self._own_link.network_address)
        return on_link

    def in_lab(self, addresses: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Whether there is a way to an address: it is in one of the lab's networks, or loopback."""
        inside = is_loopback(addresses)
        for network in self._networks:
            inside |= addresses & np.uint32(int(network.netmask)) == int(network.network_address)
        return inside

    def is_broadcast(self, addresses: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Whether an address means a whole network: hosts ignore pings to those."""
        return np.isin(addresses, self._broadcasts)

    def network(self, addresses: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The network of each address, as its row in the topology; NOBODY for an address in none."""
        found = np.full(len(addresses), NOBODY, np.int64)
        for row, network in enumerate(self._networks):
            found[addresses & np.uint32(int(network.netmask)) == int(network.network_address)] = row
        return found

    def mac(self, address: int) -> NDArray[np.uint8]:
        """The Ethernet address behind an IP address, six bytes."""
        text = self.topology.mac(dotted(address))
        return np.frombuffer(bytes.fromhex(text.replace(":", "")), np.uint8)

    def macs(self, addresses: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """The Ethernet addresses behind IP addresses, one row each."""
        known, which = np.unique(addresses, return_inverse=True)
        return np.array([self.mac(address) for address in known.tolist()], np.uint8).reshape(-1, 6)[which]

"""Lab map: the networks, who stands between them, where you are, and what you have found so far.

The map is a nested list that a style sheet lays out as a map: without the style the list remains.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from portlab.evidence.result import Scan
from portlab.model import State
from portlab.shown import Shown
from portlab.view import figure, given, heads, words
from portlab.view.labmap.found import Found, found_in
from portlab.view.svg import escape
from portlab.view.tokens import LOOKS, glyph, slug

if TYPE_CHECKING:
    from portlab.lab import Lab

TITLE = "The lab, and what you have found"


@dataclass(frozen=True)
class MappedHost:
    """A host on the map."""

    name: str
    addresses: tuple[str, ...]
    found: Found
    remarks: tuple[str, ...] = ()
    """What is not found but known from the start: "you are here", "firewall"."""

    @property
    def known(self) -> bool:
        """Whether anybody has asked it anything."""
        return self.found.state is not None or self.found.asked > 0


@dataclass(frozen=True)
class MappedNetwork:
    """A network on the map, with the hosts that are on no other."""

    name: str
    cidr: str
    hosts: tuple[MappedHost, ...]
    slow: bool


@dataclass(frozen=True, eq=False, repr=False)
class LabMap(Shown):
    """The lab as a map; the same as a nested list in text."""

    fidelity: str
    networks: tuple[MappedNetwork, ...]
    """The network you are in comes first."""
    between: tuple[MappedHost, ...]
    """Hosts in several networks: what goes from one to another goes through them."""
    warnings: tuple[str, ...]

    @property
    def hosts(self) -> list[MappedHost]:
        """All hosts, those between the networks first."""
        return [*self.between, *(host for network in self.networks for host in network.hosts)]

    @property
    def detail(self) -> str:
        known = [host for host in self.hosts if host.known]
        open_ports = sum(len(host.found.of(State.OPEN)) for host in known)
        return (
            f"{words.count(len(self.networks), 'network')}, {words.count(len(self.hosts), 'host')}: "
            f"{len(known)} asked so far, {words.count(open_ports, 'open port')} found"
        )

    def __str__(self) -> str:
        lines = [f"{TITLE}   [{words.fidelity_name(self.fidelity)}]", self.detail]
        lines += [f"! {warning}" for warning in self.warnings]
        first, *others = self.networks or (None,)
        lines += _network_text(first) if first else []
        lines += [f"- {_host_text(host)}" for host in self.between]
        for network in others:
            lines += _network_text(network)
        return "\n".join(lines)

    def html(self) -> str:
        """The map as a figure."""
        told = "".join(f'<p class="warning">{escape(warning)}</p>' for warning in self.warnings)
        parts = [_network(network) for network in self.networks]
        middle = "".join(_between(host) for host in self.between)
        body = (
            figure.heading(TITLE, self.detail, figure.fidelity(self.fidelity))
            + told
            + f'<ul class="places">{"".join([*parts[:1], middle, *parts[1:]])}</ul>'
        )
        return figure.wrap("labmap", TITLE, body, "labmap")


# --- as text --------------------------------------------------------------------------------------------------


def _network_text(network: MappedNetwork) -> list[str]:
    slow = ", over a slow link" if network.slow else ""
    return [f"- {network.name}, {network.cidr}{slow}", *(f"  - {_host_text(host)}" for host in network.hosts)]


def _host_text(host: MappedHost) -> str:
    remarks = "".join(f", {remark}" for remark in host.remarks)
    told = "; ".join(
        f"{LOOKS[state].character} {said}" if state else said for state, said in host.found.told()
    )
    return f"{host.name}, {', '.join(host.addresses)}{remarks}: {told}"


# --- as HTML --------------------------------------------------------------------------------------------------


def _network(network: MappedNetwork) -> str:
    slow = '<span class="remark">slow link</span>' if network.slow else ""
    hosts = "".join(
        f'<li class="host{"" if host.known else " unknown"}">{_host(host)}</li>' for host in network.hosts
    )
    return (
        f'<li class="network{" slow" if network.slow else ""}"><p class="name"><b>{escape(network.name)}</b> '
        f'<span class="muted">{escape(network.cidr)}</span> {slow}</p><ul class="bus">{hosts}</ul></li>'
    )


def _between(host: MappedHost) -> str:
    wall = " wall" if "firewall" in host.remarks else ""
    return f'<li class="between{wall}{"" if host.known else " unknown"}">{_host(host)}</li>'


def _host(host: MappedHost) -> str:
    remarks = "".join(f'<span class="remark">{escape(remark)}</span>' for remark in host.remarks)
    addresses = " ".join(f'<span class="address">{address}</span>' for address in host.addresses)
    told = "".join(
        f'<p class="said s-{slug(state)}">{glyph(state)} {escape(said)}</p>'
        if state
        else f'<p class="said">{said}</p>'
        for state, said in host.found.told()
    )
    return f"<p><b>{escape(host.name)}</b> {addresses} {remarks}</p>{told}"


# --- from the lab ---------------------------------------------------------------------------------------------


def lab_map(lab: Lab, *scans: Scan) -> LabMap:
    """The lab as a map with what these scans found: lab_map(pl.lab.current(), ping, scan).

    Names, addresses, networks, who filters and what is slow come from the lab's descriptor; the rest from the scans,
    of which later ones count more than earlier ones.
    """
    lab, scans = given.lab(lab), given.scans(scans, "lab_map(pl.lab.current(), scan)")
    names = {address: name for name, addresses in lab.hosts.items() for address in addresses}
    known = found_in(scans, names)
    cidrs = {name: ip_network(cidr) for name, cidr in lab.networks.items()}
    places: dict[str, list[MappedHost]] = {name: [] for name in cidrs}
    between = []
    for name, addresses in {**lab.hosts, **_strangers(lab, known)}.items():
        remarks = ["you are here"] * (name == lab.self_name) + ["firewall"] * (name == lab.firewall)
        host = MappedHost(name, tuple(addresses), known.get(name, Found()), tuple(remarks))
        within = [place for place, cidr in cidrs.items() if any(ip_address(a) in cidr for a in addresses)]
        if len(within) > 1:
            between.append(host)
        elif within:
            places[within[0]].append(host)
    networks = [
        MappedNetwork(name, lab.networks[name], tuple(hosts), name == lab.slow)
        for name, hosts in places.items()
    ]
    networks.sort(key=lambda network: all(host.name != lab.self_name for host in network.hosts))
    return LabMap(lab.fidelity, tuple(networks), tuple(between), tuple(heads.warnings(*scans)))


def _strangers(lab: Lab, known: dict[str, Found]) -> dict[str, tuple[str, ...]]:
    """Addresses that answered and that the lab has no name for."""
    heard = [name for name, found in known.items() if found.state is State.UP or found.of(State.OPEN)]
    return {address: (address,) for address in heard if address not in lab.hosts}

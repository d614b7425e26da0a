"""The lab's cables and addresses as text: what `ip -batch`, the sysctls and /etc are to be told.

The switches, one bridge a network, stand in a network namespace of their own.  So a host has only `lo` and
its own interfaces, and a capture shows every packet once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab_env.topology import DOMAIN, GATEWAY, STUDENT, Topology

RESOLVER = "infra"
NEAR_END, FAR_END, FAR_PORT = "slow-near", "slow-far", "slow-port"
"""The slow link's ends: near the gateway, on the far side, and the far side's port of the switch."""


PROCESS = "portlab-{}"
"""The names of the lab's processes, as `ps -o comm` shows them."""
INIT = PROCESS.format("init")


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface of a host, and the switch port at the other end of its cable."""

    name: str
    network: str
    address: str
    length: int
    mac: str
    port: str


def interfaces(topology: Topology, host: str) -> list[Interface]:
    """The interfaces of a host: one, but the gateway has one in each network."""
    on_gateway = host == GATEWAY
    networks = [topology.by_name[host].network]
    if on_gateway:
        networks = [network.name for network in topology.networks]
    found = []
    for number, network in enumerate(networks):
        address = topology.address(host, network)
        length = int(topology.cidr(network).partition("/")[2])
        port = f"{host}-{network}" if on_gateway else host
        if on_gateway and network == topology.slow_link.network:
            port = NEAR_END
        found.append(Interface(f"eth{number}", network, address, length, topology.mac(address), port))
    return found


def machines(topology: Topology) -> list[str]:
    """The names of all hosts that somebody is behind, the student included."""
    return [host.name for host in topology.hosts if not host.nobody]


def cables(topology: Topology, pids: Mapping[str, int]) -> str:
    """What `ip -batch` does in the switches' namespace: bridges, and a cable to the process of each host."""
    lines = []
    for network in topology.networks:
        lines.append(f"link add {network.name} type bridge\nlink set {network.name} up")
    for host in machines(topology):
        for end in interfaces(topology, host):
            lines.append(
                f"link add {end.port} type veth peer name {end.name} address {end.mac} netns {pids[host]}\n"
                f"link set {end.port} {'' if end.port == NEAR_END else f'master {end.network} '}up"
            )
    lines.append(
        f"link add {FAR_END} type veth peer name {FAR_PORT}\nlink set {FAR_END} up\n"
        f"link set {FAR_PORT} master {topology.slow_link.network} up"
    )
    return "\n".join(lines) + "\n"


def switch_ports(topology: Topology) -> list[str]:
    """The switch's ends of all cables."""
    ports = [end.port for host in machines(topology) for end in interfaces(topology, host)]
    return [*ports, FAR_END, FAR_PORT]


def addresses(topology: Topology, host: str) -> str:
    """What `ip -batch` does on a host once its cables are plugged in.  The gateway has no default route."""
    lines = ["link set lo up"]
    for interface in interfaces(topology, host):
        lines.append(f"address add {interface.address}/{interface.length} brd + dev {interface.name}")
        lines.append(f"link set {interface.name} up")
    if host != GATEWAY:
        lines.append(f"route add default via {topology.address(GATEWAY, topology.by_name[host].network)}")
    return "\n".join(lines) + "\n"


def sysctls(topology: Topology, host: str, group: int) -> dict[str, str]:
    """Kernel settings of a host by path under /proc/sys; a kernel may lack some.  `group` may use ping."""
    settings = {
        "net/ipv6/conf/all/disable_ipv6": "1",
        "net/ipv6/conf/default/disable_ipv6": "1",
        "net/ipv4/conf/all/rp_filter": "0",  # these would be the computer's own otherwise
        "net/ipv4/conf/default/rp_filter": "0",
        "net/ipv4/ping_group_range": f"{group} {group}",
    }
    if not topology.by_name[host].icmp_limited:
        settings["net/ipv4/icmp_ratemask"] = "0"  # icmp_ratelimit=0 leaves a second limit
    if host == GATEWAY:
        settings["net/ipv4/ip_forward"] = "1"
    if host == STUDENT:
        settings["net/ipv4/tcp_syn_linear_timeouts"] = "0"  # the gaps between tries double from the first
        settings["net/ipv4/tcp_syn_retries"] = "2"
    return settings


def hosts_file(topology: Topology) -> str:
    """/etc/hosts: every name of the lab."""
    lines = ["127.0.0.1 localhost"]
    for host in topology.hosts:
        lines.append(f"{topology.address(host.name)} {host.name}.{DOMAIN} {host.name}")
    return "\n".join(lines) + "\n"


def resolver_file(topology: Topology) -> str:
    """/etc/resolv.conf: infra answers for the lab, and nobody answers for anything else."""
    return f"search {DOMAIN}\nnameserver {topology.address(RESOLVER)}\noptions timeout:1 attempts:1\n"


def descriptor(topology: Topology, host: str, netns: int, control: str) -> dict[str, object]:
    """What a process on `host` is told about its lab; the format is in portlab/lab.py."""
    return {
        "fidelity": "embedded",
        "networks": {network.name: topology.cidr(network.name) for network in topology.networks},
        "hosts": {name: list(topology.addresses(name)) for name in topology.by_name},
        "self": host,
        "wire": "portlab.wire.raw:RawWire",
        "netns": netns,
        "control": control,
        "firewall": GATEWAY,
        "slow": topology.slow_link.network,
    }

from __future__ import annotations

import re

import pytest

from lab_env.embedded import network
from lab_env.topology import GATEWAY, STUDENT, topology

LAB = topology("10.77")
MACHINES = network.machines(LAB)
LONGEST_NAME = 15  # IFNAMSIZ without its end


def test_nobody_is_behind_ghost_and_lost() -> None:
    assert {"student", "gateway", "web", "desk"} <= set(MACHINES)
    assert not {"ghost", "lost"} & set(MACHINES)


@pytest.mark.parametrize("host", [name for name in MACHINES if name != GATEWAY])
def test_a_host_has_one_interface(host: str) -> None:
    (interface,) = network.interfaces(LAB, host)
    assert interface.name == "eth0"
    assert interface.address == LAB.address(host)
    assert interface.mac == LAB.mac(interface.address)


def test_the_gateway_has_one_interface_a_network() -> None:
    found = [(each.name, each.network, each.address) for each in network.interfaces(LAB, GATEWAY)]
    assert found == [
        ("eth0", "office", "10.77.1.1"),
        ("eth1", "dmz", "10.77.2.1"),
        ("eth2", "branch", "10.77.3.1"),
    ]


def test_names_fit_and_are_unique() -> None:
    names = [*network.switch_ports(LAB), *(each.name for each in LAB.networks)]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= LONGEST_NAME
    assert max(len(network.PROCESS.format(name)) for name in MACHINES) <= LONGEST_NAME


def test_every_cable_ends_at_its_host_and_its_switch() -> None:
    pids = {name: 100 + number for number, name in enumerate(MACHINES)}
    text = network.cables(LAB, pids)
    plugged = re.findall(r"link add (\S+) type veth peer name (\S+) address \S+ netns (\d+)", text)
    assert sorted(int(pid) for _, _, pid in plugged) == sorted([*pids.values(), *[pids[GATEWAY]] * 2])
    masters = dict(re.findall(r"link set (\S+) master (\S+) up", text))
    assert masters["web"] == "dmz"
    assert masters["student"] == "office"
    assert masters["voip"] == "branch"


def test_the_slow_link_is_the_only_way_to_the_branch() -> None:
    masters = dict(
        re.findall(r"link set (\S+) master (\S+) up", network.cables(LAB, dict.fromkeys(MACHINES, 1)))
    )
    to_branch = {port for port, master in masters.items() if master == "branch"}
    assert to_branch == {"voip", "desk", network.FAR_PORT}
    assert network.NEAR_END not in masters
    assert network.interfaces(LAB, GATEWAY)[2].port == network.NEAR_END


@pytest.mark.parametrize("host", MACHINES)
def test_everybody_but_the_gateway_has_a_default_route(host: str) -> None:
    routes = [line for line in network.addresses(LAB, host).splitlines() if "default" in line]
    own_network = LAB.by_name[host].network
    gateway = LAB.address(GATEWAY, own_network)
    assert routes == ([] if host == GATEWAY else [f"route add default via {gateway}"])


def test_kernel_settings() -> None:
    settings = {host: network.sysctls(LAB, host, 7) for host in MACHINES}
    limited = {host for host in MACHINES if "net/ipv4/icmp_ratemask" not in settings[host]}
    assert limited == {"ops"}
    forwarding = {host for host in MACHINES if settings[host].get("net/ipv4/ip_forward") == "1"}
    assert forwarding == {GATEWAY}
    assert settings[STUDENT]["net/ipv4/tcp_syn_retries"] == "2"
    assert settings[STUDENT]["net/ipv4/tcp_syn_linear_timeouts"] == "0"
    assert {each["net/ipv4/ping_group_range"] for each in settings.values()} == {"7 7"}


def test_the_hosts_file_holds_every_name() -> None:
    pairs = {}
    for line in network.hosts_file(LAB).splitlines():
        address, *names = line.split()
        pairs |= dict.fromkeys(names, address)
    assert pairs.pop("localhost") == "127.0.0.1"
    assert pairs == LAB.names()


def test_names_are_asked_of_infra() -> None:
    assert "nameserver 10.77.1.10\n" in network.resolver_file(LAB)


def test_the_descriptor_is_one_that_portlab_reads() -> None:
    described = network.descriptor(LAB, "web", 4711, "/run/control")
    assert described["fidelity"] == "embedded"
    assert described["networks"] == {
        "office": "10.77.1.0/24",
        "dmz": "10.77.2.0/24",
        "branch": "10.77.3.0/24",
    }
    hosts = described["hosts"]
    assert isinstance(hosts, dict)
    assert hosts["gateway"] == ["10.77.1.1", "10.77.2.1", "10.77.3.1"]
    assert hosts["lost"] == ["10.77.2.99"]
    assert (described["self"], described["netns"]) == ("web", 4711)


def test_the_prefix_is_a_setting() -> None:
    other = topology("10.99")
    texts = [
        network.hosts_file(other),
        network.resolver_file(other),
        str(network.descriptor(other, "web", 1, "")),
    ]
    texts += [network.addresses(other, host) for host in MACHINES]
    assert not any("10.77." in text for text in texts)
    assert all("10.99." in text for text in texts)

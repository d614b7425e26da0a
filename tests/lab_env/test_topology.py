"""The lab's description: what every backend relies on."""

import dataclasses

import pytest

from lab_env.path import Probe, walk
from lab_env.topology import GATEWAY, STUDENT, SYN, Action, topology

LAB = topology("10.77")


def test_the_plan_as_it_is_taught():
    addresses = {host.name: LAB.address(host.name) for host in LAB.hosts}
    assert addresses == {
        "student": "10.77.1.100",
        "gateway": "10.77.1.1",
        "infra": "10.77.1.10",
        "files": "10.77.1.20",
        "mail": "10.77.1.30",
        "ops": "10.77.1.40",
        "quiet": "10.77.1.50",
        "ghost": "10.77.1.99",
        "web": "10.77.2.10",
        "db": "10.77.2.20",
        "vault": "10.77.2.30",
        "lost": "10.77.2.99",
        "voip": "10.77.3.10",
        "desk": "10.77.3.20",
    }


def test_the_gateway_is_number_one_everywhere():
    assert LAB.addresses(GATEWAY) == ("10.77.1.1", "10.77.2.1", "10.77.3.1")
    assert LAB.addresses("web") == ("10.77.2.10",)


def test_another_prefix_moves_everything():
    moved = topology("10.91")
    assert all(address.startswith("10.91.") for address in moved.names().values())
    assert [moved.cidr(network.name) for network in moved.networks] == [
        "10.91.1.0/24",
        "10.91.2.0/24",
        "10.91.3.0/24",
    ]


def test_names_come_short_and_long():
    assert LAB.names()["web"] == LAB.names()["web.lab"] == "10.77.2.10"


def test_names_addresses_and_ethernet_addresses_are_unique():
    addresses = [address for host in LAB.hosts for address in LAB.addresses(host.name)]
    assert len(set(addresses)) == len(addresses)
    assert len({LAB.mac(address) for address in addresses}) == len(addresses)


def test_ethernet_addresses_are_locally_administered_and_readable():
    assert LAB.mac("10.77.2.10") == "02:00:0a:4d:02:0a"


def test_no_port_is_taken_twice():
    for host in LAB.hosts:
        taken = [(service.transport, service.port) for service in host.services]
        assert len(set(taken)) == len(taken)


def test_every_rule_speaks_of_what_is_there():
    for rule in [*LAB.forward, *(rule for host in LAB.hosts for rule in host.rules)]:
        assert set(rule.hosts) <= set(LAB.by_name)
        assert rule.protocol in ("", "tcp", "udp", "icmp")
        if rule.flags:
            mask, value = rule.flags
            assert rule.protocol == "tcp"
            assert value & ~mask == 0
        if rule.action is Action.REJECT_RESET:
            assert rule.protocol == "tcp"


def test_stateful_rules_are_for_tracked_hosts_only():
    for rule in LAB.forward:
        if rule.established:
            assert set(rule.hosts) <= set(LAB.tracked)


def test_nobody_offers_nothing():
    for host in LAB.hosts:
        if host.nobody:
            assert not host.services
            assert not host.rules


def test_the_student_offers_nothing():
    assert LAB.by_name[STUDENT].services == ()


@pytest.mark.parametrize("thing", [LAB.hosts[0], LAB.networks[0], LAB.forward[0], LAB.slow_link])
def test_nothing_can_be_changed_by_accident(thing):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(thing, dataclasses.fields(thing)[0].name, "something else")


HIDDEN = {("web", 22)}
"""Services that a firewall keeps from the student, as the lessons want it."""


def test_every_service_is_reachable_or_hidden_on_purpose():
    asked = (
        "anything"  # and every program would answer it: whether a firewall lets it through is the question
    )
    hosts = tuple(
        dataclasses.replace(
            host,
            services=tuple(
                dataclasses.replace(each, answers=asked, from_new_port=False)
                if each.transport == "udp"
                else each
                for each in host.services
            ),
        )
        for host in LAB.hosts
    )
    lab = dataclasses.replace(LAB, hosts=hosts)
    hidden = set()
    for host in lab.hosts:
        for each in host.services:
            probe = (
                Probe("tcp", each.port, SYN)
                if each.transport == "tcp"
                else Probe("udp", each.port, payload=asked)
            )
            reached = walk(lab, host.name, probe).kind in ("syn-ack", "udp")
            if not (reached or each.loopback or each.full):
                hidden.add((host.name, each.port))
    assert hidden == HIDDEN


@pytest.mark.parametrize(("host", "ports"), [("db", (1433, 1521, 3306, 6379)), ("vault", (443,))])
def test_the_gateway_lets_through_what_a_guarded_host_serves(host, ports):
    (rule,) = (each for each in LAB.forward if each.action is Action.ACCEPT and each.hosts == (host,))
    assert rule.ports == ports == tuple(each.port for each in LAB.by_name[host].services)

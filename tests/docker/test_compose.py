import ipaddress
import re

import pytest
import yaml

from lab_env.docker import compose, daemons
from lab_env.docker.engine import Lab
from lab_env.topology import GATEWAY, topology

PLAN = topology("10.77")
TEXT = compose.text(PLAN)


def services():
    """The file as Compose reads it, with the variables' defaults."""
    return yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", TEXT))


def test_the_file_is_up_to_date():
    assert compose.FILE.read_text() == TEXT, "type: python -m lab_env.docker.compose"


def test_every_host_is_there_with_its_address():
    told = services()["services"]
    hosts = [host.name for host in PLAN.hosts if not host.nobody]
    assert sorted(told) == sorted([*hosts, "door"])
    for name in hosts:
        (address, *more) = [net["ipv4_address"] for net in told[name]["networks"].values()]
        assert bool(more) == (name == GATEWAY)
        if name != GATEWAY:
            assert address == PLAN.address(name)


@pytest.mark.parametrize("name", services()["services"])
def test_nobody_has_more_rights_than_the_work_needs(name):
    service = services()["services"][name]
    assert "privileged" not in service
    assert "network_mode" not in service
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["mem_limit"]
    assert service["pids_limit"]
    allowed = {
        "gateway",
        "infra",
        "quiet",
        "voip",
        "desk",
    }  # rules, addresses, DHCP, frames for the slow link
    assert ("NET_ADMIN" in service["cap_add"]) == (name in allowed)
    assert not {"SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE"} & set(service["cap_add"])


def test_only_the_door_is_published_and_only_on_loopback():
    told = services()["services"]
    assert {name for name in told if "ports" in told[name]} == {"door"}
    assert told["door"]["ports"] == ["127.0.0.1:8888:8888"]
    assert told["door"]["networks"] == ["outside"]
    assert all("outside" not in told[name]["networks"] for name in told if name != "door")


def test_the_computer_is_on_none_of_the_labs_networks():
    for net in PLAN.networks:
        told = services()["networks"][net.name]
        options = told["driver_opts"]
        assert options["com.docker.network.bridge.inhibit_ipv4"] == "true"
        assert options["com.docker.network.bridge.enable_ip_masquerade"] == "false"
        assert ipaddress.ip_network(told["ipam"]["config"][0]["subnet"]) == ipaddress.ip_network(
            PLAN.cidr(net.name)
        )


def test_icmp_limits_are_lifted_for_all_but_one():
    told = services()["services"]
    limited = {
        name
        for name in told
        if name != "door" and "net.ipv4.icmp_ratemask" not in str(told[name].get("sysctls", ""))
    }
    assert limited == {host.name for host in PLAN.hosts if host.icmp_limited}


def test_no_address_is_written_out():
    body = TEXT[TEXT.index("x-names") :]
    assert not re.search(r"(?<!:-)10\.77", body)


@pytest.mark.docker
def test_compose_reads_it_without_a_word(capfd):
    Lab("10.79").compose("config", "-q", quiet=False)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("host", [host for host in PLAN.hosts if host.services], ids=lambda host: host.name)
def test_every_port_has_a_program(host):
    programs = daemons.of_host(host)
    assert programs
    assert set(programs) <= set(daemons.DAEMONS)
    assert len(programs) == len(set(programs))


def test_settings_are_filled_in():
    folder = compose.FILE.parent / "config"
    templates = [d.settings for d in daemons.DAEMONS.values() if d.settings]
    for host in PLAN.hosts:
        for template in templates:
            text = daemons.filled((folder / template).read_text(), PLAN, host)
            assert not re.search(r"@[A-Z]+@", text)
    ops = daemons.filled("@PORTS@", PLAN, PLAN.by_name["ops"])
    assert ops.split() == ["Port", "22", "Port", "8080"]
    vault = daemons.filled("@LISTEN@", PLAN, PLAN.by_name["vault"])
    assert vault.split() == ["listen", "443", "ssl;"]
    assert "return 500" in daemons.filled("@CONTENT@", PLAN, PLAN.by_name["quiet"])

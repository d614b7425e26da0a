import dataclasses
import ipaddress
import re

import pytest
import yaml

from lab_env import changes
from lab_env.docker import compose, daemons
from lab_env.docker.engine import DockerLab
from lab_env.docker.machine import listening
from lab_env.topology import GATEWAY, Service, topology
from portlab.errors import BadTarget

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
    learner, door = name == "student", name == "door"
    assert ("NET_RAW" in service["cap_add"]) == (not door)
    assert ("NET_ADMIN" in service["cap_add"]) == (not learner and not door)
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
    DockerLab("10.79").compose("config", "-q", quiet=False)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("host", [host for host in PLAN.hosts if host.services], ids=lambda host: host.name)
def test_every_port_has_a_program(host):
    programs = daemons.of_host(host)
    assert programs
    assert set(programs) <= set(daemons.DAEMONS)
    assert len(programs) == len(set(programs))


def test_a_service_without_a_program_is_named_before_anything_starts(monkeypatch):
    gopher = Service("gopher", 70)
    with pytest.raises(BadTarget, match=r"no program for 'gopher' \(gopher, tcp port 70\).* OF_SERVER of"):
        daemons.serving(gopher)
    assert daemons.serving(dataclasses.replace(gopher, full=True)) == ("responders",)
    db = dataclasses.replace(PLAN.by_name["db"], services=(gopher,))
    plan = dataclasses.replace(PLAN, hosts=(db,))
    monkeypatch.setattr("lab_env.docker.engine.topology", lambda prefix: plan)
    monkeypatch.setattr("lab_env.docker.engine.taken_by", lambda *_: pytest.fail("Docker was asked"))
    with pytest.raises(BadTarget, match="gopher"):
        DockerLab("10.79").up()


TEMPLATES = compose.FILE.parent / "config"


@pytest.mark.parametrize("host", [host for host in PLAN.hosts if host.services], ids=lambda host: host.name)
def test_settings_are_filled_in(host):
    for program in daemons.programs(PLAN, host, TEMPLATES).values():
        assert not re.search(r"@[A-Z]+@|[{}]listen", program.settings + program.command)


def listens(host, program, change=lambda state: state):
    changed = changes.topology_with(PLAN, {host: change(changes.state_of(PLAN, host))})
    found = daemons.programs(changed, changed.by_name[host], TEMPLATES).get(program)
    return found and [line.strip() for line in found.settings.splitlines() if "isten" in line]


def test_a_program_is_told_where_to_listen():
    assert listens("ops", "sshd") == ["ListenAddress 0.0.0.0:22", "ListenAddress 0.0.0.0:8080"]
    assert listens("vault", "nginx") == ["listen 0.0.0.0:443 ssl;"]
    assert listens("quiet", "nginx") == ["listen 0.0.0.0:80;"]


def test_a_change_of_one_port_is_told_to_one_program():
    plain = daemons.programs(PLAN, PLAN.by_name["web"], TEMPLATES)
    state = changes.on_loopback(changes.state_of(PLAN, "web"), 80)
    changed = changes.topology_with(PLAN, {"web": state})
    after = daemons.programs(changed, changed.by_name["web"], TEMPLATES)
    assert [name for name in plain if plain[name] != after[name]] == ["nginx"]
    assert listens("web", "nginx", lambda _: state) == ["listen 127.0.0.1:80;", "listen 0.0.0.0:443 ssl;"]


def test_a_program_without_ports_does_not_run():
    assert listens("quiet", "nginx", lambda state: changes.stopped(state, 80)) is None
    state = changes.with_full_queue(changes.state_of(PLAN, "quiet"), 80)
    assert listens("quiet", "nginx", lambda _: state) is None
    assert listens("quiet", "responders", lambda _: state) == []


@pytest.mark.parametrize("port", [53, 67])
def test_what_a_program_cannot_do_is_said(port):
    state = changes.on_loopback(changes.state_of(PLAN, "infra"), port)
    with pytest.raises(BadTarget, match="dnsmasq"):
        listens("infra", "dnsmasq", lambda _: state)


def test_listeners_are_read_from_the_kernels_tables():
    head = "  sl  local_address rem_address   st tx_queue rx_queue\n"
    lines = {
        "tcp": " 0: 00000000:0050 00000000:0000 0A 00000000:00000001 00:0\n"
        " 1: 0100007F:0016 00000000:0000 01 00000000:00000000 00:0\n",
        "udp": " 0: 00000000:0202 00000000:0000 07 00000000:00000000 00:0\n",
    }
    assert listening(lambda name: head + lines.get(name, "")) == {("tcp", 80): 1, ("udp", 514): 0}

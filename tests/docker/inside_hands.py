"""A learner's hands on the Docker lab, where it differs from the embedded one; `test_inside.py` has pytest run this.

All else about it is tested in here by the embedded lab's own tests.
"""

import socket

import pytest

from lab_env import changes, lab
from lab_env.topology import topology
from portlab.errors import BadTarget
from tests.lab.test_contract import disagreements
from tests.lab.test_hands import elsewhere, listeners

LAB = topology()
SERVERS = [host.name for host in LAB.hosts if host.services]


@pytest.fixture(autouse=True)
def lab_as_planned():
    yield
    lab.reset()


def test_a_host_is_lent_to_one_case_at_a_time():
    with elsewhere("M01"), pytest.raises(BadTarget, match=r"web is lent to a case .* lab\.reset\(\)"):
        lab.listen("web", 9000)


@pytest.mark.parametrize("host", SERVERS)
def test_every_program_can_be_bound_to_loopback_but_dnsmasq(host):
    services = {service.port for service in LAB.by_name[host].services}
    state = lab.controls().state(host)
    for port in services - {53, 67}:
        state = changes.on_loopback(state, port)
    with lab.controls().borrow({host: state}):
        changed = changes.topology_with(LAB, {host: state})
        questions = listeners({host: LAB.by_name[host].services}, changed)
        assert disagreements(questions) == []
        told = lab.sockets(host)
    assert all(f"127.0.0.1:{port} " in told for port in services - {53, 67})
    assert disagreements(listeners({host: LAB.by_name[host].services}, LAB)) == []


@pytest.mark.parametrize("service", ["domain", "dhcps"])
def test_what_dnsmasq_cannot_do_is_said(service):
    state = lab.controls().state("infra")
    with pytest.raises(BadTarget, match=r"dnsmasq.* cannot be bound to 127\.0\.0\.1"):
        lab.controls().become({"infra": changes.on_loopback(state, service)})
    assert lab.controls().state("infra") == state


@pytest.mark.parametrize(("host", "port"), [("mail", 587), ("files", 21), ("db", 3306)])
def test_any_tcp_port_can_have_a_full_queue(host, port):
    state = changes.with_full_queue(lab.controls().state(host), port)
    with lab.controls().borrow({host: state}):
        changed = changes.topology_with(LAB, {host: state})
        assert disagreements(listeners({host: LAB.by_name[host].services}, changed)) == []


def test_a_program_that_serves_several_ports_loses_one_and_keeps_the_others():
    lab.stop("mail", 465)
    lab.stop("ops", 8080)
    stopped = {name: lab.controls().state(name) for name in ("mail", "ops")}
    changed = changes.topology_with(LAB, stopped)
    services = {name: LAB.by_name[name].services for name in stopped}
    assert disagreements(listeners(services, changed)) == []


def test_the_log_is_what_the_programs_say():
    with socket.create_connection((LAB.address("web"), 80), timeout=60) as client:
        client.sendall(b"GET /here-i-am HTTP/1.0\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 404 Not Found")
    assert f"{LAB.address('student')} - - " in lab.log("web")
    assert "GET /here-i-am" in lab.log("web")


def test_the_log_of_a_server_that_never_answers_knows_who_came():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as logger, lab.recording("ops") as seen:
        logger.sendto(b"<11>disk nearly full", (LAB.address("ops"), 514))
    assert len(seen.frames) == 1
    assert f"from {LAB.address('student')}, facility 1, err: disk nearly full" in lab.log("ops")


def test_sockets_are_the_hosts_own_and_not_dockers():
    told = lab.sockets("web")
    assert "0.0.0.0:80 " in told
    assert "127.0.0.11:" not in told

"""What may be changed on a host, as values."""

import json
from dataclasses import replace
from functools import partial

import pytest

from lab_env import changes
from lab_env.changes import HostState, state_of
from lab_env.firewall import text
from lab_env.topology import GATEWAY, SYN, Action, Rule, Service, topology
from portlab.errors import BadTarget

LAB = topology("10.77")
WEB, OPS, BARE = state_of(LAB, "web"), state_of(LAB, "ops"), HostState("bare")
HTTP, HTTPS, SSH = WEB.services
DROP_80 = Rule(Action.DROP, protocol="tcp", ports=(80,))


@pytest.mark.parametrize(
    ("change", "services"),
    [
        (
            partial(changes.listening, port=8081),
            (HTTP, HTTPS, SSH, Service("listener", 8081, server="listener")),
        ),
        (
            partial(changes.listening, port=80, transport="udp"),
            (HTTP, HTTPS, SSH, Service("listener", 80, "udp", "silent")),
        ),
        (partial(changes.stopped, service="http"), (HTTPS, SSH)),
        (partial(changes.stopped, service="HTTP"), (HTTPS, SSH)),
        (partial(changes.stopped, service=443), (HTTP, SSH)),
        (partial(changes.on_loopback, service=80), (replace(HTTP, loopback=True), HTTPS, SSH)),
        (partial(changes.with_full_queue, service="http"), (replace(HTTP, full=True), HTTPS, SSH)),
    ],
)
def test_a_change_of_services_changes_nothing_else(change, services):
    assert change(WEB) == replace(WEB, services=services)


def test_a_name_stops_the_service_on_all_its_ports():
    assert {service.port for service in changes.stopped(OPS, "ssh").services} == {23, 162, 514}


def test_a_service_that_is_started_again_is_as_in_the_plan():
    bent = changes.on_loopback(changes.stopped(WEB, "https"), "http")
    both = changes.started(changes.started(bent, WEB, "http"), WEB, 443)
    assert set(both.services) == set(WEB.services)
    assert len(both.services) == 3


def test_rules_take_the_place_of_rules():
    guarded = changes.guarded(WEB, [DROP_80])
    assert guarded == replace(WEB, rules=(DROP_80,))
    assert changes.guarded(guarded, "table ip mine {}") == replace(WEB, nft="table ip mine {}")
    assert changes.guarded(changes.guarded(WEB, "table ip mine {}"), []) == WEB


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (lambda: changes.listening(WEB, 80), "web listens on 80/tcp already"),
        (lambda: changes.listening(WEB, 0), "0 is no port to listen on"),
        (lambda: changes.listening(WEB, 65536), "65536 is no port"),
        (lambda: changes.listening(WEB, "80"), "'80' is no port"),
        (lambda: changes.listening(WEB, 8081, "icmp"), 'Type "tcp" or "udp"'),
        (lambda: changes.stopped(WEB, "telnet"), "web has no service 'telnet'.  It has: http (80/tcp), https"),
        (lambda: changes.stopped(BARE, 80), "It has: none"),
        (lambda: changes.started(WEB, WEB, 23), "web has no service 23"),
        (lambda: changes.guarded(WEB, ["drop"]), "'drop' is no rule.  Type for example"),
        (lambda: changes.guarded(WEB, [Rule(Action.DROP, ports=(80,))]), "ports without the protocol"),
        (lambda: changes.guarded(WEB, [Rule(Action.DROP, flags=(SYN, SYN))]), "without the protocol tcp"),
        (lambda: changes.guarded(WEB, [Rule(Action.DROP, protocol="TCP")]), "a protocol that no rule knows"),
        (lambda: changes.guarded(WEB, [Rule(Action.REJECT_RESET)]), "name the protocol tcp"),
        (lambda: changes.known(LAB, "wbe"), "no host 'wbe' to change in the lab.  There are: gateway, infra"),
        (lambda: changes.known(LAB, "student"), "no host 'student' to change"),
        (lambda: changes.state_of(LAB, "ghost"), "no host 'ghost' to change"),
    ],
)  # fmt: skip
def test_a_mistake_names_what_was_typed_and_what_to_type(mistake, said):
    with pytest.raises(BadTarget) as error:
        mistake()
    assert said in str(error.value)


@pytest.mark.parametrize("name", ["web", "web.lab", "WEB"])
def test_a_host_is_known_by_every_spelling_of_its_name(name):
    assert changes.known(LAB, name) == "web"


@pytest.mark.parametrize(
    "host", [host.name for host in LAB.hosts if not host.nobody and host.name != "student"]
)
def test_every_state_survives_the_way_to_its_host(host):
    state = state_of(LAB, host)
    state = changes.misrouted(changes.guarded(state, [*state.rules, DROP_80]), "lost")
    assert changes.from_json(json.loads(json.dumps(changes.to_json(state)))) == state


def test_the_lab_with_a_change_differs_in_that_host_only():
    changed = changes.topology_with(LAB, {"web": changes.misrouted(changes.stopped(WEB, 80), "lost")})
    assert changed.by_name["web"].services == (HTTPS, SSH)
    assert changed.by_name["web"].default_gateway == "lost"
    assert [host for host in changed.hosts if host.name != "web"] == [
        host for host in LAB.hosts if host.name != "web"
    ]
    assert changed.forward == LAB.forward


def test_the_gateways_rules_judge_what_it_passes_on():
    gateway = state_of(LAB, GATEWAY)
    assert gateway.rules == LAB.forward
    changed = changes.topology_with(LAB, {GATEWAY: changes.guarded(gateway, [DROP_80])})
    assert changed.forward == (DROP_80,)
    assert changed.by_name[GATEWAY].rules == ()


def test_a_lab_without_changes_is_the_plan():
    states = {host: state_of(LAB, host) for host in ("web", "quiet", GATEWAY)}
    assert changes.topology_with(LAB, states) == LAB


def test_the_text_of_a_state_is_what_the_kernel_is_given():
    assert "tcp dport 80 counter drop" in text(LAB, changes.guarded(WEB, [DROP_80]))
    assert text(LAB, changes.guarded(WEB, "table ip mine {}")) == "table ip mine {}"
    assert text(LAB, WEB) == "table ip portlab\ndelete table ip portlab\n"

"""`lab` hands a learner's wishes on: what it asks of a fidelity, and which way it takes."""

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest

import portlab as pl
from lab_env import Action, Rule, changes, firewall, lab
from lab_env.cases import CASES
from lab_env.control.client import SocketControls
from lab_env.hands import Counter, Hands
from lab_env.simulated.controls import SimulatedControls
from lab_env.simulated_run import descriptor
from lab_env.topology import Service, topology
from portlab.errors import BadTarget, LabNotRunning
from portlab.lab import VARIABLE

LAB = topology("10.77")
DROP_80 = Rule(Action.DROP, ("web",), "tcp", (80,))


class Told:
    """Controls that keep what they were told."""

    def __init__(self):
        self.states = {}
        self.borrowed = []

    def state(self, host):
        return self.states.get(host) or changes.state_of(LAB, host)

    def become(self, states):
        self.states |= states

    @contextmanager
    def borrow(self, states):
        self.borrowed.append(states)
        yield
        self.borrowed.append("given back")

    def reset(self):
        self.states.clear()

    def recording(self, hosts):
        return hosts

    def counters(self, host):
        return [Counter(f"of {host}", 1, 2)]

    def log(self, host):
        return f"log of {host}"


class Handed(Hands):
    def __init__(self):
        self.told = Told()

    def controls(self):
        return self.told

    def plan(self):
        return LAB


@pytest.fixture
def hands():
    return Handed()


def test_changes_add_up_until_the_reset(hands):
    hands.listen("web", 8081)
    hands.stop("WEB.lab", "http")
    web = hands.told.states["web"]
    assert [service.port for service in web.services] == [443, 22, 8081]
    hands.start("web", "http")
    assert Service("http", 80) in hands.told.states["web"].services
    hands.reset()
    assert hands.told.state("web") == changes.state_of(LAB, "web")


def test_rules_are_told_as_nftables_text(hands):
    before = hands.rules("gateway")
    assert before == firewall.ruleset(LAB, "gateway")
    assert not hands.told.states  # asking changes nothing
    assert "ip daddr 10.77.2.10 tcp dport 80 counter drop" in hands.rules("gateway", [DROP_80])
    assert hands.told.states["gateway"].rules == (DROP_80,)
    assert hands.rules("gateway", "table ip mine {}") == "table ip mine {}"


def test_a_case_borrows_what_it_changes_and_gives_it_back(hands):
    with hands.case("M01") as case:
        assert case is CASES["M01"]
        assert hands.told.borrowed == [case.states(LAB)]
    assert hands.told.borrowed[-1] == "given back"


def test_hosts_are_looked_at_by_every_spelling_of_their_names(hands):
    assert hands.recording("GATEWAY", "web.lab") == ["gateway", "web"]
    assert hands.log("web.lab") == "log of web"
    assert hands.counters() == [Counter("of gateway", 1, 2)]


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (lambda hands: hands.listen("student", 80), "no host 'student'"),
        (lambda hands: hands.case("m04").__enter__(), "there is no case 'm04'.  There are: M01"),
        (lambda hands: hands.rules("web", [replace(DROP_80, hosts=("wbe",))]), "a rule names 'wbe'"),
        (lambda hands: hands.rules("web", [80]), "80 is no rule"),
        (lambda hands: hands.recording(), 'lab.recording("gateway", "web")'),
        (lambda hands: hands.start("web", "telnet"), "web has no service 'telnet'"),
    ],
)
def test_a_mistake_is_named_before_any_host_is_told(hands, mistake, said):
    with pytest.raises(BadTarget) as error:
        mistake(hands)
    assert said in str(error.value)
    assert not hands.told.states
    assert not hands.told.borrowed


# --- the way to the hosts ---------------------------------------------------------------------------------


@pytest.fixture
def described(tmp_path, monkeypatch):
    pl.lab.use(None)

    def describe(**fields):
        path = tmp_path / "lab.json"
        path.write_text(json.dumps(descriptor(LAB, lossy=False) | fields))
        monkeypatch.setenv(VARIABLE, str(path))

    yield describe
    pl.lab.use(None)


def test_a_lab_with_control_sockets_is_reached_by_them(described, tmp_path):
    described(control=str(tmp_path))
    assert isinstance(lab.controls(), SocketControls)


def test_the_simulated_lab_is_reached_inside_this_process(described):
    described()
    assert isinstance(lab.controls(), SimulatedControls)
    assert "tcp dport 22" in lab.rules("gateway")


def test_without_a_lab_the_next_thing_to_type_is_named(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    pl.lab.use(None)
    with pytest.raises(LabNotRunning, match=r"No lab is running .* \./run lab.* lab\.here\(\)"):
        lab.listen("web", 8081)

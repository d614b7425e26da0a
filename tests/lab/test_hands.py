"""Hands on the lab: every case before, meanwhile and afterwards, by real scans; and what both ends have seen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

import portlab as pl
from lab_env import Action, Rule, lab
from lab_env.case import Question
from lab_env.cases import CASES, TICKETS
from lab_env.changes import state_of as planned_state
from lab_env.changes import topology_with
from lab_env.contract import PATIENCE_S, Clause, expected
from lab_env.topology import topology
from portlab.errors import BadTarget
from tests.lab.test_contract import disagreements

LAB = topology()
HOPE, SILENCE = 60.0, 0.5  # seconds
CHANGING = list({case.belief: case for case in reversed(CASES.values()) if case.changes}.values())
"""One case for each belief: those of other techniques make the same changes."""

pytestmark = pytest.mark.inlab


@pytest.fixture(autouse=True)
def lab_as_planned():
    """Every test begins and ends with the lab as it was at the start."""
    yield
    lab.reset()


def rows_of(questions, plan):
    """The contract's rows for some questions, in a lab like `plan`."""
    for asked in questions:
        payload = asked.payload or None
        outcome = expected(plan, asked.technique, asked.host, asked.port, payload, asked.method)
        method = asked.method if asked.technique == "ping" else ""
        patience = PATIENCE_S if plan.by_name[asked.host].nobody else 0.0
        yield Clause(asked.technique, asked.host, asked.port, outcome, method, asked.payload, patience)


def state_of(technique, host, port, timeout=HOPE):
    """What one probe finds; only where nothing is to come back, `timeout` is how long that takes."""
    scan = getattr(pl, f"{technique}_scan")(host, [port], progress=False, timeout=timeout, tries=1)
    return scan[host, port].state


# --- cases ------------------------------------------------------------------------------------------------


def test_before_any_change_all_questions_are_answered_as_planned():
    questions = {asked for case in CASES.values() for asked in case.questions}
    assert disagreements(rows_of(questions, LAB)) == []


@pytest.mark.parametrize("case", CHANGING, ids=[case.id for case in CHANGING])
def test_a_case_shows_what_it_must_and_leaves_nothing_behind(case):
    with lab.case(case.id) as open_case:
        assert disagreements(rows_of(open_case.questions, case.topology(LAB))) == []
    assert disagreements(rows_of(case.questions, LAB)) == []


def test_a_case_that_ends_in_an_error_leaves_nothing_behind():
    def stumble():
        with lab.case("stopped"):
            assert state_of("syn", "web", 80) == "closed"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stumble()
    assert state_of("syn", "web", 80) == "open"


@contextmanager
def elsewhere(case):
    """A process of its own that has this case open."""
    program = f"""
        import time
        from lab_env import lab
        with lab.case({case!r}):
            print("open", flush=True)
            time.sleep(600)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "open\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("case", [case.id for case in TICKETS])
def test_a_process_that_is_killed_leaves_nothing_behind(case):
    with elsewhere(case) as process:
        assert state_of("syn", "web", 80, SILENCE) != "open"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        wait_until_as_planned(next(iter(CASES[case].changes)))
    assert state_of("syn", "web", 80) == "open"


def wait_until_as_planned(host):
    deadline = time.monotonic() + HOPE
    while lab.controls().state(host) != lab_state(host):
        assert time.monotonic() < deadline, lab.log(host)


def lab_state(host):
    return planned_state(LAB, host)


def test_a_host_is_lent_to_one_case_at_a_time_and_others_are_told_to_whom():
    with elsewhere("M01") as process:
        attempts = [
            lambda: lab.case("stopped").__enter__(),
            lambda: lab.listen("web", 9000),
            lambda: lab.rules("web", []),
        ]
        for attempt in attempts:
            with pytest.raises(BadTarget, match=rf"web is lent .* process {process.pid}.* lab\.reset\(\)"):
                attempt()
        lab.stop("files", "ftp")  # another host is free
        assert state_of("syn", "web", 8081) == "open"
        assert state_of("syn", "files", 21) == "closed"


def test_a_reset_ends_what_others_have_borrowed_and_their_end_changes_nothing_then():
    with elsewhere("stopped") as process:
        lab.reset()
        assert state_of("syn", "web", 80) == "open"
        lab.listen("web", 8081)
        process.kill()
        process.wait()
    assert state_of("syn", "web", 8081) == "open"


def test_a_case_that_needs_two_hosts_gets_both_or_none():
    controls = lab.controls()
    states = CASES["stopped"].states(LAB) | CASES["dropped"].states(LAB)
    with elsewhere("dropped"):
        with pytest.raises(BadTarget, match="gateway is lent"):
            controls.borrow(states).__enter__()
        with pytest.raises(BadTarget, match="gateway is lent"):
            controls.become(states)
        assert controls.state("web") == lab_state("web")


# --- changes that stay ------------------------------------------------------------------------------------


def test_what_is_changed_stays_until_it_is_changed_back():
    lab.listen("web", 8081)
    lab.listen("web", 8081, "udp")
    assert (state_of("connect", "web", 8081), state_of("udp", "web", 8081, SILENCE)) == (
        "open",
        "open|filtered",
    )
    lab.stop("web", 8081)
    assert (state_of("connect", "web", 8081), state_of("udp", "web", 8081)) == ("closed", "closed")


def test_services_that_talk_can_be_stopped_and_started():
    hosts = {host.name: host.services for host in LAB.hosts if host.services}
    ports = {name: {service.port for service in services} for name, services in hosts.items()}
    for name, services in hosts.items():  # a first client makes a server load
        if tcp := [service.port for service in services if service.transport == "tcp"]:
            pl.connect_scan(name, tcp, progress=False)

    def on_all(change):
        """Every service of every host, the hosts side by side."""
        with ThreadPoolExecutor(len(hosts)) as pool:
            list(pool.map(lambda name: [change(name, port) for port in ports[name]], hosts))

    on_all(lab.stop)
    bare = topology_with(LAB, {name: replace(lab_state(name), services=()) for name in hosts})
    assert disagreements(listeners(hosts, bare)) == []
    on_all(lab.start)
    assert disagreements(listeners(hosts, LAB)) == []
    assert [name for name in hosts if "could not start" in lab.log(name)] == []


def listeners(hosts, plan):
    """The contract's rows for every port that has a listener at the start."""
    asked = {
        Question("udp" if service.transport == "udp" else "connect", name, service.port)
        for name, services in hosts.items()
        for service in services
    }
    return rows_of(asked, plan)


def test_a_text_in_nftables_own_language_is_loaded_and_taken_away_again():
    lab.rules(
        "files",
        "table ip mine { chain ftp { type filter hook input priority 0; tcp dport 21 counter drop; }; }",
    )
    assert state_of("syn", "files", 21, SILENCE) == "filtered"
    assert [(counter.rule, counter.packets) for counter in lab.counters("files")] == [
        ("tcp dport 21 counter drop", 1)
    ]
    assert lab.rules("files", []) == "table ip portlab\ndelete table ip portlab\n"
    assert state_of("syn", "files", 21) == "open"
    assert lab.counters("files") == []


def test_what_the_host_cannot_do_is_said_and_nothing_has_changed():
    lab.listen("web", 8081)
    with pytest.raises(BadTarget, match=r"web stays as it was: `nft -f -` says: .*syntax error"):
        lab.rules("web", "table ip mine { nonsense }")
    controls, state = lab.controls(), lab.controls().state("web")
    with pytest.raises(BadTarget, match="invalid gateway"):
        controls.become({"web": replace(state, services=(), default_gateway="files")})
    assert controls.state("web") == state
    assert [state_of("syn", "web", port) for port in (80, 8081)] == ["open", "open"]


def by_hand(host, *command):
    """Run a command on a host of this lab, as somebody in a shell there would."""
    attach = [sys.executable, "-m", "lab_env", "exec", "--attach", "--host", host, "--", *command]
    subprocess.run(attach, check=True)


def test_a_reset_heals_what_was_done_by_hand():
    by_hand("quiet", "nft", "flush", "ruleset")
    by_hand("web", "ip", "route", "del", "default")
    assert [state_of("syn", "quiet", 9), state_of("syn", "web", 80, SILENCE)] == ["closed", "filtered"]
    lab.reset()
    assert [state_of("syn", "quiet", 9, SILENCE), state_of("syn", "web", 80)] == ["filtered", "open"]


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (lambda: lab.listen("wbe", 8081), "no host 'wbe' to change"),
        (lambda: lab.listen("web", 80), "web listens on 80/tcp already"),
        (lambda: lab.stop("web", "telnet"), "web has no service 'telnet'"),
        (lambda: lab.case("M99").__enter__(), "there is no case 'M99'.  There are: M01, M02"),
        (lambda: lab.rules("web", [Rule(Action.DROP, ("wbe",))]), "a rule names 'wbe'"),
        (lambda: lab.recording(), "nobody is named who should record"),
        (lambda: lab.log("ghost"), "no host 'ghost'"),
    ],
)
def test_a_mistake_names_what_was_typed(mistake, said):
    with pytest.raises(BadTarget) as error:
        mistake()
    assert said in str(error.value)


def test_no_scan_can_meet_the_control_sockets():
    hosts = ["gateway", "web"]
    assert all(lab.controls().state(name) for name in hosts)  # the sockets are there
    scan = pl.syn_scan(hosts, "1-65535", progress=False, tries=1, timeout=0.5)
    assert {(result.host, result.port) for result in scan if result.state == "open"} == {
        (name, service.port)
        for name in hosts
        for service in LAB.by_name[name].services
        if expected(LAB, "syn", name, service.port).state == "open" and service.transport == "tcp"
    }


def test_a_gateway_that_denies_by_default_lets_answers_come_back():
    lab.rules("gateway", [Rule(Action.ACCEPT, ("web",), "tcp", (80,)), Rule(Action.DROP)])
    assert [state_of("syn", "web", 80), state_of("syn", "web", 443, SILENCE)] == ["open", "filtered"]
    assert state_of("connect", "web", 80) == "open"

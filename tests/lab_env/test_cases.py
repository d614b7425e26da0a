"""The cases: what each changes, and what its questions must bring back before and meanwhile."""

import pytest

from lab_env.cases import CASES, TICKETS, against
from lab_env.contract import expected
from lab_env.counterexamples import COUNTEREXAMPLES
from lab_env.topology import topology

LAB = topology("10.77")
WITHOUT_A_CASE = {"M26", "M33", "M35", "M36", "M40"}
EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def answers(case, plan):
    return [
        expected(plan, asked.technique, asked.host, asked.port, asked.payload or None, asked.method)
        for asked in case.questions
    ]


def test_every_misconception_has_a_case_or_is_named_as_having_none():
    assert {case.belief for case in COUNTEREXAMPLES} == {f"M{n:02}" for n in range(1, 42)} - WITHOUT_A_CASE


def test_every_case_has_a_name_of_its_own():
    assert len(CASES) == len(COUNTEREXAMPLES) + len(TICKETS)


@pytest.mark.parametrize(
    ("name", "technique", "id_"),
    [
        ("M05", "", "M05"),
        ("M05", "connect", "M05-connect"),
        ("M05", "ack", "M05"),
        ("M17", "xmas", "M17-xmas"),
        ("M17", "maimon", "M17-fin"),
        ("stopped", "udp", "stopped"),
    ],
)
def test_a_belief_is_met_by_the_technique_that_is_asked_for_where_there_is_such_a_case(name, technique, id_):
    assert against(name, technique) is CASES[id_]


def test_what_has_no_case_has_none():
    assert against("M26") is None


@EVERY
def test_a_case_asks_hosts_of_the_lab_and_says_what_it_does(case):
    assert case.questions
    assert {asked.host for asked in case.questions} <= LAB.by_name.keys()
    assert case.title.endswith(".")
    assert case.title.startswith("Nothing changes:") == (not case.changes)


@EVERY
def test_a_change_is_seen_and_without_one_nothing_is(case):
    before, meanwhile = answers(case, LAB), answers(case, case.topology(LAB))
    assert (before != meanwhile) == bool(case.changes)


@EVERY
def test_a_case_changes_only_the_hosts_it_names(case):
    assert case.states(LAB).keys() == case.changes.keys()
    assert (case.topology(LAB) == LAB) == (not case.changes)


def test_the_tickets_look_different_to_somebody_who_looks_closely():
    seen = {case.id: tuple(answers(case, case.topology(LAB))) for case in TICKETS}
    assert seen["stopped"] == seen["loopback"]  # to tell these two apart one must look at web's sockets
    assert len(set(seen.values())) == len(TICKETS) - 1

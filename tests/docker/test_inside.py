"""What pytest is told to ask on the student's workstation: the contract, nmap's opinion, and the learner's hands."""

import pytest

from portlab.techniques import port_techniques

pytestmark = [pytest.mark.docker, pytest.mark.slow]

NMAP = "tests/lab/test_against_nmap.py"
HANDS, BOTH_ENDS = "tests/lab/test_hands.py", "tests/lab/test_both_ends.py"
DIFFERENT = {
    f"{HANDS}::test_a_host_is_lent_to_one_case_at_a_time_and_others_are_told_to_whom": "a process here has no number",
    f"{HANDS}::test_a_reset_heals_what_was_done_by_hand": "done by hand from outside, see test_hands.py",
    f"{BOTH_ENDS}::test_the_log_of_a_server_that_never_answers_knows_who_came": "rsyslog says err, our server error",
    f"{BOTH_ENDS}::test_the_sockets_of_a_host_show_what_a_scan_cannot": "real programs listen on 0.0.0.0",
}
"""Tests of the embedded lab that have another form in Docker, and why; inside_hands.py has most of these forms."""


@pytest.fixture(scope="module")
def told(running):
    """All of it in one command."""
    return running.pytest(
        "tests/docker/inside.py",
        NMAP,
        HANDS,
        BOTH_ENDS,
        "tests/docker/inside_hands.py",
        *(f"--deselect={test}" for test in DIFFERENT),
    )


def assert_passed(outcomes):
    """All of them, and none was skipped; else what they say, uncut."""
    complaints = [f"{test}: {complaint}" for test, complaint in outcomes.items() if complaint]
    assert not complaints, "\n".join(complaints)


def test_the_contract_holds(told):
    outcomes = told["tests.docker.inside"]
    assert_passed(outcomes)
    assert len(outcomes) == len(port_techniques()) + 1  # and ping


def test_nmap_agrees(told):
    outcomes = told["tests.lab.test_against_nmap"]
    assert_passed(outcomes)
    assert len(outcomes) == len(port_techniques()) + 3  # and two pings, and the databases by name


def test_hands_on_the_lab(told):
    outcomes = told["tests.lab.test_hands"] | told["tests.lab.test_both_ends"]
    assert_passed(outcomes)
    assert len(outcomes) >= 47


def test_hands_on_real_programs(told):
    outcomes = told["tests.docker.inside_hands"]
    assert_passed(outcomes)
    assert len(outcomes) == 21

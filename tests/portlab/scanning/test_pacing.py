"""Timers, loss and rate: pure arithmetic, so exact."""

import math

import numpy as np
import pytest

from portlab.scanning.pacing import (
    BLIND_RATE,
    CALIBRATION,
    FULL_SPEED,
    KERNEL_PATIENCE_S,
    KERNEL_SYNS_S,
    MAX_RTO_S,
    MAX_TRIES,
    MIN_RTO_S,
    MOST_PATIENCE_S,
    POLITE_RATE,
    UNKNOWN_PATIENCE_S,
    UNKNOWN_RTO_S,
    LossMeter,
    Pace,
    RoundTripTimers,
    Throttle,
    syns_within,
)

FIRST = np.array([0])


def test_the_first_measurement_sets_the_timer_as_rfc_6298_says():
    timers = RoundTripTimers(2)
    timers.learn(FIRST, np.array([0.2]))
    assert timers.timeout(FIRST) == pytest.approx(0.2 + 4 * 0.1)
    assert timers.timeout(np.array([1])) == UNKNOWN_RTO_S
    assert timers.patience(np.array([1])) == UNKNOWN_PATIENCE_S


def test_later_measurements_are_smoothed_as_rfc_6298_says():
    timers = RoundTripTimers(1)
    smoothed, variation = 0.2, 0.1
    timers.learn(FIRST, np.array([0.2]))
    for rtt in (0.3, 0.25, 0.28):
        timers.learn(FIRST, np.array([rtt]))
        variation = 0.75 * variation + 0.25 * abs(smoothed - rtt)
        smoothed = 0.875 * smoothed + 0.125 * rtt
    assert timers.timeout(FIRST) == pytest.approx(smoothed + 4 * variation)


@pytest.mark.parametrize(("rtt", "timeout"), [(1e-6, MIN_RTO_S), (5.0, MAX_RTO_S)])
def test_the_timer_has_limits(rtt, timeout):
    timers = RoundTripTimers(1)
    timers.learn(FIRST, np.array([rtt]))
    assert timers.timeout(FIRST) == timeout


def test_a_batch_counts_as_one_measurement_a_host():
    one, batch = RoundTripTimers(2), RoundTripTimers(2)
    one.learn(np.array([0, 1]), np.array([0.2, 0.4]))
    batch.learn(np.array([0, 0, 1]), np.array([0.1, 0.3, 0.4]))
    assert np.array_equal(one.smoothed, batch.smoothed)


def test_only_an_answered_repetition_proves_loss():
    meter = LossMeter(1)
    meter.answered(np.zeros(90, np.intp), np.ones(90, np.uint8))
    assert (meter.trials[0], meter.losses[0]) == (90, 0)
    meter.answered(np.zeros(10, np.intp), np.full(10, 3, np.uint8))
    assert (meter.trials[0], meter.losses[0]) == (120, 20)


@pytest.mark.parametrize(("trials", "losses"), [(0, 0), (5, 0), (100, 4), (1000, 200), (1000, 500)])
@pytest.mark.parametrize("miss", [1e-3, 1e-6, 1e-9])
def test_the_tries_keep_the_chance_of_a_miss_below_what_was_asked(trials, losses, miss):
    meter = LossMeter(1)
    meter.trials[0], meter.losses[0] = trials, losses
    loss, tries = meter.probability()[0], meter.tries(miss)[0]
    assert loss**tries <= miss * 1.000001 or tries == 30
    assert tries == 2 or loss ** (tries - 1) > miss  # and not one more than that


def test_nothing_lost_in_many_trials_needs_two_tries_only():
    meter = LossMeter(1)
    meter.trials[0] = 65_535
    assert meter.tries(1e-6)[0] == 2


@pytest.mark.parametrize(
    ("trials", "losses", "silent", "wanted"),
    [
        (0, 0, 1000, False),
        (5, 0, 3, False),
        (5, 1, 3, True),
        (5, 0, 1000, True),
        (500, 20, 1000, False),
        (5, 1, 0, False),
    ],
)
def test_loss_is_measured_where_it_matters(trials, losses, silent, wanted):
    meter = LossMeter(1)
    meter.trials[0], meter.losses[0] = trials, losses
    assert meter.wants_calibration(np.array([silent]))[0] == wanted


def sent_within(throttle, seconds, step=0.001, answered=0.0):
    """Probes allowed in that time if a share of them is answered at once."""
    total, now = 0, throttle.last
    for _ in range(round(seconds / step)):
        now += step
        allowed = throttle.allow(now)
        total += allowed
        throttle.answers(round(allowed * answered), now, repeated=False)
    return total


def test_the_blind_rate_holds_without_answers():
    assert sent_within(Throttle(Pace(blind_rate=1000), 0.0), 1.0) == pytest.approx(1000, rel=0.05)


def test_answers_make_it_faster_until_nothing_holds_it():
    assert sent_within(Throttle(Pace(blind_rate=1000), 0.0), 1.0, answered=1.0) > 5000
    throttle = Throttle(Pace(blind_rate=FULL_SPEED), 0.0)
    assert throttle.allow(0.001) == 1024
    assert throttle.pause() == 0


def test_a_rate_named_by_the_user_is_never_exceeded():
    assert sent_within(Throttle(Pace(rate=500), 0.0), 2.0, answered=1.0) <= 1011


def test_proven_loss_lowers_the_blind_rate_to_the_proven_speed():
    throttle = Throttle(Pace(blind_rate=200_000), 0.0)
    throttle.answers(100, 1.0, repeated=True)
    assert throttle.floor == pytest.approx(100)
    assert math.isfinite(throttle.pause())


def test_the_rules_in_numbers():
    assert Pace().miss == 1e-6
    assert (BLIND_RATE, POLITE_RATE, FULL_SPEED) == (200_000, 1_000, 300_000)
    assert Pace().blind_rate == BLIND_RATE
    assert (UNKNOWN_RTO_S, MIN_RTO_S, MAX_RTO_S) == (0.25, 0.1, 1.0)
    assert (UNKNOWN_PATIENCE_S, KERNEL_PATIENCE_S, MOST_PATIENCE_S) == (1.0, 3.2, 10.0)
    assert KERNEL_SYNS_S == (0.0, 1.0, 3.0)
    assert (MAX_TRIES, CALIBRATION) == (30, 100)


# --- what nobody may change without a test turning red ---------------------------------------------------------


def test_the_rate_is_twice_the_speed_of_the_answers():
    throttle = Throttle(Pace(blind_rate=10), 0.0)
    throttle.answers(100, 0.05, repeated=False)
    throttle.allow(0.1)
    assert throttle.rate == pytest.approx(2 * 100 / 0.1)


def test_the_speed_of_the_answers_is_forgotten_bit_by_bit():
    throttle = Throttle(Pace(blind_rate=10), 0.0)
    throttle.answers(100, 0.05, repeated=False)
    for moment in range(1, 4):
        throttle.allow(moment / 10)
    assert throttle.rate == pytest.approx(2 * 1000 * 0.9**2)


@pytest.mark.parametrize(("rate", "burst"), [(1000, 20), (100, 2), (5, 1)])
def test_a_pause_saves_up_no_more_than_a_fiftieth_of_a_second(rate, burst):
    assert Throttle(Pace(blind_rate=rate), 0.0).allow(60.0) == burst


@pytest.mark.parametrize(
    ("answers", "repeated", "floor"), [(100, False, 1000), (100, True, 100), (21, True, 21), (20, True, 1000)]
)
def test_the_floor_falls_only_where_enough_answers_prove_loss(answers, repeated, floor):
    throttle = Throttle(Pace(blind_rate=1000), 0.0)
    throttle.answers(answers, 1.0, repeated=repeated)
    assert throttle.floor == pytest.approx(floor)


def test_the_floor_never_rises():
    throttle = Throttle(Pace(blind_rate=50), 0.0)
    throttle.answers(1000, 1.0, repeated=True)
    assert throttle.floor == 50


def test_the_speed_proven_is_the_best_of_all_rounds_and_is_not_measured_in_a_blink():
    throttle = Throttle(Pace(blind_rate=200_000), 0.0)
    throttle.answers(100, 0.001, repeated=False)
    assert throttle.proven == pytest.approx(100 / 0.02)
    throttle.begin_round(1.0)
    throttle.answers(30, 2.0, repeated=True)
    assert throttle.floor == pytest.approx(100 / 0.02)


def test_a_new_round_begins_at_the_floor_with_nothing_saved_up():
    throttle = Throttle(Pace(blind_rate=100), 0.0)
    throttle.answers(1000, 0.05, repeated=False)
    throttle.allow(0.1)
    assert throttle.rate > 10_000
    throttle.begin_round(0.2)
    assert (throttle.rate, throttle.budget, throttle.best) == (100, 1.0, 0.0)
    assert throttle.allow(0.2) == 1
    assert throttle.rate == 100


def test_a_limit_by_the_user_does_not_start_anew_with_a_round():
    throttle = Throttle(Pace(rate=2), 0.0)
    assert throttle.allow(0.0) == 1
    throttle.begin_round(0.25)
    assert throttle.allow(0.25) == 0
    throttle.begin_round(0.5)
    assert throttle.allow(0.5) == 1
    throttle.begin_round(60.0)
    assert throttle.allow(60.0) == 1


@pytest.mark.parametrize(("rate", "gap"), [(None, 0.0), (50.0, 0.02)])
def test_from_one_probe_to_the_next_it_takes_at_least(rate, gap):
    assert Pace(rate=rate).gap == gap


@pytest.mark.parametrize(
    ("blind", "spent", "pause"), [(100, 1.0, 0.01), (10_000, 1.0, 0.0005), (100_000, 1.0, 0.002)]
)
def test_the_pause_lasts_until_the_next_probe_is_due_but_is_never_tiny(blind, spent, pause):
    throttle = Throttle(Pace(blind_rate=blind), 0.0)
    throttle.budget -= spent
    assert throttle.pause() == pytest.approx(pause)


def test_a_limit_by_the_user_holds_at_full_speed_too():
    throttle = Throttle(Pace(rate=2 * FULL_SPEED, blind_rate=2 * FULL_SPEED), 0.0)
    assert throttle.allow(0.0) == 1
    assert throttle.pause() > 0


def test_patience_is_a_second_before_the_first_answer_and_follows_the_slowest_after_it():
    timers = RoundTripTimers(2)
    assert timers.patience(FIRST)[0] == 1.0
    timers.learn(FIRST, np.array([0.001]))
    assert timers.patience(FIRST)[0] == MIN_RTO_S
    timers.learn(np.array([0, 0, 0]), np.array([0.001, 0.6, 0.001]))
    for _ in range(50):
        timers.learn(FIRST, np.array([0.001]))
    assert timers.timeout(FIRST)[0] == MIN_RTO_S  # the timer forgets, patience does not
    assert timers.patience(FIRST)[0] == pytest.approx(1.2)
    assert timers.patience(np.array([1]))[0] == 1.0  # another host is another host
    timers.learn(FIRST, np.array([60.0]))
    assert timers.patience(FIRST)[0] == MOST_PATIENCE_S


def test_the_kernel_is_never_given_less_than_its_own_patience():
    timers = RoundTripTimers(1, KERNEL_PATIENCE_S)
    assert timers.patience(FIRST)[0] == KERNEL_PATIENCE_S
    timers.learn(FIRST, np.array([0.001]))
    assert timers.patience(FIRST)[0] == KERNEL_PATIENCE_S >= 3.2
    timers.learn(FIRST, np.array([2.0]))
    assert timers.patience(FIRST)[0] == 4.0


@pytest.mark.parametrize(("patience", "times"), [(0.5, 1), (1.0, 1), (1.1, 2), (3.0, 2), (3.2, 3), (60, 3)])
def test_how_often_a_kernel_asks_by_itself(patience, times):
    assert syns_within(patience) == times


def test_an_unanswered_port_is_asked_twice_at_least():
    meter = LossMeter(1)
    meter.trials[0] = 65_535
    assert meter.tries(0.1)[0] == 2


def test_before_anything_is_known_one_in_ten_is_thought_lost():
    meter = LossMeter(1)
    assert meter.probability()[0] == pytest.approx(0.1)
    meter.trials[0], meter.losses[0] = 95, 9
    assert meter.probability()[0] == pytest.approx(9.5 / 100)


def test_no_port_is_asked_more_than_thirty_times():
    meter = LossMeter(1)
    meter.trials[0] = meter.losses[0] = 1000
    assert meter.tries(1e-9)[0] == 30


@pytest.mark.parametrize(
    ("trials", "silent", "wanted"), [(99, 100, True), (100, 100, False), (99, 99, False)]
)
def test_without_loss_it_is_measured_where_a_hundred_ports_are_silent(trials, silent, wanted):
    meter = LossMeter(1)
    meter.trials[0] = trials
    assert meter.wants_calibration(np.array([silent]))[0] == wanted


def test_each_host_has_its_own_loss():
    meter = LossMeter(3)
    meter.answered(np.array([0, 2, 2]), np.array([1, 4, 2], np.uint8))
    assert meter.trials.tolist() == [1, 0, 6]
    assert meter.losses.tolist() == [0, 0, 4]

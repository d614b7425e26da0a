"""Timers, loss and rate: pure arithmetic, so exact."""

import math

import numpy as np
import pytest

from portlab.pacing import (
    FULL_SPEED,
    MAX_RTO_S,
    MIN_RTO_S,
    UNKNOWN_PATIENCE_S,
    UNKNOWN_RTO_S,
    LossMeter,
    Pace,
    RoundTripTimers,
    Throttle,
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

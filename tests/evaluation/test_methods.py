"""Scores of ways to train: trainings and weeks are both drawn."""

import numpy as np
import pytest

from p2p_market.evaluation.statistics.methods import method_difference, method_score

RULE, BEST = np.full(13, 100.0), np.full(13, 50.0)


def generator():
    return np.random.default_rng(0)


def test_the_score_is_the_mean_of_the_trainings_scores():
    own = np.array([[60.0] * 13, [70.0] * 13])
    assert method_score(own, RULE, BEST, generator()).point == pytest.approx(70.0)


def test_a_single_training_on_equal_weeks_leaves_nothing_to_chance():
    found = method_score(np.full((1, 13), 60.0), RULE, BEST, generator())
    assert (found.low, found.high) == pytest.approx((80.0, 80.0))


def test_trainings_that_differ_widen_the_interval_of_equal_weeks():
    """Two trainings, 80 and 60: a draw of two has mean 60 or 80 with a quarter each."""
    own = np.array([[60.0] * 13, [70.0] * 13])
    found = method_score(own, RULE, BEST, generator())
    assert (found.low, found.high) == pytest.approx((60.0, 80.0))


def test_weeks_that_differ_widen_the_interval_of_equal_trainings():
    weeks = np.linspace(55.0, 75.0, 13)
    found = method_score(np.stack([weeks] * 5), RULE, BEST, generator())
    assert 62.0 < found.low < 67.0
    assert found.point == pytest.approx(70.0)
    assert 73.0 < found.high < 78.0


def test_what_weeks_do_to_both_does_not_blur_the_difference():
    weeks = np.linspace(55.0, 75.0, 13)
    found = method_difference(weeks[None], weeks[None] + 5.0, RULE, BEST, generator())
    assert (found.low, found.point, found.high) == pytest.approx((10.0, 10.0, 10.0))


def test_coverage_of_trainings_and_weeks():
    """The true mean lies in about 95 % of the intervals."""
    draws, inside = np.random.default_rng(1), 0
    for _ in range(60):
        own = 70.0 + 3.0 * draws.normal(size=(10, 1)) + 5.0 * draws.normal(size=(1, 13))
        found = method_score(own, RULE, BEST, draws)
        inside += found.low <= 60.0 <= found.high
    assert 52 <= inside <= 60

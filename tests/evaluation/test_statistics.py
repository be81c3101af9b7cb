"""Scores and metrics against values by hand and against SciPy."""

import numpy as np
import pytest
from scipy import stats

from p2p_market.evaluation.statistics.bootstrap import effective_weeks, tail_level
from p2p_market.evaluation.statistics.fairness import worse_off_share
from p2p_market.evaluation.statistics.scores import ratio_of_sums, score

RULE = np.array([10.0, 20.0, 30.0, 25.0])
BEST = np.array([5.0, 10.0, 20.0, 15.0])


def test_the_ends_of_the_scale():
    assert ratio_of_sums(RULE, RULE, BEST) == 0.0
    assert ratio_of_sums(RULE, BEST, BEST) == 100.0
    assert ratio_of_sums(RULE, RULE + (RULE - BEST), BEST) == -100.0


def test_score_by_hand():
    own = np.array([6.0, 20.0, 22.0, 17.0])
    result = score(RULE, own, BEST, np.random.default_rng(0))
    assert result.point == pytest.approx(100.0 * (4 + 0 + 8 + 8) / (5 + 10 + 10 + 10))
    assert result.mean == pytest.approx((80 + 0 + 80 + 80) / 4)
    assert result.worst == 0.0
    assert result.low < result.point < result.high


def test_interval_agrees_with_scipy():
    generator = np.random.default_rng(1)
    rule = generator.uniform(20.0, 40.0, 13)
    best = rule - generator.uniform(5.0, 10.0, 13)
    own = rule - generator.uniform(1.0, 4.0, 13)
    ours = score(rule, own, best, np.random.default_rng(2))
    theirs = stats.bootstrap(
        (rule, own, best),
        lambda r, o, b, axis=-1: 100.0 * (r - o).sum(axis=axis) / (r - b).sum(axis=axis),
        paired=True,
        vectorized=True,
        method="percentile",
        confidence_level=1.0 - 2.0 * tail_level(effective_weeks(rule - best)),
        n_resamples=10_000,
        rng=np.random.default_rng(3),
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.6)


def test_the_interval_comes_from_the_passed_generator():
    own = np.array([6.0, 18.0, 22.0, 17.0])
    first, again = (score(RULE, own, BEST, np.random.default_rng(4)) for _ in range(2))
    assert first == again


def test_a_week_with_nothing_to_win_scores_nothing():
    result = score(RULE, RULE, np.array([5.0, 20.0, 20.0, 15.0]), np.random.default_rng(0))
    assert (result.point, result.worst, result.mean) == (0.0, 0.0, 0.0)


def test_worse_off():
    alone = np.array([[10.0, 10.0, 10.0, 10.0]])
    assert worse_off_share(alone, alone + np.array([[1.0, -1.0, 0.0, 0.0]])) == 0.25

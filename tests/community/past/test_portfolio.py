"""Figures of gains: values by hand, and what gains are."""

import numpy as np
import pytest

from p2p_market.community import portfolio
from p2p_market.community.past.account import MEAN, RISKS, SQUARES
from p2p_market.community.past.view import sharpe_of, worst_mean

GAINS = np.array([3.0, -1.0, 2.0, -4.0, 1.0, 0.0, 5.0])


def test_known_values():
    assert portfolio.sharpe(GAINS) == pytest.approx(5.624699, abs=1e-6)
    assert portfolio.max_drawdown_eur(GAINS) == 4.0
    assert portfolio.cvar_eur(GAINS, 0.1) == -4.0
    assert portfolio.cvar_eur(GAINS, 0.2) == pytest.approx(-3.142857, abs=1e-6)


def test_a_first_loss_is_a_drawdown_since_the_sum_began_at_nothing():
    assert portfolio.max_drawdown_eur(np.array([-2.0, 1.0])) == 2.0


def test_without_a_spread_or_a_second_day_there_is_no_ratio():
    assert portfolio.sharpe(np.array([3.0])) == 0.0
    assert portfolio.sharpe(np.full(5, 3.0)) == 0.0
    assert portfolio.cvar_eur(np.zeros(0)) == 0.0


def test_a_return_needs_money_that_moved():
    assert portfolio.roi(np.array([0.2, 0.3]), np.array([1.0, 1.0])) == 0.25
    assert portfolio.roi(np.array([0.2, 0.3]), np.array([0.4, 0.5])) == 0.0


def test_success_counts_steps_with_an_order():
    gains, order = np.array([1.0, -1.0, 2.0, 3.0]), np.array([-2.0, 2.0, 1e-4, 0.5])
    assert portfolio.success(gains, order) == pytest.approx(2.0 / 3.0)
    assert portfolio.success(gains, np.zeros(4)) == 0.0


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5, 1.0])
def test_what_a_state_keeps_gives_the_same(share):
    ranked, risk, days = np.sort(GAINS), np.zeros(RISKS), len(GAINS)
    risk[MEAN], risk[SQUARES] = GAINS.mean(), ((GAINS - GAINS.mean()) ** 2).sum()
    assert worst_mean(ranked, days, share) == pytest.approx(portfolio.cvar_eur(GAINS, share))
    assert sharpe_of(risk[MEAN], risk[SQUARES], days) == pytest.approx(portfolio.sharpe(GAINS))

"""Shapley shares of a coalition: known values, laws, large coalitions, and how long they take."""

from itertools import permutations

import numpy as np
import pytest

from p2p_market.community.coordination.shapley import shares
from p2p_market.community.coordination.terms import _orders

NO_ORDERS = np.zeros((0, 0), dtype=np.int64)


def drawn(size, seed):
    generator = np.random.default_rng(seed)
    net = generator.uniform(-4.0, 4.0, size)
    limit = np.where(net > 0.0, generator.uniform(0.2, 0.35, size), 0.0)
    return net, np.where(net < 0.0, generator.uniform(0.08, 0.25, size), limit)


def test_gloves():
    value, share = shares(np.array([-1.0, 1.0, 1.0]), np.array([0.0, 1.0, 1.0]), NO_ORDERS)
    assert value == 1.0
    assert share == pytest.approx([2 / 3, 1 / 6, 1 / 6], abs=1e-15)


def test_one_seller_and_two_buyers():
    net, limit = np.array([-4.0, 3.0, 2.0]), np.array([0.13, 0.31, 0.27])
    value, share = shares(net, limit, NO_ORDERS)
    assert value == pytest.approx(0.68, abs=1e-12)
    assert share == pytest.approx([0.363333, 0.223333, 0.093333], abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_shares_sum_to_the_value_are_not_negative_and_follow_the_members(seed):
    net, limit = drawn(6, seed)
    value, share = shares(net, limit, NO_ORDERS)
    assert share.sum() == pytest.approx(value, abs=1e-12)
    assert (share >= -1e-15).all()
    order = np.random.default_rng(seed).permutation(6)
    assert shares(net[order], limit[order], NO_ORDERS)[1] == pytest.approx(share[order], abs=1e-14)


def test_the_mean_over_all_orders_is_exact():
    net, limit = drawn(5, 7)
    exact = shares(net, limit, NO_ORDERS)[1]
    every = np.array(list(permutations(range(5))))
    assert shares(net, limit, every, exact=0)[1] == pytest.approx(exact, abs=1e-13)


def test_large_coalitions_by_a_mean_over_orders():
    off = []
    for seed in range(3):
        net, limit = drawn(10, seed)
        value, exact = shares(net, limit, NO_ORDERS)
        mean = shares(net, limit, _orders(10), exact=0)[1]
        assert mean.sum() == pytest.approx(value, abs=1e-12)
        off.append(np.abs(mean - exact).max() / value)
    assert max(off) < 0.01

"""What lines carry: by hand, and as sums over who is behind them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_market.data import load
from p2p_market.grid.loading import cables, loadings

FEEDER = load("de2018").feeder
FULL_KW = math.sqrt(3.0) * 0.4 * 270.0 * 0.95


def path(node):
    """The lines between a node and the transformer."""
    return [node, *path(int(FEEDER.parent[node]))] if node > 0 else []


BEHIND = np.array([[line in path(node) for node in range(96)] for line in range(96)])


def test_a_line_that_carries_half_of_what_it_may():
    lines, members = loadings(cables(FEEDER, [95]), np.array([[FULL_KW / 2.0], [-FULL_KW]]))
    assert lines[0, path(95)] == pytest.approx(0.5)
    assert lines[1, path(95)] == pytest.approx(1.0)
    assert np.count_nonzero(lines[0]) == len(path(95))
    assert lines[0, 0] == 0.0
    assert members == pytest.approx(np.array([[0.5], [1.0]]))


@given(st.integers(0, 2**32 - 1))
def test_a_line_carries_who_is_behind_it(seed):
    generator = np.random.default_rng(seed)
    nodes = generator.integers(0, 96, 6)
    net = generator.uniform(-20.0, 20.0, (2, 6))
    lines, members = loadings(cables(FEEDER, nodes), net)
    behind = BEHIND[:, nodes]  # (line, member)
    assert np.allclose(lines, np.abs(net @ behind.T) / FULL_KW, rtol=1e-12, atol=1e-15)
    assert np.allclose(members, np.where(behind, lines[:, :, None], 0.0).max(axis=1), atol=0.0)

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
    for line in range(1, 96):
        behind = np.array([line in path(int(node)) for node in nodes])
        carried = np.abs(net[:, behind].sum(axis=1)) / FULL_KW
        assert np.allclose(lines[:, line], carried, rtol=1e-12, atol=1e-15)
        assert np.all(members[:, behind] >= lines[:, [line]])
    assert members.max() == pytest.approx(lines[:, 1:].max() if nodes.any() else 0.0)

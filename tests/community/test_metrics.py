"""Metrics by hand."""

import math

import numpy as np
import pytest

from p2p_market.evaluation.statistics.fairness import jain_index, worse_off_share


@pytest.mark.parametrize(
    ("saved", "index"),
    [
        ([2.0, 2.0, 2.0, 2.0], 1.0),
        ([8.0, 0.0, 0.0, 0.0], 0.25),
        ([3.0, 1.0], 0.8),  # 16 / (2 * 10)
        ([3.0, 1.0, -5.0], 16.0 / 30.0),  # a loss is no saving
    ],
)
def test_jain_index(saved, index):
    assert jain_index(np.array(saved)) == pytest.approx(index)


def test_where_nobody_saves_there_is_no_index():
    assert math.isnan(jain_index(np.array([0.0, -1.0])))


def test_worse_off_share():
    alone = np.array([[1.0, 2.0, 3.0, 4.0]])
    assert worse_off_share(alone, np.array([[1.0, 2.5, 2.0, 9.0]])).tolist() == [0.5]

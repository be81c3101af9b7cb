"""A load that may wait: by hand, its laws, and beside the power node that it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_market.assets.deferrable import Deferrable, advance, least, most, project
from p2p_market.assets.node import PowerNode, Presence, coefficients, power_limits
from p2p_market.assets.node import advance as advance_node
from p2p_market.errors import ArgumentError

DT_H = 1.0 / 12.0
PEAKS = np.array([15.0, 10.0, 8.0])
LOADS = Deferrable(3.0 * PEAKS, 0.5 * PEAKS, DT_H)
SEEDS = st.integers(0, 2**32 - 1)


def limits(normal, backlog, loads=LOADS):
    return tuple(
        project(loads, normal, backlog, np.full_like(normal, end)) for end in (-np.inf, np.inf)
    )


def drawn(seed, batch=4):
    """Loads and backlogs, some at their bounds or within a step of them."""
    generator = np.random.default_rng(seed)
    normal = PEAKS * generator.random((batch, 3))
    span = LOADS.highest_backlog_mwh * generator.choice([1.0, 0.01], (batch, 3))
    backlog = span * generator.choice([0.0, 1.0, 0.37], (batch, 3))
    backlog = np.where(generator.random((batch, 3)) < 0.4,
                       LOADS.highest_backlog_mwh - backlog, backlog)  # fmt: skip
    return normal, backlog, generator.uniform(-5.0, 30.0, (batch, 3))


def test_a_load_put_off_comes_back_in_the_next_step():
    one = Deferrable(np.array([45.0]), np.array([7.5]), DT_H)
    normal, none = np.array([[10.0]]), np.array([[0.0]])
    assert [end.item() for end in limits(normal, none, one)] == [0.0, 10.0]
    backlog = advance(one, normal, none, np.array([[6.0]]))
    assert backlog.item() == pytest.approx(1.0 / 3.0)
    assert most(10.0, backlog.item(), 7.5, DT_H) == pytest.approx(14.0)
    served = project(one, normal, backlog, np.array([[99.0]]))
    assert served.item() == pytest.approx(14.0)
    assert advance(one, normal, backlog, served).item() == pytest.approx(0.0, abs=1e-15)


def test_a_full_backlog_and_little_recovery_bind():
    assert least(10.0, 30.0, 30.0, DT_H) == 10.0
    assert least(10.0, 29.5, 30.0, DT_H) == pytest.approx(4.0)
    assert least(10.0, 0.0, 30.0, DT_H) == 0.0
    assert most(10.0, 30.0, 7.5, DT_H) == 17.5


@given(SEEDS)
def test_what_is_served_is_the_nearest_that_is_possible(seed):
    normal, backlog, wish = drawn(seed)
    low, high = limits(normal, backlog)
    assert np.all((low >= 0.0) & (low <= normal) & (normal <= high))
    assert np.all(high <= normal + LOADS.recovery_mw)
    served = project(LOADS, normal, backlog, wish)
    assert np.array_equal(project(LOADS, normal, backlog, served), served)
    assert np.all((low <= served) & (served <= high))
    inside = (low <= wish) & (wish <= high)
    assert np.array_equal(served[inside], wish[inside])
    for other in (low, high, normal):
        assert np.all(np.abs(served - wish) <= np.abs(other - wish))


@given(SEEDS)
def test_a_step_keeps_the_backlog_within_its_bounds_and_loses_no_energy(seed):
    normal, backlog, wish = drawn(seed)
    served = project(LOADS, normal, backlog, wish)
    after = advance(LOADS, normal, backlog, served)
    assert np.all((after >= 0.0) & (after <= LOADS.highest_backlog_mwh))
    assert after - backlog == pytest.approx((normal - served) * DT_H, abs=1e-12)


@given(SEEDS)
def test_beyond_its_limits_a_bound_would_be_broken(seed):
    normal, backlog, _ = drawn(seed)
    low, high = limits(normal, backlog)
    less, more = (backlog + (normal - end) * DT_H for end in (low - 1e-3, high + 1e-3))
    assert np.all((low == 0.0) | (less > LOADS.highest_backlog_mwh))
    assert np.all((more < 0.0) | (high == normal + LOADS.recovery_mw))


@given(SEEDS)
def test_it_is_a_power_node_whose_level_is_the_room_that_is_left(seed):
    (normal,), (backlog,), (wish,) = drawn(seed, batch=1)
    nodes = coefficients(
        [[PowerNode("setpoint", power_min_kw=-normal[i], power_max_kw=LOADS.recovery_mw[i],
                    energy_max_kwh=LOADS.highest_backlog_mwh[i])] for i in range(3)],
        DT_H,
    )  # fmt: skip
    level = (LOADS.highest_backlog_mwh - backlog).reshape(1, 3, 1)
    free = Presence(np.ones((1, 3, 1)), *np.zeros((3, 1, 3, 1)))
    found = power_limits(nodes, free, level, np.zeros((1, 3, 1)))
    low, high = limits(normal[None], backlog[None])
    assert found.low[0, :, 0] + normal == pytest.approx(low[0], abs=1e-9)
    assert found.high[0, :, 0] + normal == pytest.approx(high[0], abs=1e-9)
    served = project(LOADS, normal[None], backlog[None], wish[None])
    after, _ = advance_node(nodes, free, level, (served - normal)[:, :, None])
    left = LOADS.highest_backlog_mwh - advance(LOADS, normal[None], backlog[None], served)
    assert after[0, :, 0] == pytest.approx(left[0], abs=1e-9)


@pytest.mark.parametrize(
    "values", [([-1.0], [1.0], DT_H), ([1.0], [-1.0], DT_H), ([1.0], [1.0], 0.0),
               ([np.nan], [1.0], DT_H)],
)  # fmt: skip
def test_loads_that_make_no_sense_are_refused(values):
    with pytest.raises(ArgumentError, match="deferrable loads"):
        Deferrable(np.array(values[0]), np.array(values[1]), values[2])

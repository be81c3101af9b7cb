"""Reactive power: the rule by hand, and how much the octagon leaves."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_market.grid.reactive import (
    LARGEST_SHARE,
    OVERSIZE,
    SLOPE,
    Inverters,
    by_rule,
    reactive_room,
)


@pytest.mark.parametrize(
    ("power_kw", "factor"),
    [(0.0, 1.0), (2.0, 1.0), (5.0, 1.0), (7.5, 0.975), (10.0, 0.95), (12.0, 0.95)],
)
def test_the_rule_by_hand(power_kw, factor):
    kvar = by_rule(np.array([power_kw]), np.array([10.0])).item()
    assert kvar == pytest.approx(power_kw * math.tan(math.acos(factor)), abs=1e-12)


def test_who_has_no_roof_absorbs_nothing():
    assert by_rule(np.zeros((3, 2)), np.array([0.0, 5.0])).tolist() == [[0.0, 0.0]] * 3


def room(power_kw, rated_kw, apparent_kva):
    """Of one battery."""
    one = np.array([[rated_kw]]), np.array([[apparent_kva]])
    inverters = Inverters(np.zeros(1), np.zeros(1), *one)
    power = np.array([[[power_kw]]])
    return reactive_room(inverters, np.zeros((1, 1)), np.ones_like(power), power).item()


@given(rated=st.floats(0.1, 50.0), more=st.floats(1.0, 1.5), share=st.floats(-1.0, 1.0))
def test_the_room_is_what_the_octagon_inside_the_circle_leaves(rated, more, share):
    apparent, power = more * rated, share * rated
    kvar = room(power, rated, apparent)
    # sides of the octagon by their directions, middle 22.5 degrees from the axes
    angles = math.pi / 8.0 + math.pi / 4.0 * np.arange(8)
    reach = np.cos(angles) * power + np.sin(angles) * kvar
    assert reach.max() <= math.cos(math.pi / 8.0) * apparent * (1.0 + 1e-12)
    assert math.hypot(power, kvar) <= apparent * (1.0 + 1e-12)
    on_a_side = math.isclose(reach.max(), math.cos(math.pi / 8.0) * apparent, rel_tol=1e-9)
    assert on_a_side or kvar == pytest.approx(LARGEST_SHARE * rated)


@pytest.mark.parametrize(
    ("power_kw", "kvar"),
    [(0.0, 3.3), (9.6, 3.3), (-9.6, 3.3), (10.0, (math.sqrt(2.0) + 1.0)), (10.5, 0.5 / SLOPE),
     (11.0, 0.0), (12.0, 0.0)],
)  # fmt: skip
def test_active_power_comes_first(power_kw, kvar):
    assert room(power_kw, 10.0, 10.0 * OVERSIZE) == pytest.approx(kvar, abs=1e-12)


def test_a_member_has_the_sum_of_its_inverters_and_none_of_what_is_away():
    inverters = Inverters(
        np.array([10.0, 0.0]), np.array([11.0, 0.0]), np.array([[5.0, 20.0], [0.0, 4.0]]),
        np.array([[5.5, 22.0], [0.0, 4.4]]),
    )  # fmt: skip
    plugged = np.array([[[1.0, 0.0], [1.0, 1.0]]])
    found = reactive_room(inverters, np.array([[4.0, 0.0]]), plugged, np.zeros((1, 2, 2)))
    assert found == pytest.approx(np.array([[3.3 + 1.65, 1.32]]))


def test_an_inverter_below_its_own_power_is_refused():
    with pytest.raises(ValueError, match=r"9\.5 kVA for 10 kW"):
        Inverters(np.array([10.0]), np.array([9.5]), np.zeros((1, 1)), np.zeros((1, 1)))

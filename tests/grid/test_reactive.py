"""Reactive power: the rule by hand, the octagon as rows and as room."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_market.grid.reactive import (
    FACE,
    FACES,
    LARGEST_SHARE,
    OVERSIZE,
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


def test_the_octagon_lies_inside_the_circle_and_holds_the_rated_power():
    assert pytest.approx(math.cos(math.pi / 8.0), abs=1e-15) == FACE
    assert len(FACES) == 8
    assert all(math.hypot(*face) == pytest.approx(1.0) for face in FACES)
    assert FACE * OVERSIZE >= 1.0
    angles = np.linspace(0.0, 2.0 * math.pi, 721)
    reach = [FACE / max(math.cos(a) * p + math.sin(a) * q for p, q in FACES) for a in angles]
    assert max(reach) == pytest.approx(1.0, abs=1e-12)
    assert min(reach) == pytest.approx(FACE, abs=1e-12)


def room(power_kw, rated_kw, apparent_kva):
    """Of one battery."""
    one = np.array([[rated_kw]]), np.array([[apparent_kva]])
    inverters = Inverters(np.zeros(1), np.zeros(1), *one)
    power = np.array([[[power_kw]]])
    return reactive_room(inverters, np.zeros((1, 1)), np.ones_like(power), power).item()


@given(rated=st.floats(0.1, 50.0), more=st.floats(1.0, 1.5), share=st.floats(-1.0, 1.0))
def test_the_room_is_what_the_rows_of_the_octagon_leave(rated, more, share):
    apparent, power = more * rated / FACE, share * rated
    rows = [(FACE * apparent - p * power) / q for p, q in FACES if q > 0.0]
    expected = min(LARGEST_SHARE * rated, *rows)
    assert room(power, rated, apparent) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    kvar = room(power, rated, apparent)
    assert math.hypot(power, kvar) <= apparent * (1.0 + 1e-12)


def test_active_power_comes_first():
    assert room(0.0, 10.0, 11.0) == pytest.approx(3.3)
    assert room(10.0, 10.0, 11.0) == pytest.approx(3.3)
    assert room(-10.0, 10.0, 10.9) == pytest.approx(3.3)
    assert room(10.3, 10.0, 11.0) == 0.0  # beyond the octagon


def test_a_member_has_the_sum_of_its_inverters_and_none_of_what_is_away():
    inverters = Inverters(
        np.array([10.0, 0.0]), np.array([11.0, 0.0]), np.array([[5.0, 20.0], [0.0, 4.0]]),
        np.array([[5.5, 22.0], [0.0, 4.4]]),
    )  # fmt: skip
    plugged = np.array([[[1.0, 0.0], [1.0, 1.0]]])
    found = reactive_room(inverters, np.array([[4.0, 0.0]]), plugged, np.zeros((1, 2, 2)))
    assert found == pytest.approx(np.array([[3.3 + 1.65, 1.32]]))


def test_an_inverter_without_room_is_refused_with_the_least_size():
    with pytest.raises(ValueError, match=r"raise it to 10.8239 kVA"):
        Inverters(np.array([10.0]), np.array([10.5]), np.zeros((1, 1)), np.zeros((1, 1)))

"""The power-node equation by hand, and its limits as a property."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from p2p_market.assets import ASSETS
from p2p_market.assets.battery import battery
from p2p_market.assets.node import (
    Presence,
    advance,
    coefficients,
    power_limits,
    retention_and_gains,
)


def at_home(level: np.ndarray) -> Presence:
    zeros = np.zeros_like(level)
    return Presence(np.ones_like(level), zeros, zeros, zeros)


def test_coefficients_without_leak():
    node = battery(10.0, 5.0, eta_charge=0.9, eta_discharge=0.8)
    assert retention_and_gains(node, 0.25) == pytest.approx((1.0, 0.225, 0.3125))


def test_coefficients_with_leak_solve_the_differential_equation():
    node = battery(10.0, 5.0, eta_charge=1.0, eta_discharge=1.0, leak_per_h=0.1)
    retention, charge, _ = retention_and_gains(node, 2.0)
    level = 3.0
    for _ in range(200_000):
        level += 1e-5 * (4.0 - 0.1 * level)
    assert retention * 3.0 + charge * 4.0 == pytest.approx(level, rel=1e-4)
    assert retention == pytest.approx(math.exp(-0.2))


def test_two_quarters_are_one_half_hour_even_with_leak():
    node = battery(10.0, 5.0, leak_per_h=0.05)
    short, long = (coefficients([[node]], dt) for dt in (0.25, 0.5))
    level, power = np.array([[[4.0]]]), np.array([[[2.0]]])
    home = at_home(level)
    twice = advance(short, home, advance(short, home, level, power)[0], power)[0]
    assert twice == pytest.approx(advance(long, home, level, power)[0])


@given(
    capacity=st.floats(0.1, 100.0),
    power=st.floats(0.1, 50.0),
    eta=st.floats(0.5, 1.0),
    leak=st.floats(0.0, 0.2),
    share=st.floats(0.0, 1.0),
    wish=st.floats(-1.0, 2.0),
)
def test_any_power_inside_the_limits_keeps_the_level_inside_its_bounds(
    capacity, power, eta, leak, share, wish
):
    nodes = coefficients([[battery(capacity, power, eta, eta, leak)]], 0.25)
    level = np.array([[[share * capacity]]])
    low, high = power_limits(nodes, at_home(level), level, np.zeros_like(level))
    assert -power <= low <= high <= power
    after = nodes.retention * level
    chosen = np.clip(low + wish * (high - low), low, high)
    gained = nodes.charge_gain_h * np.maximum(chosen, 0) - nodes.discharge_gain_h * np.maximum(
        -chosen, 0
    )
    assert -1e-9 <= (after + gained).item() <= capacity + 1e-9
    assert 0.0 <= advance(nodes, at_home(level), level, chosen)[0].item() <= capacity


def test_absent_assets_have_no_power():
    nodes = coefficients([[battery(10.0, 5.0)], []], 0.25)
    assert nodes.present.tolist() == [[True], [False]]
    low, high = power_limits(nodes, at_home(np.zeros((1, 2, 1))), *np.zeros((2, 1, 2, 1)))
    assert low[0, 1, 0] == high[0, 1, 0] == 0.0


@pytest.mark.parametrize(
    ("kind", "parameters", "field"),
    [
        ("battery", {"capacity_kwh": -1.0, "power_kw": 2.0}, "capacity_kwh"),
        ("battery", {"capacity_kwh": 1.0, "power_kw": 2.0, "eta_charge": 1.2}, "eta_charge"),
        ("battery", {"capacity_kwh": 1.0, "power_kw": 2.0, "colour": 1}, "colour"),
        ("pv", {"peak_kw": 5.0, "tilt_deg": 100.0, "azimuth_deg": 180.0}, "tilt_deg"),
        ("load", {"donor": "H0-A", "annual_kwh": 0.0}, "annual_kwh"),
    ],
)
def test_impossible_devices_are_refused_by_field(kind, parameters, field):
    with pytest.raises(ValidationError, match=field):
        ASSETS[kind](**parameters)

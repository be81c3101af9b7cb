"""The linear flow of a net per unit: by hand, its source, and beside AC flows of pandapower."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_market.errors import ArgumentError
from p2p_market.grid.feeder import linear_flow, per_unit_flow, squared_voltages, violations
from tests.grid.high_voltage import (
    BAND_PU,
    BASE_MVA,
    FLOW,
    PARENT,
    R_PU,
    X_PU,
    dispatches,
    injected,
)

SEEDS = st.integers(0, 2**32 - 1)


def alternating(active, reactive, source_pu):
    """Voltages of the whole AC equations [pu] by sweeps back and forth, (bus,)."""
    line, power = R_PU + 1j * X_PU, (active + 1j * reactive) / BASE_MVA
    voltage = np.full(len(PARENT), source_pu, dtype=complex)
    for _ in range(500):
        before, current = voltage, np.conj(power / voltage)
        for bus in range(len(PARENT) - 1, 0, -1):
            current[PARENT[bus]] += current[bus]
        voltage = np.full(len(PARENT), source_pu, dtype=complex)
        for bus in range(1, len(PARENT)):
            voltage[bus] = voltage[PARENT[bus]] - line[bus] * current[bus]
        if np.abs(voltage - before).max() < 1e-13:
            return np.abs(voltage)
    raise AssertionError("the sweep did not converge")


def test_known_voltages():
    active, reactive = injected((45.0, 36.0, 40.0), (-10.0, 5.0), 30.0, 60.0)
    linear = [1.0, 0.97824, 0.98099, 0.99283, 0.99645, 0.99750, 1.00230]
    assert np.sqrt(squared_voltages(FLOW, active, reactive)[0]) == pytest.approx(linear, abs=5e-6)
    whole = [1.0, 0.97738, 0.98009, 0.99254, 0.99608, 0.99698, 1.00159]
    assert alternating(active[0], reactive[0], 1.0) == pytest.approx(whole, abs=5e-6)


def test_known_violation_and_the_tap_that_mends_it():
    active, reactive = injected((53.0, 40.0, 42.0), (25.0, 25.0))
    for tap, beyond in ((0, 0.04112), (2, 0.0)):
        source_pu2 = (0.97 + 0.02 * tap) ** 2
        seen = violations(FLOW, squared_voltages(FLOW, active, reactive, source_pu2)).sum()
        assert seen == pytest.approx(beyond, abs=5e-6)
    step_h, eur_per_pu_h = 1.0 / 12.0, 20_000.0
    assert 0.04112 * step_h * eur_per_pu_h == pytest.approx(68.53, abs=0.005)


@given(SEEDS)
def test_a_source_of_its_own_moves_every_bus_of_a_row_alike(seed):
    generator = np.random.default_rng(seed)
    active, reactive = generator.uniform(-60.0, 60.0, (2, 4, 7))
    source = generator.uniform(0.9, 1.1, 4) ** 2
    moved = squared_voltages(FLOW, active, reactive, source)
    still = squared_voltages(FLOW, active, reactive)
    assert moved - still == pytest.approx(np.tile(source[:, None] - 1.0, 7), abs=1e-12)
    assert np.array_equal(moved[:, 0], source)
    assert np.array_equal(squared_voltages(FLOW, active, reactive, 1.0), still)


@given(SEEDS)
def test_per_unit_and_in_ohm_it_is_the_same_equation(seed):
    generator = np.random.default_rng(seed)
    ohm = 400.0**2 / 1000.0  # that is one per unit of a base of 1 kVA
    feeder = SimpleNamespace(parent=PARENT, r_ohm=R_PU * ohm, x_ohm=X_PU * ohm)
    low = linear_flow(feeder, range(7), band_pu=BAND_PU)
    high = per_unit_flow(PARENT, R_PU, X_PU, 1.0, BAND_PU)
    active, reactive = generator.uniform(-0.5, 0.5, (2, 3, 7))
    pairs = zip(*(squared_voltages(flow, active, reactive) for flow in (low, high)), strict=True)
    for ours, theirs in pairs:
        assert ours == pytest.approx(theirs, abs=1e-12)


def test_two_hundred_dispatches_lie_close_to_the_ac_equations_and_never_below():
    errors = [
        np.sqrt(squared_voltages(FLOW, active, reactive, source**2)[0])
        - alternating(active[0], reactive[0], source)
        for active, reactive, source in dispatches(200)
    ]
    assert np.min(errors) >= -1e-12
    assert np.max(errors) <= 0.006


@pytest.mark.slow
@pytest.mark.compiled
@pytest.mark.parametrize(
    ("balanced", "published"),
    [(True, (0.000855, 0.00292, 0.00550)), (False, (0.00211, 0.00764, 0.01187))],
)
def test_pandapower_agrees_with_the_sweep_and_errors_are_as_published(balanced, published):
    pandapower = pytest.importorskip("pandapower")
    net = pandapower.create_empty_network(sn_mva=BASE_MVA)
    for _ in PARENT:
        pandapower.create_bus(net, vn_kv=110.0)
    pandapower.create_ext_grid(net, bus=0)
    ohm = 110.0**2 / BASE_MVA
    for bus in range(1, len(PARENT)):
        pandapower.create_line_from_parameters(
            net, int(PARENT[bus]), bus, 1.0, r_ohm_per_km=R_PU[bus] * ohm,
            x_ohm_per_km=X_PU[bus] * ohm, c_nf_per_km=0.0, max_i_ka=9.0,
        )  # fmt: skip
    for bus in range(len(PARENT)):
        pandapower.create_load(net, bus, p_mw=0.0)
    errors, apart = [], []
    for active, reactive, source in dispatches(200, balanced):
        net.load["p_mw"], net.load["q_mvar"] = active[0], reactive[0]
        net.ext_grid["vm_pu"] = source
        pandapower.runpp(net, numba=False, init="flat", tolerance_mva=1e-10)
        whole = net.res_bus.vm_pu.to_numpy()
        errors.append(np.sqrt(squared_voltages(FLOW, active, reactive, source**2)[0]) - whole)
        apart.append(alternating(active[0], reactive[0], source) - whole)
    assert np.abs(apart).max() <= 1e-10
    assert np.min(errors) >= -1e-12
    measured = np.mean(errors), np.quantile(errors, 0.95), np.max(errors)
    assert measured == pytest.approx(published, rel=0.005)


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"base_mva": 0.0}, "base above 0"), ({"band_pu": (1.01, 1.05)}, "holds 1 pu"),
     ({"parent": np.array([-1, 2, 0, 0, 3, 0, 5])}, "stands before"),
     ({"parent": np.array([0, 0, 1, 0, 3, 0, 5])}, "node 0 has -1"),
     ({"r_pu": R_PU[:-1]}, "one of each per node")],
)  # fmt: skip
def test_what_is_no_net_is_refused(changed, words):
    net = {"parent": PARENT, "r_pu": R_PU, "x_pu": X_PU, "base_mva": BASE_MVA, "band_pu": BAND_PU}
    with pytest.raises(ArgumentError, match=words):
        per_unit_flow(**net | changed)

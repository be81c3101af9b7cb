"""Voltages by hand, against the whole AC equations, and who pays for a violation."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_market.data import load
from p2p_market.grid.feeder import (
    BAND_PU,
    charges,
    common_path,
    linear_flow,
    squared_voltages,
    transformer_ohm,
    violations,
)
from p2p_market.grid.reactive import by_rule
from tests.grid.alternating import alternating, dispatches

FEEDER = load("de2018").feeder
LAST = 95


def voltage(net_kw, kvar=0.0, **options):
    """Of one member at the last node."""
    flow = linear_flow(FEEDER, [LAST], **options)
    return np.sqrt(squared_voltages(flow, np.array([[net_kw]]), np.array([[kvar]]))).item()


def at_all_nodes(net_kw, kvar):
    flow = linear_flow(FEEDER, range(len(FEEDER.parent)))
    return np.sqrt(squared_voltages(flow, net_kw[None], kvar[None])[0])


def test_shared_paths_by_hand():
    #    0 - 1 - 2
    #         \- 3
    shared = common_path(np.array([-1, 0, 1, 1]), np.array([9.0, 1.0, 2.0, 4.0]))
    assert shared.tolist() == [[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 3, 1], [0, 1, 1, 5]]


def test_the_last_node_of_the_feeder():
    assert common_path(FEEDER.parent, FEEDER.r_ohm)[LAST, LAST] == pytest.approx(0.116721, abs=5e-7)
    assert common_path(FEEDER.parent, FEEDER.x_ohm)[LAST, LAST] == pytest.approx(0.045415, abs=5e-7)


@pytest.mark.parametrize(
    ("net_kw", "kvar", "linear", "whole"),
    [(10.0, 0.0, 0.992678, 0.992647), (-30.0, 0.0, 1.021651, 1.021392),
     (-30.0, 9.86, 1.018908, 1.018619)],
)  # fmt: skip
def test_known_voltages(net_kw, kvar, linear, whole):
    assert voltage(net_kw, kvar) == pytest.approx(linear, abs=5e-7)
    power = np.zeros((2, len(FEEDER.parent)))
    power[:, LAST] = net_kw, kvar
    assert alternating(FEEDER, *power)[LAST] == pytest.approx(whole, abs=5e-7)


def test_reactive_power_of_the_rule_lowers_the_voltage_of_feeding_in():
    kvar = by_rule(np.array([30.0]), np.array([30.0])).item()
    assert kvar == pytest.approx(9.86, abs=1e-3)
    assert voltage(-30.0, kvar) < voltage(-30.0)


def test_a_transformer_is_in_series_with_all():
    assert transformer_ohm(250.0) == pytest.approx((0.00832, 0.02421), abs=5e-6)
    resistance, reactance = transformer_ohm(FEEDER.transformer_kva)
    nodes = [3, 3, 40, 95]
    without, behind = (linear_flow(FEEDER, nodes, transformer=there) for there in (False, True))
    per_ohm = 2000.0 / 400.0**2
    assert behind.drop_per_active - without.drop_per_active == pytest.approx(resistance * per_ohm)
    assert behind.drop_per_reactive - without.drop_per_reactive == pytest.approx(
        reactance * per_ohm
    )


def test_without_load_everybody_has_the_voltage_of_the_source():
    flow = linear_flow(FEEDER, [1, 50, 95], source_pu=1.01)
    assert np.all(squared_voltages(flow, np.zeros((2, 3)), np.zeros((2, 3))) == 1.01**2)


@pytest.mark.parametrize("name", ["de2018", "synthetic:7"])
def test_two_hundred_dispatches_lie_close_to_the_ac_equations_and_never_below(name):
    feeder = load(name).feeder
    errors = []
    for nodes, kw, kvar in dispatches(feeder, 200):
        power = np.zeros((2, len(feeder.parent)))
        power[:, nodes] = kw, kvar
        linear = np.sqrt(squared_voltages(linear_flow(feeder, nodes), kw[None], kvar[None])[0])
        errors.append(linear - alternating(feeder, *power)[nodes])
    assert np.min(errors) >= -1e-12
    assert np.max(errors) <= 0.001


def test_behind_a_transformer_they_lie_as_close():
    ohm = zip((FEEDER.r_ohm, FEEDER.x_ohm), transformer_ohm(250.0), strict=True)
    longer = [np.concatenate([[0.0, more], lines[1:]]) for lines, more in ohm]
    parent = np.concatenate([[-1], FEEDER.parent + 1])
    whole = replace(FEEDER, parent=parent, r_ohm=longer[0], x_ohm=longer[1])
    errors = []
    for nodes, kw, kvar in dispatches(FEEDER, 100):
        power = np.zeros((2, len(parent)))
        power[:, nodes + 1] = kw, kvar
        flow = linear_flow(FEEDER, nodes, transformer=True)
        linear = np.sqrt(squared_voltages(flow, kw[None], kvar[None])[0])
        errors.append(linear - alternating(whole, *power)[nodes + 1])
    assert np.min(errors) >= -1e-12
    assert np.max(errors) <= 0.001


@given(st.integers(0, 2**32 - 1))
def test_between_members_no_node_lies_further_out(seed):
    """All cables are of one kind, so the extremes are at members or at the transformer."""
    ((nodes, kw, _),) = dispatches(FEEDER, 1, seed=seed)
    power = np.zeros((2, len(FEEDER.parent)))
    power[:, nodes] = kw, 0.3 * kw
    every, seen = at_all_nodes(*power), [0, *nodes]
    assert every.max() <= every[seen].max() + 1e-12
    assert every.min() >= every[seen].min() - 1e-12


@pytest.mark.parametrize("band", [(1.01, 1.03), (0.97, 0.99), (0.0, 1.03), (1.03, 0.97)])
def test_a_band_without_its_source_is_refused(band):
    with pytest.raises(ValueError, match="the source must lie in the band"):
        linear_flow(FEEDER, [1], band_pu=band)


def test_violations_by_hand():
    flow = linear_flow(FEEDER, [1, 2, 3, 4])
    low, high = BAND_PU
    pu2 = np.array([[low**2, high**2, 0.96**2, 1.04**2]])
    expected = [[0.0, 0.0, (low**2 - 0.96**2) / 2.0, (1.04**2 - high**2) / 2.0]]
    assert violations(flow, pu2) == pytest.approx(np.array(expected))
    # close to what the voltage itself is out of the band
    assert violations(flow, pu2)[0, 2:] == pytest.approx([0.01, 0.01], abs=5e-4)


def test_rounding_at_a_bound_is_no_violation():
    flow = linear_flow(FEEDER, [1])
    beyond = np.array([[np.nextafter(flow.highest_pu2, 2.0)], [np.nextafter(flow.lowest_pu2, 0.0)]])
    assert not violations(flow, beyond).any()


def test_those_pay_who_cause_it_in_proportion():
    flow = linear_flow(FEEDER, [LAST, LAST, LAST, 0])
    net = np.array([[-60.0, -20.0, 30.0, -500.0]])  # the last is at the transformer
    paid = charges(flow, 2.0, net, np.zeros_like(net))[0]
    beyond = violations(flow, squared_voltages(flow, net, np.zeros_like(net)))
    assert beyond[0, 0] > 0.0
    assert paid.sum() == pytest.approx(2.0 * beyond.sum())
    assert paid[0] == pytest.approx(3.0 * paid[1])
    assert paid[2] == paid[3] == 0.0


def test_a_low_voltage_is_paid_by_loads_and_by_what_absorbs_reactive_power():
    flow = linear_flow(FEEDER, [LAST, LAST, LAST])
    net, kvar = np.array([[60.0, 0.0, -5.0]]), np.array([[0.0, 40.0, 0.0]])
    paid = charges(flow, 1.0, net, kvar)[0]
    assert paid[0] / paid[1] == pytest.approx(60.0 * 0.116721 / (40.0 * 0.045415), rel=1e-4)
    assert paid[2] == 0.0


@given(
    st.lists(st.floats(-80.0, 80.0), min_size=5, max_size=5),
    st.lists(st.floats(-30.0, 30.0), min_size=5, max_size=5),
)
def test_all_that_is_out_of_the_band_is_paid_and_nobody_earns(kw, kvar):
    flow = linear_flow(FEEDER, [95, 90, 60, 33, 95])
    net, reactive = np.array([kw]), np.array([kvar])
    paid = charges(flow, 3.0, net, reactive)
    beyond = violations(flow, squared_voltages(flow, net, reactive))
    assert np.all(paid >= 0.0)
    assert paid.sum() == pytest.approx(3.0 * beyond.sum(), rel=1e-12, abs=1e-15)

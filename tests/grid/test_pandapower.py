"""The linear voltages beside the AC power flow of pandapower."""

import numpy as np
import pytest

from p2p_market.data import load
from p2p_market.grid.feeder import linear_flow, squared_voltages
from tests.grid.alternating import alternating, dispatches

pandapower = pytest.importorskip("pandapower")

FEEDER = load("de2018").feeder
COUNT = len(FEEDER.parent)


@pytest.fixture(scope="module")
def network():
    """The feeder in pandapower, a load at each node."""
    net = pandapower.create_empty_network()
    for _ in range(COUNT):
        pandapower.create_bus(net, vn_kv=0.4)
    pandapower.create_ext_grid(net, bus=0)
    for node in range(1, COUNT):
        length = FEEDER.length_km[node]
        pandapower.create_line_from_parameters(
            net, int(FEEDER.parent[node]), node, length, c_nf_per_km=0.0, max_i_ka=0.27,
            r_ohm_per_km=FEEDER.r_ohm[node] / length, x_ohm_per_km=FEEDER.x_ohm[node] / length,
        )  # fmt: skip
    for node in range(COUNT):
        pandapower.create_load(net, node, p_mw=0.0)
    return net


@pytest.mark.compiled
def test_two_hundred_dispatches_lie_within_a_thousandth_and_never_below(network):
    errors, apart, angles = [], [], []
    for nodes, kw, kvar in dispatches(FEEDER, 200):
        power = np.zeros((2, COUNT))
        power[:, nodes] = kw, kvar
        network.load["p_mw"], network.load["q_mvar"] = power / 1000.0
        pandapower.runpp(network, numba=False, init="flat", tolerance_mva=1e-10)
        whole = network.res_bus.vm_pu.to_numpy()
        linear = np.sqrt(squared_voltages(linear_flow(FEEDER, nodes), kw[None], kvar[None])[0])
        errors.append(linear - whole[nodes])
        apart.append(alternating(FEEDER, *power) - whole)
        angles.append(network.res_bus.va_degree.abs().max())
    assert np.min(errors) >= -1e-12
    assert np.max(errors) <= 0.001
    measured = np.mean(errors), np.quantile(errors, 0.95), np.max(errors), max(angles)
    assert measured == pytest.approx((0.0000208, 0.0000870, 0.000275, 0.648), rel=0.005)
    assert np.abs(apart).max() <= 1e-10  # so other tests may trust the sweep

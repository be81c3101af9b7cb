"""The binding feeder by hand, and what holds for whatever the agents ask."""

from collections import namedtuple

import numpy as np
import pytest

import p2p_market
from p2p_market.assets.node import Limits, PowerNode, coefficients
from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.records import Action
from p2p_market.community.safety import feasibility
from p2p_market.community.safety.feeder import limit_kernel
from p2p_market.registry import load_scenario

Line = namedtuple("Line", ["feeder_limit_kw", "nodes", "offers"])
Outside = namedtuple("Outside", ["load_kw", "pv_kw", "grid"])


def limited(load, pv, setpoint, limit=10.0, grid=1.0, forced=0.0, least=None):
    """Set-points, curtailed PV, shed load and net load of one community with one asset each.

    Where `least` is given, the assets are machines with that least load, or none, that are forced
    to charge with so much.
    """
    load, pv = np.array([load], float), np.array([pv], float)
    setpoint = np.array([setpoint], float)[..., None]
    curtailed, shed = np.zeros((2, *load.shape))
    net = load - pv + setpoint[..., 0]
    action = Action.Arrays(setpoint, curtailed, shed, net, net, net)
    law = "" if least is None else "any"
    node = PowerNode("setpoint", -9.0, 9.0, 0.0, 99.0, law=law, charge_on_kw=least or 0.0)
    nodes = coefficients([[node]] * len(load[0]), 1.0).arrays()
    limits = Limits(np.full_like(setpoint, forced), np.full_like(setpoint, 9.0))
    limit_kernel(
        Line(limit, nodes, None), Outside(load, pv, np.array([grid])), None, limits, action
    )
    return setpoint[0, :, 0], curtailed[0], shed[0], net[0]


def test_below_the_limit_nothing_is_cut():
    setpoint, curtailed, shed, net = limited([1, 2], [6, 7], [0, 0])
    assert not np.any([setpoint, curtailed, shed])
    assert net.sum() == -10.0


def test_discharging_is_slowed_down_before_pv_is_curtailed():
    setpoint, curtailed, shed, net = limited([0, 0], [4, 4], [-3, -1])
    assert setpoint == pytest.approx([-1.5, -0.5])
    assert not np.any([curtailed, shed])
    assert net.sum() == pytest.approx(-10.0)


def test_pv_is_curtailed_pro_rata_and_charging_goes_on():
    setpoint, curtailed, shed, net = limited([1, 0], [12, 4], [-2, 1])
    assert setpoint == pytest.approx([0.0, 1.0])
    assert curtailed == pytest.approx([3.0, 1.0])  # 4 kW too much, of 16 kW of PV
    assert not shed.any()
    assert net.sum() == pytest.approx(-10.0)


def test_charging_is_slowed_down_before_load_is_shed():
    setpoint, curtailed, shed, net = limited([6, 9], [0, 1], [2, 1])
    assert setpoint == pytest.approx([0.0, 0.0])
    assert shed == pytest.approx([1.6, 2.4])
    assert not curtailed.any()
    assert net.sum() == pytest.approx(10.0)


def test_a_machine_goes_on_with_what_its_level_forces():
    setpoint, _, shed, net = limited([4, 5], [0, 0], [3, 1], forced=1.0, least=0.0)
    assert setpoint == pytest.approx([1.0, 1.0])  # all that is above what is forced
    assert shed == pytest.approx([4 / 9, 5 / 9])
    assert net.sum() == pytest.approx(10.0)


def test_a_machine_stops_where_it_would_fall_below_its_least_load():
    setpoint, _, shed, net = limited([2, 4], [0, 0], [4, 5], least=3.0)
    assert setpoint == pytest.approx([0.0, 0.0])  # two thirds would have been left of 4 and 5
    assert not shed.any()
    assert net.sum() == pytest.approx(6.0)
    setpoint, *_ = limited([2, 4], [0, 0], [4, 5], least=2.0)
    assert setpoint == pytest.approx([0.0, 5 * 4 / 9])


def test_an_outage_leaves_the_feeder_alone():
    setpoint, curtailed, _, _ = limited([0, 0], [14, 4], [-3, -1], grid=0.0)
    assert setpoint == pytest.approx([-3.0, -1.0])
    assert not curtailed.any()


def test_whatever_is_asked_the_feeder_holds_and_twice_is_once():
    scenario = load_scenario("binding-feeder-v0")
    episode = draw(scenario, choose_key(scenario, 0, "test", 7))
    generator, table = np.random.default_rng(1), action_map(scenario)
    state = engine.start(scenario, episode)
    cut = 0.0
    for _ in range(scenario.steps):
        wanted = table.physical(generator.uniform(-1.5, 1.5, (1, len(scenario.agents), 3)))
        proposal = to_proposal(wanted, np.ones((1, len(scenario.agents)), bool))
        action = feasibility.project(scenario, episode, state, proposal)
        again = feasibility.project(
            scenario,
            episode,
            state,
            to_proposal(
                np.dstack([action.setpoint_kw, action.quantity_kw, action.price_eur_per_kwh]),
                np.ones((1, len(scenario.agents)), bool),
            ),
        )
        for name in ("setpoint_kw", "curtailed_kw", "net_load_kw", "quantity_kw"):
            assert getattr(again, name) == pytest.approx(getattr(action, name), abs=1e-9)
        assert abs(action.net_load_kw.sum()) <= scenario.spec.feeder.limit_kw + 1e-9
        inside = np.minimum(action.net_load_kw, 0) - 1e-9 <= action.quantity_kw
        assert np.all(inside & (action.quantity_kw <= np.maximum(action.net_load_kw, 0) + 1e-9))
        cut += action.curtailed_kw.sum()
        state, _ = engine.step(scenario, episode, state, proposal)
    assert cut > 0.0


def test_no_vehicle_behind_a_binding_feeder():
    from p2p_market.community.scenario.scenario import build
    from p2p_market.errors import ScenarioError

    spec = load_scenario("ev-12-v0").spec
    feeder = spec.feeder.model_copy(update={"mode": "binding"})
    with pytest.raises(ScenarioError, match="vehicles need the grid"):
        build(spec.model_copy(update={"feeder": feeder}))


def test_the_connection_must_carry_what_pv_no_longer_covers():
    from p2p_market.community.scenario.scenario import build
    from p2p_market.errors import ScenarioError

    spec = load_scenario("binding-feeder-v0").spec
    with pytest.raises(ScenarioError, match="when PV is cut"):
        build(spec.model_copy(update={"connection_limit_kw": 12.0}))
    assert p2p_market.make("binding-feeder-v0").scenario.cuts


def test_the_connection_must_carry_what_load_no_longer_takes():
    from p2p_market.community.scenario.scenario import build
    from p2p_market.errors import ScenarioError

    spec = load_scenario("binding-feeder-v0").spec
    roof = {"kind": "pv", "peak_kw": 60, "tilt_deg": 35, "azimuth_deg": 180}
    first, *others = spec.members
    assets = (*(one for one in first.assets if one["kind"] != "pv"), roof)
    members = (first.model_copy(update={"assets": assets}), *others)
    with pytest.raises(ScenarioError, match="when load is cut"):
        build(spec.model_copy(update={"members": members}))

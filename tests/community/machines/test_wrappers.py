"""What an operator says becomes what the device does."""

import numpy as np
import pytest

from p2p_market.assets.drivers.water import hydraulic_kw
from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.observation import features, observe
from p2p_market.community.wrappers import Operator
from p2p_market.errors import ArgumentError
from tests.community.machines.zoo import community

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all


def after(name, say):
    """Level of the device before and after a step in which its operator was heard [kWh]."""
    scenario = community(name)
    episode = draw(scenario, choose_key(scenario, 0, "test", 1))
    state, table = engine.start(scenario, episode), action_map(scenario)
    names = [one.name for one in features(scenario)]
    seen = dict(zip(names, observe(scenario, episode, state)[0, 0].tolist(), strict=True))
    physical = np.zeros((1, len(scenario.agents), table.width))
    physical[0, 0, 0] = say(Operator(scenario, 0, 0), seen)
    everyone = np.ones((1, len(scenario.agents)), dtype=np.bool_)
    proposal = to_proposal(physical, everyone, table.further)
    before = float(state.energy_kwh[0, 0, 0])
    state, done = engine.step(scenario, episode, state, proposal)
    assert done.action.setpoint_kw[0, 0, 0] == pytest.approx(physical[0, 0, 0])  # nothing was cut
    drift = float(episode.drift_kwh[0, 0, 0, 0]) if len(episode.drift_kwh) else 0.0
    return before, drift, float(state.energy_kwh[0, 0, 0])


@pytest.mark.parametrize("name", ["outdoor_battery", "hydrogen", "heat_pump", "reservoir"])
def test_a_level_is_reached(name):
    scenario = community(name)
    top = scenario.nodes.energy_max_kwh[0, 0]
    nearby = {"reservoir": -0.05, "hydrogen": 0.04, "heat_pump": 0.05, "outdoor_battery": -0.1}

    def say(operator, seen):
        wanted.append(seen["soc_0"] + nearby[name])
        return operator.level(seen, wanted[0])

    wanted = []
    _, _, level = after(name, say)
    assert level == pytest.approx(wanted[0] * top, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "wanted_c", "told"),
    [
        ("heated_room", 21.3, lambda e: 20.0 + e / 8.0),
        ("cold_store", -21.0, lambda e: -18 - e / 12),
    ],
)
def test_a_temperature_is_reached(name, wanted_c, told):
    _, _, level = after(name, lambda operator, seen: operator.temperature(seen, wanted_c))
    assert told(level) == pytest.approx(wanted_c, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "flow"), [("reservoir", 0.12), ("pumped", 0.03), ("pumped", -0.03)]
)
def test_so_much_water_flows(name, flow):
    head = {"reservoir": 20.0, "pumped": 50.0}[name]
    before, drift, level = after(name, lambda operator, _: operator.flow(flow))
    assert before + drift - level == pytest.approx(float(hydraulic_kw(flow, head)), abs=1e-6)


@pytest.mark.parametrize("kg_per_h", [0.4, -0.5])
def test_so_much_hydrogen_is_made_or_burnt(kg_per_h):
    before, _, level = after("hydrogen", lambda operator, _: operator.hydrogen(kg_per_h))
    assert level - before == pytest.approx(33.33 * kg_per_h, rel=1e-3)


def test_so_much_wood_is_ordered():
    assert Operator(community("wood_chp"), 0, 0).fuel(0.25) == pytest.approx(1025.0)


def test_what_a_device_does_not_have_cannot_be_told():
    operator = Operator(community("biogas_chp"), 0, 0)
    for say in (operator.flow, operator.hydrogen, operator.fuel):
        with pytest.raises(ArgumentError, match="prosumer_0, device 0"):
            say(1.0)
    with pytest.raises(ArgumentError, match="has no low_c"):
        operator.temperature({}, 20.0)

"""Known values through the step's own equation: what one hour does to the level of a machine."""

import numpy as np
import pytest

from p2p_market.assets import ASSETS
from p2p_market.assets.drivers import LAWS
from p2p_market.assets.machine import World, unmet
from p2p_market.assets.node import Presence, advance, coefficients, power_limits

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all

HOUR = 4  # quarters


def quarters(value):
    return np.full(HOUR, float(value))


def step(node, law, level, power, dt_h=1.0):
    """Level after each step of an hour, at a constant power inside the limits."""
    nodes = coefficients([[node]], dt_h)
    for t in range(round(1.0 / dt_h)):
        numbers = (law.drift_kwh, law.charge_share, law.low_share, law.high_share)
        top = min(law.top_kwh[t], node.energy_max_kwh)
        world = World(*(np.full((1, 1, 1), one) for one in (*(row[t] for row in numbers), top)))
        zero, one = np.zeros((1, 1, 1)), np.ones((1, 1, 1))
        presence = Presence(one, zero, zero, zero, world)
        before = np.full((1, 1, 1), float(level))
        low, high = power_limits(nodes, presence, before, zero)
        asked = np.full((1, 1, 1), float(power))
        assert low <= asked + 1e-9
        assert asked <= high + 1e-9
        missing, spilled = unmet(
            nodes.arrays(), presence.arrays(), float(level), float(power), 0, 0, 0
        )
        level = advance(nodes, presence, before, asked)[0].item()
    return level, missing, spilled


def test_a_reservoir_with_inflow_while_its_turbine_runs():
    node = ASSETS["hydro_storage"](
        power_kw=30.0, head_m=20.0, volume_m3=4000.0, mean_m3s=0.08, keep_m3s=0.01
    )
    law = LAWS["hydro_storage"](quarters(0.08), 1.0, head_m=20.0, keep_m3s=0.01)
    assert node.energy_max_kwh == pytest.approx(218.0)
    level, missing, spilled = step(node, law, 100.0, -20.0)
    assert level == pytest.approx(91.006727, abs=1e-3)
    assert missing == spilled == 0.0


def test_a_biogas_plant():
    node = ASSETS["biogas_chp"](power_kw=30.0, store_kwh=400.0, inflow_kw=35.0)
    law = LAWS["biogas_chp"](1, 1.0, inflow_kw=35.0)
    assert step(node, law, 200.0, -20.0)[0] == pytest.approx(182.368421, abs=1e-6)
    assert 20.0 * node.discharge_eur_per_kwh == pytest.approx(-0.710526, abs=1e-6)
    assert 20.0 * node.degradation_eur_per_kwh == pytest.approx(0.2)
    full, _, flared = step(node, law, 400.0, 0.0)
    assert full == 400.0
    assert flared == pytest.approx(35.0)


def test_heat_and_power_on_gas():
    node = ASSETS["heat_chp"](power_kw=10.0, store_kwh=60.0)
    law = LAWS["heat_chp"](quarters(0.0), quarters(0.0), 1.0, store_kwh=60.0)
    assert 30.0 - step(node, law, 30.0, -10.0)[0] == pytest.approx(20.0)  # heat that is stored
    assert 10.0 * node.discharge_eur_per_kwh == pytest.approx(2.333333, abs=1e-6)
    cold = LAWS["heat_chp"](quarters(50.0), quarters(0.0), 1.0, store_kwh=60.0)
    _, _, boiler = step(node, cold, 30.0, 0.0)
    assert boiler == pytest.approx(20.0)
    assert node.spilled_eur_per_kwh == pytest.approx(0.07 / 0.9)


def test_hydrogen_by_its_lower_heating_value():
    node = ASSETS["hydrogen"](power_kw=30.0, tank_kg=10.0, fuel_cell_kw=15.0)
    law = LAWS["hydrogen"](1, 1.0)
    stored = step(node, law, 100.0, 30.0)[0] - 100.0
    assert stored == pytest.approx(19.5)
    assert stored / 33.33 == pytest.approx(0.585059, abs=1e-6)
    used = 100.0 - step(node, law, 100.0, -15.0)[0]
    assert used / 33.33 == pytest.approx(0.900090, abs=1e-6)


@pytest.mark.parametrize("dt_h", [1.0, 0.25])
def test_a_room_is_exact_in_steps_of_any_length(dt_h):
    node = ASSETS["heated_room"](power_kw=3.0)
    law = LAWS["heated_room"](quarters(0.0), quarters(0.0), dt_h)
    level, _, _ = step(node, law, 8.0, 1.5, dt_h)
    assert level == pytest.approx(10.116329, abs=5e-3 if dt_h < 1.0 else 1e-3)
    assert 20.0 + level / 8.0 == pytest.approx(21.264541, abs=1e-3)


def test_a_cold_store():
    node = ASSETS["cold_store"](power_kw=12.0)
    law = LAWS["cold_store"](quarters(25.0), 1.0)
    level, _, _ = step(node, law, 36.0, 8.0)
    assert level == pytest.approx(29.448077, abs=1e-3)
    assert -18.0 - level / 12.0 == pytest.approx(-20.454006, abs=1e-3)

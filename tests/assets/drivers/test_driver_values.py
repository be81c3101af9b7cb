"""Laws against figures that were computed apart, from the equations of their sources."""

import numpy as np
import pytest

from p2p_market.assets.drivers.chp import fuel_eur_per_kwh, heat_credit_eur_per_kwh, heat_per_power
from p2p_market.assets.drivers.cold import chiller_cop, cold_gain_kw
from p2p_market.assets.drivers.ground import geothermal_share
from p2p_market.assets.drivers.heat import (
    heat_pump_cop,
    room_drift_kwh,
    room_gain_kw,
    room_leak_per_h,
)
from p2p_market.assets.drivers.hydrogen import KWH_PER_KG, hydrogen, hydrogen_kg
from p2p_market.assets.drivers.panel import inverter_kw, panel_temperature_c, temperature_factor
from p2p_market.assets.drivers.water import hydro_storage, reservoir_energy_kwh, run_of_river
from p2p_market.assets.drivers.wind import local_factor, rayleigh_speed_ms, turbine_share
from p2p_market.assets.node import PowerNode, retention_and_gains

CLOSE = {"abs": 1e-6}


@pytest.mark.parametrize(
    ("source_c", "flow_c", "cop"),
    [
        (-7.0, 55.0, 2.381734),
        (2.0, 55.0, 2.786179),
        (-7.0, 35.0, 3.301607),
        (2.0, 35.0, 4.202045),
        (8.0, 35.0, 5.135833),
        (25.0, 35.0, 5.5),
        (-60.0, 55.0, 1.5),
        (70.0, 55.0, 5.5),
    ],
)
def test_heat_pump(source_c, flow_c, cop):
    assert float(heat_pump_cop(source_c, flow_c)) == pytest.approx(cop, **CLOSE)


def test_turbine():
    speeds = np.array([2.9, 4.0, 6.0, 8.0, 10.0, 11.5, 24.9, 25.0])
    shares = [0.0, 0.024768, 0.126517, 0.324659, 0.651326, 1.0, 1.0, 0.0]
    assert turbine_share(speeds) == pytest.approx(shares, **CLOSE)


def test_speed_by_rank():
    speeds = rayleigh_speed_ms(np.array([0.1, 0.5, 0.9]), 5.5)
    assert speeds == pytest.approx([2.014451, 5.166905, 9.417282], **CLOSE)


def test_local_wind_has_mean_one_and_its_spread():
    factor = local_factor(np.random.default_rng(0).standard_normal((20_000, 40)))
    assert factor.mean() == pytest.approx(1.0, abs=0.005)
    assert np.log(factor).std() == pytest.approx(0.18, abs=0.003)
    latent = (np.log(factor) + 0.0162) / 0.18
    assert (latent[1:] * latent[:-1]).mean() == pytest.approx(0.95, abs=0.02)
    assert np.log(factor[0]).std() == pytest.approx(0.18, abs=0.05)  # from the first step on


def test_run_of_river():
    flow = np.array([9.0, 0.35])
    power = run_of_river(flow, 0.25, head_m=4.0, design_m3s=0.5, keep_m3s=0.1)
    assert power == pytest.approx([16.677, 8.3385], abs=0.00051)
    assert run_of_river(flow, 0.5, head_m=4.0, design_m3s=0.5, keep_m3s=0.1) == pytest.approx(
        [(16.677 + 8.3385) / 2.0], abs=0.00051
    )


def test_reservoir():
    assert reservoir_energy_kwh(20.0, 4_000.0) == pytest.approx(218.0)
    assert reservoir_energy_kwh(50.0, 1_500.0) == pytest.approx(204.375)
    (inflow,) = hydro_storage(np.full(4, 0.08), 1.0, head_m=20.0, keep_m3s=0.01).drift_kwh
    assert 100.0 + inflow - 20.0 / 0.88 == pytest.approx(91.006727, **CLOSE)


def test_biogas():
    assert 200.0 + 35.0 - fuel_eur_per_kwh(20.0, 0.38) == pytest.approx(182.368421, **CLOSE)
    assert 20.0 * heat_per_power(0.38, 0.45) == pytest.approx(23.684211, **CLOSE)
    assert 20.0 * heat_credit_eur_per_kwh(0.03, 0.38, 0.45) == pytest.approx(-0.710526, **CLOSE)


def test_heat_engine():
    assert 10.0 * fuel_eur_per_kwh(0.07, 0.30) == pytest.approx(2.333333, **CLOSE)
    assert 10.0 * heat_per_power(0.30, 0.60) == pytest.approx(20.0)


def test_hydrogen():
    assert float(hydrogen_kg(0.65 * 30.0)) == pytest.approx(0.585059, **CLOSE)
    assert float(hydrogen_kg(15.0 / 0.5)) == pytest.approx(0.900090, **CLOSE)
    taken = hydrogen(48, 1.0, pick_up_kg=np.array([5.0, 6.0]), pick_up_h=6.0, ahead_h=1.0)
    assert np.flatnonzero(taken.drift_kwh).tolist() == [4, 28]
    assert -taken.drift_kwh.sum() == pytest.approx(11.0 * KWH_PER_KG, abs=0.001)
    assert not hydrogen(48, 0.5).drift_kwh.any()


def test_a_truck_is_announced():
    """By hand: 50 kWh at 20 an hour; from standstill no more than there was time for."""
    kg = np.array([30.0, 50.0]) / KWH_PER_KG
    told = hydrogen(30, 1.0, pick_up_kg=kg, pick_up_h=2.0, fill_kw=20.0)
    assert told.floor_kwh[:2].tolist() == [10.0, -0.0]  # two hours: 30 is possible
    assert told.floor_kwh[20:26].tolist() == [0.0, 0.0, 0.0, 10.0, 30.0, 0.0]
    assert told.hours_left[:3].tolist() == [2.0, 1.0, 24.0]
    assert told.hours_left[25] == 1.0
    assert told.hours_left[26] == 0.0
    slow = hydrogen(30, 1.0, pick_up_kg=kg, pick_up_h=2.0, fill_kw=2.0)
    assert slow.floor_kwh[[0, 2, 24]].tolist() == [2.0, 2.0, 46.0]
    assert not (hydrogen(30, 1.0, pick_up_kg=kg).floor_kwh > 0.0).any()


def leaked(level: float, power: float, gain: float, leak: float, hours: float) -> float:
    """Level after a step, by the node's own equation."""
    retention, charge, _ = retention_and_gains(PowerNode("setpoint", leak_per_h=leak), hours)
    drift = float(room_drift_kwh(np.array(gain), leak, hours))
    return retention * level + charge * power + drift


def test_heated_room():
    cop = float(heat_pump_cop(0.0, 35.0))
    assert cop == pytest.approx(3.961929, **CLOSE)
    leak = room_leak_per_h(0.2, 8.0)
    gain = float(room_gain_kw(np.array(0.0), np.array(0.0), 20.0, 0.2, 0.4, 4.0))
    hour = leaked(8.0, 1.5 * cop, gain, leak, 1.0)
    assert hour == pytest.approx(10.116329, **CLOSE)
    assert 20.0 + hour / 8.0 == pytest.approx(21.264541, **CLOSE)
    level = 8.0
    for _ in range(4):
        level = leaked(level, 1.5 * cop, gain, leak, 0.25)
    assert level == pytest.approx(hour, abs=1e-11)


def test_cold_store():
    cop = float(chiller_cop(25.0, -24.0))
    assert cop == pytest.approx(1.556508, **CLOSE)
    gain = float(cold_gain_kw(np.array(25.0), -18.0, 0.35, 3.0))
    level = leaked(36.0, 8.0 * cop, gain, room_leak_per_h(0.35, 12.0), 1.0)
    assert level == pytest.approx(29.448077, **CLOSE)
    assert -18.0 - level / 12.0 == pytest.approx(-20.454006, **CLOSE)


@pytest.mark.parametrize(
    ("light", "air", "wind", "panel", "factor"),
    [(800.0, 20.0, 1.0, 45.125628, 0.919497), (1000.0, -5.0, 3.0, 16.968366, 1.032127)],
)
def test_panel(light, air, wind, panel, factor):
    warm = panel_temperature_c(air, light, wind)
    assert float(warm) == pytest.approx(panel, **CLOSE)
    assert float(temperature_factor(warm)) == pytest.approx(factor, **CLOSE)


def test_inverter():
    power = inverter_kw(np.array([0.1, 1.0, 2.5, 5.0, 6.0, 0.0]), 4.8)
    assert power == pytest.approx([0.068783, 0.949401, 2.405479, 4.8, 4.8, 0.0], **CLOSE)


def test_geothermal():
    shares = geothermal_share(np.array([-10.0, 0.0, 10.0, 30.0]))
    assert 20.0 * shares == pytest.approx([22.0, 21.2, 20.0, 17.6])

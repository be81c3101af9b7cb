"""Known values through the step itself: weather, law, draw, filter, physics, ledger."""

from dataclasses import replace

import numpy as np
import pytest

from p2p_market.assets.drivers import wind
from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.observation import features, observe
from p2p_market.community.scenario import laws
from p2p_market.community.scenario.scenario import build, validated
from p2p_market.data import weather
from p2p_market.data.calendar import DAYS_PER_YEAR
from tests.community.machines.zoo import content

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all

AIR_C = [-10, -7, 0, 2, 10, 20, 25, 30, -5, *[10] * 15]
LIGHT_WM2 = [0, 0, 0, 0, 0, 800, 0, 0, 1000, 20, 200, 500, 1000, 1200, *[0] * 10]
RIVER = [9.0, 0.35, *[1.0] * 22]
SPEEDS_MS = [2.9, 4.0, 6.0, 8.0, 10.0, 11.5, 24.9, 25.0]  # of a farm's turbine, from 9 o'clock on
RANKS = [0.1, 0.5, 0.9]  # from 17 o'clock on
"""Every day of the year is this one, hour by hour."""

RESERVOIR = {"kind": "hydro_storage", "head_m": 20, "volume_m3": 4000, "mean_m3s": 0.08}
ROOF = {"kind": "pv", "tilt_deg": 30, "azimuth_deg": 180, "detail": True, "peak_kw": 5000}
DEVICES = {
    "air 55": {"kind": "heat_pump", "power_kw": 6, "buffer_kwh": 25, "leak_per_h": 0},
    "air 35": {"kind": "heat_pump", "power_kw": 6, "buffer_kwh": 25, "leak_per_h": 0, "flow_c": 35},
    "brine 8": {
        "kind": "heat_pump", "power_kw": 6, "buffer_kwh": 25, "leak_per_h": 0, "flow_c": 35,
        "source_c": 8,
    },
    "brine 25": {
        "kind": "heat_pump", "power_kw": 6, "buffer_kwh": 25, "leak_per_h": 0, "flow_c": 35,
        "source_c": 25,
    },
    "room": {"kind": "heated_room", "power_kw": 3},
    "cold": {"kind": "cold_store", "power_kw": 12},
    "reservoir": {**RESERVOIR, "power_kw": 30, "keep_m3s": 0.01},
    "deep": {"kind": "hydro_storage", "power_kw": 20, "head_m": 50, "volume_m3": 1500},
    "biogas": {"kind": "biogas_chp", "power_kw": 30, "store_kwh": 400, "inflow_kw": 35},
    "engine": {"kind": "heat_chp", "power_kw": 10, "store_kwh": 60},
    "hydrogen": {"kind": "hydrogen", "power_kw": 30, "tank_kg": 10, "fuel_cell_kw": 15},
    "least": {"kind": "hydrogen", "power_kw": 20, "tank_kg": 10, "least_share": 0.25},
    "turbine": {"kind": "wind_turbine", "rated_kw": 30000},
    "mill": {
        "kind": "run_of_river", "head_m": 4, "design_m3s": 0.5, "mean_m3s": 1.0, "keep_m3s": 0.1,
    },
    "spring": {"kind": "geothermal_binary", "rated_kw": 20},
    "roof": {**ROOF, "loss": 1.0, "inverter_kw": 90000},
    "cool roof": {**ROOF, "loss": 1.0, "inverter_kw": 4800, "gamma_per_k": 0},
}  # fmt: skip
NAMES = list(DEVICES)


def every_day():
    """A year of the day above, without heat."""
    of_turbines = np.array(SPEEDS_MS) / (5.5 / 0.8862269254527580)
    over_roofs = np.array([1.0, 3.0]) / (3.0 / 0.8862269254527580)
    rank = np.full(24, 0.5)
    rank[9:17], rank[[5, 8]] = (-np.expm1(-(of**2)) for of in (of_turbines, over_roofs))
    rank[17:20] = RANKS
    series = {"temperature_c": AIR_C, "irradiance_wm2": LIGHT_WM2, "river_fraction": RIVER}
    own = weather.load("de2018")
    year = {name: of_hours(hours) for name, hours in (series | {"wind_rank": rank}).items()}
    year |= {name: 0.0 * own.series[name] for name in ("heat_kw", "hot_water_kw")}
    return replace(own, series=year)


def of_hours(hours):
    return np.tile(np.repeat(np.array(hours, dtype=np.float64), 4), DAYS_PER_YEAR)


def village(dt_h, names):
    """A member for each device, and a week of that day."""
    same = every_day()
    load = {"kind": "load", "donor": "G1-A", "annual_kwh": 100}
    values = content(
        "heat_pump", dt_h=dt_h, connection_limit_kw=100000, feeder={"limit_kw": 1e6},
        optimum="mixed_integer",
    )  # fmt: skip
    values["members"] = [
        {"node": 1, "contract": "hourly", "assets": [load, DEVICES[name]]} for name in names
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weather, "load", lambda _: same)
        patch.setattr(wind, "local_factor", np.ones_like)
        patch.setattr(
            laws, "irradiance_wm2", lambda sky, *_: np.resize(of_hours(LIGHT_WM2), len(sky))
        )
        scenario = build(validated(values, "known.yaml"))
        return scenario, draw(scenario, choose_key(scenario, 0, "test", 1))


@pytest.fixture(scope="module")
def hourly():
    return village(1.0, NAMES)


def played(where, step, levels, powers):
    """State after a step and what it did, of devices by name."""
    scenario, episode = where
    shape = 1, len(scenario.agents)
    physical, level = np.zeros((*shape, action_map(scenario).width)), np.zeros((*shape, 1))
    for name, value in levels.items():
        level[0, NAMES.index(name), 0] = value
    for name, value in powers.items():
        physical[0, NAMES.index(name), 0] = value
    state = engine.state_at(scenario, episode, step, level)
    proposal = to_proposal(physical, np.ones(shape, dtype=np.bool_))
    return engine.step(scenario, episode, state, proposal)


@pytest.mark.parametrize(
    ("name", "hour", "cop"),
    [
        ("air 55", 1, 2.381734), ("air 55", 3, 2.786179), ("air 35", 1, 3.301607),
        ("air 35", 3, 4.202045), ("brine 8", 4, 5.135833), ("brine 25", 4, 5.5),
    ],
)  # fmt: skip
def test_heat_per_power(hourly, name, hour, cop):
    state, _ = played(hourly, hour, {name: 5.0}, {name: 1.0})
    assert state.energy_kwh[0, NAMES.index(name), 0] - 5.0 == pytest.approx(cop, abs=3e-6)


@pytest.mark.parametrize(
    ("name", "hour", "before", "power", "after", "eur"),
    [
        ("reservoir", 2, 100.0, -20.0, 91.006727, 0.0),
        ("biogas", 2, 200.0, -20.0, 182.368421, 0.2 - 0.710526),
        ("engine", 2, 30.0, -10.0, 30.0 - 20.0, 2.333333),
        ("hydrogen", 2, 100.0, 30.0, 100.0 + 0.585059 * 33.33, 0.3),
        ("hydrogen", 2, 100.0, -15.0, 100.0 - 0.900090 * 33.33, 0.15),
        ("room", 2, 8.0, 1.5, 10.116329, 0.0),  # 21.264541 C
        ("cold", 6, 36.0, 8.0, 29.448077, 0.0),  # -20.454006 C
    ],
)
def test_an_hour_of_a_machine(hourly, name, hour, before, power, after, eur):
    state, done = played(hourly, hour, {name: before}, {name: power})
    own = NAMES.index(name)
    assert done.action.setpoint_kw[0, own, 0] == power
    assert state.energy_kwh[0, own, 0] == pytest.approx(after, abs=1e-3)
    assert done.ledger.entry("degradation")[0, own] == pytest.approx(eur, abs=1e-6)
    assert done.ledger.entry("shortfall")[0, own] == 0.0


def test_a_room_is_exact_in_steps_of_any_length():
    scenario, episode = village(0.25, ["room"])
    physical = np.zeros((1, 1, action_map(scenario).width))
    physical[0, 0, 0] = 1.5
    proposal = to_proposal(physical, np.ones((1, 1), dtype=np.bool_))
    state = engine.state_at(scenario, episode, 8, np.full((1, 1, 1), 8.0))
    for _ in range(4):
        state, _ = engine.step(scenario, episode, state, proposal)
    assert state.energy_kwh.item() == pytest.approx(10.116329, abs=5e-3)
    assert 20.0 + state.energy_kwh.item() / 8.0 == pytest.approx(21.264541, abs=1e-3)


def test_what_does_not_fit_is_flared_or_given_by_the_boiler(hourly):
    scenario, episode = hourly
    own = {name: NAMES.index(name) for name in ("biogas", "engine")}
    drift = episode.drift_kwh.copy()
    drift[2, 0, own["engine"], 0] = 50.0  # of heat that the house takes
    warm = scenario, replace(episode, drift_kwh=drift)
    state, done = played(warm, 2, {"biogas": 400.0, "engine": 30.0}, {})
    paid = done.ledger.entry("shortfall")[0]
    assert state.energy_kwh[0, own["biogas"], 0] == 400.0
    assert paid[own["biogas"]] == 0.0
    assert state.energy_kwh[0, own["engine"], 0] == 60.0
    assert paid[own["engine"]] == pytest.approx(20.0 * 0.07 / 0.9)


@pytest.mark.parametrize(("name", "most"), [("reservoir", 218.0), ("deep", 204.375)])
def test_energy_of_a_full_reservoir(hourly, name, most):
    state, _ = played(hourly, 2, {name: 1e3}, {})
    assert state.energy_kwh[0, NAMES.index(name), 0] == pytest.approx(most)


@pytest.mark.parametrize(
    ("level", "asked", "runs"),
    [(0.0, 2.4, 0.0), (0.0, 2.5, 5.0), (0.0, 4.9999999, 5.0), (333.3 - 4 * 0.65, 3.0, 0.0)],
)
def test_a_wish_snaps_to_standstill_or_the_least_load(hourly, level, asked, runs):
    _, done = played(hourly, 2, {"least": level}, {"least": asked})
    assert done.action.setpoint_kw[0, NAMES.index("least"), 0] == runs


def generated_kw(where, hour, name):
    _, episode = where
    _, done = played(where, hour, {}, {})
    own = NAMES.index(name)
    return episode.load_kw[hour, 0, own] - done.action.net_load_kw[0, own]


@pytest.mark.parametrize(
    ("name", "first", "expected_kw"),
    [
        (
            "turbine", 9,
            30000 * np.array([0, 0.024768, 0.126517, 0.324659, 0.651326, 1, 1, 0]),
        ),
        ("mill", 0, [16.677, 8.3385]),
        ("spring", 0, [22.0]),
        ("spring", 2, [21.2]),
        ("spring", 4, [20.0]),
        ("spring", 7, [17.6]),
        ("cool roof", 9, 1000 * np.array([0.068783, 0.949401, 2.405479, 4.8, 4.8])),
    ],
)  # fmt: skip
def test_what_weather_gives(hourly, name, first, expected_kw):
    found = [generated_kw(hourly, first + hour, name) for hour in range(len(expected_kw))]
    assert found == pytest.approx(expected_kw, rel=1e-6, abs=0.02 if name == "turbine" else 0.001)


@pytest.mark.parametrize(("hour", "light", "factor"), [(5, 800, 0.919497), (8, 1000, 1.032127)])
def test_panels_lose_in_the_heat_and_gain_in_the_cold(hourly, hour, light, factor):
    """An inverter far larger than the roof, undone by its own equation."""
    full, ac = 90_000 / 0.96, generated_kw(hourly, hour, "roof") / (90_000 / 0.9637)
    z = (0.9858 - np.sqrt(0.9858**2 - 4 * 0.0162 * (0.0059 + ac))) / (2 * 0.0162)
    assert z * full / (5000 * light / 1000) == pytest.approx(factor, abs=1e-6)


def test_members_see_the_speed_at_a_farm(hourly):
    scenario, episode = hourly
    place = [one.name for one in features(scenario)].index("wind_speed")
    levels = np.zeros((1, len(NAMES), 1))
    found = [
        observe(scenario, episode, engine.state_at(scenario, episode, hour, levels))[0, 0, place]
        for hour in (17, 18, 19)
    ]
    assert found == pytest.approx([2.014451, 5.166905, 9.417282], abs=5e-4)

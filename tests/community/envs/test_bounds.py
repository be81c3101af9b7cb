"""Every reading lies in the observation space, for every roof, load, contract and meter."""

from dataclasses import replace

import numpy as np
import pytest

from p2p_market.community import engine
from p2p_market.community.envs.env import CommunityEnv, box_of
from p2p_market.community.episode.episode import Episode, choose_key, draw
from p2p_market.community.observation import (
    features,
    joint_state,
    observe,
    state_features,
    surroundings,
)
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.community.scenario.schema import Faults, ScenarioSpec
from p2p_market.registry import load_scenario

SPLITS = ("train", "validation", "test")
ROOF = {"kind": "pv", "peak_kw": 0.55, "tilt_deg": 30.0, "azimuth_deg": 165.0}


def spec_of(assets: list[list[dict]], **settings: object) -> ScenarioSpec:
    """The classic scenario with other members, one per list of assets."""
    content = load_scenario("classic-v0").spec.model_dump()
    members = [{"node": n % 6, "contract": "own", "assets": own} for n, own in enumerate(assets)]
    contract = {"kind": "flat", "retail_eur_per_kwh": 0.3, "feed_in_eur_per_kwh": 0.1}
    changed = {"id": "bounds-v0", "members": members, "contracts": {"own": contract}, **settings}
    return ScenarioSpec.model_validate(content | changed)


def load(annual_kwh: float, donor: str = "G4-A") -> dict:
    return {"kind": "load", "donor": donor, "annual_kwh": annual_kwh}


def outside(scenario: Scenario, episodes: list[Episode]) -> list[tuple]:
    """Names and readings outside their range, over whole episodes with storage at rest."""
    table, joint = features(scenario), state_features(scenario)
    boxes = box_of(table), box_of(joint)
    found = []
    for episode in episodes:
        start = engine.start(scenario, episode)
        for step in range(scenario.steps + 1):
            state = replace(start, step=step)
            around = surroundings(scenario, episode, step)
            shown = observe(scenario, episode, state)[0], joint_state(scenario, around, state)
            for box, names, rows in zip(boxes, (table, joint), shown, strict=True):
                wrong = np.argwhere(~((rows >= box.low) & (rows <= box.high)))
                found += [(names[c].name, float(rows[r, c]), step) for r, c in wrong]
    return found


def random_spec(number: int) -> ScenarioSpec:
    """Members with roofs from a few watts to 30 kW, loads, batteries and vehicles of all sizes."""
    generator = np.random.default_rng([5, number])
    dt_h = float(generator.choice([0.25, 0.5, 1.0]))
    assets = []
    for _ in range(3):
        roof = {
            "kind": "pv",
            "peak_kw": round(float(10.0 ** generator.uniform(-2.5, 1.5)), 5),
            "tilt_deg": float(generator.integers(91)),
            "azimuth_deg": float(generator.integers(360)),
        }
        battery = {
            "kind": "battery",
            "capacity_kwh": float(10.0 ** generator.uniform(-3.0, 1.0)),
            "power_kw": float(10.0 ** generator.uniform(-3.0, 1.0)),
        }
        vehicle = {
            "kind": "electric_vehicle",
            "capacity_kwh": float(10.0 ** generator.uniform(0.0, 2.0)),
            "power_kw": float(10.0 ** generator.uniform(-3.0, 1.0)),
            "target_soc": 1.0,
            "stays_per_day": 1.0,
        }
        own = [one for one in (roof, battery, vehicle) if generator.random() < 0.8]
        assets.append([load(float(10.0 ** generator.uniform(0.0, 4.3))), *own])
    spec = spec_of(assets, dt_h=dt_h, days=1, connection_limit_kw=200.0)
    return spec.model_copy(update={"terminal_value_eur_per_kwh": 0.2})


@pytest.mark.parametrize("number", range(12))
def test_random_members_read_inside_their_ranges(number):
    scenario = build(random_spec(number))
    generator = np.random.default_rng(number)
    episodes = [
        draw(scenario, choose_key(scenario, number, str(generator.choice(SPLITS)), week))
        for week in generator.choice(13, 2, replace=False).tolist()
    ]
    assert outside(scenario, episodes) == []


def test_the_bound_of_pv_is_rounded_as_its_reading_is():
    """A roof whose highest power without clouds is 0.40293 kW reads 0.403 kW once in the year."""
    scenario = build(spec_of([[load(20000.0), ROOF]], dt_h=0.25, days=7))
    bound = {feature.name: feature.high for feature in features(scenario)}["pv"]
    assert bound == 0.403
    readings = [
        draw(scenario, choose_key(scenario, week, split, week)).pv_kw.max()
        for split in SPLITS
        for week in range(13)
    ]
    assert max(readings) == bound


@pytest.mark.parametrize("peak_kw", [0.001, 0.003, 0.0117, 0.05, 0.2, 1.0, 7.3])
def test_no_roof_reads_above_its_bound_in_any_week(peak_kw):
    looks = [(tilt, azimuth) for tilt in (0.0, 31.0, 77.0) for azimuth in (90.0, 165.0, 181.0)]
    for tilt, azimuth in looks[:: 2 if peak_kw > 0.1 else 1]:
        roof = {"kind": "pv", "peak_kw": peak_kw, "tilt_deg": tilt, "azimuth_deg": azimuth}
        scenario = build(spec_of([[load(2000.0), roof]], dt_h=0.25, days=1))
        bound = {feature.name: feature.high for feature in features(scenario)}["pv"]
        for day in (105, 133, 161, 166, 189):  # the longest days
            for seed in range(3):
                key = replace(choose_key(scenario, seed, "test", 5), start_day=day)
                episode = draw(scenario, key)
                assert episode.pv_kw.max() <= bound
                assert episode.pv_ceiling_kw.max() <= bound


def test_a_full_vehicle_at_the_start_is_not_rounded_above_its_capacity():
    vehicle = {
        "kind": "electric_vehicle", "capacity_kwh": 1.0006, "power_kw": 0.001, "target_soc": 1.0,
        "stays_per_day": 1.0,
    }  # fmt: skip
    spec = spec_of([[load(2000.0), vehicle]], dt_h=0.25, days=1)
    scenario = build(spec.model_copy(update={"terminal_value_eur_per_kwh": 0.2}))
    episode = draw(scenario, choose_key(scenario, 163, "train", 0))
    assert episode.start_energy_kwh[0, 0, 0] == 1.0006  # as a short stay brings next to nothing
    assert outside(scenario, [episode]) == []


def test_prices_on_a_coarse_tick_are_shown_in_their_range():
    """A bid at the highest price is rounded up to 0.63, and clears there in an outage."""
    spec = load_scenario("outage-v0").spec
    contracts = {
        name: contract.model_copy(update={"feed_in_eur_per_kwh": 0.07})
        for name, contract in spec.contracts.items()
    }
    change = {
        "tick_eur_per_kwh": 0.07,
        "price_max_eur_per_kwh": 0.6,
        "contracts": contracts,
        "days": 2,
        "outages": spec.outages.model_copy(update={"windows": 8, "hours": (6.0, 9.0)}),
        "feeder": spec.feeder.model_copy(update={"overload_eur_per_kwh": 0.05}),
    }
    env = CommunityEnv(build(spec.model_copy(update=change)))
    seen, _ = env.reset(seed=0)
    column = [feature.name for feature in env.feature_table].index("last_clearing_price")
    highest, buy, sell = 0.0, np.array([0.0, 1.0, 1.0]), np.array([-1.0, -1.0, 1.0])
    while env.agents:
        for agent, row in seen.items():
            assert env.observation_space(agent).contains(row)
            highest = max(highest, float(row[column]))
        assert env.state_space.contains(env.state())
        seen, *_ = env.step({a: sell if n % 2 else buy for n, a in enumerate(seen)})
    assert highest == pytest.approx(0.63)


@pytest.mark.parametrize("kind", ["biased", "stuck"])
def test_forecasts_from_wrong_meters_are_shown_in_their_range(kind):
    """At dawn a whole roof's power on the meter is hundreds of times what is expected."""
    spec = load_scenario("classic-v0").spec
    faults = Faults(kinds=(kind,), per_agent_day=20.0, hours=(2.0, 8.0), bias_share=3.0)
    scenario = build(spec.model_copy(update={"faults": faults, "dt_h": 0.25, "days": 2}))
    episodes = [draw(scenario, choose_key(scenario, seed, "train", 5)) for seed in range(2)]
    assert outside(scenario, episodes) == []


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_forecasts_from_extreme_readings_are_shown_in_their_range(share):
    """The contracted peak, or nothing, in every step; PV at its ceiling, or none."""
    scenario = build(spec_of([[load(9000.0, "G1-B")], [load(2000.0), ROOF]], dt_h=1.0, days=7))
    episode = draw(scenario, choose_key(scenario, 0, "test", 2))
    load_kw = share * np.broadcast_to(scenario.peak_load_kw, episode.load_kw.shape)
    extreme = replace(episode, load_kw=load_kw.copy(), pv_kw=share * episode.pv_ceiling_kw)
    assert outside(scenario, [extreme]) == []


def test_the_band_of_a_price_is_shown_in_its_range():
    """A contract with floor and cap may vary less than the prices that it follows."""
    dynamic = {
        "kind": "dynamic", "factor": 60.0, "adder_eur_per_kwh": 0.0, "floor_eur_per_kwh": 0.25,
        "cap_eur_per_kwh": 0.3, "feed_in_eur_per_kwh": 0.1,
    }  # fmt: skip
    spec = spec_of([[load(2000.0)]], contracts={"own": dynamic}, days=1, dt_h=1.0)
    scenario = build(spec.model_copy(update={"price_max_eur_per_kwh": 0.45}))
    assert outside(scenario, [draw(scenario, choose_key(scenario, 0))]) == []


def test_intensities_above_a_kilogram_are_shown_in_their_range():
    scenario = load_scenario("classic-v0")
    data = replace(scenario.data, co2_g_per_kwh=scenario.data.co2_g_per_kwh + 900.0)
    scenario = replace(scenario, data=data)
    bound = {feature.name: feature.high for feature in features(scenario)}["co2_intensity"]
    assert draw(scenario, choose_key(scenario, 0)).co2_kg_per_kwh.max() <= bound

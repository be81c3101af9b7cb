"""PyPSA, with equations of its own, plans plants as cheaply as the optimum: three cases."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from baselines.community.optimal.policy import optimum
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.scenario.scenario import build, validated
from tests.community.machines.zoo import content
from tests.fresh import environment

MODEL = Path(__file__).with_name("pypsa_model.py")
STEPS = 48
STEP = np.arange(STEPS)
SITE = {
    "price": np.round(
        0.30
        + 0.1 * np.sin(2.0 * np.pi * STEP / 24)
        + np.random.default_rng(0).normal(0.0, 0.03, STEPS),
        3,
    ),
    "load_kw": 10.0 + 5.0 * np.sin(STEP / 6),
    "pv_kw": np.maximum(0.0, 60.0 * np.sin((STEP % 24 - 6) * np.pi / 12)),
}
FEED_IN = 0.10
TANK = {"name": "tank", "capacity_kwh": 333.3, "start_kwh": 100.0}
INFLOW = 8.0 + 4.0 * np.sin(STEP / 5)
DEMAND = 9.0 + 3.0 * np.cos(STEP / 4)
COP = 3.0 + 0.5 * np.sin(STEP / 7)
CASES = {
    "electrolyser and fuel cell": (
        [{"kind": "hydrogen", "power_kw": 30, "tank_kg": 10, "fuel_cell_kw": 15,
          "hydrogen_eur_per_kg": 0.12 * 33.33}],
        [TANK | {"value": 0.12, "charge": {"kw": 30, "eta": 0.65, "wear": 0.01},
                 "discharge": {"kw": 15, "eta": 0.5, "wear": 0.01}}],
    ),
    "least load and starts": (
        [{"kind": "hydrogen", "power_kw": 30, "tank_kg": 10, "least_share": 0.2, "start_eur": 0.5,
          "hydrogen_eur_per_kg": 9.0}],
        [TANK | {"value": 9.0 / 33.33,
                 "charge": {"kw": 30, "eta": 0.65, "wear": 0.01, "least": 0.2, "start": 0.5}}],
    ),
    "reservoir and heat pump": (
        [{"kind": "hydro_storage", "power_kw": 30, "head_m": 20, "volume_m3": 4000,
          "mean_m3s": 0.08, "terminal_eur_per_kwh": 0.1},
         {"kind": "heat_pump", "power_kw": 6, "buffer_kwh": 25}],
        [{"name": "water", "capacity_kwh": 218.0, "start_kwh": 100.0, "value": 0.1,
          "drift_kw": INFLOW.tolist(), "missing": 1e3,
          "discharge": {"kw": 30, "eta": 0.88, "wear": 0.0}},
         {"name": "heat", "capacity_kwh": 25.0, "start_kwh": 10.0, "value": 0.025,
          "lost_per_step": 1.0 - np.exp(-0.01), "drift_kw": (-DEMAND).tolist(), "missing": 0.6,
          "charge": {"kw": 6, "eta": COP.tolist(), "wear": 0.0}}],
    ),
}  # fmt: skip
KNOWN = {"electrolyser and fuel cell": -6.3297003295, "least load and starts": -35.7920178517}
"""Cost of PyPSA 1.4.0, which does not count what is stored at the start."""


def scenario_of(devices, whole):
    values = content("heat_pump", days=2, connection_limit_kw=200)
    values["contracts"]["hourly"] = {
        "kind": "flat", "retail_eur_per_kwh": 0.3, "feed_in_eur_per_kwh": FEED_IN
    }  # fmt: skip
    values["optimum"] = "mixed_integer" if whole else "linear"
    roof = {"kind": "pv", "peak_kw": 60, "tilt_deg": 30, "azimuth_deg": 180}
    values["members"] = values["members"][:1]
    values["members"][0]["assets"][1:] = [roof, *devices]
    return build(validated(values, "pypsa.yaml"))


def planned_eur(devices, plants):
    """Cost of the optimum under the case's series, as PyPSA counts it."""
    scenario = scenario_of(devices, "least_share" in devices[0])
    episode = draw(scenario, choose_key(scenario, 0, "test", 1))
    own = {name: series[:, None, None] for name, series in SITE.items()}
    retail = episode.retail_eur_per_kwh.copy()
    retail[:STEPS] = own["price"]
    drift, share = episode.drift_kwh.copy(), episode.charge_share.copy()
    for place, plant in enumerate(plants):
        if "drift_kw" in plant:
            drift[:, 0, 0, place] = plant["drift_kw"]
    if "heat" in (plant["name"] for plant in plants):
        hours = (1.0 - np.exp(-0.01)) / 0.01
        share[:, 0, 0, 1] = COP / 3.0 / hours  # PyPSA's leak leaves what comes in alone
    start = np.array([[[plant["start_kwh"] for plant in plants]]])
    cap = own["price"] - scenario.network_fee_eur_per_kwh
    changed = replace(
        episode, load_kw=own["load_kw"], pv_kw=own["pv_kw"], retail_eur_per_kwh=retail,
        carbon_eur_per_kwh=np.zeros((STEPS, 1)), start_energy_kwh=start, bid_cap_eur_per_kwh=cap,
        drift_kwh=drift, charge_share=share,
    )  # fmt: skip
    plan = optimum(scenario, proved=True).plan(changed)
    return plan.objective_eur - sum(plant["value"] * plant["start_kwh"] for plant in plants)


@pytest.mark.parametrize("name", KNOWN)
def test_the_optimum_costs_what_pypsa_found(name):
    assert planned_eur(*CASES[name]) == pytest.approx(KNOWN[name], abs=1e-6)


@pytest.mark.slow
def test_pypsa_finds_the_same_costs(tmp_path):
    scripts = environment(tmp_path, ["pypsa==1.4.0", "highspy"])
    for name, (devices, plants) in CASES.items():
        case = {key: series.tolist() for key, series in SITE.items()}
        case |= {"feed_in": FEED_IN, "plants": plants}
        command = [scripts / "python", MODEL]
        done = subprocess.run(command, input=json.dumps(case), capture_output=True, text=True)
        found = re.search(r"^COST (.+)$", done.stdout, re.M)
        assert found, done.stderr
        assert planned_eur(devices, plants) == pytest.approx(float(found[1]), abs=1e-6), name

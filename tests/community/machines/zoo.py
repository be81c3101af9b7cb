"""Communities of two members, one of which owns a single machine: small enough for every test."""

from functools import lru_cache

import pytest
import yaml
from numba import config

from p2p_market.community.rules.policy import no_trade, truthful
from p2p_market.community.scenario.scenario import build, validated
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.rollout import rollout

TEXT = """
title: A machine and a neighbour
description: For tests.
data: de2018
dt_h: 1.0
days: 7
price_max_eur_per_kwh: 1.0
shortfall_eur_per_kwh: 2.0
terminal_value_eur_per_kwh: 0.15
connection_limit_kw: 60
site: {latitude_deg: 51.3, longitude_deg: 9.5}
feeder: {limit_kw: 500}
fees: {level: full}
contracts:
  hourly:
    {kind: dynamic, factor: 1.19, adder_eur_per_kwh: 0.2, floor_eur_per_kwh: 0.2,
     feed_in_eur_per_kwh: 0.1}
members:
  - {node: 1, contract: hourly, assets: [{kind: load, donor: G1-A, annual_kwh: 40000}]}
  - node: 5
    contract: hourly
    assets:
      - {kind: load, donor: G3-A, annual_kwh: 20000}
      - {kind: pv, peak_kw: 30, tilt_deg: 30, azimuth_deg: 180}
      - {kind: battery, capacity_kwh: 20, power_kw: 10}
"""

LINEAR = {
    "biogas_chp": {"power_kw": 30, "store_kwh": 400, "inflow_kw": 35},
    "biogas_slow": {
        "kind": "biogas_chp", "power_kw": 30, "store_kwh": 400, "inflow_kw": 35, "ramp_kw_per_h": 5,
    },
    "heat_pump": {"power_kw": 6, "buffer_kwh": 25},
    "heated_room": {"power_kw": 3},
    "cold_store": {"power_kw": 12},
    "reservoir": {
        "kind": "hydro_storage", "power_kw": 30, "head_m": 20, "volume_m3": 4000, "mean_m3s": 0.08,
        "keep_m3s": 0.01,
    },
    "pumped": {
        "kind": "hydro_storage", "power_kw": 20, "head_m": 50, "volume_m3": 1500, "pump_kw": 20,
        "terminal_eur_per_kwh": 0.12,
    },
    "heat_chp": {"power_kw": 10, "store_kwh": 60},
    "heat_chp_slow": {"kind": "heat_chp", "power_kw": 10, "store_kwh": 60, "ramp_kw_per_h": 2},
    "hydrogen": {"power_kw": 30, "tank_kg": 10, "fuel_cell_kw": 15},
    "pick_up": {
        "kind": "hydrogen", "power_kw": 30, "tank_kg": 10, "pick_up_kg": 5,
        "missing_eur_per_kg": 60,
    },
    "shiftable_load": {"power_kw": 12, "daily_kwh": 40},
    "data_centre": {"power_kw": 20, "job_kwh": 30},
    "outdoor_battery": {
        "kind": "battery", "type": "li-ion", "capacity_kwh": 20, "power_kw": 10, "outdoor": True,
        "soh": 0.9, "hold_eur_per_kwh_h": 0.0001,
    },
    "lead_acid": {"kind": "battery", "type": "lead-acid", "capacity_kwh": 20, "power_kw": 5},
    "vehicle_to_house": {
        "kind": "electric_vehicle", "capacity_kwh": 60, "power_kw": 11, "discharge_power_kw": 10,
        "target_soc": 0.7, "discharge_to": "house",
    },
    "vehicle_taper": {
        "kind": "electric_vehicle", "capacity_kwh": 60, "power_kw": 22, "discharge_power_kw": 10,
        "target_soc": 0.7, "taper": True,
    },
    "wood_chp": {"power_kw": 30, "store_kwh": 2000, "heat_eur_per_kwh": 0.015},
    "battery_taper": {"kind": "battery", "capacity_kwh": 30, "power_kw": 15, "taper": True},
    "pv_detail": {
        "kind": "pv", "peak_kw": 20, "tilt_deg": 30, "azimuth_deg": 180, "detail": True,
        "age_years": 10,
    },
    "wind_turbine": {"turbine": "farm"},
    "run_of_river": {"head_m": 4, "design_m3s": 0.5, "mean_m3s": 0.5, "keep_m3s": 0.1},
    "geothermal_binary": {"rated_kw": 20},
}  # fmt: skip
WHOLE = {
    "heat_pump_least": {"kind": "heat_pump", "power_kw": 6, "buffer_kwh": 25, "least_share": 0.3},
    "biogas_least": {
        "kind": "biogas_chp", "power_kw": 30, "store_kwh": 400, "inflow_kw": 35, "least_share": 0.5,
    },
    "biogas_ramp": {
        "kind": "biogas_chp", "power_kw": 30, "store_kwh": 400, "inflow_kw": 35,
        "ramp_kw_per_h": 5, "least_share": 0.1,
    },
    "hydrogen_least": {
        "kind": "hydrogen", "power_kw": 30, "tank_kg": 10, "fuel_cell_kw": 15, "least_share": 0.1,
        "start_eur": 0.5,
    },
    "biogas_service": {
        "kind": "biogas_chp", "power_kw": 30, "store_kwh": 400, "inflow_kw": 35, "maintenance_h": 8,
        "maintenance_by_day": 5,
    },
    "heat_chp_least": {
        "kind": "heat_chp", "power_kw": 10, "store_kwh": 60, "least_share": 0.5, "start_eur": 0.5,
    },
}  # fmt: skip
ALL = LINEAR | WHOLE
ACTS = ("wood_chp", "biogas_service")
"""Those with columns of their own: a step for each of them is compiled anew."""
PLAIN = [] if config.DISABLE_JIT else [pytest.mark.slow]
"""Marks of tests of these: as plain Python they take seconds."""
ANY = [pytest.param(name, marks=PLAIN if name in ACTS else []) for name in ALL]


@lru_cache
def community(name, dt_h=1.0, limit_kw=500):
    """The community of a machine, by its name in `ALL`."""
    feeder = {"limit_kw": limit_kw, "overload_eur_per_kwh": 0.1}
    return build(validated(content(name, dt_h=dt_h, feeder=feeder), f"{name}.yaml"))


def content(name, **settings):
    """What its scenario file says."""
    values = yaml.safe_load(TEXT) | {"id": f"zoo-{name.replace('_', '-')}-v0"}
    device = {"kind": name} | ALL[name]
    values["members"][0]["assets"].append(device)
    values["optimum"] = "mixed_integer" if name in WHOLE else "linear"
    return values | settings


def both_ends(scenario, episode, plan):
    """What optimum and rules played: its certificate holds, and no rule is below its bound."""
    certificate, best = certify(scenario, episode, plan)
    assert certificate.holds, str(certificate)
    rules = [rollout(scenario, episode, r(scenario), r.__name__) for r in (no_trade, truthful)]
    for played in rules:
        cost = float(played.social_cost_eur[0])
        assert cost >= certificate.bound_eur - certificate.tolerance_eur
    return best, rules

"""Communities at the far end of a line: small enough for every test."""

from functools import lru_cache

import pytest
import yaml
from numba import config

from p2p_market.community.scenario.scenario import build, validated

RUN = [
    pytest.mark.xdist_group("machines"),
    *([] if config.DISABLE_JIT else [pytest.mark.slow]),
]
"""As plain Python these tests take seconds; compiling what they play takes a minute."""

TEXT = """
id: line-v0
title: Neighbours at the far end
description: For tests.
data: de2018
dt_h: 1.0
days: 2
price_max_eur_per_kwh: 1.0
shortfall_eur_per_kwh: 2.0
terminal_value_eur_per_kwh: 0.15
connection_limit_kw: 40
site: {latitude_deg: 51.3, longitude_deg: 9.5}
feeder: {limit_kw: 500, overload_eur_per_kwh: 0.05}
fees: {level: low}
contracts:
  hourly:
    {kind: dynamic, factor: 1.19, adder_eur_per_kwh: 0.2, floor_eur_per_kwh: 0.2,
     feed_in_eur_per_kwh: 0.08}
members:
  - node: 63
    contract: hourly
    assets:
      - {kind: load, donor: H0-A, annual_kwh: 4000}
      - {kind: pv, peak_kw: 16, tilt_deg: 30, azimuth_deg: 180}
      - {kind: battery, capacity_kwh: 20, power_kw: 15}
  - node: 77
    contract: hourly
    assets:
      - {kind: load, donor: H0-B, annual_kwh: 3000}
      - {kind: battery, capacity_kwh: 20, power_kw: 15}
      - {kind: electric_vehicle, capacity_kwh: 50, power_kw: 11, discharge_power_kw: 10}
  - node: 40
    contract: hourly
    assets:
      - {kind: load, donor: H0-C, annual_kwh: 5000}
      - {kind: electric_vehicle, capacity_kwh: 50, power_kw: 22}
  - node: 55
    contract: hourly
    assets:
      - {kind: load, donor: H0-G, annual_kwh: 5000}
      - {kind: pv, peak_kw: 12, tilt_deg: 30, azimuth_deg: 220}
"""

BINDING = {"mode": "binding", "band_pu": [0.995, 1.012], "eur_per_pu_h": 100.0}
PRICED = {"mode": "priced", "band_pu": [0.998, 1.008], "eur_per_pu_h": 4.0}
BY_RULE = {**BINDING, "reactive": "cos_phi", "transformer": True}
AGENT = {**BINDING, "reactive": "agent"}
AGENT_PRICED = {
    "mode": "priced", "band_pu": [0.9999, 1.0005], "eur_per_pu_h": 10.0, "reactive": "agent",
    "inverter_kva_per_kw": 1.02,
}  # fmt: skip
VOLTAGES = {
    "binding": BINDING, "priced": PRICED, "by_rule": BY_RULE, "agent": AGENT,
    "agent_priced": AGENT_PRICED,
}  # fmt: skip


def values(voltage=None, **changes):
    """What a file would say."""
    found = yaml.safe_load(TEXT) | changes
    return found if voltage is None else {**found, "voltage": voltage}


@lru_cache
def line(name):
    """A community with one of `VOLTAGES`, or without."""
    return build(validated(values(VOLTAGES.get(name)), "line"))

"""What a network is shown of a machine: what is observed of it, and what is fixed of it."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from p2p_market.community.observation import features
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data.forecast import HORIZONS_H
from p2p_market.records import FloatArray, IntArray

SEEN: Final = (
    "power_low", "power_high", "power_keep", "drift", "charge_share", "running",
    *(f"drift_in_{hours}h" for hours in HORIZONS_H),
)  # fmt: skip
"""Features of a device in a community with machines."""
MOST_KW: Final = 1e3
"""A ramp that allows more is none."""


def machine_columns(scenario: Scenario, asset: IntArray) -> tuple[IntArray, tuple[str, ...]]:
    """Columns of an observation about devices, (row, feature), and their names without a number.

    Args:
        asset: of each row, its place among its owner's devices.
    """
    if scenario.nodes.machines is None:
        return np.zeros((len(asset), 0), dtype=np.int64), ()
    at = {feature.name: column for column, feature in enumerate(features(scenario))}
    return np.array([[at[f"{name}_{k}"] for name in SEEN] for k in asset.tolist()]), SEEN


def facts(scenario: Scenario) -> Mapping[str, FloatArray]:
    """What is fixed of each device, (agent, asset) by name; nothing where all are plain stores."""
    nodes, machines, dt_h = scenario.nodes, scenario.nodes.machines, scenario.dt_h
    if machines is None:
        return {}
    return {
        "stored_per_kwh": nodes.charge_gain_h / dt_h,
        "taken_per_kwh": nodes.discharge_gain_h / dt_h,
        "lost_per_h": (1.0 - nodes.retention) / dt_h,
        "charge_price": nodes.degradation_eur_per_kwh + machines.charge_eur_per_kwh,
        "discharge_price": nodes.degradation_eur_per_kwh + machines.discharge_eur_per_kwh,
        "missing_price": machines.missing_eur_per_kwh,
        "spilled_price": machines.spilled_eur_per_kwh,
        "end_value": machines.terminal_eur_per_kwh,
        "least_up": machines.charge_on_kw,
        "least_down": machines.discharge_on_kw,
        "ramp": np.minimum(machines.ramp_kw, MOST_KW),
        "start_price": machines.start_eur,
        "can_charge": (nodes.power_max_kw > 0.0).astype(float),
        "can_discharge": (nodes.power_min_kw < 0.0).astype(float),
    }

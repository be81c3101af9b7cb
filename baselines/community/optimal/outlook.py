"""The input of a program that has no episode: the hours that somebody expects."""

from dataclasses import dataclass, field

import numpy as np

from p2p_market.records import FloatArray, Record


def _nothing() -> FloatArray:
    return np.zeros((0, 1, 1, 1))


@dataclass(frozen=True, slots=True)
class Outlook(Record):
    """Series named and shaped as in `Episode`, (step, batch, agent), for a batch of one."""

    load_kw: FloatArray
    pv_kw: FloatArray
    retail_eur_per_kwh: FloatArray
    feed_in_eur_per_kwh: FloatArray
    carbon_eur_per_kwh: FloatArray  # (step, batch)
    ask_floor_eur_per_kwh: FloatArray
    bid_cap_eur_per_kwh: FloatArray
    grid: FloatArray  # (step, batch)
    plugged: FloatArray  # (step, batch, agent, asset)
    departs: FloatArray
    trip_kwh: FloatArray
    floor_kwh: FloatArray
    start_energy_kwh: FloatArray  # (batch, agent, asset)
    # What the world does to machines, (step, batch, agent, asset); or no rows
    drift_kwh: FloatArray = field(default_factory=_nothing)
    charge_share: FloatArray = field(default_factory=_nothing)
    low_share: FloatArray = field(default_factory=_nothing)
    high_share: FloatArray = field(default_factory=_nothing)
    top_kwh: FloatArray = field(default_factory=_nothing)
    spilled_max_kwh: FloatArray = field(default_factory=_nothing)  # no rows: what the drift fills

"""The input of a program that has no episode: the hours that somebody expects."""

from dataclasses import dataclass

from p2p_market.records import FloatArray, Record


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

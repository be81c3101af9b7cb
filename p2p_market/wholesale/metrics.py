"""Columns beside the score."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from p2p_market.records import FloatArray, Trajectory
from p2p_market.track import Metric
from p2p_market.wholesale.records import LEDGER_ENTRIES
from p2p_market.wholesale.scenario import INVERTER, Scenario
from p2p_market.wholesale.schema import KINDS

MARKET: Final = LEDGER_ENTRIES.index("market")


def renewable_share(scenario: Scenario, episode: Any, played: Trajectory) -> FloatArray:
    """Output of inverters over the load served, (batch,)."""
    inverters = [KINDS.index(unit.kind) == INVERTER for unit in scenario.spec.generators]
    output = played.series["output_mw"][..., inverters].sum(axis=(0, 2))
    load = played.series["load_mw"].sum(axis=(0, 2))
    return np.asarray(output / np.maximum(load, 1e-9))


def consumer_payment(scenario: Scenario, episode: Any, played: Trajectory) -> FloatArray:
    """What consumers pay for energy at the clearing price, (batch,) [EUR]."""
    first = sum(scenario.sizes[:2])
    return np.asarray(played.entries_eur[:, :, first:-1, MARKET].sum(axis=(0, 2)))


def mean_price(scenario: Scenario, episode: Any, played: Trajectory) -> FloatArray:
    """Clearing price, mean over steps, (batch,) [EUR/MWh]."""
    return np.asarray(played.series["price_eur_per_mwh"].mean(axis=0))


def in_band(scenario: Scenario, episode: Any, played: Trajectory) -> FloatArray:
    """Share of steps in which the frequency stays in its band, (batch,)."""
    band = scenario.rules.band_hz
    inside = (played.series["deviation_hz"] <= band).all(axis=-1)
    return np.asarray(inside.mean(axis=0))


def outage_probability(scenario: Scenario, episode: Any, played: Trajectory) -> FloatArray:
    """Share of steps in which firm load is lost or shed, (batch,)."""
    lost = played.series["lost_mw"].sum(axis=-1) + played.series["shed_mw"].sum(axis=-1)
    return np.asarray((lost > 1e-9).mean(axis=0))


def emissions(scenario: Scenario, episode: Any, played: Trajectory) -> FloatArray:
    """Of all units, (batch,) [t]."""
    return np.asarray(played.series["emissions_t"].sum(axis=(0, 2)))


METRICS: Final[Mapping[str, Metric]] = {
    "consumer_payment": Metric("EUR", "low", consumer_payment),
    "mean_price": Metric("EUR/MWh", "", mean_price),
    "renewable_share": Metric("1", "high", renewable_share),
    "emissions": Metric("t", "low", emissions),
    "in_band": Metric("1", "high", in_band),
    "outage_probability": Metric("1", "low", outage_probability),
}

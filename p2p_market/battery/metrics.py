"""Columns beside the score."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from p2p_market.battery.episode.episode import Episode
from p2p_market.battery.records import LEDGER_ENTRIES
from p2p_market.battery.scenario import Scenario
from p2p_market.records import FloatArray
from p2p_market.track import Metric, Trajectory


def profit_eur(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """What the fleet earned, wear and the end of the episode included."""
    return -played.social_cost_eur


def _earned(*names: str) -> Any:
    places = [LEDGER_ENTRIES.index(name) for name in names]

    def earned_eur(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
        return np.asarray(-played.entries_eur[..., places].sum(axis=(0, 2, 3)))

    return earned_eur


def penalties_eur(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Paid for what was sold or promised and not delivered."""
    places = [LEDGER_ENTRIES.index(name) for name in ("dam_penalty", "afrr_penalty")]
    return np.asarray(played.entries_eur[..., places].sum(axis=(0, 2, 3)))


def cycles(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Full equivalent cycles: energy in both directions over twice the capacity."""
    legs = (played.series[name] for name in ("dam_mw", "afrr_mw", "energy_mw"))
    energy_mwh = scenario.dt_h * sum(np.abs(leg).sum(axis=(0, 2)) for leg in legs)
    return np.asarray(energy_mwh / (2.0 * scenario.fleet.capacity_mwh.sum()))


def reserve_mwh(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Accepted reserve times hours."""
    return np.asarray(scenario.dt_h * played.series["accepted_mw"].sum(axis=(0, 2)))


def missing_mwh(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Day-ahead position that was not delivered."""
    return np.asarray(scenario.dt_h * played.series["missing_mw"].sum(axis=(0, 2)))


def interventions(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Steps in which the supervisor held a battery."""
    return np.asarray(np.count_nonzero(played.cause, axis=(0, 2)), dtype=np.float64)


METRICS: Final[Mapping[str, Metric]] = {
    "profit": Metric("EUR", "high", profit_eur),
    "dam_profit": Metric("EUR", "", _earned("dam")),
    "intraday_profit": Metric("EUR", "", _earned("intraday")),
    "afrr_capacity_profit": Metric("EUR", "", _earned("afrr_capacity")),
    "afrr_energy_profit": Metric("EUR", "", _earned("afrr_energy")),
    "mfrr_profit": Metric("EUR", "", _earned("mfrr")),
    "penalties": Metric("EUR", "low", penalties_eur),
    "cycles": Metric("1", "", cycles),
    "reserve": Metric("MWh", "", reserve_mwh),
    "missing": Metric("MWh", "low", missing_mwh),
    "interventions": Metric("1", "low", interventions),
}
"""Name of a metric -> unit, direction and function; tables walk this list."""

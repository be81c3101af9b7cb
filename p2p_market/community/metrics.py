"""What a trajectory is worth, per episode: pure functions, one array (batch,) each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from p2p_market.community.episode.episode import Episode
from p2p_market.community.optimum.full_matching import FULL_MATCHING
from p2p_market.community.records import LEDGER_COLUMN, SOCIAL_COLUMNS
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.market import MECHANISMS
from p2p_market.market.book import OrderBook
from p2p_market.records import FloatArray
from p2p_market.track import Trajectory


def social_cost_eur(played: Trajectory) -> FloatArray:
    """Social cost C of each episode, (batch,) [EUR]."""
    total: FloatArray = played.entries_eur[..., list(SOCIAL_COLUMNS)].sum(axis=(0, 2, 3))
    return total


def private_cost_eur(played: Trajectory) -> FloatArray:
    """What each member pays in the episode, P2P payments included, (batch, agent) [EUR]."""
    hidden = [LEDGER_COLUMN["filter_penalty"]]
    total = np.delete(played.entries_eur, hidden, axis=-1).sum(axis=(0, 3))
    return np.asarray(total)


def gross_money_eur(played: Trajectory) -> FloatArray:
    """All money that moved, in either direction, (batch,) [EUR]."""
    total: FloatArray = np.abs(played.entries_eur).sum(axis=(0, 2, 3))
    return total


def operator_balance_eur(played: Trajectory) -> FloatArray:
    """What the market's operator keeps: P2P payments less P2P receipts, (batch,) [EUR]."""
    kept: FloatArray = played.entries_eur[..., LEDGER_COLUMN["p2p_payment"]].sum(axis=(0, 2))
    return kept


def mean_price_eur_per_kwh(played: Trajectory) -> FloatArray:
    """Mean of the clearing prices, weighted by volume, (batch,); nan when nothing was traded."""
    volume_kw = np.maximum(played.fill_kw, 0.0).sum(axis=2)
    price = np.nan_to_num(played.clearing_price_eur_per_kwh, nan=0.0)
    total_kw = volume_kw.sum(axis=0)
    spent = (volume_kw * price).sum(axis=0)
    return np.where(total_kw > 0.0, spent / np.where(total_kw > 0.0, total_kw, 1.0), np.nan)


def allocation_gap_eur(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Cost of the realised matching above the best matching of the same net loads, (batch,) [EUR].

    The best matching is what the k-double auction gives to truthful orders for every surplus and
    deficit; each kWh traded saves the difference between a cap and a floor.
    """
    net_load = played.net_load_kw
    floor, cap = episode.ask_floor_eur_per_kwh, episode.bid_cap_eur_per_kwh
    limit = np.where(net_load > 0.0, cap, floor)
    lost_on_the_way = (net_load < 0.0) * (1.0 - episode.grid[..., None])
    arriving = net_load * (1.0 - scenario.spec.fees.loss_share * lost_on_the_way)
    wanted = np.where(floor < cap, arriving, 0.0)
    steps, batch, agents = net_load.shape
    book = OrderBook(
        quantity_kw=wanted.reshape(steps * batch, agents),
        price_eur_per_kwh=np.ascontiguousarray(limit).reshape(steps * batch, agents),
        retail_eur_per_kwh=episode.retail_eur_per_kwh[:steps].reshape(steps * batch, agents),
        feed_in_eur_per_kwh=np.tile(scenario.feed_in_eur_per_kwh, (steps * batch, 1)),
        k=scenario.spec.k,
        tick_eur_per_kwh=scenario.spec.tick_eur_per_kwh,
        price_max_eur_per_kwh=scenario.spec.price_max_eur_per_kwh,
        dt_h=scenario.dt_h,
    )
    best_kw = MECHANISMS[FULL_MATCHING].clear(book).power_kw.reshape(net_load.shape)
    gap: FloatArray = scenario.dt_h * ((best_kw - played.fill_kw) * limit).sum(axis=(0, 2))
    return gap


def _energy_kwh(scenario: Scenario, power_kw: FloatArray) -> FloatArray:
    total: FloatArray = scenario.dt_h * power_kw.sum(axis=(0, 2))
    return total


def traded_kwh(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Energy bought from neighbours [kWh]."""
    return _energy_kwh(scenario, np.maximum(played.fill_kw, 0.0))


def co2_kg(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Emissions of the grid energy imported by members [kg]."""
    return _energy_kwh(scenario, played.import_kw * episode.co2_kg_per_kwh[..., None])


def peak_kw(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Largest flow on the feeder in either direction [kW]."""
    peak: FloatArray = np.abs(played.net_load_kw.sum(axis=2)).max(axis=0)
    return peak


def self_sufficiency(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """1 - grid imports / (load + charging of vehicles); negative when storage imports even more."""
    vehicles = scenario.nodes.target_kwh > 0.0
    charged_kw = np.maximum(played.setpoint_kw, 0.0) * vehicles
    demand = _energy_kwh(scenario, episode.load_kw + charged_kw.sum(axis=-1))
    return 1.0 - _energy_kwh(scenario, played.import_kw) / demand


def lost_load_kwh(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Load that was shed [kWh]."""
    return _energy_kwh(scenario, played.shed_kw)


def curtailed_kwh(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """PV that was not used [kWh]."""
    return _energy_kwh(scenario, played.curtailed_kw)


def corrected_kwh(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """How much the feasibility filter had to move set-points and quantities [kWh]."""
    return _energy_kwh(scenario, played.correction_kw)


def interventions(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Agent-steps in grid-only fallback."""
    return np.asarray(np.count_nonzero(played.cause, axis=(0, 2)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Metric:
    """A column beside the score."""

    unit: str
    better: str  # "low", "high" or "" where neither is
    of: Callable[[Scenario, Episode, Trajectory], FloatArray]


METRICS: Final[Mapping[str, Metric]] = {
    "traded": Metric("kWh", "", traded_kwh),
    "co2": Metric("kg", "low", co2_kg),
    "peak": Metric("kW", "low", peak_kw),
    "self_sufficiency": Metric("1", "high", self_sufficiency),
    "lost_load": Metric("kWh", "low", lost_load_kwh),
    "curtailed": Metric("kWh", "low", curtailed_kwh),
    "corrected": Metric("kWh", "low", corrected_kwh),
    "interventions": Metric("1", "low", interventions),
}
"""Name of a metric -> unit, direction and function; tables walk this list."""


def jain_index(saved_eur: FloatArray) -> float:
    """Jain's fairness index of members' savings: 1 = equal, 1/n = one has all; nan if none saves.

    Losses count as no saving. Source: Jain, Chiu and Hawe (1984), "A quantitative measure of
    fairness and discrimination for resource allocation in shared computer systems", DEC-TR-301.

    Args:
        saved_eur: per member, (agent,) [EUR].
    """
    gained = np.maximum(saved_eur, 0.0)
    squares = float((gained * gained).sum())
    return float(gained.sum() ** 2 / (len(gained) * squares)) if squares > 0.0 else float("nan")


def worse_off_share(alone_eur: FloatArray, own_eur: FloatArray) -> FloatArray:
    """Share of members that pay more than alone with the grid, (batch,).

    Args:
        alone_eur: private cost under the no-trade rule, (batch, agent) [EUR].
        own_eur: private cost under the policy, (batch, agent) [EUR].
    """
    share: FloatArray = (own_eur > alone_eur + 1e-6).mean(axis=1)
    return share

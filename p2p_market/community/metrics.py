"""What a trajectory is worth, per episode: pure functions, one array (batch,) each."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from p2p_market.community.episode.episode import Episode
from p2p_market.community.optimum.full_matching import FULL_MATCHING
from p2p_market.community.records import LEDGER_COLUMN, SUPERVISOR_CAUSES
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.market import MECHANISMS
from p2p_market.market.book import OrderBook
from p2p_market.records import FloatArray
from p2p_market.track import Metric, Trajectory


def operator_balance_eur(played: Trajectory) -> FloatArray:
    """What the market's operator keeps: P2P payments less P2P receipts, (batch,) [EUR]."""
    kept: FloatArray = played.entries_eur[..., LEDGER_COLUMN["p2p_payment"]].sum(axis=(0, 2))
    return kept


def mean_price_eur_per_kwh(played: Trajectory) -> FloatArray:
    """Mean of the clearing prices, weighted by volume, (batch,); nan when nothing was traded."""
    volume_kw = np.maximum(played.series["fill_kw"], 0.0).sum(axis=2)
    price = np.nan_to_num(played.series["clearing_price_eur_per_kwh"], nan=0.0)
    total_kw = volume_kw.sum(axis=0)
    spent = (volume_kw * price).sum(axis=0)
    return np.where(total_kw > 0.0, spent / np.where(total_kw > 0.0, total_kw, 1.0), np.nan)


def allocation_gap_eur(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Cost of the realised matching above the best matching of the same net loads, (batch,) [EUR].

    The best matching is what the k-double auction gives to truthful orders for every surplus and
    deficit; each kWh traded saves the difference between a cap and a floor.
    """
    net_load = played.series["net_load_kw"]
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
        feed_in_eur_per_kwh=episode.feed_in_eur_per_kwh[:steps].reshape(steps * batch, agents),
        k=scenario.spec.k,
        tick_eur_per_kwh=scenario.spec.tick_eur_per_kwh,
        price_max_eur_per_kwh=scenario.spec.price_max_eur_per_kwh,
        dt_h=scenario.dt_h,
    )
    best_kw = MECHANISMS[FULL_MATCHING].clear(book).power_kw.reshape(net_load.shape)
    gap: FloatArray = scenario.dt_h * ((best_kw - played.series["fill_kw"]) * limit).sum(
        axis=(0, 2)
    )
    return gap


def missing_and_spilled_kwh(
    scenario: Scenario, episode: Episode, played: Trajectory
) -> tuple[FloatArray, FloatArray]:
    """What machines' levels lacked, and what did not fit, (step, batch, agent, asset) [kWh] each.

    Without machines there is nothing of either.
    """
    nodes, after = scenario.nodes, played.series["energy_kwh"]
    if nodes.machines is None:
        return np.zeros_like(after), np.zeros_like(after)
    before = np.concatenate([episode.start_energy_kwh[None], after[:-1]])
    power, steps = played.series["setpoint_kw"], played.steps
    gain_h = episode.charge_share[:steps] * nodes.charge_gain_h
    moved = gain_h * np.maximum(power, 0.0) - nodes.discharge_gain_h * np.maximum(-power, 0.0)
    level = nodes.retention * before + episode.drift_kwh[:steps] + moved
    missing = np.maximum(nodes.energy_min_kwh - level, 0.0) * nodes.present
    return missing, np.maximum(level - episode.top_kwh[:steps], 0.0) * nodes.present


def gaps_eur(
    scenario: Scenario, episode: Episode, played: Trajectory, best_eur: FloatArray
) -> dict[str, FloatArray]:
    """Cost above the optimum in two parts, (batch,) [EUR] each.

    Dispatch: the best matching of the realised net loads costs more than the optimum. Allocation:
    the realised matching costs more than the best.
    """
    allocation = allocation_gap_eur(scenario, episode, played)
    return {
        "dispatch": played.social_cost_eur - best_eur - allocation,
        "allocation": allocation,
    }


def _energy_kwh(scenario: Scenario, power_kw: FloatArray) -> FloatArray:
    total: FloatArray = scenario.dt_h * power_kw.sum(axis=(0, 2))
    return total


def traded_kwh(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Energy bought from neighbours [kWh]."""
    return _energy_kwh(scenario, np.maximum(played.series["fill_kw"], 0.0))


def co2_kg(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Emissions of the grid energy imported by members [kg]."""
    return _energy_kwh(scenario, played.series["import_kw"] * episode.co2_kg_per_kwh[..., None])


def peak_kw(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Largest flow on the feeder in either direction [kW]."""
    peak: FloatArray = np.abs(played.series["net_load_kw"].sum(axis=2)).max(axis=0)
    return peak


def self_sufficiency(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """1 - grid imports / (load + charging of vehicles); negative when storage imports even more."""
    vehicles = scenario.nodes.target_kwh > 0.0
    charged_kw = np.maximum(played.series["setpoint_kw"], 0.0) * vehicles
    demand = _energy_kwh(scenario, episode.load_kw + charged_kw.sum(axis=-1))
    return 1.0 - _energy_kwh(scenario, played.series["import_kw"]) / demand


def lost_load_kwh(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Load that was shed [kWh]."""
    return _energy_kwh(scenario, played.series["shed_kw"])


def curtailed_kwh(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """PV that was not used [kWh]."""
    return _energy_kwh(scenario, played.series["curtailed_kw"])


def corrected_kwh(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """How much the feasibility filter had to move set-points and quantities [kWh]."""
    return _energy_kwh(scenario, played.series["correction_kw"])


def interventions(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Agent-steps in grid-only fallback; who stopped itself does not count."""
    held = (played.cause != 0) & (played.cause != _OWN_STOP)
    return np.asarray(np.count_nonzero(held, axis=(0, 2)), dtype=np.float64)


_OWN_STOP: Final = SUPERVISOR_CAUSES.index("own_stop")

METRICS: Final[Mapping[str, Metric]] = {
    "traded": Metric("kWh", "", traded_kwh, tell_zero=True),
    "co2": Metric("kg", "low", co2_kg),
    "peak": Metric("kW", "low", peak_kw),
    "self_sufficiency": Metric("1", "high", self_sufficiency),
    "lost_load": Metric("kWh", "low", lost_load_kwh),
    "curtailed": Metric("kWh", "low", curtailed_kwh),
    "corrected": Metric("kWh", "low", corrected_kwh),
    "interventions": Metric("1", "low", interventions),
}
"""Name of a metric -> unit, direction and function; tables walk this list."""

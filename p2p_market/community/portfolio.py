"""What trading brought each member, out of a trajectory: gains, risk and return.

The gain of a step is the bill of the net load that was executed, at the own retail price and
feed-in tariff as if nobody had traded, less what the member paid for trade, grid and network. Over
all members the gains of a step are what the grid was spared less the network fee. Carbon does not
count, and where the grid is gone there is no such bill.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from p2p_market.community.episode.episode import Episode
from p2p_market.community.metrics import missing_and_spilled_kwh
from p2p_market.community.past.register import LEAST_ORDER_KW
from p2p_market.community.records import LEDGER_COLUMN, SUPERVISOR_CAUSES
from p2p_market.community.scenario.record import Scenario
from p2p_market.records import FloatArray
from p2p_market.track import Trajectory

TAIL: Final = 0.1
"""Share of the periods that the mean of the worst looks at."""
DAYS_A_YEAR: Final = 365.0
LEAST_MONEY_EUR: Final = 1.0
"""Below this no return on the money that moved is told."""
LEAST_SPREAD_EUR: Final = 1e-9
"""Gains that differ by less have no Sharpe ratio."""

UNMET: Final = ("missing_kwh", "spilled_kwh")
PAID: Final = ("p2p_payment", "grid_import", "grid_export", "network_fee")
"""What trade, grid and network cost: columns of the ledger."""


def gains_eur(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """What trading brought in each step, (step, batch, agent) [EUR]."""
    net, steps = played.series["net_load_kw"], played.steps
    retail, feed_in = episode.retail_eur_per_kwh[:steps], episode.feed_in_eur_per_kwh[:steps]
    bill = np.maximum(net, 0.0) * retail * scenario.dt_h  # in the ledger's order of rounding
    bill -= np.maximum(-net, 0.0) * feed_in * scenario.dt_h
    paid: FloatArray = played.entries_eur[..., [LEDGER_COLUMN[name] for name in PAID]].sum(axis=-1)
    return episode.grid[:steps, :, None] * bill - paid


def money_eur(played: Trajectory) -> FloatArray:
    """Money of trade and of the grid that moved in each step, (step, batch, agent) [EUR]."""
    trade, bought, sold = (
        played.entries_eur[..., LEDGER_COLUMN[name]]
        for name in ("p2p_payment", "grid_import", "grid_export")
    )
    return np.asarray(np.abs(trade) + np.abs(bought + sold))


def in_parts(series: FloatArray, steps: int) -> FloatArray:
    """Sums over whole parts of so many steps, (part, ...); what is left at the end is left out."""
    parts = len(series) // steps
    return np.asarray(series[: parts * steps].reshape(parts, steps, *series.shape[1:]).sum(axis=1))


def success(gains: FloatArray, order_kw: FloatArray) -> FloatArray:
    """Share of the steps with an order in which trading gained, (...,); 0 without an order."""
    ordered = np.abs(order_kw) >= LEAST_ORDER_KW
    count = ordered.sum(axis=0)
    return np.asarray((ordered & (gains > 0.0)).sum(axis=0) / np.maximum(count, 1))


def roi(gains: FloatArray, money: FloatArray) -> FloatArray:
    """Sum of the gains per money that moved, (...,); 0 where less than 1 EUR moved."""
    moved = money.sum(axis=0)
    enough = moved >= LEAST_MONEY_EUR
    return np.asarray(np.where(enough, gains.sum(axis=0) / np.where(enough, moved, 1.0), 0.0))


def sharpe(gains: FloatArray, a_year: float = DAYS_A_YEAR) -> FloatArray:
    """Mean over standard deviation (n - 1), times the root of the periods in a year, (...,).

    0 with fewer than two periods, or where all are alike. Source: Sharpe (1994), "The Sharpe
    ratio", doi:10.3905/jpm.1994.409501; the riskless alternative is not to trade.

    Args:
        gains: of each period, (period, ...) [EUR].
        a_year: how many of these periods a year has.
    """
    if len(gains) < 2:
        return np.zeros(gains.shape[1:])
    spread = gains.std(axis=0, ddof=1)
    told = spread >= LEAST_SPREAD_EUR
    ratio = gains.mean(axis=0) / np.where(told, spread, 1.0) * np.sqrt(a_year)
    return np.asarray(np.where(told, ratio, 0.0))


def max_drawdown_eur(gains: FloatArray) -> FloatArray:
    """The deepest fall of the sum of gains below its highest value so far, (...,) [EUR], >= 0."""
    sums = np.cumsum(gains, axis=0)
    peak = np.maximum(np.maximum.accumulate(sums, axis=0), 0.0)
    return np.asarray((peak - sums).max(axis=0, initial=0.0))


def cvar_eur(gains: FloatArray, share: float = TAIL) -> FloatArray:
    """Mean of the worst share of the gains, (...,) [EUR]; 0 without any.

    The value at the edge counts with the fraction that lies inside. Source: Rockafellar and
    Uryasev (2000), "Optimization of conditional value-at-risk", doi:10.21314/JOR.2000.038.

    Args:
        gains: of each period, (period, ...) [EUR].
        share: of the periods, above 0; less than one period counts as one.
    """
    count = len(gains)
    if count == 0:
        return np.zeros(gains.shape[1:])
    inside = max(share * count, 1.0)
    weight = np.clip(inside - np.arange(count), 0.0, 1.0)
    return np.asarray(np.tensordot(weight, np.sort(gains, axis=0), axes=1) / inside)


def figures(
    scenario: Scenario, episode: Episode, played: Trajectory
) -> Mapping[str, tuple[str, FloatArray]]:
    """Name -> unit and figure of each member in each episode, (batch, agent)."""
    gains, money = gains_eur(scenario, episode, played), money_eur(played)
    hourly = in_parts(gains, round(1.0 / scenario.dt_h))
    daily = in_parts(gains, scenario.steps_per_day)
    return {
        "profit": ("EUR", gains.sum(axis=0)),
        "success": ("1", success(gains, played.series["order_kw"])),
        "roi": ("1", roi(gains, money)),
        "sharpe": ("1", sharpe(daily)),
        "max_drawdown": ("EUR", max_drawdown_eur(gains)),
        "cvar_10": ("EUR", cvar_eur(hourly)),
    }


def in_metrics(
    scenario: Scenario, episode: Episode, played: Trajectory
) -> Mapping[str, FloatArray]:
    """Columns of `metrics.csv` -> means over the members, and how often they stopped or asked.

    Returns:
        (batch,) each; units stand in the names.
    """
    unit = {"EUR": "_eur", "1": ""}
    shown = {
        f"portfolio_{name}{unit[one]}": figure.mean(axis=1)
        for name, (one, figure) in figures(scenario, episode, played).items()
    }
    if scenario.nodes.machines is not None:
        for name, kwh in zip(
            UNMET, missing_and_spilled_kwh(scenario, episode, played), strict=True
        ):
            shown[name] = kwh.sum(axis=(0, 2, 3))
    if "request" in played.series:
        stops = played.cause == SUPERVISOR_CAUSES.index("own_stop")
        shown["own_stops"] = stops.sum(axis=(0, 2)).astype(np.float64)
        asked = (played.series["request"] > 0).sum(axis=(0, 2))
        shown["human_requests"] = asked.astype(np.float64)
    return shown

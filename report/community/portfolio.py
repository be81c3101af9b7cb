"""A table of what trading brought: gains, their risk and return, over the weeks of a scenario."""

import numpy as np

from p2p_market.community.baselines import RULE
from p2p_market.community.portfolio import (
    cvar_eur,
    gains_eur,
    max_drawdown_eur,
    money_eur,
    sharpe,
    success,
)
from p2p_market.evaluation.benchmark import ScenarioResult, units_of
from p2p_market.evaluation.statistics.bootstrap import (
    draw_weeks,
    few_weeks,
    interval,
    named_generator,
)
from p2p_market.records import FloatArray, IntArray
from p2p_market.track import Trajectory
from p2p_market.words import per
from report.pages import Table
from report.table import Line, amount

TITLE = "What trading brought"


def portfolio_table(result: ScenarioResult) -> Table:
    """One line per policy that trades."""
    per_episode = per(result.scenario.spec.days)
    played = [row.policy for row in result.played if row.policy != RULE]
    return Table(
        title=TITLE,
        caption="Gain: the bill of the same net load without any trade, less what was paid for "
        "trade, grid and network; carbon does not count. Profit is that of all members. Sharpe: "
        f"mean gain of {per_episode} over its standard deviation, for a year, with the 95 % "
        "interval from resampling where weeks are not few. Return: gains per money that moved. "
        "Success: share of the steps with an order in which trading gained, mean of the members. "
        "Drawdown: the deepest fall of one member's summed gains. Worst tenth: mean gain of the "
        "worst tenth of all members' episodes.",
        columns=(
            ("profit", f"EUR {per_episode}"), ("Sharpe", "a year"), ("95 % from", ""),
            ("95 % to", ""), ("return", "%"), ("success", "%, mean"), ("drawdown", "EUR, worst"),
            ("worst tenth", f"EUR {per_episode}"),
        ),
        lines=[_line(result, policy) for policy in played],
    )  # fmt: skip


def _line(result: ScenarioResult, policy: str) -> Line:
    """Figures of one policy as text."""
    scenario, episode, played = result.scenario, result.episode, result.trajectories[policy]
    gains = gains_eur(scenario, episode, played)
    weekly = gains.sum(axis=0)  # (episode, agent)
    money = float(money_eur(played).sum())
    a_year = 364.0 / scenario.spec.days
    point, low, high = _ratio(weekly.sum(axis=1), units_of(scenario, episode.keys), a_year)
    in_a_row = np.moveaxis(gains, 1, 0).reshape(-1, gains.shape[2])  # episode after episode
    return Line(
        policy,
        (
            amount(float(weekly.sum(axis=1).mean()), 2),
            *(amount(value, 1) for value in (point, low, high)),
            amount(100.0 * float(gains.sum()) / money if money >= 1.0 else np.nan, 1),
            amount(100.0 * _success(gains, played), 1),
            amount(float(max_drawdown_eur(in_a_row).max()), 2),
            amount(float(cvar_eur(weekly.reshape(-1))), 2),
        ),
    )


def _success(gains: FloatArray, played: Trajectory) -> float:
    """Mean over members that gave an order at all."""
    order = played.series["order_kw"].reshape(-1, gains.shape[2])
    own = success(gains.reshape(order.shape), order)
    gave = (np.abs(order) > 0.0).any(axis=0)
    return float(own[gave].mean()) if gave.any() else 0.0


def _ratio(gains: FloatArray, units: IntArray, a_year: float) -> tuple[float, float, float]:
    """Sharpe ratio of the episodes' gains with its interval; nan where there are too few for it."""
    nothing = float("nan")
    if len(gains) < 2:
        return nothing, nothing, nothing
    point = float(sharpe(gains, a_year))
    weeks = len(set(units.tolist()))
    if few_weeks(weeks):
        return point, nothing, nothing
    chosen = draw_weeks(named_generator("sharpe"), 1, weeks)[:, 0]
    numbers = [np.flatnonzero(units == unit) for unit in dict.fromkeys(units.tolist())]
    size = min(map(len, numbers))
    places = np.array([own[:size] for own in numbers])[chosen].reshape(len(chosen), -1)
    found = interval(point, sharpe(gains[places].T, a_year), weeks)
    return found.point, found.low, found.high

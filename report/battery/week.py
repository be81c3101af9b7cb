"""A week in four markets: prices, trades, reserve, level and money, policy beside optimum."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from p2p_market.battery.records import COLUMN, LEDGER_ENTRIES
from p2p_market.evaluation.benchmark import ScenarioResult
from p2p_market.records import FloatArray
from p2p_market.registry import rule_of
from p2p_market.track import OPTIMUM
from report.figures import BLUE, GREY, INK, ORANGE, VERMILLION, Picture, short, svg
from report.table import amount
from report.week import Week, legend, line, panels, policies, steps

EARNED: Final = {
    "day-ahead": (("dam", "dam_penalty"), "#56B4E9"),
    "aFRR": (("afrr_capacity", "afrr_energy", "afrr_penalty"), "#009E73"),
    "intraday": (("intraday",), BLUE),
    "mFRR": (("mfrr",), ORANGE),
    "wear": (("degradation",), "#CC79A7"),
}
"""Curve of the money -> its entries of the ledger and colour."""


def week_picture(result: ScenarioResult) -> Picture:
    """The week in which foresight is worth most."""
    rule = rule_of(result.scenario)
    cost = {row.policy: row.social_cost_eur for row in result.played}
    number = int(np.argmax(cost[rule] - cost[OPTIMUM]))
    week = Week(result, number, {_compared(result): BLUE, OPTIMUM: VERMILLION})
    earned = ", ".join(f"{name} {amount(-float(cost[name][number]), 0)}" for name in week.shown)
    return Picture(
        svg(lambda figure: _draw(figure, week), 12.4),
        alt=f"Prices, trades, reserve, level and money of the fleet from {week.told}, under "
        f"{week.middle} and {OPTIMUM}.",
        title="A week in four markets",
        caption=f"{week.told}, the week with the largest difference between "
        f"{rule} and {OPTIMUM}. Earned in EUR: {earned}. Sums over all batteries. Triangles are "
        f"calls of reserve: up discharges, down charges. The last panel is that of {week.middle}: "
        "penalties are in the lines of their markets, and what is stored at the end is in none.",
    )


def _compared(result: ScenarioResult) -> str:
    """The policy beside the optimum: the best one that contends, else the rule."""
    rule = rule_of(result.scenario)
    between = [row for row in result.played if row.policy not in (rule, OPTIMUM)]
    best = sorted(between, key=lambda row: (not row.conduct.contends, -row.score.point))
    return best[0].policy if best else rule


def _draw(figure: Figure, week: Week) -> None:
    given = ((_prices, 1.2), (_trades, 1.3), (_reserve, 1.0), (_level, 0.9), (_money, 1.2))
    panels(figure, week, given, "time on the clock of the data; lines are midnights")


def _market(week: Week, name: str) -> FloatArray:
    """A column of the market, (step,)."""
    rows = week.result.episode.market[week.number, 1 : week.result.scenario.steps + 1]
    return np.asarray(rows[:, COLUMN[name]])


def _fleet(week: Week, policy: str, name: str) -> FloatArray:
    """A series summed over the batteries, (step,)."""
    return week.total(week.result.trajectories[policy].series[name])


def _mark(style: str) -> Line2D:
    return Line2D([], [], color=GREY, marker=style, linestyle="")


def _prices(axes: Axes, week: Week) -> None:
    steps(axes, week, _market(week, "intraday"), ORANGE, width=1.0)
    steps(axes, week, _market(week, "day_ahead"), INK, width=1.6)
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.set_ylabel("price [EUR/MWh]")
    legend(axes, "Prices", {"day-ahead": line(INK), "intraday": line(ORANGE)})


def _trades(axes: Axes, week: Week) -> None:
    """The position, which is the same for all but those who bid, and energy at once."""
    for policy, color in week.shown.items():
        steps(axes, week, _fleet(week, policy, "energy_mw"), color)
    steps(axes, week, _fleet(week, week.middle, "dam_mw"), INK, ":", 1.6)
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.set_ylabel("power [MW]")
    entries = {"day-ahead delivered": line(INK, ":"), **policies(week)}
    legend(axes, "Energy: bought above zero, sold below", entries)


def _reserve(axes: Axes, week: Week) -> None:
    middle = week.hours(week.result.scenario.steps) + 0.5 * week.result.scenario.dt_h
    call = _market(week, "activation")
    for policy, color in week.shown.items():
        accepted = _fleet(week, policy, "accepted_mw")
        steps(axes, week, accepted, color)
        for sign, mark in ((1.0, "^"), (-1.0, "v")):
            where = (call == sign) & (accepted > 0.0)
            axes.plot(
                middle[where], accepted[where], mark, color=color, ms=6.0, mec="white", mew=0.4
            )
    axes.set_ylim(0.0, 1.1 * float(week.result.scenario.fleet.power_mw.sum()))
    axes.set_ylabel("reserve [MW]")
    entries = {**policies(week), "called up": _mark("^"), "down": _mark("v")}
    legend(axes, "Reserve accepted and called", entries)


def _level(axes: Axes, week: Week) -> None:
    fleet = week.result.scenario.fleet
    share = 100.0 / fleet.capacity_mwh.sum()
    for policy, color in week.shown.items():
        after = np.append(fleet.start_mwh.sum(), _fleet(week, policy, "level_mwh"))
        axes.plot(week.hours(len(after)), share * after, color=color, linewidth=1.3)
    axes.set_ylim(0.0, 100.0)
    axes.set_ylabel("level [%]")
    legend(axes, "State of charge", policies(week))


def _money(axes: Axes, week: Week) -> None:
    entries_eur = week.result.trajectories[week.middle].entries_eur[:, week.number].sum(axis=1)
    for names, color in EARNED.values():
        places = [LEDGER_ENTRIES.index(name) for name in names]
        steps(axes, week, -entries_eur[:, places].sum(axis=1).cumsum() / 1000.0, color)
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.set_ylabel("earned [kEUR]")
    looks = {name: line(color) for name, (_, color) in EARNED.items()}
    legend(axes, f"Earned by {short(week.middle)} so far", looks)

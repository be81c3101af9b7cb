"""A week in four markets: prices, trades, reserve, level and money, policy beside optimum."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from p2p_market.battery.records import COLUMN, LEDGER_ENTRIES
from p2p_market.evaluation.benchmark import ScenarioResult
from p2p_market.records import FloatArray
from p2p_market.registry import rule_of
from p2p_market.track import OPTIMUM, Trajectory
from report.days import day, first_day
from report.figures import BLUE, GREY, INK, ORANGE, VERMILLION, Picture, mark_days, short, svg
from report.table import amount

LINES: Final = ("-", ":")  # styles that are no marks
EARNED: Final = {
    "day-ahead": (("dam", "dam_penalty"), "#56B4E9"),
    "aFRR": (("afrr_capacity", "afrr_energy", "afrr_penalty"), "#009E73"),
    "intraday": (("intraday",), BLUE),
    "mFRR": (("mfrr",), ORANGE),
    "wear": (("degradation",), "#CC79A7"),
}
"""Curve of the money -> its entries of the ledger and colour."""


@dataclass(frozen=True, slots=True)
class Week:
    """One episode of a result, and the policies shown in it, each with its colour."""

    result: ScenarioResult
    number: int  # in the batch
    shown: Mapping[str, str]  # policy -> colour

    @property
    def start(self) -> date:
        """First day."""
        return first_day(self.result.episode.keys[self.number].start_day)

    @property
    def middle(self) -> str:
        """The policy beside the optimum."""
        return next(iter(self.shown))

    def market(self, name: str) -> FloatArray:
        """A column of the market, (step,)."""
        steps = self.result.scenario.steps
        return np.asarray(self.result.episode.market[self.number, 1 : steps + 1, COLUMN[name]])

    def fleet(self, policy: str, name: str) -> FloatArray:
        """A series summed over the batteries, (step,)."""
        played: Trajectory = self.result.trajectories[policy]
        return np.asarray(played.series[name][:, self.number].sum(axis=1))


def week_picture(result: ScenarioResult) -> Picture:
    """The week in which foresight is worth most."""
    rule = rule_of(result.scenario)
    cost = {row.policy: row.social_cost_eur for row in result.played}
    number = int(np.argmax(cost[rule] - cost[OPTIMUM]))
    week = Week(result, number, {_compared(result): BLUE, OPTIMUM: VERMILLION})
    last = week.start + timedelta(days=result.scenario.spec.days - 1)
    earned = ", ".join(f"{name} {amount(-float(cost[name][number]), 0)}" for name in week.shown)
    return Picture(
        svg(lambda figure: _draw(figure, week), 12.4),
        alt=f"Prices, trades, reserve, level and money of the fleet from {day(week.start)} to "
        f"{day(last)}, under {week.middle} and {OPTIMUM}.",
        title="A week in four markets",
        caption=f"{day(week.start)} to {day(last)}, the week with the largest difference between "
        f"{rule} and {OPTIMUM}. Earned in EUR: {earned}. Sums over all batteries. Triangles are "
        f"calls of reserve: up discharges, down charges. The last panel is that of {week.middle}.",
    )


def _compared(result: ScenarioResult) -> str:
    """The policy beside the optimum: the best one that contends, else the rule."""
    rule = rule_of(result.scenario)
    between = [row for row in result.played if row.policy not in (rule, OPTIMUM)]
    best = sorted(between, key=lambda row: (not row.conduct.contends, -row.score.point))
    return best[0].policy if best else rule


def _draw(figure: Figure, week: Week) -> None:
    heights = {_prices: 1.2, _trades: 1.3, _reserve: 1.0, _level: 0.9, _money: 1.2}
    panels = figure.subplots(len(heights), sharex=True, height_ratios=list(heights.values()))
    figure.set_layout_engine("constrained", hspace=0.05)
    for axes, panel in zip(panels, heights, strict=True):
        panel(axes, week)
        axes.grid(axis="y")
        axes.margins(x=0.0)
    figure.align_ylabels(panels)
    days = week.result.scenario.spec.days
    mark_days(panels, week.start, days, "time on the clock of the data; lines are midnights")


def _steps(
    axes: Axes, week: Week, values: FloatArray, color: str, style: str = "-", width: float = 1.3
) -> None:
    """A series that is constant within each step."""
    hours = week.result.scenario.dt_h * np.arange(len(values) + 1)
    last = np.append(values, values[-1])
    axes.step(hours, last, style, where="post", color=color, linewidth=width)


def _legend(axes: Axes, title: str, entries: Mapping[str, tuple[str, str]]) -> None:
    """Title on the left and legend on the right, above the panel; name -> colour and style."""
    axes.set_title(title, loc="left", weight="bold")
    axes.legend(
        [_handle(color, style) for color, style in entries.values()],
        [short(name) for name in entries],
        loc="lower right",
        bbox_to_anchor=(1.005, 0.97),
        ncols=len(entries),
        frameon=False,
        handlelength=1.4,
        columnspacing=1.2,
        borderpad=0.2,
    )


def _handle(color: str, style: str) -> Line2D:
    """A sample of a line, or of a mark."""
    if style in LINES:
        return Line2D([], [], color=color, linestyle=":" if style == ":" else "-", linewidth=2.0)
    return Line2D([], [], color=color, marker=style, linestyle="")


def _policies(week: Week) -> dict[str, tuple[str, str]]:
    return {policy: (color, "-") for policy, color in week.shown.items()}


def _prices(axes: Axes, week: Week) -> None:
    _steps(axes, week, week.market("intraday"), ORANGE, width=1.0)
    _steps(axes, week, week.market("day_ahead"), INK, width=1.6)
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.set_ylabel("price [EUR/MWh]")
    _legend(axes, "Prices", {"day-ahead": (INK, "-"), "intraday": (ORANGE, "-")})


def _trades(axes: Axes, week: Week) -> None:
    """The position, which is the same for all but those who bid, and energy at once."""
    for policy, color in week.shown.items():
        _steps(axes, week, week.fleet(policy, "energy_mw"), color)
    _steps(axes, week, week.fleet(week.middle, "dam_mw"), INK, ":", 1.6)
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.set_ylabel("power [MW]")
    entries = {"day-ahead delivered": (INK, ":"), **_policies(week)}
    _legend(axes, "Energy: bought above zero, sold below", entries)


def _reserve(axes: Axes, week: Week) -> None:
    middle = week.result.scenario.dt_h * (np.arange(week.result.scenario.steps) + 0.5)
    call = week.market("activation")
    for policy, color in week.shown.items():
        accepted = week.fleet(policy, "accepted_mw")
        _steps(axes, week, accepted, color)
        for sign, mark in ((1.0, "^"), (-1.0, "v")):
            where = (call == sign) & (accepted > 0.0)
            axes.plot(
                middle[where], accepted[where], mark, color=color, ms=6.0, mec="white", mew=0.4
            )
    axes.set_ylim(0.0, 1.1 * float(week.result.scenario.fleet.power_mw.sum()))
    axes.set_ylabel("reserve [MW]")
    entries = {**_policies(week), "called up": (GREY, "^"), "down": (GREY, "v")}
    _legend(axes, "Reserve accepted and called", entries)


def _level(axes: Axes, week: Week) -> None:
    fleet = week.result.scenario.fleet
    share = 100.0 / fleet.capacity_mwh.sum()
    for policy, color in week.shown.items():
        after = np.append(fleet.start_mwh.sum(), week.fleet(policy, "level_mwh"))
        hours = week.result.scenario.dt_h * np.arange(len(after))
        axes.plot(hours, share * after, color=color, linewidth=1.3)
    axes.set_ylim(0.0, 100.0)
    axes.set_ylabel("level [%]")
    _legend(axes, "State of charge", _policies(week))


def _money(axes: Axes, week: Week) -> None:
    entries_eur = week.result.trajectories[week.middle].entries_eur[:, week.number].sum(axis=1)
    for names, color in EARNED.values():
        places = [LEDGER_ENTRIES.index(name) for name in names]
        _steps(axes, week, -entries_eur[:, places].sum(axis=1).cumsum() / 1000.0, color)
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.set_ylabel("earned [kEUR]")
    looks = {name: (color, "-") for name, (_, color) in EARNED.items()}
    _legend(axes, f"Earned by {short(week.middle)} so far", looks)

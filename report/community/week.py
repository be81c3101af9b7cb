"""A week of one community: load and sun, prices, trade, storage and grid, policy beside optimum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from p2p_market.community.baselines import RULE
from p2p_market.community.track import CARD
from p2p_market.evaluation.benchmark import ScenarioResult
from p2p_market.evaluation.tables.comparison import reference_of
from p2p_market.records import FloatArray
from p2p_market.track import OPTIMUM, Trajectory
from report.days import day, first_day
from report.figures import BLUE, GREY, INK, ORANGE, VERMILLION, Picture, mark_days, short, svg
from report.table import amount

COLORS: Final = (BLUE, "#009E73", "#CC79A7")  # of the policies beside the optimum
NEAR_LIMIT: Final = 1.25  # the limit is drawn if the flow comes this near


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

    def community_kw(self, series: FloatArray) -> FloatArray:
        """Sum over the members of this episode, (step,)."""
        total: FloatArray = series[:, self.number].sum(axis=1)
        return total

    def played(self) -> list[tuple[str, str, Trajectory]]:
        """Policy, colour and trajectory of each policy shown."""
        return [(p, color, self.result.trajectories[p]) for p, color in self.shown.items()]


def week_picture(result: ScenarioResult) -> Picture:
    """The week in which trade and foresight are worth most."""
    gain = _cost(result, RULE) - _cost(result, OPTIMUM)
    number = int(np.argmax(gain))
    names = _compared(result)
    shown = dict(zip(names, COLORS, strict=False)) | {OPTIMUM: VERMILLION}
    week = Week(result, number, shown)
    last = week.start + timedelta(days=result.scenario.spec.days - 1)
    costs = ", ".join(f"{p} {amount(float(_cost(result, p)[number]), 2)}" for p in week.shown)
    return Picture(
        svg(lambda figure: _draw(figure, week), 11.6),
        alt=f"Load, PV, prices, trade, storage and grid exchange of the community from "
        f"{day(week.start)} to {day(last)}, under {', '.join(names)} and {OPTIMUM}.",
        title="A week of one community",
        caption=f"{day(week.start)} to {day(last)} {week.start.year}, the week with the largest "
        f"difference between {RULE} and {OPTIMUM}: {amount(float(gain[number]), 2)} EUR. Social "
        f"cost of the week in EUR: {costs}. Look at when each side charges its storage, and at "
        "the evenings: what is stored or traded then need not be imported. Of several schedules "
        f"that cost the same the optimum shows one. {_limit_note(result)}",
    )


def _cost(result: ScenarioResult, policy: str) -> FloatArray:
    (row,) = (row for row in result.rows if row.policy == policy)
    return row.social_cost_eur


def _compared(result: ScenarioResult) -> list[str]:
    """The policies beside the optimum: the user's own, and what others are measured against."""
    between = [row for row in result.played if row.policy not in (RULE, OPTIMUM)]
    names = [row.policy for row in between if row.conduct.contends]
    if not names:
        return [RULE]
    reference = reference_of(CARD, names)
    own = [name for name in names if name not in (*CARD.baselines, reference)]
    return [*own[: len(COLORS) - 1], reference]


def _limit_note(result: ScenarioResult) -> str:
    feeder = result.scenario.spec.feeder
    note = (
        f"The feeder's limit of {amount(feeder.limit_kw, 0)} kW counts for import less export, in "
        "either direction."
    )
    if feeder.mode == "penalty":
        price = f"{amount(feeder.overload_eur_per_kwh, 2)} EUR/kWh"
        note += f" More may flow, as a peak of the table shows; it costs {price} (overload)."
    return note if result.scenario.spec.outages is None else f"{note} Shaded: no grid."


def _draw(figure: Figure, week: Week) -> None:
    heights = {_power: 1.5, _price: 1.1, _traded: 0.8, _stored: 0.8, _grid: 1.2}
    panels = figure.subplots(len(heights), sharex=True, height_ratios=list(heights.values()))
    figure.set_layout_engine("constrained", hspace=0.05)
    for axes, panel in zip(panels, heights, strict=True):
        panel(axes, week)
        axes.grid(axis="y")
        axes.margins(x=0.0)
    figure.align_ylabels(panels)
    _outages(panels, week)
    days = week.result.scenario.spec.days
    mark_days(panels, week.start, days, "time at UTC+1; lines are midnights")


def _hours(week: Week, points: int) -> FloatArray:
    return np.asarray(week.result.scenario.dt_h * np.arange(points, dtype=np.float64))


def _steps(axes: Axes, week: Week, values: FloatArray, color: str, width: float = 1.3) -> None:
    """A series that is constant within each step."""
    hours = _hours(week, len(values) + 1)
    axes.step(hours, np.append(values, values[-1]), where="post", color=color, linewidth=width)


def _legend(axes: Axes, title: str, entries: Sequence[tuple[str, Line2D | Patch]]) -> None:
    """Title on the left and legend on the right, both above the panel and its data."""
    axes.set_title(title, loc="left", weight="bold")
    axes.legend(
        [handle for _, handle in entries],
        [short(name) for name, _ in entries],
        loc="lower right",
        bbox_to_anchor=(1.005, 0.97),
        ncols=len(entries),
        frameon=False,
        handlelength=1.4,
        columnspacing=1.2,
        borderpad=0.2,
    )


def _policies(week: Week) -> list[tuple[str, Line2D | Patch]]:
    return [
        (policy, Line2D([], [], color=color, linewidth=2.0)) for policy, color in week.shown.items()
    ]


def _power(axes: Axes, week: Week) -> None:
    episode = week.result.episode
    load, sun = week.community_kw(episode.load_kw), week.community_kw(episode.pv_kw)
    hours = _hours(week, len(sun) + 1)
    axes.fill_between(hours, np.append(sun, sun[-1]), step="post", color=ORANGE, alpha=0.4, lw=0)
    _steps(axes, week, load, INK)
    for _, color, played in week.played():
        _steps(axes, week, week.community_kw(played.series["net_load_kw"]), color, 1.1)
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.set_ylabel("power [kW]")
    given: list[tuple[str, Line2D | Patch]] = [
        ("load", Line2D([], [], color=INK, linewidth=2.0)),
        ("PV", Patch(color=ORANGE, alpha=0.4, lw=0)),
    ]
    _legend(axes, "Load, PV, and net load under", [*given, *_policies(week)])


def _price(axes: Axes, week: Week) -> None:
    episode, one = week.result.episode, week.number
    for limits, color in (
        (episode.bid_cap_eur_per_kwh[:, one], "#8c8c8c"),
        (episode.ask_floor_eur_per_kwh[:, one], "#bfbfbf"),
    ):
        hours = _hours(week, len(limits) + 1)
        low, high = (np.append(edge, edge[-1]) for edge in (limits.min(1), limits.max(1)))
        axes.fill_between(hours, low, high, step="post", color=color, alpha=0.6, lw=1.5)
    for _, color, played in week.played():
        price = played.series["clearing_price_eur_per_kwh"][:, one]
        edges = _hours(week, len(price) + 1)
        axes.hlines(price, edges[:-1], edges[1:], color=color, linewidth=2.0)
    with_grid = episode.grid[:, one] > 0.0  # without it caps are the value of lost load
    axes.set_ylim(0.0, 1.08 * float(episode.bid_cap_eur_per_kwh[with_grid, one].max()))
    axes.set_ylabel("price [EUR/kWh]")
    bands: list[tuple[str, Line2D | Patch]] = [
        ("buyers' caps", Patch(color="#8c8c8c", alpha=0.6)),
        ("sellers' floors", Patch(color="#bfbfbf", alpha=0.6)),
    ]
    _legend(axes, "Clearing price (gap: no trade)", [*bands, *_policies(week)])


def _traded(axes: Axes, week: Week) -> None:
    for _, color, played in week.played():
        _steps(axes, week, week.community_kw(np.maximum(played.series["fill_kw"], 0.0)), color)
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("power [kW]")
    _legend(axes, "Traded between neighbours", _policies(week))


def _stored(axes: Axes, week: Week) -> None:
    start = week.result.episode.start_energy_kwh[week.number].sum()
    for _, color, played in week.played():
        after = played.series["energy_kwh"][:, week.number].sum(axis=(1, 2))
        axes.plot(_hours(week, len(after) + 1), np.append(start, after), color=color, lw=1.3)
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("energy [kWh]")
    _legend(axes, "Stored by all members", _policies(week))


def _grid(axes: Axes, week: Week) -> None:
    reach = 0.0
    for _, color, played in week.played():
        bought, sold = (
            week.community_kw(played.series["import_kw"]),
            week.community_kw(played.series["export_kw"]),
        )
        _steps(axes, week, bought, color)
        _steps(axes, week, -sold, color)
        reach = max(reach, float(np.abs(bought - sold).max()))
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    entries = _policies(week)
    limit = week.result.scenario.spec.feeder.limit_kw
    if reach * NEAR_LIMIT >= limit:
        for sign in (1.0, -1.0):
            axes.axhline(sign * limit, color=INK, linewidth=1.0, linestyle=(0, (6, 3)))
        entries.append(("feeder limit", Line2D([], [], color=INK, linestyle=(0, (6, 3)), lw=1.0)))
    axes.set_ylabel("power [kW]")
    _legend(axes, "Grid: import above zero, export below", entries)


def _outages(panels: Sequence[Axes], week: Week) -> None:
    """Windows without the grid, shaded in every panel."""
    grid = week.result.episode.grid[:, week.number]
    edges = np.flatnonzero(np.diff(np.concatenate([[1.0], grid, [1.0]])))
    hours = week.result.scenario.dt_h * edges
    for begin, end in hours.reshape(-1, 2):
        for axes in panels:
            axes.axvspan(begin, end, color=VERMILLION, alpha=0.18, lw=0, zorder=0.4)

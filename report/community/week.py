"""A week of one community: load and sun, prices, trade, storage and grid, policy beside optimum."""

from collections.abc import Sequence
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
from p2p_market.track import OPTIMUM
from report.figures import BLUE, GREY, INK, ORANGE, VERMILLION, Picture, svg
from report.table import amount
from report.week import Week, legend, line, panels, policies, steps

COLORS: Final = (BLUE, "#009E73", "#CC79A7")  # of the policies beside the optimum
NEAR_LIMIT: Final = 1.25  # the limit is drawn if the flow comes this near


def telling_week(result: ScenarioResult) -> Week:
    """The week in which trade and foresight are worth most."""
    number = int(np.argmax(_cost(result, RULE) - _cost(result, OPTIMUM)))
    shown = dict(zip(_compared(result), COLORS, strict=False)) | {OPTIMUM: VERMILLION}
    return Week(result, number, shown)


def week_picture(week: Week) -> Picture:
    """Load and sun, prices, trade, storage and grid of a week."""
    result, number = week.result, week.number
    gain = _cost(result, RULE) - _cost(result, OPTIMUM)
    names = [name for name in week.shown if name != OPTIMUM]
    costs = ", ".join(f"{p} {amount(float(_cost(result, p)[number]), 2)}" for p in week.shown)
    return Picture(
        svg(lambda figure: _draw(figure, week), 11.6),
        alt=f"Load, PV, prices, trade, storage and grid exchange of the community from "
        f"{week.told}, under {', '.join(names)} and {OPTIMUM}.",
        title="A week of one community",
        caption=f"{week.told} {week.start.year}, the week with the largest "
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
    given = ((_power, 1.5), (_price, 1.1), (_traded, 0.8), (_stored, 0.8), (_grid, 1.2))
    _outages(panels(figure, week, given, "time at UTC+1; lines are midnights"), week)


def _power(axes: Axes, week: Week) -> None:
    episode = week.result.episode
    load, sun = week.total(episode.load_kw), week.total(episode.pv_kw)
    hours = week.hours(len(sun) + 1)
    axes.fill_between(hours, np.append(sun, sun[-1]), step="post", color=ORANGE, alpha=0.4, lw=0)
    steps(axes, week, load, INK)
    for _, color, played in week.played():
        steps(axes, week, week.total(played.series["net_load_kw"]), color, width=1.1)
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.set_ylabel("power [kW]")
    source = "generation" if any(week.result.scenario.generators) else "PV"
    given = {"load": line(INK), source: Patch(color=ORANGE, alpha=0.4, lw=0)}
    legend(axes, f"Load, {source}, and net load under", {**given, **policies(week)})


def _price(axes: Axes, week: Week) -> None:
    episode, one = week.result.episode, week.number
    for limits, color in (
        (episode.bid_cap_eur_per_kwh[:, one], "#8c8c8c"),
        (episode.ask_floor_eur_per_kwh[:, one], "#bfbfbf"),
    ):
        hours = week.hours(len(limits) + 1)
        low, high = (np.append(edge, edge[-1]) for edge in (limits.min(1), limits.max(1)))
        axes.fill_between(hours, low, high, step="post", color=color, alpha=0.6, lw=1.5)
    for _, color, played in week.played():
        price = played.series["clearing_price_eur_per_kwh"][:, one]
        edges = week.hours(len(price) + 1)
        axes.hlines(price, edges[:-1], edges[1:], color=color, linewidth=2.0)
    with_grid = episode.grid[:, one] > 0.0  # without it caps are the value of lost load
    axes.set_ylim(0.0, 1.08 * float(episode.bid_cap_eur_per_kwh[with_grid, one].max()))
    axes.set_ylabel("price [EUR/kWh]")
    bands = {
        "buyers' caps": Patch(color="#8c8c8c", alpha=0.6),
        "sellers' floors": Patch(color="#bfbfbf", alpha=0.6),
    }
    legend(axes, "Clearing price (gap: no trade)", {**bands, **policies(week)})


def _traded(axes: Axes, week: Week) -> None:
    for _, color, played in week.played():
        steps(axes, week, week.total(np.maximum(played.series["fill_kw"], 0.0)), color)
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("power [kW]")
    legend(axes, "Traded between neighbours", policies(week))


def _stored(axes: Axes, week: Week) -> None:
    start = week.result.episode.start_energy_kwh[week.number].sum()
    for _, color, played in week.played():
        after = played.series["energy_kwh"][:, week.number].sum(axis=(1, 2))
        axes.plot(week.hours(len(after) + 1), np.append(start, after), color=color, lw=1.3)
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("energy [kWh]")
    legend(axes, "Stored by all members", policies(week))


def _grid(axes: Axes, week: Week) -> None:
    reach = 0.0
    for _, color, played in week.played():
        bought, sold = (
            week.total(played.series["import_kw"]),
            week.total(played.series["export_kw"]),
        )
        steps(axes, week, bought, color)
        steps(axes, week, -sold, color)
        reach = max(reach, float(np.abs(bought - sold).max()))
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    entries = policies(week)
    limit = week.result.scenario.spec.feeder.limit_kw
    if reach * NEAR_LIMIT >= limit:
        for sign in (1.0, -1.0):
            axes.axhline(sign * limit, color=INK, linewidth=1.0, linestyle=(0, (6, 3)))
        entries["feeder limit"] = Line2D([], [], color=INK, linestyle=(0, (6, 3)), lw=1.0)
    axes.set_ylabel("power [kW]")
    legend(axes, "Grid: import above zero, export below", entries)


def _outages(panels: Sequence[Axes], week: Week) -> None:
    """Windows without the grid, shaded in every panel."""
    grid = week.result.episode.grid[:, week.number]
    edges = np.flatnonzero(np.diff(np.concatenate([[1.0], grid, [1.0]])))
    hours = week.result.scenario.dt_h * edges
    for begin, end in hours.reshape(-1, 2):
        for axes in panels:
            axes.axvspan(begin, end, color=VERMILLION, alpha=0.18, lw=0, zorder=0.4)

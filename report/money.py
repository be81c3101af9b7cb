"""Figures about money: what a policy's cost is made of, and how its savings are shared."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from p2p_market.community.baselines import RULE
from p2p_market.community.records import LEDGER_ENTRIES, SOCIAL_COLUMNS
from p2p_market.evaluation.benchmark import Row, ScenarioResult
from p2p_market.records import FloatArray
from p2p_market.track import OPTIMUM
from report.figures import (
    BLUE,
    GREY,
    INK,
    LINES,
    ORANGE,
    VERMILLION,
    Picture,
    list_policies,
    short,
    svg,
)
from report.table import amount

COLORS: Final = {
    "grid_import": "#56B4E9",
    "grid_export": "#009E73",
    "network_fee": "#F0E442",
    "degradation": "#CC79A7",
    "carbon": "#555555",
    "overload": VERMILLION,
    "lost_load": "#8B0000",
    "shortfall": ORANGE,
    "terminal_value": BLUE,
}
"""Okabe and Ito's colours, and two dark ones."""

SMALLEST_SHARE: Final = 0.002  # of the money shown; entries below are left out


def cost_picture(result: ScenarioResult) -> Picture:
    """Social cost of each policy by entry of the ledger."""
    rows = result.played
    money = entries_eur(result)
    size = np.abs(money).sum(axis=0)
    shown = [i for i in range(money.shape[1]) if size[i] > SMALLEST_SHARE * size.sum()]
    names = [LEDGER_ENTRIES[SOCIAL_COLUMNS[i]] for i in shown]
    said = "; ".join(
        f"{row.policy} {amount(float(row.social_cost_eur.sum()), 0)} EUR" for row in rows
    )
    return Picture(
        svg(
            lambda figure: _draw_costs(figure.subplots(), rows, money[:, shown], names),
            1.7 + 0.36 * len(rows),
        ),
        alt=f"Social cost of each policy by entry of the ledger: {said}.",
        title="What the cost is made of",
        caption="Left of zero is income: energy sold to the grid, or more stored at the end than "
        "at the start. The mark is the sum, the social cost over all weeks. Payments between "
        "members cancel and are not shown.",
    )


def entries_eur(result: ScenarioResult) -> FloatArray:
    """Money of each policy that ended its play, by entry, over all episodes, (policy, entry)."""
    columns = list(SOCIAL_COLUMNS)
    return np.array(
        [
            result.trajectories[row.policy].entries_eur[..., columns].sum(axis=(0, 1, 2))
            for row in result.played
        ]
    )


def _draw_costs(axes: Axes, rows: Sequence[Row], money: FloatArray, names: Sequence[str]) -> None:
    places = np.arange(len(rows))
    right, left = np.zeros(len(rows)), np.zeros(len(rows))
    for column, name in enumerate(names):
        value = money[:, column]
        paid, earned = np.maximum(value, 0.0), np.minimum(value, 0.0)
        color = COLORS[name]
        axes.barh(places, paid, 0.6, left=right, color=color, label=name.replace("_", " "))
        axes.barh(places, earned, 0.6, left=left, color=color)
        right, left = right + paid, left + earned
    total = [float(row.social_cost_eur.sum()) for row in rows]
    axes.plot(total, places, "D", color=INK, ms=6, zorder=3, label="social cost")
    reach = max(1e-9, float(right.max()))
    for place, cost in enumerate(total):
        axes.text(right[place] + 0.01 * reach, place, amount(cost, 0), va="center")
    axes.set_xlim(1.08 * min(float(left.min()), 0.0), 1.12 * reach)
    axes.axvline(0.0, color=GREY, linewidth=1.0)
    axes.set_xlabel("cost over all weeks [EUR]")
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=5, frameon=False, fontsize=9.5
    )
    list_policies(axes, rows)


def savings_eur(result: ScenarioResult, policy: str) -> FloatArray:
    """What each member saves over all episodes against being alone, (agent,) [EUR]."""
    own = {row.policy: row.private_cost_eur.sum(axis=0) for row in result.rows}
    return np.asarray(own[RULE] - own[policy])


def lorenz_eur(saved_eur: FloatArray) -> FloatArray:
    """What the members that save least save together, none to all of them, (agent + 1,) [EUR]."""
    return np.concatenate([[0.0], np.cumsum(np.sort(saved_eur))])


def savings_picture(result: ScenarioResult) -> Picture:
    """Lorenz curve of the members' savings, in EUR so that losses keep their size."""
    names = [row.policy for row in result.played if row.policy != RULE]
    gainers = [name for name in names if savings_eur(result, name).sum() > 0.0]
    left_out = [name for name in names if name not in gainers]
    said = "; ".join(
        f"{name} {amount(float(savings_eur(result, name).sum()), 0)} EUR" for name in gainers
    )
    without = f" Not drawn, since all members together lose: {', '.join(left_out)}."
    return Picture(
        svg(lambda figure: _draw_savings(figure.subplots(), result, gainers), 4.2),
        alt=f"Lorenz curves of the savings of members against being alone: {said or 'none'}.",
        title="How savings are shared",
        caption="Lorenz curve: members from the one that saves least to the one that saves most, "
        "and what they save together, over all weeks against the no-trade rule. Straight (dotted) "
        "would be equal; below zero are members that pay more than alone."
        + (without if left_out else ""),
    )


def _draw_savings(axes: Axes, result: ScenarioResult, names: Sequence[str]) -> None:
    agents = len(result.scenario.agents)
    share = 100.0 * np.arange(agents + 1) / agents
    colors = iter(LINES * (1 + len(names) // len(LINES)))
    for name in names:
        saved = lorenz_eur(savings_eur(result, name))
        color = VERMILLION if name == OPTIMUM else next(colors)
        axes.plot(share, saved, "-o", color=color, ms=3.5, label=short(name))
        axes.plot([0.0, 100.0], [0.0, saved[-1]], ":", color=color, linewidth=1.0)
    axes.axhline(0.0, color=GREY, linewidth=1.0)
    axes.set_xlim(0.0, 100.0)
    axes.set_xlabel("members, from smallest to largest saving [%]")
    axes.set_ylabel("saved together [EUR]")
    axes.grid(axis="both")
    if names:
        axes.legend(loc="upper left", frameon=False)

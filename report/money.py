"""A figure about money: what a policy's cost is made of."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from p2p_market.evaluation.benchmark import Row, ScenarioResult
from p2p_market.records import FloatArray
from p2p_market.tracks import track_of
from p2p_market.words import per
from report.figures import (
    GREY,
    INK,
    LINES,
    Picture,
    list_policies,
    svg,
)
from report.pages import Pages
from report.table import amount

SMALLEST_SHARE: Final = 0.002  # of the money shown; entries below are left out


def cost_picture(result: ScenarioResult, pages: Pages) -> Picture:
    """Social cost of each policy by entry of the ledger, and what nobody pays."""
    rows, card = result.played, track_of(result.scenario).CARD
    what = total_of(result)
    names, money = (*card.social, *card.unpaid), entries_eur(result)
    size = np.abs(money).sum(axis=0)
    shown = [i for i in range(money.shape[1]) if size[i] > SMALLEST_SHARE * size.sum()]
    unit = f"EUR {per(result.scenario.spec.days)}"
    said = "; ".join(
        f"{row.policy} {amount(float(row.social_cost_eur.mean()), 0)} {unit}" for row in rows
    )
    colors = dict(zip(names, cycle(LINES))) | dict(pages.colors)
    called = {name: name.replace("_", " ") for name in names} | dict(pages.words)
    looks = {called[names[i]]: colors[names[i]] for i in shown}
    return Picture(
        svg(
            lambda figure: _draw_costs(figure.subplots(), rows, money[:, shown], looks, unit, what),
            1.7 + 0.36 * len(rows),
        ),
        alt=f"{what.capitalize()} of each policy by entry of the ledger: {said}.",
        title="What the cost is made of",
        caption=f"Left of zero is income{pages.income}. The mark and the number on the right are "
        f"the sum, the {what}.{pages.cancels}",
    )


def total_of(result: ScenarioResult) -> str:
    """What the sum is called: one agent has no society."""
    return "cost" if len(result.scenario.agents) == 1 else "social cost"


def entries_eur(result: ScenarioResult) -> FloatArray:
    """Money of each policy that ended its play, mean of an episode, (policy, entry) [EUR].

    Entries are those that make up the social cost, then what nobody pays.
    """
    found = []
    for row in result.played:
        played = result.trajectories[row.policy]
        paid = played.entries_eur[..., list(played.social)].sum(axis=(0, 1, 2))
        found.append(np.concatenate([paid, played.unpaid_eur.sum(axis=(0, 1))]))
    return np.asarray(np.array(found) / result.episode.batch)


def _draw_costs(
    axes: Axes,
    rows: Sequence[Row],
    money: FloatArray,
    looks: Mapping[str, str],
    unit: str,
    what: str,
) -> None:
    """Bars of entries.

    Args:
        money: (policy, entry) [EUR].
        looks: what an entry is called -> its colour.
        unit: of the money.
        what: the sum is called.
    """
    places = np.arange(len(rows))
    right, left = np.zeros(len(rows)), np.zeros(len(rows))
    for column, (name, color) in enumerate(looks.items()):
        value = money[:, column]
        paid, earned = np.maximum(value, 0.0), np.minimum(value, 0.0)
        axes.barh(places, paid, 0.6, left=right, color=color, label=name)
        axes.barh(places, earned, 0.6, left=left, color=color)
        right, left = right + paid, left + earned
    total = [float(row.social_cost_eur.mean()) for row in rows]
    axes.plot(total, places, "D", color=INK, ms=6, zorder=3, label=what)
    across = axes.get_yaxis_transform()
    for place, cost in enumerate(total):
        told = amount(cost, 0)
        axes.text(1.012, place, told, transform=across, ha="left", va="center", weight="bold")
    axes.set_xlim(1.08 * min(float(left.min()), 0.0), 1.03 * max(1e-9, float(right.max())))
    axes.axvline(0.0, color=GREY, linewidth=1.0)
    axes.set_xlabel(f"cost [{unit}]")
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=5, frameon=False, fontsize=9.5
    )
    list_policies(axes, rows)

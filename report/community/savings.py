"""A figure about how a policy's savings are shared among the members."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from p2p_market.community.baselines import RULE
from p2p_market.evaluation.benchmark import ScenarioResult
from p2p_market.records import FloatArray
from p2p_market.track import OPTIMUM
from p2p_market.words import per
from report.figures import GREY, LINES, VERMILLION, Picture, short, svg
from report.table import amount


def savings_eur(result: ScenarioResult, policy: str) -> FloatArray:
    """What each member saves against being alone, mean of an episode, (agent,) [EUR]."""
    own = {row.policy: row.private_cost_eur.mean(axis=0) for row in result.rows}
    return np.asarray(own[RULE] - own[policy])


def lorenz_eur(saved_eur: FloatArray) -> FloatArray:
    """What the members that save least save together, none to all of them, (agent + 1,) [EUR]."""
    return np.concatenate([[0.0], np.cumsum(np.sort(saved_eur))])


def savings_picture(result: ScenarioResult) -> Picture:
    """Lorenz curve of the members' savings, in EUR so that losses keep their size."""
    names = [row.policy for row in result.played if row.policy != RULE]
    gainers = [name for name in names if savings_eur(result, name).sum() > 0.0]
    left_out = [name for name in names if name not in gainers]
    unit = f"EUR {per(result.scenario.spec.days)}"
    said = "; ".join(
        f"{name} {amount(float(savings_eur(result, name).sum()), 0)} {unit}" for name in gainers
    )
    without = f" Not drawn, since all members together lose: {', '.join(left_out)}."
    return Picture(
        svg(lambda figure: _draw_savings(figure.subplots(), result, gainers, unit), 4.2),
        alt=f"Lorenz curves of the savings of members against being alone: {said or 'none'}.",
        title="How savings are shared",
        caption="Lorenz curve: members from the one that saves least to the one that saves most, "
        f"and what they save together against the {RULE} rule. Straight (dotted) "
        "would be equal; below zero are members that pay more than alone."
        + (without if left_out else ""),
    )


def _draw_savings(axes: Axes, result: ScenarioResult, names: Sequence[str], unit: str) -> None:
    agents = len(result.scenario.agents)
    share = 100.0 * np.arange(agents + 1) / agents
    colors = iter(LINES * (1 + len(names) // len(LINES)))
    marks = iter("o" * len(LINES) + "s" * len(LINES) + "^" * len(names))
    for name in names:
        saved = lorenz_eur(savings_eur(result, name))
        color = VERMILLION if name == OPTIMUM else next(colors)
        mark = "D" if name == OPTIMUM else next(marks)  # where colours repeat
        style = "--" if mark in "s^" else "-"
        axes.plot(share, saved, f"{style}{mark}", color=color, ms=3.5, label=short(name))
        axes.plot([0.0, 100.0], [0.0, saved[-1]], ":", color=color, linewidth=1.0)
    axes.axhline(0.0, color=GREY, linewidth=1.0)
    axes.set_xlim(0.0, 100.0)
    axes.set_xlabel("members, from smallest to largest saving [%]")
    axes.set_ylabel(f"saved together [{unit}]")
    axes.grid(axis="both")
    if names:
        axes.legend(loc="upper left", frameon=False)

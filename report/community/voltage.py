"""Voltages and line loading over a week, beside the band, where a scenario has a voltage."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from p2p_market.community.line_metrics import line_metrics
from p2p_market.words import per
from report.figures import INK, Picture, svg
from report.table import amount
from report.week import Week, legend, panels, policies, steps


def voltage_pictures(week: Week) -> list[Picture]:
    """One picture, of the week that the others show; none without a voltage."""
    given = week.result.scenario.spec.voltage
    if given is None:
        return []
    low, high = given.band_pu
    done = {
        "report": "it is only measured",
        "priced": f"what lies outside costs {amount(given.eur_per_pu_h, 2)} EUR per pu and hour "
        "(column overload)",
        "binding": "what all do is pulled back towards rest to keep it",
    }
    told = "; ".join(_told(week, policy) for policy in week.shown)
    return [
        Picture(
            svg(lambda figure: _draw(figure, week), 5.6),
            alt=f"Lowest and highest voltage of all members, and loading of the most loaded line, "
            f"{week.told}, under {', '.join(week.shown)}.",
            title="Voltage of the line",
            caption=f"{week.told}: shaded is what lies between the lowest and the highest voltage "
            f"of all members, dashed the band {low:g} to {high:g} pu; {done[given.mode]}. Loading "
            "is that of the most loaded line on any member's way to the transformer. Over all "
            f"weeks: {told}.",
        )
    ]


def _told(week: Week, policy: str) -> str:
    """Metrics of a policy in words."""
    result = week.result
    found = line_metrics(result.scenario, result.episode, result.trajectories[policy])
    unit = f"kWh {per(result.scenario.spec.days)}"
    return (
        f"{policy} {found['voltage_low'].min():.3f} to {found['voltage_high'].max():.3f} pu, "
        f"{amount(100.0 * float(found['outside'].mean()), 2)} % of steps and members outside, "
        f"{amount(float(found['pulled'].mean()), 0)} {unit} pulled back, 99 % of steps below "
        f"{amount(100.0 * float(found['loading_p99'].max()), 0)} % loading"
    )


def _draw(figure: Figure, week: Week) -> None:
    panels(figure, week, ((_voltages, 1.6), (_loading, 1.0)), "time at UTC+1; lines are midnights")


def _voltages(axes: Axes, week: Week) -> None:
    given = week.result.scenario.spec.voltage
    assert given is not None
    for _, color, played in week.played():
        own = played.series["voltage_pu"][:, week.number]
        hours = week.hours(len(own) + 1)
        low, high = (np.append(edge, edge[-1]) for edge in (own.min(axis=1), own.max(axis=1)))
        axes.fill_between(hours, low, high, step="post", color=color, alpha=0.35, lw=0.8)
    for edge in given.band_pu:
        axes.axhline(edge, color=INK, linewidth=1.0, linestyle=(0, (6, 3)))
    axes.set_ylabel("voltage [pu]")
    band = Line2D([], [], color=INK, linestyle=(0, (6, 3)), lw=1.0)
    legend(axes, "Lowest to highest voltage", {**policies(week), "band": band})


def _loading(axes: Axes, week: Week) -> None:
    for _, color, played in week.played():
        steps(axes, week, played.series["line_loading"][:, week.number].max(axis=1), color)
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("loading [1]")
    legend(axes, "Most loaded line", policies(week))

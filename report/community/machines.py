"""A week of the machines: levels, what the world does to them, what was bought and got rid of."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from p2p_market.community.metrics import missing_and_spilled_kwh
from p2p_market.community.optimum.breakdown import device_kinds
from p2p_market.records import FloatArray
from report.days import WEEKDAYS
from report.figures import GREY, VERMILLION, Picture, mark_days, short, svg
from report.week import Week, policies, steps

MOST: Final = 10  # kinds shown
DRIFT: Final = "#d0d4d8"
SPILLED: Final = "#56B4E9"
FILLS: Final = {"drift": DRIFT, "missing": VERMILLION, "spilled": SPILLED}
OF_ROOM: Final = "heat_chp"
"""Its level is the room left in a heat store; the picture shows the heat."""


def shown(week: Week) -> list[tuple[int, int, str]]:
    """Member, device and kind: of each kind of machine the first that the world moves, or any."""
    scenario, episode = week.result.scenario, week.result.episode
    machines = scenario.nodes.machines
    if machines is None:
        return []
    moved = np.abs(episode.drift_kwh[:, week.number]).max(axis=0) > 0.0
    places = [
        (agent, asset, kind)
        for agent, own in enumerate(device_kinds(scenario))
        for asset, kind in enumerate(own)
        if scenario.flexible[agent][asset].is_machine
    ]
    places.sort(key=lambda one: not moved[one[0], one[1]])  # stable
    first: dict[str, tuple[int, int, str]] = {}
    for agent, asset, kind in places:
        first.setdefault(kind, (agent, asset, kind))
    return list(first.values())[:MOST]


def machines_picture(week: Week) -> Picture | None:
    """One row per kind of machine; None where there are none."""
    devices = shown(week)
    if not devices:
        return None
    names = ", ".join(_named(kind) for _, _, kind in devices)
    return Picture(
        svg(lambda figure: _draw(figure, week, devices), 1.0 + 1.5 * len(devices)),
        alt=f"Levels and powers of {names} from {week.told}, under {', '.join(week.shown)}.",
        title="The machines of that week",
        caption="Left: what is stored. Right: power of the device (above zero it takes, below it "
        f"gives), and grey what the world puts in or takes out. Under {week.middle}, red is what "
        "was missing and had to be bought, light blue what did not fit and was got rid of. The "
        "first machine of each kind is shown; of heat and power it is the heat in the store.",
    )


def _named(kind: str) -> str:
    return kind.replace("_", " ")


def _draw(figure: Figure, week: Week, devices: list[tuple[int, int, str]]) -> None:
    rows = figure.subplots(len(devices), 2, sharex=True, squeeze=False, width_ratios=[1.0, 1.25])
    figure.set_layout_engine("constrained", hspace=0.05)
    for axes, device in zip(rows, devices, strict=True):
        _level(axes[0], week, *device)
        _power(axes[1], week, *device)
        for one in axes:
            one.grid(axis="y")
            one.margins(x=0.0)
    figure.align_ylabels(rows[:, 0])
    figure.align_ylabels(rows[:, 1])
    for column in rows.T:
        _mark_days(column, week)
    entries = policies(week) | {name: Patch(color=color) for name, color in FILLS.items()}
    names = [short(name) for name in entries]
    figure.legend(
        list(entries.values()), names, loc="outside upper right", ncols=len(names), frameon=False
    )


def _mark_days(column: Sequence[Axes], week: Week) -> None:
    """Midnights as lines, and the days' names; two columns have no room for their dates."""
    days = week.result.scenario.spec.days
    mark_days(column, week.start, days, "time at UTC+1")
    names = [WEEKDAYS[(week.start.weekday() + number) % 7] for number in range(days)]
    column[-1].set_xticks(24.0 * np.arange(days) + 12.0, names, minor=True)


def _level(axes: Axes, week: Week, agent: int, asset: int, kind: str) -> None:
    """Level of one device, from before the first step to after the last."""
    scenario, episode, one = week.result.scenario, week.result.episode, week.number
    top = scenario.nodes.energy_max_kwh[agent, asset]
    start = episode.start_energy_kwh[one, agent, asset]
    for _, color, played in week.played():
        level = np.append(start, played.series["energy_kwh"][:, one, agent, asset])
        shown_kwh = top - level if kind == OF_ROOM else level
        axes.plot(week.hours(len(level)), shown_kwh, color=color, lw=1.3)
    least = 0.0 if kind == OF_ROOM else scenario.nodes.energy_min_kwh[agent, asset]
    for edge in (least, top):
        axes.axhline(edge, color=GREY, lw=0.8, linestyle=(0, (4, 3)))
    axes.set_ylim(-0.06 * top, 1.06 * top)
    axes.set_ylabel("energy [kWh]")
    axes.set_title(f"{_named(kind)}, prosumer_{agent}", loc="left", weight="bold")


def _power(axes: Axes, week: Week, agent: int, asset: int, kind: str) -> None:
    """Power of one device, the world's drift, and what the level lacked or could not hold."""
    scenario, episode, one = week.result.scenario, week.result.episode, week.number
    place = np.s_[:, one, agent, asset]
    drift_kw = episode.drift_kwh[place] / scenario.dt_h
    if kind == OF_ROOM:
        drift_kw = -drift_kw
    _fill(axes, week, drift_kw, DRIFT)
    played = week.result.trajectories[week.middle]
    missing, spilled = missing_and_spilled_kwh(scenario, episode, played)
    for kwh, color, sign in ((missing, VERMILLION, 1.0), (spilled, SPILLED, -1.0)):
        if kind == OF_ROOM:
            color, sign = (VERMILLION if color == SPILLED else SPILLED), -sign
        _fill(axes, week, sign * kwh[place] / scenario.dt_h, color)
    for _, color, own in week.played():
        steps(axes, week, own.series["setpoint_kw"][place], color, width=1.1)
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.set_ylabel("power [kW]")


def _fill(axes: Axes, week: Week, power_kw: FloatArray, color: str) -> None:
    """Area between zero and a series that is constant within each step."""
    hours = week.hours(len(power_kw) + 1)
    axes.fill_between(hours, np.append(power_kw, power_kw[-1]), step="post", color=color, lw=0)

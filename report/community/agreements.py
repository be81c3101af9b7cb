"""Agreements of a week: what is under contract, and who receives by it."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from p2p_market.community.coordination.records import END, KIND, QUANTITY, START
from p2p_market.evaluation.benchmark import ScenarioResult
from p2p_market.records import FloatArray
from p2p_market.track import Trajectory
from report.figures import BLUE, GREY, ORANGE, VERMILLION, Picture, svg
from report.table import amount
from report.week import Week, legend, line, panels, steps

COLORS: Final = (BLUE, ORANGE, "#009E73", "#CC79A7", VERMILLION)  # of members that are named
UNDER: Final = {"contracts": BLUE, "traded by agreements": ORANGE}


def agreement_pictures(week: Week) -> list[Picture]:
    """One picture, of who signs most; none where nobody signs anything."""
    policy = _signer(week.result, week.number)
    if policy is None:
        return []
    played = week.result.trajectories[policy]
    received = received_eur(played, week.number)
    told = ", ".join(
        f"prosumer_{agent} {amount(float(received[-1, agent]), 2)}" for agent in _named(received)
    )
    return [
        Picture(
            svg(lambda figure: _draw(figure, week, played), 5.6),
            alt=f"Power under contract and what members receive by agreements, {week.told}, under "
            f"{policy}. At the end, in EUR: {told}.",
            title="Agreements of that week",
            caption=f"{week.told}, under {policy}. Above: power of contracts that run, and what "
            "agreements match before or beside the auction, in coalitions or by delivery. Below: "
            "what each member has received by agreements so far; below zero it has paid, and the "
            "sum is zero. Named are those that end furthest from zero.",
        )
    ]


def contracted_kw(played: Trajectory, number: int) -> FloatArray:
    """Power of the contracts that run in each step, all together, (step,)."""
    after = played.series["agreed_contracts"][:, number]  # (step, contract, field), after the step
    now = np.concatenate([np.zeros_like(after[:1]), after[:-1]])
    step = np.arange(len(now))[:, None]
    runs = (now[..., KIND] > 0.0) & (now[..., START] <= step) & (step < now[..., END])
    return np.asarray(np.where(runs, now[..., QUANTITY], 0.0).sum(axis=1))


def received_eur(played: Trajectory, number: int) -> FloatArray:
    """What each member has received by agreements up to each step, (step, agent)."""
    return np.asarray(-played.series["agreed_eur"][:, number].cumsum(axis=0))


def _signer(result: ScenarioResult, number: int) -> str | None:
    """The policy that moves most money by agreements."""
    if result.scenario.spec.coordination is None:
        return None
    moved = {
        name: float(np.abs(played.series["agreed_eur"][:, number]).sum())
        for name, played in result.trajectories.items()
    }
    most = max(moved, key=lambda name: moved[name])
    return most if moved[most] > 0.0 else None


def _named(received: FloatArray) -> list[int]:
    """Members that end furthest from zero."""
    order = np.argsort(-np.abs(received[-1]), kind="stable")
    return [int(agent) for agent in order[: len(COLORS)]]


def _draw(figure: Figure, week: Week, played: Trajectory) -> None:
    clock = "time at UTC+1; lines are midnights"

    def under(axes: Axes, week: Week) -> None:
        matched = np.maximum(played.series["agreed_kw"][:, week.number], 0.0).sum(axis=1)
        both = (contracted_kw(played, week.number), matched)
        for values, color in zip(both, UNDER.values(), strict=True):
            steps(axes, week, values, color)
        axes.set_ylim(bottom=0.0)
        axes.set_ylabel("power [kW]")
        legend(axes, "Under contract", {name: line(color) for name, color in UNDER.items()})

    def received(axes: Axes, week: Week) -> None:
        own = received_eur(played, week.number)
        names: Mapping[int, str] = dict(zip(_named(own), COLORS, strict=False))
        hours = week.hours(len(own) + 1)
        for agent, eur in enumerate(own.T):
            color = names.get(agent, GREY)
            axes.plot(hours, np.append(0.0, eur), color=color, lw=1.4 if agent in names else 0.7)
        axes.axhline(0.0, color=GREY, linewidth=0.8)
        axes.set_ylabel("received [EUR]")
        entries: dict[str, Artist] = {f"prosumer_{a}": line(color) for a, color in names.items()}
        legend(axes, "Received", entries)

    panels(figure, week, ((under, 1.0), (received, 1.3)), clock)

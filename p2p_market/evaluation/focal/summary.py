"""What a focal result says: savings with intervals, and a lower estimate of a best response."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from p2p_market.evaluation.focal.focal import FocalResult
from p2p_market.evaluation.statistics.bootstrap import (
    Interval,
    draw_weeks,
    interval,
    named_generator,
    unit_sums,
)
from p2p_market.records import BoolArray, FloatArray, IntArray, Record, Role
from p2p_market.tracks import track_of

STREAM: Final = "p2p_market/focal/1"
SCHEMA: Final = "p2p_market/focal/1"


@dataclass(frozen=True, slots=True)
class BestResponse(Record):
    """The best of what was played on each seat, chosen in hindsight over these weeks."""

    policy: tuple[str, ...]  # one per seat
    saving_eur: FloatArray  # (week, seat), of that policy

    @property
    def mean_eur(self) -> float:
        """Mean over weeks and seats: a best response saves at least that [EUR per week]."""
        return float(self.saving_eur.mean())

    def mean_of_eur(self, seats: BoolArray) -> float:
        """The same over some of the seats [EUR per week]."""
        return float(self.saving_eur[:, seats].mean())


@dataclass(frozen=True, slots=True)
class FocalSummary:
    """One policy, means over the seats in EUR per week; intervals over weeks."""

    policy: str
    saving_eur: Interval
    short_eur: Interval  # of the best response: that saving less this one, paired, mean >= 0
    others_gain_eur: Interval  # against the truthful rule on the same seat, paired


def best_response(result: FocalResult) -> BestResponse:
    """On each seat the policy with the largest mean saving, the first of equals."""
    names = [row.policy for row in result.rows]
    savings = np.stack([result.saving_eur(name) for name in names])  # (policy, week, seat)
    best = savings.mean(axis=1).argmax(axis=0)
    chosen = np.take_along_axis(savings, best[None, None, :], axis=0)[0]
    return BestResponse(tuple(names[place] for place in best), chosen)


def summarise(result: FocalResult) -> list[FocalSummary]:
    """A summary per policy, in the order of the rows."""
    best = best_response(result).saving_eur
    found = []
    for row in result.rows:
        saving = result.saving_eur(row.policy)
        gain = result.others_gain_eur(row.policy)
        series = (saving, best - saving, gain)
        means = (weekly_mean(one.mean(axis=1), result.units) for one in series)
        found.append(FocalSummary(row.policy, *means))
    return found


@dataclass(frozen=True, slots=True)
class RoleSummary:
    """One policy in one role, means over the seats of the role in EUR per week."""

    policy: str
    role: str
    saving_eur: Interval
    gain_eur: Interval  # of the agent against the truthful rule on the same seat, paired
    short_eur: Interval  # of the best response: that saving less this one, paired, mean >= 0
    others_gain_eur: Interval  # against the truthful rule on the same seat, paired


def by_role(result: FocalResult) -> list[RoleSummary]:
    """A summary per role and policy that plays it, role after role."""
    best, found = best_response(result).saving_eur, list[RoleSummary]()
    for role in track_of(result.scenario).roles(result.scenario):
        seats = result.seats_of(role.name)
        for row in result.rows:
            if role.name not in result.roles_of(row.policy):
                continue
            saving, gain = result.saving_eur(row.policy), result.gain_eur(row.policy)
            series = (saving, gain, best - saving, result.others_gain_eur(row.policy))
            means = (weekly_mean(one[:, seats].mean(axis=1), result.units) for one in series)
            found.append(RoleSummary(row.policy, role.name, *means))
    return found


def weekly_mean(values: FloatArray, units: IntArray | None = None) -> Interval:
    """Mean over weeks with its 95 % interval; every call meets the same draw of weeks.

    Args:
        values: (week,).
        units: number of each week's unit, (week,); None: each is one.

    Returns:
        Ends are nan for a single week, from which no interval follows.
    """
    size, point = len(values), float(values.mean())
    values = unit_sums(values, units)
    count = len(values)
    if count < 2:
        return Interval(point, math.nan, math.nan)
    chosen = draw_weeks(named_generator(STREAM), 1, count)[:, 0]
    return interval(point, values[chosen].mean(axis=-1) * (count / size), count)


def focal_record(result: FocalResult) -> dict[str, Any]:
    """Everything as JSON: the bot of each seat, and the money of every seat in every week."""
    best, spec = best_response(result), result.scenario.spec
    least: dict[str, Any] = {"mean_eur": best.mean_eur}
    means: dict[str, Any] = {one.policy: _ends(one) for one in summarise(result)}
    more: dict[str, Any] = {}
    if result.several:
        more = {"roles": _roles(result)}
        least = {
            "mean_eur": {role: best.mean_of_eur(result.seats_of(role)) for role in more["roles"]}
        }
        means = {row.policy: {} for row in result.rows}
        for one in by_role(result):
            means[one.policy][one.role] = _ends(one)
    return {
        "schema": SCHEMA,
        "role": "focal",
        "id": spec.id,
        "digest": result.scenario.digest,
        "agents": list(result.scenario.agents),
        **more,
        "episodes": [asdict(key) for key in result.keys],
        "population": result.population.name,
        "behaviours": {name: bot.behaviour for name, bot in result.population.bots.items()},
        "bots": [list(week) for week in result.bots],  # on each seat that is not in focus
        "no_trade_eur": result.alone_eur.tolist(),  # (week, seat), as all money below
        "best_response_at_least": {
            **least,
            "policy": list(best.policy),
            "saving_eur": best.saving_eur.tolist(),
        },
        "policies": [
            {
                "policy": row.policy,
                "mean_eur": means[row.policy],  # by role where there are several
                "saving_eur": result.saving_eur(row.policy).tolist(),
                "others_gain_eur": result.others_gain_eur(row.policy).tolist(),
            }
            for row in result.rows
        ],
    }


def _roles(result: FocalResult) -> dict[str, list[str]]:
    """Role -> its agents."""
    roles: Sequence[Role] = track_of(result.scenario).roles(result.scenario)
    return {role.name: list(role.agents) for role in roles}


def _ends(summary: FocalSummary | RoleSummary) -> Mapping[str, Any]:
    return {
        name: {end: value if math.isfinite(value) else None for end, value in found.items()}
        for name, found in asdict(summary).items()
        if isinstance(found, dict)
    }

"""What a run says over all its scenarios: summaries, profiles, one policy against another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from p2p_market.evaluation.benchmark import ScenarioResult, best_of, units_of
from p2p_market.evaluation.ends.certificate import best_cost_eur
from p2p_market.evaluation.players.conduct import Conduct, recorded_conduct
from p2p_market.evaluation.record.recorded import recorded_units
from p2p_market.evaluation.statistics.bootstrap import named_generator, unit_sums
from p2p_market.evaluation.statistics.paired import Improvement, improvement
from p2p_market.evaluation.statistics.profiles import Band, profile_band
from p2p_market.evaluation.statistics.summary import Summary, summarise
from p2p_market.records import FloatArray, IntArray
from p2p_market.registry import recorded_track
from p2p_market.track import OPTIMUM, Card
from p2p_market.tracks import track_of

STREAM: Final = "p2p_market/summary/1"


@dataclass(frozen=True, slots=True)
class Costs:
    """Social costs of the contestants and of the optimum on one scenario."""

    scenario: str
    weeks: tuple[int, ...]  # first days of the units that a bootstrap draws whole
    by_policy: Mapping[str, FloatArray]  # (week,) [EUR]
    best_eur: FloatArray  # (week,), the 100 of the scale
    track: str
    rule: str  # policy at 0


@dataclass(frozen=True, slots=True)
class Shared:
    """Social costs of the policies that played all scenarios, on the same weeks [EUR]."""

    scenarios: tuple[str, ...]
    policies: tuple[str, ...]  # without the optimum
    rule_eur: FloatArray  # (scenario, week)
    own_eur: FloatArray  # (policy, scenario, week)
    best_eur: FloatArray  # (scenario, week), the 100 of the scale


def overview(results: Sequence[ScenarioResult]) -> list[Summary]:
    """Summaries of a run; empty for one scenario, or if scenarios do not share their weeks."""
    return over_scenarios([_from_result(result) for result in results])


def recorded_overview(scenarios: Sequence[Mapping[str, Any]]) -> list[Summary]:
    """The same from the scenarios of a run record."""
    return over_scenarios([_from_record(entry) for entry in scenarios])


def over_scenarios(costs: Sequence[Costs]) -> list[Summary]:
    """One summary per policy that played all scenarios, without those that see the future."""
    shared = share(costs)
    if shared is None:
        return []
    return summarise(
        shared.policies,
        shared.scenarios,
        shared.rule_eur,
        shared.own_eur,
        shared.best_eur,
        named_generator(STREAM),
    )


def shared_costs(results: Sequence[ScenarioResult]) -> Shared | None:
    """Costs of a run; None for one scenario, or if scenarios do not share their weeks."""
    return share([_from_result(result) for result in results])


def share(costs: Sequence[Costs]) -> Shared | None:
    """Costs of several scenarios in one array; None where they cannot be summed up.

    Scores of different tracks are never added up.
    """
    if len(costs) < 2 or len({(one.track, one.weeks) for one in costs}) > 1:
        return None
    policies = tuple(
        name
        for name in costs[0].by_policy
        if name != OPTIMUM and all(name in one.by_policy for one in costs)
    )
    return Shared(
        scenarios=tuple(one.scenario for one in costs),
        policies=policies,
        rule_eur=np.array([one.by_policy[one.rule] for one in costs]),
        own_eur=np.array([[one.by_policy[name] for one in costs] for name in policies]),
        best_eur=np.array([one.best_eur for one in costs]),
    )


def improvements(shared: Shared, reference: str) -> dict[str, Improvement]:
    """Each other policy against one of them; empty if that one did not play."""
    if reference not in shared.policies:
        return {}
    theirs = shared.own_eur[shared.policies.index(reference)]
    return {
        name: improvement(own, theirs, shared.rule_eur, shared.best_eur, named_generator(STREAM))
        for name, own in zip(shared.policies, shared.own_eur, strict=True)
        if name != reference
    }


def profiles(shared: Shared, tau: FloatArray) -> dict[str, Band]:
    """Share of block scores above each of (tau,), per policy."""
    return {
        name: profile_band(own, shared.rule_eur, shared.best_eur, tau, named_generator(STREAM))
        for name, own in zip(shared.policies, shared.own_eur, strict=True)
    }


def _from_result(result: ScenarioResult) -> Costs:
    best = best_of(result.scenario, result.certificates, result.trajectories[OPTIMUM])
    costs = {
        row.policy: row.social_cost_eur for row in result.rows if _ranked(row.policy, row.conduct)
    }
    units = units_of(result.scenario, result.episode.keys)
    days = [key.start_day for key in result.episode.keys]
    card = track_of(result.scenario).CARD
    return _by_week(result.scenario.spec.id, card, units, days, costs, best)


def _by_week(
    scenario: str,
    card: Card,
    units: IntArray,
    days: Sequence[int],
    costs: Mapping[str, FloatArray],
    best_eur: FloatArray,
) -> Costs:
    """Sums over the episodes of each week."""
    first = np.flatnonzero(np.diff(units, prepend=-1)).tolist()
    return Costs(
        scenario,
        tuple(days[place] for place in first),
        {name: unit_sums(own, units) for name, own in costs.items()},
        unit_sums(best_eur, units),
        card.name,
        card.rule,
    )


def _ranked(policy: str, conduct: Conduct) -> bool:
    """Whether costs of this row are needed: contestants, and the end of the scale."""
    return conduct.contends or policy == OPTIMUM


def _from_record(entry: Mapping[str, Any]) -> Costs:
    costs = {
        one["policy"]: np.array(one["social_cost_eur"])
        for one in entry["policies"]
        if _ranked(one["policy"], recorded_conduct(one))
    }
    best = costs[OPTIMUM]
    bounds = [certificate["bound_eur"] for certificate in entry["certificates"]]
    best = best_cost_eur(entry["specification"].get("optimum", "linear"), bounds, best)
    days = [key["start_day"] for key in entry["episodes"]]
    card = recorded_track(entry).CARD
    return _by_week(entry["id"], card, recorded_units(entry), days, costs, best)

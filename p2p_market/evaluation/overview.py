"""What a run says over all its scenarios: one summary per policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from p2p_market.evaluation.benchmark import OPTIMUM, RULE, ScenarioResult, best_cost_eur
from p2p_market.evaluation.statistics.bootstrap import named_generator
from p2p_market.evaluation.statistics.summary import Summary, summarise
from p2p_market.records import FloatArray

STREAM: Final = "p2p_market/summary/1"


@dataclass(frozen=True, slots=True)
class Costs:
    """Social costs of all policies on one scenario."""

    scenario: str
    weeks: tuple[int, ...]  # start days
    by_policy: Mapping[str, FloatArray]  # (episode,) [EUR]
    best_eur: FloatArray  # (episode,), the 100 of the scale


def overview(results: Sequence[ScenarioResult]) -> list[Summary]:
    """Summaries of a run; empty for one scenario, or if scenarios do not share their weeks."""
    return over_scenarios([_from_result(result) for result in results])


def recorded_overview(scenarios: Sequence[Mapping[str, Any]]) -> list[Summary]:
    """The same from the scenarios of a run record."""
    return over_scenarios([_from_record(entry) for entry in scenarios])


def over_scenarios(costs: Sequence[Costs]) -> list[Summary]:
    """One summary per policy that played all scenarios, the optimum left out."""
    if len(costs) < 2 or len({one.weeks for one in costs}) > 1:
        return []
    shared = [
        name
        for name in costs[0].by_policy
        if name != OPTIMUM and all(name in one.by_policy for one in costs)
    ]
    own = np.array([[one.by_policy[name] for one in costs] for name in shared])
    return summarise(
        shared,
        [one.scenario for one in costs],
        np.array([one.by_policy[RULE] for one in costs]),
        own,
        np.array([one.best_eur for one in costs]),
        named_generator(STREAM),
    )


def _from_result(result: ScenarioResult) -> Costs:
    best = best_cost_eur(result.scenario, result.certificates, result.trajectories[OPTIMUM])
    costs = {row.policy: row.social_cost_eur for row in result.rows}
    weeks = tuple(key.start_day for key in result.episode.keys)
    return Costs(result.scenario.spec.id, weeks, costs, best)


def _from_record(entry: Mapping[str, Any]) -> Costs:
    costs = {one["policy"]: np.array(one["social_cost_eur"]) for one in entry["policies"]}
    best = costs[OPTIMUM]
    if entry["specification"]["optimum"] == "mixed_integer":
        best = np.array([certificate["bound_eur"] for certificate in entry["certificates"]])
    weeks = tuple(key["start_day"] for key in entry["episodes"])
    return Costs(entry["id"], weeks, costs, best)

"""Maintenance that members must fit in: who must, how long it takes, and by when it is done."""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from p2p_market.community.scenario.fuel import fuel_rules
from p2p_market.community.scenario.record import Scenario
from p2p_market.errors import ScenarioError
from p2p_market.records import IntArray


class ServiceRules(NamedTuple):
    """Whose device has to stand still for maintenance once in an episode."""

    asset: IntArray  # (agent,), its place among the member's devices; -1 = none
    steps: IntArray  # (agent,), how long it takes
    last: IntArray  # (agent,), step at which it begins by itself


def no_further_acts(scenario: Scenario, who: str) -> None:
    """Refuse a scenario with orders of fuel or maintenance for a planner of powers alone.

    Raises:
        ScenarioError: if it has some.
    """
    acts = {
        "order fuel": fuel_rules(scenario),
        "choose when maintenance is": service_rules(scenario),
    }
    for act, rules in acts.items():
        if rules is not None:
            raise ScenarioError(
                f"{scenario.spec.id}: members {act}, for which {who} does not plan yet; use a rule "
                "such as truthful, or a policy of your own"
            )


@lru_cache(maxsize=16)
def service_rules(scenario: Scenario) -> ServiceRules | None:
    """Who must stand still; None where nobody must.

    Raises:
        ScenarioError: if a member has several such devices, or a day is not in the episode.
    """
    count, per_day = len(scenario.agents), scenario.steps_per_day
    asset, steps, last = np.full(count, -1), np.zeros(count, int), np.zeros(count, int)
    for agent, own in enumerate(scenario.flexible):
        places = [k for k, node in enumerate(own) if node.maintenance_h > 0.0]
        if not places:
            continue
        who, node = f"{scenario.spec.id}: {scenario.agents[agent]}", own[places[0]]
        if len(places) > 1:
            raise ScenarioError(
                f"{who} has {len(places)} devices with maintenance; it has one column for it, so "
                "give the second to another member"
            )
        if node.maintenance_by_day > scenario.spec.days:
            raise ScenarioError(
                f"{who}: maintenance_by_day {node.maintenance_by_day} is after the last of "
                f"{scenario.spec.days} days; lower it"
            )
        asset[agent] = places[0]
        steps[agent] = math.ceil(node.maintenance_h / scenario.dt_h)
        last[agent] = node.maintenance_by_day * per_day - steps[agent]
        if last[agent] < 0:
            raise ScenarioError(
                f"{who}: {node.maintenance_h:g} h of maintenance do not fit before the end of day "
                f"{node.maintenance_by_day}; raise maintenance_by_day"
            )
    return None if asset.max() < 0 else ServiceRules(asset, steps, last)

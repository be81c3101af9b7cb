"""What the agents of each role pay, against the rule; of tracks with several roles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from p2p_market.evaluation.benchmark import Row, ScenarioResult, units_of
from p2p_market.evaluation.focal.summary import weekly_mean
from p2p_market.evaluation.statistics.bootstrap import Interval
from p2p_market.records import BoolArray, FloatArray, Role
from p2p_market.registry import rule_of
from p2p_market.tracks import track_of


@dataclass(frozen=True, slots=True)
class RoleMoney:
    """Private cost of all agents of a role together, mean over the episodes."""

    role: str
    policy: str
    cost_eur: float  # positive = paid
    saved_eur: Interval  # what they pay where all play the rule, less this; paired by episode


def seats_of(result: ScenarioResult) -> dict[str, BoolArray]:
    """Role -> which agents are of it, (agent,); empty where there is one role."""
    roles: Sequence[Role] = track_of(result.scenario).roles(result.scenario)
    agents = result.scenario.agents
    return {one.name: np.isin(agents, one.agents) for one in roles} if len(roles) > 1 else {}


def private_columns(result: ScenarioResult, row: Row) -> dict[str, FloatArray]:
    """Columns of metrics.csv: what the agents of each role pay together, (episode,) [EUR]."""
    paid = row.private_cost_eur
    return {
        f"{role}_private_cost_eur": paid[:, seats].sum(axis=1)
        for role, seats in seats_of(result).items()
    }


def money_of_roles(result: ScenarioResult) -> list[RoleMoney]:
    """Role after role, policies in the order of the result; empty where there is one role."""
    rule = next(row for row in result.rows if row.policy == rule_of(result.scenario))
    units, found = units_of(result.scenario, result.episode.keys), list[RoleMoney]()
    for role, seats in seats_of(result).items():
        alone_eur = rule.private_cost_eur[:, seats].sum(axis=1)
        for row in result.rows:
            own_eur = row.private_cost_eur[:, seats].sum(axis=1)
            saved = weekly_mean(alone_eur - own_eur, units)
            found.append(RoleMoney(role, row.policy, float(own_eur.mean()), saved))
    return found

"""Where every column is a choice, a policy may answer with integers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from p2p_market.battery.rules.policy import reserve_first
from p2p_market.battery.track import roles
from p2p_market.evaluation.players.conduct import Asked, answers_alike, minds_own_rows
from p2p_market.evaluation.players.mixture import Mixture
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario, scenario_of
from p2p_market.testing import check_policy
from p2p_market.testing.policy import two_communities


@dataclass(frozen=True)
class Whole:
    """A rule that gives its indices as integers."""

    rule: Any

    def start(self, seeds):
        return self.rule.start(seeds)

    def act(self, observation, memory):
        action, memory = self.rule.act(observation, memory)
        return action.astype(np.int64), memory


@pytest.fixture(scope="module")
def scenario():
    spec = load_scenario("battery-146-v0").spec.model_copy(update={"days": 1})
    return scenario_of(spec.model_dump_json())


def test_integers_are_played_as_the_same_numbers(scenario):
    episode, rule = two_communities(scenario), reserve_first(scenario)
    own, whole = (rollout(scenario, episode, one) for one in (rule, Whole(rule)))
    assert whole.digests == own.digests
    (actions,) = whole.actions.values()
    assert actions.dtype == np.float64
    width, seats = actions.shape[-1], np.zeros((2, 1), dtype=int)
    mixed = Mixture(("whole",), (Whole(rule),), seats, width, choices=True)
    assert rollout(scenario, episode, mixed).digests == own.digests


def test_integers_are_asked_for_again_and_checked(scenario):
    policy = Whole(reserve_first(scenario))
    check_policy(policy, scenario, steps=24)
    (role,) = roles(scenario)
    seen = np.full((1, 1, len(role.features)), 0.5, dtype=np.float32)
    asked = [Asked(seen, policy.act(seen, None)[0])]
    assert answers_alike(policy, lambda: policy, [0], asked)
    assert minds_own_rows(policy, [0], asked, [seen])

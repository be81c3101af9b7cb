"""Rollouts: equal to the environment, blind to the future."""

from dataclasses import replace

import numpy as np
import pytest

from p2p_market.community import engine
from p2p_market.community.actions import action_map
from p2p_market.community.baselines import BASELINES
from p2p_market.community.envs.env import CommunityEnv
from p2p_market.community.episode.episode import choose_key, draw, stack
from p2p_market.community.observation import observe
from p2p_market.community.scenario.scenario import build
from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import Recorded, join, rollout
from p2p_market.registry import load_scenario
from tests.every_scenario import COMMUNITY, VARIED_SCENARIOS

IDS = COMMUNITY
RULES = [name for name, one in BASELINES.items() if not one.slow]


def one_day(scenario_id: str):
    return build(load_scenario(scenario_id).spec.model_copy(update={"days": 1}))


@pytest.mark.parametrize("scenario_id", IDS)
def test_a_rollout_is_what_the_environment_plays(scenario_id):
    scenario = one_day(scenario_id)
    env = CommunityEnv(scenario)
    env.reset(seed=9)
    episode = draw(scenario, env.episode_key)
    shape = (scenario.steps, 1, len(scenario.agents), action_map(scenario).width)
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, shape)
    played = rollout(scenario, episode, Recorded(actions))
    for t in range(scenario.steps):
        _, rewards, *_ = env.step({a: actions[t, 0, i] for i, a in enumerate(scenario.agents)})
        assert list(rewards.values()) == played.reward[t, 0].tolist()


@pytest.mark.parametrize("policy", RULES)
@pytest.mark.parametrize("scenario_id", VARIED_SCENARIOS)
def test_a_batch_plays_every_community_as_if_alone(scenario_id, policy):
    scenario = one_day(scenario_id)
    singles = [draw(scenario, choose_key(scenario, seed, "test", seed)) for seed in range(3)]
    together = rollout(scenario, stack(singles), load_policy(policy, scenario), policy)
    alone = join([rollout(scenario, one, load_policy(policy, scenario), policy) for one in singles])
    assert together.digests == alone.digests


@pytest.mark.parametrize("policy", RULES)
@pytest.mark.parametrize("scenario_id", VARIED_SCENARIOS)
def test_rules_are_deterministic_and_raise_no_intervention(scenario_id, policy):
    scenario = one_day(scenario_id)
    episode = draw(scenario, choose_key(scenario, 1, "test", 5))
    first, again = (rollout(scenario, episode, load_policy(policy, scenario)) for _ in range(2))
    assert first.digests == again.digests
    assert not first.cause.any()


@pytest.mark.parametrize("scenario_id", IDS)
def test_changing_the_future_changes_no_observation(scenario_id):
    scenario = one_day(scenario_id)
    episode = draw(scenario, choose_key(scenario, 2, "train", 4))
    per_hour = scenario.steps_per_day // 24
    now = 9 * per_hour  # in the morning: tomorrow's prices are not published yet
    midnight = 22 * per_hour  # the local day ends at 23:00 UTC+1 in summer
    state = replace(engine.start(scenario, episode), step=now)
    later = {
        name: getattr(episode, name).copy()
        for name in (
            "load_kw",
            "pv_kw",
            "co2_kg_per_kwh",
            "carbon_eur_per_kwh",
            "bid_cap_eur_per_kwh",
        )
    }
    for series in later.values():
        series[now + 1 :] += 0.123
    retail = episode.retail_eur_per_kwh.copy()
    retail[midnight + 2 * per_hour :] += 0.123
    changed = replace(episode, **later, retail_eur_per_kwh=retail)
    seen = observe(scenario, episode, state)
    np.testing.assert_array_equal(seen, observe(scenario, changed, state))
    now_changed = replace(episode, load_kw=episode.load_kw + 0.1)
    assert not np.array_equal(seen, observe(scenario, now_changed, state))


def test_what_is_not_a_policy_is_named():
    scenario = one_day("classic-v0")
    with pytest.raises(PolicyError, match="known:"):
        load_policy("clever", scenario)
    with pytest.raises(PolicyError, match="cannot import"):
        load_policy("no_such_module:make", scenario)
    with pytest.raises(PolicyError, match="has no"):
        load_policy("p2p_market.community.rules.policy:missing", scenario)
    with pytest.raises(PolicyError, match="neither"):
        load_policy("p2p_market.community.actions:action_map", scenario)


def test_a_wrong_answer_of_a_policy_is_named():
    scenario = one_day("classic-v0")
    episode = draw(scenario, choose_key(scenario, 0))
    for answer in (np.zeros((scenario.steps, 1, 2, 3)), np.zeros((scenario.steps, 1, 6, 3), int)):
        with pytest.raises(PolicyError, match="shape"):
            rollout(scenario, episode, Recorded(answer), "wrong")


@pytest.mark.parametrize("policy", ["zero-intelligence", "random"])
def test_two_weeks_of_one_seed_meet_different_draws(policy):
    scenario = one_day("classic-v0")
    weeks = stack([draw(scenario, choose_key(scenario, 0, "test", week)) for week in (4, 5)])
    played = rollout(scenario, weeks, load_policy(policy, scenario), policy)
    prices = played.actions["prosumer"][..., -1]
    assert np.mean(prices[:, 0] == prices[:, 1]) < 0.2


def test_a_policy_cannot_draw_its_episode_again_from_its_seed():
    scenario = one_day("classic-v0")
    key = choose_key(scenario, 0, "test", 4)
    seeds = []

    class Spy(Recorded):
        def start(self, given):
            seeds.extend(given)
            return 0

    actions = np.zeros((scenario.steps, 1, len(scenario.agents), 3))
    rollout(scenario, draw(scenario, key), Spy(actions))
    again = draw(scenario, replace(key, seed=seeds[0]))
    assert not np.array_equal(again.load_kw, draw(scenario, key).load_kw)


def test_a_policy_that_answers_with_one_thing_is_told():
    scenario = one_day("classic-v0")

    class Forgetful(Recorded):
        def act(self, observation, memory):
            return None

    with pytest.raises(PolicyError, match="must return"):
        rollout(scenario, draw(scenario, choose_key(scenario, 0)), Forgetful(np.zeros(1)), "lazy")

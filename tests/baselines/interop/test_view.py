"""The community as other libraries see it: a view, one environment, many in one."""

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test

from baselines.learners.interop.pettingzoo_env import ViewEnv
from baselines.learners.interop.view import FAR, View, ViewPolicy
from baselines.learners.ppo.decision import KINDS
from p2p_market.community.episode.episode import choose_key, draw, stack
from p2p_market.community.rules.policy import truthful
from p2p_market.errors import PolicyError
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario

SCENARIO = "classic-v0"


@pytest.fixture(scope="module")
def scenario():
    return load_scenario(SCENARIO)


def outputs(env: ViewEnv, generator: np.random.Generator) -> dict[str, np.ndarray]:
    shape = env.view.action_space.shape
    return {a: generator.uniform(-1.0, 1.0, shape).astype(np.float32) for a in env.possible_agents}


@pytest.mark.parametrize("decision", KINDS)
def test_the_environment_is_a_pettingzoo_environment(decision):
    parallel_api_test(ViewEnv(SCENARIO, decision), num_cycles=200)


@pytest.mark.parametrize("decision", KINDS)
def test_what_is_shown_is_normalised_and_in_its_space(decision):
    env, generator = ViewEnv(SCENARIO, decision), np.random.default_rng(0)
    seen, _ = env.reset(seed=3)
    shown, states = [*seen.values()], [env.state()]
    while env.agents:
        seen, _, ends, cuts, _ = env.step(outputs(env, generator))
        shown += [*seen.values()]
        states.append(env.state())
    assert all(ends.values())
    assert not any(cuts.values())
    assert all(env.view.observation_space.contains(row) for row in shown)
    assert all(env.state_space.contains(state) for state in states)
    assert np.abs(np.mean(shown)) < 0.5
    assert 0.2 < np.std(shown) < 2.0
    assert np.mean(np.abs(shown) == FAR) < 0.05


def test_an_output_of_zero_is_the_truthful_rule(scenario):
    episode = stack([draw(scenario, choose_key(scenario, 0, "validation", 5))])
    view = View(scenario)
    policy = ViewPolicy(view, lambda rows: np.zeros((*rows.shape[:2], 1)))
    own, rule = (rollout(scenario, episode, p) for p in (policy, truthful(scenario)))
    assert own.social_cost_eur == pytest.approx(rule.social_cost_eur)


def test_an_unknown_decision_is_named(scenario):
    with pytest.raises(PolicyError, match=r"'prices'; known: around_rule, full"):
        View(scenario, "prices")


def test_rewards_differ_from_bills_by_what_no_action_changes():
    """Two policies in one week: the difference of their returns is that of their bills."""
    returns, bills = [], []
    for seed in (1, 2):
        env, generator = ViewEnv(SCENARIO), np.random.default_rng(seed)
        env.reset(seed=9, options={"week": 4})
        plain = env.community
        owners = [plain.possible_agents[i] for i in env.view.decision.owners]
        earned, paid, step = dict.fromkeys(env.agents, 0.0), dict.fromkeys(owners, 0.0), plain.step

        def record(actions, step=step, paid=paid):
            answer = step(actions)
            for owner in paid:
                paid[owner] -= answer[1][owner]
            return answer

        plain.step = record
        while env.agents:
            _, rewards, *_ = env.step(outputs(env, generator))
            for agent, reward in rewards.items():
                earned[agent] += reward / 10.0  # tenths of a EUR
        returns.append(np.array([*earned.values()]))
        bills.append(np.array([*paid.values()]))
    assert not np.allclose(bills[0], bills[1], atol=1.0)
    np.testing.assert_allclose(returns[0] - returns[1], bills[1] - bills[0], atol=1e-3)


def test_many_communities_are_many_environments(scenario):
    torch = pytest.importorskip("torch")
    pytest.importorskip("torchrl")
    from torchrl.envs.utils import check_env_specs

    from baselines.learners.interop.torchrl_env import CommunityTorchEnv

    many = CommunityTorchEnv(scenario, 3, seed=20)
    check_env_specs(many)
    many.set_seed(20)
    weeks = 2
    played = many.rollout(weeks * scenario.steps, break_when_any_done=False)
    ends = played["next", "terminated"][..., 0]
    assert ends.nonzero()[:, 1].tolist() == 3 * [scenario.steps - 1, 2 * scenario.steps - 1]
    assert not played["next", "truncated"].any()
    torch.testing.assert_close(played["next", "done"], played["next", "terminated"])
    for number in range(3):
        one = ViewEnv(SCENARIO)
        for week in range(weeks):
            seen, _ = one.reset(seed=20 + number if week == 0 else None)
            for step in range(week * scenario.steps, (week + 1) * scenario.steps):
                now = played[number, step]
                np.testing.assert_array_equal(now["agents", "observation"], [*seen.values()])
                np.testing.assert_allclose(now["state"], one.state(), atol=1e-6)
                actions = dict(zip(one.agents, now["agents", "action"].numpy(), strict=True))
                seen, rewards, *_ = one.step(actions)
                after = now["next", "agents"]
                np.testing.assert_array_equal(after["observation"], [*seen.values()])
                np.testing.assert_allclose(
                    after["reward"][:, 0], [*rewards.values()], rtol=1e-5, atol=1e-5
                )


def test_communities_of_a_batch_are_reset_together(scenario):
    torch = pytest.importorskip("torch")
    pytest.importorskip("torchrl")
    from baselines.learners.interop.torchrl_env import CommunityTorchEnv

    many = CommunityTorchEnv(scenario, 2, seed=0)
    shown = many.reset()
    shown["_reset"] = torch.tensor([[True], [False]])
    with pytest.raises(ValueError, match="reset all or none"):
        many.reset(shown)

"""The weeks of the reference table through PettingZoo: the published costs and digests."""

import hashlib

import numpy as np
import pytest

import p2p_market
from p2p_market.community import engine
from p2p_market.community.envs.vector import ProsumerVectorEnv
from p2p_market.community.episode.episode import draw, reference_key
from p2p_market.community.optimum.plan import plan_actions
from p2p_market.evaluation.ends.reference import entries, published
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from tests.every_scenario import COMMUNITY

ROW = 5


def costs_and_digest(env, act):
    """Social cost and hash chain of one episode that PettingZoo plays."""
    cost_eur, chain, step = 0.0, b"", 0
    seen, _ = env.reset(options={"reference": ROW})
    while env.agents:
        joint = act(np.stack(list(seen.values()))[None], step)[0]
        seen, *_ = env.step(dict(zip(env.agents, joint, strict=True)))
        state, outcome = env._board.state(), env._board.outcome()
        cost_eur += float(outcome.ledger.social_cost_eur()[0])
        chained = state.energy_kwh, state.hold_steps, outcome.fills.power_kw
        pieces = [array[0].tobytes() for array in (*chained, outcome.ledger.entries_eur)]
        chain = hashlib.sha256(chain + b"".join(pieces)).digest()
        step += 1
    return cost_eur, chain.hex()


@pytest.mark.parametrize("scenario_id", ["classic-v0", "outage-v0"])
def test_both_ends_of_a_row_are_played_through_pettingzoo(scenario_id):
    env = p2p_market.make(scenario_id)
    entry = entries(env.scenario)[ROW]
    rule = load_policy("no-trade", env.scenario)
    cost_eur, digest = costs_and_digest(env, lambda seen, _: rule.act(seen, None)[0])
    assert env.episode_key == entry.key
    assert cost_eur == pytest.approx(entry.rule_eur, abs=1e-9)
    assert digest == entry.rule_digest
    episode = draw(env.scenario, entry.key)
    script = plan_actions(env.scenario, episode, published(env.scenario, episode).schedule)
    cost_eur, digest = costs_and_digest(env, lambda _, step: script[step])
    assert cost_eur == pytest.approx(entry.replay_eur, abs=1e-9)
    assert digest == entry.optimum_digest


@pytest.mark.parametrize("scenario_id", COMMUNITY)
def test_the_rows_are_those_of_the_table_whatever_the_seed(scenario_id):
    env = p2p_market.make(scenario_id)
    for row in (0, 12):
        assert reference_key(env.scenario, row) == entries(env.scenario)[row].key
    env.reset(seed=77, options={"reference": np.int64(ROW)})
    assert env.episode_key == entries(env.scenario)[ROW].key


def test_after_a_row_the_sequence_of_the_seed_goes_on():
    env, other = p2p_market.make("classic-v0"), p2p_market.make("classic-v0")
    env.reset(seed=3, options={"reference": ROW})
    other.reset(seed=3)
    env.reset()
    other.reset()
    assert env.episode_key == other.episode_key


def test_a_batch_plays_one_row_everywhere_or_one_in_each():
    batch = p2p_market.make_batch("classic-v0", 13)
    table = entries(batch.scenario)
    rule = load_policy("no-trade", batch.scenario)
    seen = batch.reset(seed=1, reference=range(13))
    assert batch.keys == tuple(entry.key for entry in table)
    rewards = np.zeros(13)
    for _ in range(batch.scenario.steps):
        step = batch.step(rule.act(seen, None)[0].astype(np.float64))
        seen = step.observations
        rewards += step.rewards.sum(axis=1)
    assert batch.keys[0] != table[0].key  # drawn again
    spec = batch.scenario.spec
    if (spec.reward.carbon_weight, spec.reward.overload_weight) == (1.0, 1.0):
        assert -rewards == pytest.approx([entry.rule_eur for entry in table], abs=1e-6)
    seen = ProsumerVectorEnv(batch).reset(options={"reference": ROW})[0]
    assert set(batch.keys) == {table[ROW].key}
    env = p2p_market.make("classic-v0")
    alone = np.stack(list(env.reset(options={"reference": ROW})[0].values()))
    assert seen.tobytes() == np.tile(alone, (13, 1)).tobytes()


def test_a_rollout_of_a_row_is_that_of_the_table():
    scenario = p2p_market.load_scenario("classic-v0")
    episode = draw(scenario, reference_key(scenario, ROW))
    played = rollout(scenario, episode, load_policy("no-trade", scenario))
    assert played.digests == (entries(scenario)[ROW].rule_digest,)
    assert engine.start(scenario, episode).step == 0

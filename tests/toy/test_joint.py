"""All roles at once, and one agent of any role beside a cast."""

from dataclasses import dataclass, replace
from functools import partial

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Discrete
from gymnasium.utils.env_checker import check_env

from p2p_market.environment import TrackEnv
from p2p_market.errors import ActionError, ArgumentError, ResetNeededError, ScenarioError
from p2p_market.evaluation.players.player import play
from p2p_market.evaluation.players.policy import load_cast, load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.kit.batch import TrackBatch
from p2p_market.kit.boards import TrackBoard
from p2p_market.kit.joint import JointBatch
from p2p_market.kit.seat import SeatEnv
from p2p_market.registry import make_batch
from p2p_market.track import policy_seed
from tests.toy import track
from tests.toy.conftest import SCENARIO

COLUMNS = {"storage": (0, 1), "plant": (2,)}  # agents of the scenario
PREFIX = {"week": 1, "split": "test"}


def sampled(batch, generator):
    return {
        "storage": generator.uniform(-1.0, 1.0, (batch.batch, 2, 2)),
        "plant": generator.integers(0, 3, (batch.batch, 1, 1)),
    }


def test_a_joint_batch_plays_what_single_environments_play(scenario):
    batch, generator = JointBatch(scenario, 3), np.random.default_rng(0)
    envs = [TrackEnv(scenario) for _ in range(3)]
    seen, masks = batch.reset(seed=7)
    alone = [env.reset(seed=7 + number) for number, env in enumerate(envs)]
    for step in range(1, 2 * scenario.steps + 1):
        for b, (shown, infos) in enumerate(alone):
            for role in track.roles(scenario):
                own = np.stack([shown[agent] for agent in role.agents])
                assert np.array_equal(seen[role.name][b], own)
            assert np.array_equal(masks["plant"][b, 0], infos["plant_0"]["action_mask"])
        assert masks["storage"].shape == (3, 2, 0)
        actions = sampled(batch, generator)
        sent = [
            {"storage_0": s[0], "storage_1": s[1], "plant_0": p[0]}
            for s, p in zip(actions["storage"], actions["plant"], strict=True)
        ]
        found = batch.step(actions)
        played = [env.step(one) for env, one in zip(envs, sent, strict=True)]
        rewards = np.array([[*one[1].values()] for one in played])
        for name, own in COLUMNS.items():
            assert np.array_equal(found.rewards[name], rewards[:, own])
            assert found.entries_eur[name].shape == (3, len(own), 2)
        assert found.ended == (step % scenario.steps == 0)
        assert (found.final_observations is not None) == found.ended
        alone = [env.reset() for env in envs] if found.ended else [(o[0], o[4]) for o in played]
        seen, masks = found.observations, found.masks


def test_a_role_that_sends_nothing_rests(scenario):
    both, one = JointBatch(scenario, 2), JointBatch(scenario, 2)
    for batch in (both, one):
        batch.reset(seed=1)
    plant = np.ones((2, 1, 1), dtype=np.int64)
    found = one.step({"plant": plant})
    rest = np.tile(track.roles(scenario)[0].rest, (2, 1, 1))
    expected = both.step({"plant": plant, "storage": rest})
    assert np.array_equal(found.observations["storage"], expected.observations["storage"])
    assert np.array_equal(found.rewards["plant"], expected.rewards["plant"])


def test_a_joint_batch_says_what_it_needs(scenario):
    batch = JointBatch(scenario, 2)
    assert batch.action_spaces["plant"] == Discrete(3)
    assert batch.observation_spaces["storage"].shape == (4,)
    with pytest.raises(ResetNeededError):
        batch.step({})
    batch.reset(seed=0, options=PREFIX)
    assert [(key.split, key.start_day) for key in batch.keys] == [("test", 242)] * 2
    for wrong, said in (
        (np.zeros((2, 2, 2)), "a mapping from role to array, got a ndarray"),
        ({"nobody": 0}, "unknown role 'nobody'; roles are"),
        ({"storage": np.zeros((2, 2, 1))}, r"role 'storage' needs shape \(2, 2, 2\)"),
    ):
        with pytest.raises(ActionError, match=said):
            batch.step(wrong)


def test_one_role_learns_beside_the_default_of_the_others(scenario):
    batch = TrackBatch(scenario, 2, role="plant", others={"storage": "thrifty"})
    seen, _ = batch.reset(seed=0, options=PREFIX)
    episode = track.stack([track.draw(scenario, key) for key in batch.keys])
    expected = play(scenario, episode, "thrifty")
    policy = load_policy("thrifty", scenario, "plant")
    earned, memory = 0.0, policy.start([policy_seed(key) for key in batch.keys])
    for _ in range(scenario.steps):
        action, memory = policy.act(seen, memory)
        found = batch.step(action)
        seen, earned = found.observations, earned + found.rewards
    assert np.array_equal(earned, expected.reward.sum(axis=0)[:, 2:])
    alone = TrackBatch(scenario, 2, role="plant")
    alone.reset(seed=0)
    assert np.array_equal(alone.step(np.ones((2, 1, 1))).observations[..., 1], [[1.0]] * 2)


class ToldBoard(TrackBoard):
    """A faster board, which tells what it was asked to play."""

    played = ()

    def play(self, actions):
        type(self).played = (*self.played, actions)
        return super().play(actions)


@pytest.fixture
def told(monkeypatch):
    monkeypatch.setattr(ToldBoard, "played", ())
    return ToldBoard


def test_who_learns_has_three_doors(scenario):
    every = JointBatch(scenario, batch=64)  # all roles act: step({"storage": ..., "plant": ...})
    one = every.for_role("plant", others={"storage": "thrifty"})  # one role, as a `TrackBatch`
    seat = SeatEnv(scenario, "storage_1", others={"storage": "random"})  # one agent, Gymnasium
    seen, _ = every.reset(seed=0)
    assert one.reset(seed=0)[0].tobytes() == seen["plant"].tobytes()
    assert np.array_equal(seat.reset(seed=0)[0], seen["storage"][0, 1])


def test_every_door_takes_a_faster_board(scenario, told):
    batch = JointBatch(scenario, 2, board=ToldBoard)
    batch.reset(seed=0)
    batch.step({})
    one = batch.for_role("plant", {"storage": "random"})
    one.reset(seed=0)
    one.step(np.zeros((2, 1, 1)))
    seat = SeatEnv(scenario, "storage_1", board=ToldBoard)
    seat.reset(seed=0)
    seat.step(np.zeros(2))
    assert len(told.played) == 3


def test_a_batch_of_the_track_has_all_roles_or_one(scenario, monkeypatch):
    extras = {**track.CARD.extras, "batch": "p2p_market.kit.joint:JointBatch"}
    monkeypatch.setattr(track, "CARD", replace(track.CARD, extras=extras))
    assert isinstance(make_batch(str(SCENARIO), 2), JointBatch)
    one = make_batch(str(SCENARIO), 2, role="plant", others={})
    assert one.agents == ("plant_0",)
    with pytest.raises(ScenarioError, match="give one of storage, plant"):
        make_batch(str(SCENARIO), 2, role="nobody")


def test_a_batch_of_one_role_has_no_other():
    batch = make_batch("battery-146-v0", 2, role="battery")
    assert batch.role.name == "battery"
    with pytest.raises(ScenarioError, match="its batches take no role; leave it out"):
        make_batch("classic-v0", 2, role="prosumer")


def test_others_act_as_in_a_rollout(scenario, told):
    name, given = "storage=random,plant=idle", {"storage": "random"}
    batch = TrackBatch(scenario, 2, role="plant", others=given, joint=told)
    batch.reset(seed=4)
    episode = track.stack([track.draw(scenario, key) for key in batch.keys])
    for _ in range(scenario.steps + 1):
        batch.step(np.zeros((2, 1, 1)))
    expected = play(scenario, episode, name).actions["storage"]
    at_gate = np.arange(scenario.steps) % 4 == 0
    storage = np.array([joint["storage"] for joint in told.played])[:-1]
    assert np.array_equal(storage[..., 0], expected[..., 0])
    assert np.array_equal(storage[at_gate], expected[at_gate])
    following = track.stack([track.draw(scenario, key) for key in batch.keys])
    first = play(scenario, following, name).actions["storage"][0]
    assert np.array_equal(told.played[-1]["storage"], first)


def test_others_act_beside_a_seat_as_in_a_rollout(scenario, told):
    env = SeatEnv(scenario, "storage_1", {"storage": "random", "plant": "random"}, told)
    env.reset(seed=4)
    expected = play(scenario, track.draw(scenario, env.keys[0]), "random").actions
    for _ in range(scenario.steps):
        env.step(np.zeros(2))
    powers, choices = (
        np.array([joint[name][..., 0] for joint in told.played]) for name in ("storage", "plant")
    )
    assert np.array_equal(powers[..., 0], expected["storage"][..., 0, 0])
    assert not powers[..., 1].any()
    assert np.array_equal(choices, expected["plant"][..., 0])


# A seat


@pytest.mark.parametrize("agent", ["storage_1", "plant_0"])
def test_a_seat_plays_what_the_cast_plays(scenario, agent):
    role = agent.partition("_")[0]
    env = SeatEnv(scenario, agent, {"storage": "random", "plant": "thrifty"})
    env.reset(seed=3)
    episode = track.draw(scenario, env.keys[0])
    policies = load_cast("storage=random,plant=thrifty", scenario)
    expected = rollout(scenario, episode, policies, "x")
    place = scenario.agents.index(agent)
    row = place if role == "storage" else 0
    for step in range(scenario.steps):
        _, reward, ended, cut, info = env.step(expected.actions[role][step, 0, row])
        assert reward == expected.reward[step, 0, place]
        assert np.array_equal(info["entries_eur"], expected.entries_eur[step, 0, place])
        assert not cut
        assert ("action_mask" in info) == (role == "plant")
    assert ended
    with pytest.raises(ResetNeededError):
        env.step(expected.actions[role][0, 0, row])


def test_a_role_that_is_left_out_plays_its_rule_beside_a_seat(scenario):
    env, twin = SeatEnv(scenario, "plant_0"), TrackEnv(scenario)
    env.reset(seed=5)
    twin.reset(seed=5)
    seen, *_ = env.step(np.int64(1))
    expected, *_ = twin.step({"plant_0": np.int64(1)})  # the rule of a storage is rest
    assert np.array_equal(seen, expected["plant_0"])


def test_a_seat_is_a_gymnasium_environment(scenario):
    for agent in ("storage_0", "plant_0"):
        env = SeatEnv(scenario, agent, {"storage": "random"})
        assert isinstance(env, gymnasium.Env)
        check_env(env, skip_render_check=True)


def test_a_seat_shows_what_the_supervisor_did(scenario):
    env = SeatEnv(scenario, "plant_0")
    env.reset(seed=0)
    *_, info = env.step(np.int64(2))
    assert info["supervisor"] == "ramp"
    assert info["action_mask"].tolist() == [1, 1, 1]
    assert env.action_masks().tolist() == [True, True, True]


@dataclass(frozen=True)
class Narrow:
    """A policy of another role."""

    def start(self, seeds):
        return None

    def act(self, observation, memory):
        return np.zeros((*observation.shape[:2], 1)), None


def test_wrong_casts_are_named(scenario):
    new = partial(SeatEnv, scenario)
    for agent, others, said in (
        ("nobody", {}, "no agent 'nobody'; agents are storage_0, storage_1, plant_0"),
        ("plant_0", {"storages": "idle"}, "no role 'storages'; roles are storage, plant"),
        ("plant_0", {"storage": "greedy"}, "role 'storage': no baseline 'greedy'; known: idle"),
    ):
        with pytest.raises(ArgumentError, match=said):
            new(agent, others)
    with pytest.raises(ArgumentError, match="role 'plant' is played by you"):
        TrackBatch(scenario, 2, role="plant", others={"plant": "idle"})
    env = new("plant_0", {"storage": Narrow()})
    env.reset(seed=0)
    with pytest.raises(ActionError, match="the policy of role 'storage' needs shape"):
        env.step(0)

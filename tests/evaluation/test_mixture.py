"""Several policies in one batch: each on its own seats, none sees another's answer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from p2p_market.community.actions import action_map
from p2p_market.community.episode.episode import choose_key, draw, stack
from p2p_market.community.scenario.scenario import build
from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.mixture import Blinkered, Mixture
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario

SCENARIO = build(load_scenario("classic-v0").spec.model_copy(update={"days": 2}))
AGENTS = len(SCENARIO.agents)
WIDTH = action_map(SCENARIO).width
EPISODE = stack([draw(SCENARIO, choose_key(SCENARIO, seed, "train", 4)) for seed in range(3)])
SHAPE = (EPISODE.batch, AGENTS)


@dataclass(frozen=True)
class Counting:
    """Answers with its number plus what it counted so far."""

    number: float
    spoils: bool = False

    def start(self, seeds: Any) -> int:
        return 0

    def act(self, observation: Any, memory: int) -> tuple[Any, int]:
        answer = np.full((*observation.shape[:2], WIDTH), self.number + memory / 100.0)
        answer[..., 0] = observation[..., 0]
        if self.spoils:
            observation[...] = -1.0
        return answer, memory + 1


def mixed(names, member_of) -> Mixture:
    members = tuple(load_policy(name, SCENARIO) for name in names)
    return Mixture(tuple(names), members, np.asarray(member_of), WIDTH)


@pytest.mark.parametrize("name", ["zip", "random", "gjerstad-dickhaut"])
def test_a_mixture_of_one_is_that_policy(name):
    alone = rollout(SCENARIO, EPISODE, load_policy(name, SCENARIO))
    mixture = rollout(SCENARIO, EPISODE, mixed([name], np.zeros(SHAPE, dtype=np.int64)))
    assert mixture.digests == alone.digests
    assert mixture.actions["prosumer"].dtype == alone.actions["prosumer"].dtype
    assert mixture.actions["prosumer"].tobytes() == alone.actions["prosumer"].tobytes()


def test_every_seat_is_played_by_its_member_with_its_memory():
    member_of = np.random.default_rng(0).integers(2, size=SHAPE)
    assert 0 < member_of.sum() < member_of.size
    mixture = Mixture(("a", "b"), (Counting(0.2), Counting(0.5)), member_of, WIDTH)
    memory = mixture.start([0] * EPISODE.batch)
    observation = np.ones((*SHAPE, 4), dtype=np.float32)
    for step in range(3):
        action, memory = mixture.act(observation, memory)
        wanted = np.where(member_of == 0, 0.2, 0.5) + step / 100.0
        assert action[..., -1].tolist() == wanted.tolist()
    assert memory == (3, 3)


def test_what_a_member_writes_into_its_observation_no_other_sees():
    member_of = np.ones(SHAPE, dtype=np.int64)
    mixture = Mixture(("a", "b"), (Counting(0.0, spoils=True), Counting(0.0)), member_of, WIDTH)
    observation = np.full((*SHAPE, 4), 0.25, dtype=np.float32)
    action, _ = mixture.act(observation, mixture.start([0] * EPISODE.batch))
    assert np.all(action[..., 0] == 0.25)
    assert np.all(observation == 0.25)


def test_a_wrong_answer_names_the_member():
    narrow = Mixture(("good", "bad"), (Counting(0.0),) * 2, np.zeros(SHAPE, dtype=int), WIDTH + 1)
    with pytest.raises(PolicyError, match="good"):
        narrow.act(np.zeros((*SHAPE, 4), dtype=np.float32), (0, 0))


def test_members_act_at_the_same_time():
    """The others' actions are those of a step before they could have seen anything."""
    member_of = np.ones(SHAPE, dtype=np.int64)
    member_of[:, 2] = 0
    played = [
        rollout(SCENARIO, EPISODE, mixed([name, "zip"], member_of)).actions["prosumer"]
        for name in ("truthful", "random")
    ]
    differs = [played[0][step] != played[1][step] for step in range(SCENARIO.steps)]
    others = np.delete(np.arange(AGENTS), 2)
    assert differs[0][:, 2].any()
    assert not differs[0][:, others].any()
    assert np.stack(differs)[:, :, others].any()  # later they react


def test_a_blinkered_policy_sees_strangers_in_place_of_others():
    own = np.zeros((3, AGENTS), dtype=np.bool_)
    own[0, 1] = own[1, 4] = True
    own[-1] = True
    blinkered = Blinkered(Counting(0.0), own)
    observation = np.arange(3 * AGENTS * 2, dtype=np.float32).reshape(3, AGENTS, 2)
    seen = blinkered.act(observation, blinkered.start([0] * 3))[0][..., 0]
    wanted = np.where(own, observation[..., 0], observation[-1:, :, 0])
    assert seen.tolist() == wanted.tolist()

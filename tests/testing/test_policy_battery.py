"""The battery for policies finds what it is meant to find, and passes every baseline."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from p2p_market.community.actions import action_map
from p2p_market.community.baselines import BASELINES
from p2p_market.errors import ConformanceError
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.registry import load_scenario
from p2p_market.testing import check_policy
from p2p_market.testing import policy as battery
from tests.every_scenario import VARIED_SCENARIOS

SCENARIO = load_scenario("classic-v0")
WIDTH = action_map(SCENARIO).width


@dataclass
class Sound:
    """Counts in its memory, draws from its seeds."""

    def start(self, seeds):
        return tuple(seeds), 0

    def act(self, observation, memory):
        seeds, step = memory
        rows = [np.random.default_rng([seed, step]).uniform(-1.0, 1.0, WIDTH) for seed in seeds]
        return self.shaped(observation, rows), (seeds, step + 1)

    def shaped(self, observation, rows):
        shape = (*observation.shape[:2], WIDTH)
        return np.broadcast_to(np.stack(rows)[:, None], shape).astype(np.float32)


@dataclass
class CountsInside(Sound):
    count: int = 0

    def act(self, observation, memory):
        self.count += 1
        action, memory = super().act(observation, memory)
        return action * np.float32(1.0 / self.count), memory


@dataclass
class DrawsInside(Sound):
    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def act(self, observation, memory):
        shape = (*observation.shape[:2], WIDTH)
        return self.generator.uniform(-1.0, 1.0, shape), memory


class RemembersTheLast(Sound):
    """Plays alike each time from the start, and yet looks at what it was asked before."""

    last = 0.0

    def start(self, seeds):
        self.last = 0.0
        return super().start(seeds)

    def act(self, observation, memory):
        action, memory = super().act(observation, memory)
        action, self.last = action + np.float32(self.last), float(observation[0, 0, 0])
        return action, memory


class WritesItsMemory(Sound):
    def start(self, seeds):
        return {"seeds": tuple(seeds), "step": 0}

    def act(self, observation, memory):
        action, _ = super().act(observation, (memory["seeds"], memory["step"]))
        memory["step"] += 1
        return action, memory


class WritesItsObservation(Sound):
    def act(self, observation, memory):
        observation[:] = 0.0
        return super().act(observation, memory)


class MixesCommunities(Sound):
    def shaped(self, observation, rows):
        return super().shaped(observation, [np.mean(rows, axis=0)] * len(rows))


class NotFinite(Sound):
    def shaped(self, observation, rows):
        return super().shaped(observation, rows) * np.float32(np.nan)


class InKilowatts(Sound):
    def shaped(self, observation, rows):
        return super().shaped(observation, rows) * np.float32([1.0, 9.0, 1.0])


class Flat(Sound):
    def shaped(self, observation, rows):
        return super().shaped(observation, rows)[0]


class NoMemory(Sound):
    def act(self, observation, memory):
        return super().act(observation, memory)[0]


class HoldsALambda(Sound):
    def __init__(self):
        self.law = lambda x: x


class LooksAtOthers(Sound):
    def shaped(self, observation, rows):
        others = observation[:, 1].sum(axis=-1)[:, None, None]
        return super().shaped(observation, rows) * np.sign(
            others - observation.sum(axis=-1)[..., None]
        )


BROKEN = {
    CountsInside: (battery.check_no_hidden_state, "acts differently"),
    DrawsInside: (battery.check_same_seeds, "a second time"),
    RemembersTheLast: (battery.check_no_hidden_state, "acts differently"),
    WritesItsMemory: (battery.check_inputs_untouched, "return a new memory"),
    WritesItsObservation: (battery.check_inputs_untouched, "change nothing"),
    MixesCommunities: (battery.check_communities_apart, "differently in a batch"),
    NotFinite: (battery.check_answers, "NaN or infinite"),
    InKilowatts: (battery.check_range, "most in quantity; if that is in kW, scale it"),
    Flat: (
        battery.check_answers,
        "must return an action of shape .*; the axis of weeks is missing",
    ),
    NoMemory: (battery.check_answers, "and a memory"),
    HoldsALambda: (battery.check_same_seeds, "cannot be pickled"),
}


@pytest.mark.parametrize("scenario_id", VARIED_SCENARIOS)
@pytest.mark.parametrize("name", [name for name, one in BASELINES.items() if not one.slow])
def test_every_baseline_passes(name, scenario_id):
    scenario = load_scenario(scenario_id)
    policy = load_policy(name, scenario)
    check_policy(policy, scenario)
    battery.check_decentralised(policy, scenario)


@pytest.mark.parametrize("policy", BROKEN, ids=lambda policy: policy.__name__)
def test_a_broken_rule_is_named(policy):
    check, message = BROKEN[policy]
    with pytest.raises(ConformanceError, match=f"^{policy.__name__}: .*{message}"):
        check(policy(), SCENARIO)
    with pytest.raises(ConformanceError, match=policy.__name__):
        check_policy(policy(), SCENARIO)


@pytest.mark.parametrize("thing", [None, Sound])
def test_what_is_no_policy_is_one_sentence(thing):
    with pytest.raises(
        ConformanceError, match=r"check_policy\(\) was given (None|the class Sound)"
    ):
        check_policy(thing, SCENARIO)


def test_a_tensor_with_gradients_is_one_sentence():
    class Learns(Sound):
        def act(self, observation, memory):
            torch = pytest.importorskip("torch")
            return torch.zeros((*observation.shape[:2], WIDTH), requires_grad=True), memory

    with pytest.raises(ConformanceError, match=r"answered with a Tensor, .*detach"):
        check_policy(Learns(), SCENARIO)


def test_a_sound_policy_passes_and_one_that_looks_at_others_is_centralised():
    check_policy(Sound(), SCENARIO)
    check_policy(LooksAtOthers(), SCENARIO)
    with pytest.raises(ConformanceError, match="what others see"):
        battery.check_decentralised(LooksAtOthers(), SCENARIO)

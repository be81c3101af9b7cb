"""A week in which a file and the policy that it was made from are asked the same."""

import gymnasium
import numpy as np

from baselines.learners.onnx_policy.policy import from_file
from leaderboard.gate.network import examine
from p2p_market.registry import load_scenario, make_batch
from p2p_market.tracks import track_of

AGREE = 1e-5


def agree(path, name, predict, numbers=True):
    """Every step of a training week: outputs, and choices as they are played.

    Args:
        predict: from what all agents observe, (agent, feature), to their actions.

    Returns:
        All actions, (step, agent, column).
    """
    examine(path.read_bytes())  # the gate takes it
    scenario = load_scenario(name)
    policy, batch = from_file(scenario, str(path)), make_batch(name, 1)
    seen, state, played = first(batch.reset(seed=4)), policy.start([0]), []
    for _ in range(scenario.steps):
        expected = np.asarray(predict(seen[0]), dtype=float)
        output, state = policy.outputs(policy.decision.rows(seen), state)
        if numbers:
            found = np.clip(output[0], -1.0, 1.0)
            np.testing.assert_allclose(found, expected, rtol=0.0, atol=AGREE)
        else:
            found = policy.decision.actions(seen, output)[0]
            np.testing.assert_array_equal(found, expected)
        played.append(expected)
        seen = batch.step(expected[None]).observations
    return np.array(played)


def first(answer):
    """What is observed, of a track that shows masks beside it or not."""
    return answer[0] if isinstance(answer, tuple) else answer


class Spaces(gymnasium.Env):
    """Nothing but the spaces of an agent, for models that nobody trains."""

    def __init__(self, name, more=0, decides=None):
        (role,) = track_of(load_scenario(name)).roles(load_scenario(name))
        choices = [one.choices for one in role.columns if decides is None or one.name in decides]
        wide = len(role.features) + more
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (wide,), np.float32)
        if not all(choices):
            self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (len(choices),), np.float32)
        elif len(choices) == 1:
            self.action_space = gymnasium.spaces.Discrete(choices[0])
        else:
            self.action_space = gymnasium.spaces.MultiDiscrete(choices)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(self.observation_space.shape, np.float32), {}

"""What a network is shown and what its outputs mean, with a normalisation that is fixed."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from baselines.learners.ppo.decision import KINDS, Decision
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.errors import PolicyError
from p2p_market.records import Float32Array, FloatArray
from p2p_market.registry import parallel_env

WEEKS: Final = (0, 3, 6, 9)  # of the training split, one per season, that normalise
FAR: Final = 5.0  # standard deviations at which inputs are cut

Choose = Callable[[Float32Array], NDArray[np.floating[Any]]]
"""From rows (batch, row, column) to outputs (batch, row, width), each row by itself."""


class View:
    """Rows and actions of a `Decision`, with inputs of mean 0 and spread 1.

    A row belongs to one agent. With `around_rule` that is a storage device, and its action one
    number: 0 does what the self-consumption rule does, 1 and -1 are the highest and the lowest
    power that the device can take; what the set-points leave is ordered at the price of the grid,
    as by the baseline `truthful`. With `full` it is a prosumer with the environment's own action.
    Mean and spread come from four training weeks, so a view is a function of its scenario.
    """

    def __init__(self, scenario: Scenario, decision: str = "around_rule") -> None:
        """For the agents of a scenario.

        Raises:
            PolicyError: if there is no such decision.
        """
        if decision not in KINDS:
            raise PolicyError(f"unknown decision {decision!r}; known: {', '.join(KINDS)}")
        self.scenario, self.decision = scenario, KINDS[decision](scenario)
        self.agents = tuple(f"agent_{row}" for row in range(len(self.decision.owners)))
        rows, states = _survey(scenario, self.decision)
        self.row_scale, self._state_scale = _scale(rows), _scale(states)
        self.observation_space = _box(rows.shape[-1])
        self.state_space = _box(states.shape[-1])
        self.action_space = Box(-1.0, 1.0, (self.decision.width,), np.float32)

    def rows(self, observation: Float32Array) -> Float32Array:
        """What a network is shown, (batch, row, column), from (batch, agent, feature)."""
        return _normalised(self.decision.rows(observation), self.row_scale)

    def state(self, state: Float32Array) -> Float32Array:
        """The joint state for a critic, normalised, (..., column)."""
        return _normalised(state, self._state_scale)


class ViewPolicy:
    """Plays whatever maps rows to outputs, so that the benchmark can score it."""

    def __init__(self, view: View, choose: Choose) -> None:
        """For the scenario of the view."""
        self.view, self.choose = view, choose

    def start(self, seeds: Sequence[int]) -> None:
        """Nothing is remembered."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """Actions (batch, agent, column) for what is seen, (batch, agent, feature)."""
        output = np.asarray(self.choose(self.view.rows(observation)))
        return self.view.decision.actions(observation, output), None


def _survey(scenario: Scenario, decision: Decision) -> tuple[Float32Array, Float32Array]:
    """Rows and joint states of training weeks with random actions."""
    community, generator = parallel_env(scenario), np.random.default_rng(0)
    rows, states = [], []
    for week in WEEKS:
        seen, _ = community.reset(seed=0, options={"split": "train", "week": week})
        while community.agents:
            observation = np.stack([*seen.values()])[None]
            rows.append(decision.rows(observation)[0])
            states.append(community.state())
            output = generator.uniform(-1.0, 1.0, (1, len(decision.owners), decision.width))
            actions = decision.actions(observation, output)[0]
            seen, *_ = community.step(dict(zip(community.agents, actions, strict=True)))
    return np.concatenate(rows), np.stack(states)


def _scale(samples: Float32Array) -> tuple[FloatArray, FloatArray]:
    mean, spread = samples.mean(axis=0, dtype=float), samples.std(axis=0, dtype=float)
    return mean, np.where(spread > 1e-6, spread, 1.0)


def _normalised(values: Float32Array, scale: tuple[FloatArray, FloatArray]) -> Float32Array:
    mean, spread = scale
    return np.clip((values - mean) / spread, -FAR, FAR).astype(np.float32)


def _box(columns: int) -> Box:
    return Box(-FAR, FAR, (columns,), np.float32)

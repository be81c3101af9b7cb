"""A community as a PettingZoo environment with small actions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from baselines.learners.interop.view import View
from baselines.learners.ppo.args import Args
from baselines.learners.ppo.earned import Yield
from p2p_market.records import Float32Array
from p2p_market.registry import load_scenario, parallel_env

Outputs = Mapping[str, NDArray[np.floating[Any]]]


class ViewEnv(ParallelEnv[str, Float32Array, NDArray[np.floating[Any]]]):
    """Agents, observations and actions of a `View`: by default a number for each storage device.

    The reward is what the agent earned beside what its load and PV alone would have cost, in tenths
    of a EUR (`ppo.earned`): over a week it differs from the bill by what no action
    changes. `state()` is the normalised joint state of the community. The end of the week is
    a termination, as in `CommunityEnv`. `reset` takes the same seed and options.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (PettingZoo reads it from the class)
        "name": "p2p_market_view_v0",
        "render_modes": [],
        "is_parallelizable": True,
    }
    render_mode = None

    def __init__(self, scenario_id: str, decision: str = "around_rule") -> None:
        """For a shipped scenario.

        Raises:
            ScenarioError: if there is no such scenario.
            PolicyError: if there is no such decision.
        """
        scenario = load_scenario(scenario_id)
        self.view, self.community = View(scenario, decision), parallel_env(scenario)
        self.earned = Yield(scenario, Args(scenario=scenario_id))
        self.possible_agents = list(self.view.agents)
        self.agents: list[str] = []
        self.observation_spaces = dict.fromkeys(self.possible_agents, self.view.observation_space)
        self.action_spaces = dict.fromkeys(self.possible_agents, self.view.action_space)
        self.state_space = self.view.state_space
        self._seen: Float32Array = np.zeros(0, np.float32)

    def observation_space(self, agent: str) -> Box:
        """Space of one agent's row."""
        return self.observation_spaces[agent]  # type: ignore[return-value]

    def action_space(self, agent: str) -> Box:
        """Space of one agent's action."""
        return self.action_spaces[agent]  # type: ignore[return-value]

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Float32Array], dict[str, dict[str, Any]]]:
        """Draw an episode."""
        observations, _ = self.community.reset(seed, None if options is None else dict(options))
        self._seen = np.stack([*observations.values()])[None]
        self.earned.begin(self._seen, 0)
        self.agents = self.possible_agents[:]
        return self._rows(), {agent: {} for agent in self.agents}

    def step(
        self, actions: Outputs
    ) -> tuple[
        dict[str, Float32Array],
        dict[str, float],
        dict[str, bool],
        dict[str, bool],
        dict[str, dict[str, Any]],
    ]:
        """Play one market interval with an action per agent."""
        output = np.stack([actions[agent] for agent in self.possible_agents])[None]
        before, joint = self._seen, self.view.decision.actions(self._seen, output)
        members = self.community.possible_agents
        named = dict(zip(members, joint[0], strict=True))
        observations, bills, ends, _, _ = self.community.step(named)
        self._seen, ended = np.stack([*observations.values()])[None], all(ends.values())
        rewards = np.array([[bills[member] for member in members]])
        own = self.earned.of(before, joint, rewards, None if ended else self._seen)
        agents, seen = self.possible_agents, self._rows()
        if ended:
            self.agents = []
        return (
            seen,
            dict(zip(agents, own[0, self.view.decision.owners].tolist(), strict=True)),
            dict.fromkeys(agents, ended),
            dict.fromkeys(agents, False),
            {agent: {} for agent in agents},
        )

    def state(self) -> Float32Array:
        """Joint state of the community for critics, normalised."""
        return self.view.state(self.community.state())

    def _rows(self) -> dict[str, Float32Array]:
        return dict(zip(self.possible_agents, self.view.rows(self._seen)[0], strict=True))

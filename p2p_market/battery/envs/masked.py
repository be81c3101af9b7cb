"""A wrapper that puts the mask into the observation."""

from typing import Any

import numpy as np
from gymnasium.spaces import Dict, MultiBinary, MultiDiscrete, Tuple
from numpy.typing import NDArray
from pettingzoo.utils.wrappers import BaseParallelWrapper

from p2p_market.battery.envs.env import BatteryEnv, Shown
from p2p_market.errors import ArgumentError


class Masked(BaseParallelWrapper[str, Any, NDArray[Any]]):
    """Observations hold `observation` and `action_mask`, an array for each column of the action."""

    env: BatteryEnv

    def __init__(self, env: BatteryEnv) -> None:
        """Wrap an environment of choices.

        Raises:
            ArgumentError: if its actions are numbers.
        """
        super().__init__(env)
        self._spaces = {agent: _with_mask(env, agent) for agent in env.possible_agents}
        self.observation_spaces = dict(self._spaces)

    def observation_space(self, agent: str) -> Dict:
        """What is seen, and which choices are possible."""
        return self._spaces[agent]

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[Shown, Shown]:
        """Draw an episode, as the environment does."""
        seen, infos = self.env.reset(seed, options)
        return _joined(seen, infos), infos

    def step(self, actions: Any) -> Any:
        """Play one step."""
        seen, *between, infos = self.env.step(actions)
        return _joined(seen, infos), *between, infos


def masked(env: BatteryEnv) -> Masked:
    """The environment with masks in its observations, for learners that read them there.

    Raises:
        ArgumentError: if its actions are numbers.
    """
    return Masked(env)


def _with_mask(env: BatteryEnv, agent: str) -> Dict:
    choices = env.action_space(agent)
    if not isinstance(choices, MultiDiscrete):
        raise ArgumentError("numbers have no masks; wrap the environment of the shipped scenario")
    mask = Tuple([MultiBinary(int(size)) for size in choices.nvec])
    return Dict({"observation": env.observation_space(agent), "action_mask": mask})


def _joined(seen: Shown, infos: Shown) -> dict[str, dict[str, np.ndarray]]:
    return {
        agent: {"observation": own, "action_mask": infos[agent]["action_mask"]}
        for agent, own in seen.items()
    }

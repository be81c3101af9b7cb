"""Wrappers around the environment."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray
from pettingzoo.utils.wrappers import BaseParallelWrapper

from p2p_market.community.envs.env import CommunityEnv
from p2p_market.records import Float32Array
from p2p_market.validation import floats


class PhysicalUnits(BaseParallelWrapper[str, Float32Array, NDArray[np.floating[Any]]]):
    """Actions in kW, kW and EUR/kWh instead of [-1, 1]; everything else is unchanged."""

    env: CommunityEnv

    def __init__(self, env: CommunityEnv) -> None:
        """Wrap an environment that takes normalised actions."""
        super().__init__(env)
        table = env.action_map
        low, high = table.middle - table.half, table.middle + table.half
        self._spaces = {
            agent: Box(low[i], high[i], dtype=np.float64)
            for i, agent in enumerate(env.possible_agents)
        }

    def action_space(self, agent: str) -> Box:
        """Range of one agent's action in kW, kW and EUR/kWh."""
        return self._spaces[agent]

    def step(self, actions: dict[str, NDArray[np.floating[Any]]]) -> Any:
        """Play one market interval with actions in physical units.

        Raises:
            ActionError: unknown agent, wrong shape or dtype.
        """
        if not isinstance(actions, Mapping):
            return super().step(actions)  # the environment names what is wrong
        table = self.env.action_map
        index = {agent: i for i, agent in enumerate(self.env.possible_agents)}
        normalised = {}
        for agent, action in actions.items():
            i = index.get(agent)
            if i is None:
                normalised[agent] = action  # likewise
                continue
            values = floats(f"{agent}: action", action, (table.width,), kinds="fiu")
            usable = np.where(table.half[i] > 0.0, table.half[i], 1.0)
            with np.errstate(over="ignore"):  # the screen sees what overflows
                centred = (values - table.middle[i]) / usable
            padding = np.where(np.isfinite(values), 0.0, np.nan)
            normalised[agent] = np.where(table.half[i] > 0.0, centred, padding)
        return super().step(normalised)

"""Narrower actions: a generator's bid as one of the prices, a storage's order at any price."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from numpy.typing import NDArray
from pettingzoo.utils.wrappers import BaseParallelWrapper

from p2p_market.records import Float32Array
from p2p_market.validation import floats
from p2p_market.wholesale.actions import LEVELS, level_number
from p2p_market.wholesale.envs.env import WholesaleEnv


class _OfOneRole(BaseParallelWrapper[str, Float32Array, NDArray[Any]]):
    """Other actions for the agents of one role; everything else is unchanged."""

    env: WholesaleEnv

    def __init__(
        self, env: Any, role: str, space: Space[Any], full: Callable[[str, Any], NDArray[Any]]
    ) -> None:
        """Wrap an environment, or one that is wrapped for another role.

        Args:
            space: of each agent of the role.
            full: what the environment takes in place of an agent's action, (column,).
        """
        super().__init__(env)
        roles = {one.name: one for one in env.unwrapped.roles}
        self._own, self._space, self._full = frozenset(roles[role].agents), space, full

    def action_space(self, agent: str) -> Space[Any]:
        """The narrower space of the role's agents, and that of the others."""
        return self._space if agent in self._own else self.env.action_space(agent)

    def step(self, actions: dict[str, Any]) -> Any:
        """Play one step.

        Raises:
            ActionError: unknown agent, wrong shape or dtype.
        """
        if not isinstance(actions, Mapping):
            return super().step(actions)  # the environment names what is wrong
        return super().step(
            {
                agent: self._full(agent, action) if agent in self._own else action
                for agent, action in actions.items()
            }
        )


class DiscreteBids(_OfOneRole):
    """Generators choose one of 20 prices and offer all they can; an index outside is screened."""

    def __init__(self, env: Any) -> None:
        """Wrap an environment."""
        super().__init__(env, "generator", Discrete(LEVELS), _bid)


def _bid(agent: str, action: Any) -> NDArray[Any]:
    """The number that means the price, and the whole share."""
    chosen = float(floats(f"{agent}: action", action, (1,), "iuf").item())
    known = chosen.is_integer() and 0.0 <= chosen < LEVELS
    return np.array([level_number(int(chosen)) if known else np.nan, 1.0])


class MarketOrders(_OfOneRole):
    """Storages send a power alone, and take any price for it: they buy high and sell low."""

    def __init__(self, env: Any) -> None:
        """Wrap an environment."""
        super().__init__(env, "storage", Box(-1.0, 1.0, (1,), dtype=np.float32), _market_order)


def _market_order(agent: str, action: Any) -> NDArray[Any]:
    """The power with the highest limit to buy, the lowest to sell."""
    power = floats(f"{agent}: action", action, (1,), "fiu")[0]
    return np.array([power, 1.0 if power > 0.0 else -1.0])

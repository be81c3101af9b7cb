"""One battery as a Gymnasium environment."""

from collections.abc import Mapping
from typing import Any, Final, SupportsFloat

import gymnasium
import numpy as np
from numpy.typing import NDArray

from p2p_market.battery.envs.env import BatteryEnv
from p2p_market.battery.scenario import in_numbers
from p2p_market.errors import ArgumentError, ScenarioError
from p2p_market.records import BoolArray, Float32Array
from p2p_market.registry import make
from p2p_market.validation import no_pictures

ACTIONS: Final = ("choices", "numbers")


class SingleBattery(gymnasium.Env[Float32Array, NDArray[Any]]):
    """The only battery of a scenario: what `BatteryEnv` plays, without agents.

    `reset` takes its seed and options and draws its episodes, `infos` are those of the agent.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 (Gymnasium reads the class)

    def __init__(self, env: BatteryEnv) -> None:
        """Around an environment.

        Raises:
            ScenarioError: if it has more batteries than one.
        """
        if len(env.possible_agents) != 1:
            raise ScenarioError(
                f"{env.scenario.spec.id} has {len(env.possible_agents)} batteries; a row for each "
                "of them is what `p2p_market.battery.vector` gives"
            )
        self.env = env
        (self.agent,) = env.possible_agents
        self.observation_space = env.observation_space(self.agent)
        self.action_space = env.action_space(self.agent)
        self._mask: tuple[NDArray[np.int8], ...] = ()

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Float32Array, dict[str, Any]]:
        """Draw an episode, see `BatteryEnv.reset`."""
        super().reset(seed=seed)
        seen, infos = self.env.reset(seed, options)
        return seen[self.agent], self._kept(infos[self.agent])

    def step(
        self, action: NDArray[Any]
    ) -> tuple[Float32Array, SupportsFloat, bool, bool, dict[str, Any]]:
        """Play one step."""
        agent = self.agent
        seen, rewards, ends, _, infos = self.env.step({agent: action})
        return seen[agent], rewards[agent], ends[agent], False, self._kept(infos[agent])

    def action_masks(self) -> BoolArray:
        """Possible choices of this moment, all columns in a row, as sb3-contrib asks for them.

        Raises:
            ArgumentError: before the first reset, or if actions are numbers.
        """
        if not self._mask:
            raise ArgumentError("there is no mask: actions are numbers, or nothing was reset yet")
        return np.concatenate(self._mask).view(np.bool_)

    def _kept(self, info: dict[str, Any]) -> dict[str, Any]:
        self._mask = info.get("action_mask", ())
        return info


def single(
    scenario_id: str,
    actions: str = "choices",
    info: str = "lean",
    render_mode: str | None = None,
) -> SingleBattery:
    """A scenario of one battery as a Gymnasium environment.

    Args:
        scenario_id: as in `p2p_market.make`.
        actions: "choices": `MultiDiscrete` with masks; "numbers": a `Box` of [-1, 1].
        info: "lean" or "full", see `BatteryEnv`.
        render_mode: there is none.

    Raises:
        ScenarioError: if there is no such scenario, or it has several batteries.
        ArgumentError: if actions or info are something else.
    """
    no_pictures(render_mode)
    return SingleBattery(BatteryEnv(scenario_for(scenario_id, actions), None, info))


def scenario_for(scenario_id: str, actions: str) -> Any:
    """The scenario of the track whose actions are choices or numbers.

    Raises:
        ScenarioError: if there is no such scenario in this track.
        ArgumentError: if actions are neither.
    """
    if actions not in ACTIONS:
        raise ArgumentError(f"actions are one of {', '.join(ACTIONS)}; got {actions!r}")
    env = make(scenario_id)
    if not isinstance(env, BatteryEnv):
        raise ScenarioError(f"{scenario_id} is no scenario of the track battery")
    return env.scenario if actions == "choices" else in_numbers(env.scenario)

"""A batch as a Gymnasium vector environment: a row for every battery of every fleet."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from p2p_market.battery.actions import columns
from p2p_market.battery.envs.batch import BatteryBatch
from p2p_market.battery.envs.env import answers, box_of
from p2p_market.battery.envs.single import scenario_for
from p2p_market.errors import ArgumentError, RenderError
from p2p_market.records import BoolArray, Float32Array, FloatArray
from p2p_market.validation import floats, options_of

Infos = dict[str, Any]


class BatteryVectorEnv(VectorEnv[Float32Array, NDArray[Any], FloatArray]):
    """Row `b * agents + i` is battery i of fleet b; all end by termination at once.

    Where actions are choices, `infos["action_mask"]` holds the masks, (row, choice). In Gymnasium's
    mode `NEXT_STEP` the step after the last one takes no notice of its actions and returns the
    first observations of the next episode with rewards of zero. In mode `SAME_STEP` the last step
    itself returns them, and `infos["final_obs"]` has the last observations of the old episode.
    """

    def __init__(
        self, batch: BatteryBatch, autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP
    ) -> None:
        """Put the batteries of a batch in rows.

        Raises:
            ArgumentError: if the batch does not reset by itself.
        """
        if autoreset_mode not in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
            raise ArgumentError(
                "a batch begins its next episodes by itself: NEXT_STEP or SAME_STEP"
            )
        self.metadata = {"autoreset_mode": autoreset_mode, "render_modes": []}
        self.batch, self.render_mode = batch, None
        self.num_envs = batch.batch * len(batch.agents)
        self.single_observation_space = box_of(batch.feature_table)
        self.single_action_space = answers(batch.scenario)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._waiting: Float32Array | None = None  # first observations, until the next step
        self._masks: BoolArray = np.zeros((self.num_envs, 0), dtype=np.bool_)

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Float32Array, Infos]:
        """Begin new episodes, see `BatteryBatch.reset`."""
        seen, masks = self.batch.reset(seed, options_of(options))
        self._waiting = None
        return self._rows(seen), self._told(masks)

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[Float32Array, FloatArray, np.ndarray, np.ndarray, Infos]:
        """Play one step with actions (row, column).

        Returns:
            Observations (row, feature), rewards, terminations and truncations (row,), infos.

        Raises:
            ActionError: wrong shape or dtype.
        """
        nobody = np.zeros(self.num_envs, dtype=np.bool_)
        if self._waiting is not None:
            first, self._waiting = self._waiting, None
            return first, np.zeros(self.num_envs), nobody, nobody.copy(), self._told(self._masks)
        shape = self.num_envs, len(columns(self.batch.scenario))
        rows = floats("the rows of actions", actions, shape, "fiu")
        played = self.batch.step(rows.reshape(self.batch.batch, len(self.batch.agents), -1))
        seen, infos = self._rows(played.observations), self._told(played.masks)
        if played.final_observations is not None:
            final = self._rows(played.final_observations)
            if self.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP:
                infos |= {"final_obs": final, "_final_obs": ~nobody}
            else:
                self._waiting, seen = seen, final
        ended = np.full(self.num_envs, played.ended)
        return seen, played.rewards.ravel(), ended, nobody, infos

    def action_masks(self) -> BoolArray:
        """Possible choices of this moment, (row, choice); no choices where actions are numbers."""
        return self._masks

    def _rows(self, seen: NDArray[Any]) -> NDArray[Any]:
        return seen.reshape(self.num_envs, -1)

    def _told(self, masks: BoolArray) -> Infos:
        """Infos with the masks, which are those of the next episode where one has ended."""
        self._masks = self._rows(masks)
        if not self._masks.shape[1]:
            return {}
        everywhere = np.ones(self.num_envs, dtype=np.bool_)
        return {"action_mask": self._masks, "_action_mask": everywhere}


def vector(
    scenario_id: str,
    num_envs: int = 1,
    actions: str = "choices",
    split: str = "train",
    autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
    render_mode: str | None = None,
) -> BatteryVectorEnv:
    """Many fleets of a scenario as a Gymnasium vector environment, a row for each battery.

    Args:
        scenario_id: as in `p2p_market.make`.
        num_envs: number of fleets.
        actions: "choices" or "numbers", see `p2p_market.battery.single`.
        split: part of the year that episodes are drawn from.
        autoreset_mode: who returns the first observations of the next episode.
        render_mode: there is none.

    Raises:
        ScenarioError: if there is no such scenario in this track.
        ArgumentError: if an argument is none of what it can be.
    """
    if render_mode is not None:
        raise RenderError(f"no render mode {render_mode!r}; this track draws no pictures")
    batch = BatteryBatch(scenario_for(scenario_id, actions), num_envs, 1, split)
    return BatteryVectorEnv(batch, autoreset_mode)

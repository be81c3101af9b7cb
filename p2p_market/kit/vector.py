"""A batch as a Gymnasium vector environment: a row for every agent of every community."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from gymnasium.spaces import Space
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from p2p_market.errors import ArgumentError
from p2p_market.records import BoolArray, Float32Array, FloatArray
from p2p_market.validation import floats

Infos = dict[str, Any]


class Batch(Protocol):
    """Many communities with one clock; what it returns may be buffers of its own."""

    @property
    def batch(self) -> int:
        """Number of communities."""

    @property
    def agents(self) -> tuple[str, ...]:
        """Of a community."""

    @property
    def observation_space(self) -> Space[Any]:
        """Of an agent."""

    @property
    def action_space(self) -> Space[Any]:
        """Of an agent."""

    def begin(
        self, seed: int | None, options: Mapping[str, Any] | None
    ) -> tuple[Float32Array, BoolArray]:
        """Begin new episodes: observations (batch, agent, feature), masks (..., choice)."""

    def step(self, actions: NDArray[Any]) -> Any:
        """Play one step: a record like `p2p_market.kit.batch.BatchStep`."""


class BatchVectorEnv(VectorEnv[Float32Array, NDArray[Any], FloatArray]):
    """For trainers that take one policy and rows of observations (parameter sharing).

    Row `b * agents + i` is agent i of community b. Episodes end by termination in all rows at
    once. In Gymnasium's mode `NEXT_STEP`, which its wrappers ask for, the step after the last one
    takes no notice of its actions and returns the first observations of the next episode with
    rewards of zero. In mode `SAME_STEP` the last step itself returns them, and
    `infos["final_obs"]` has the last observations of the old episode, `infos["_final_obs"]` in
    which rows. Where choices are masked, `infos["action_mask"]` holds the masks, (row, choice).
    What is returned is the caller's own.

    `env.batch` is the batch, with `state()` for centralised critics where it has one.
    """

    def __init__(
        self, batch: Batch, autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP
    ) -> None:
        """Put the agents of a batch in rows.

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
        self.single_observation_space = batch.observation_space
        self.single_action_space = batch.action_space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._waiting: Float32Array | None = None  # first observations, until the next step
        self._masks: BoolArray = np.zeros((self.num_envs, 0), dtype=np.bool_)

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Float32Array, Infos]:
        """Begin new episodes.

        Args:
            seed: see `reset` of the batch.
            options: `week` of the batch's split, or `reference`, see there; others are ignored.

        Raises:
            ScenarioError: if there is no such week or row, or no such split for this batch.
            ArgumentError: if the seed is no whole number, or the options are no mapping.
        """
        seen, masks = self.batch.begin(seed, options)
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
        rows = floats("the rows of actions", actions, self.action_space.shape or (), "fiu")
        played = self.batch.step(rows.reshape(self.batch.batch, len(self.batch.agents), -1))
        seen, infos = self._rows(played.observations), self._told(played.masks)
        if played.final_observations is not None:
            final = self._rows(played.final_observations)
            if self.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP:
                infos |= {"final_obs": final, "_final_obs": ~nobody}
            else:
                self._waiting, seen = seen, final
        ended = np.full(self.num_envs, played.ended)
        return seen, played.rewards.flatten(), ended, nobody, infos

    def action_masks(self) -> BoolArray:
        """Possible choices of this moment, (row, choice); no choices where actions are numbers."""
        return self._masks

    def _rows(self, values: NDArray[Any]) -> NDArray[Any]:
        return values.reshape(self.num_envs, -1).copy()

    def _told(self, masks: BoolArray) -> Infos:
        """Infos with the masks, which are those of the next episode where one has ended."""
        self._masks = masks.reshape(self.num_envs, -1)
        if not self._masks.shape[1]:
            return {}
        everywhere = np.ones(self.num_envs, dtype=np.bool_)
        return {"action_mask": self._masks, "_action_mask": everywhere}

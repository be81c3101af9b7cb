"""A batch as a Gymnasium vector environment: a row for every prosumer of every community."""

from typing import Any

import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.community.envs.env import box_of
from p2p_market.errors import ArgumentError, ScenarioError
from p2p_market.records import Float32Array, FloatArray
from p2p_market.validation import floats, options_of


class ProsumerVectorEnv(VectorEnv[Float32Array, Float32Array, FloatArray]):
    """For trainers that take one policy and rows of observations (parameter sharing).

    Row `b * agents + i` is prosumer i of community b. Episodes end by termination in all rows at
    once. In Gymnasium's mode `NEXT_STEP`, which its wrappers ask for, the step after the last one
    takes no notice of its actions and returns the first observations of the next episode with
    rewards of zero. In mode `SAME_STEP` the last step itself returns them, and
    `infos["final_obs"]` has the last observations of the old episode, `infos["_final_obs"]` in
    which rows. What is returned is the caller's own.

    `batch.state()` stays available to centralised critics.
    """

    def __init__(
        self, batch: CommunityBatch, autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP
    ) -> None:
        """Put the prosumers of a batch in rows.

        Raises:
            ArgumentError: if the batch does not reset by itself.
        """
        if autoreset_mode not in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
            raise ArgumentError(
                "a batch begins its next episodes by itself: NEXT_STEP or SAME_STEP"
            )
        self.metadata = {"autoreset_mode": autoreset_mode}
        self.batch = batch
        self._waiting: Float32Array | None = None  # first observations, until the next step
        self.num_envs = batch.batch * len(batch.agents)
        self.single_observation_space = box_of(batch.feature_table)
        self.single_action_space = Box(-1.0, 1.0, (batch.action_map.width,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32Array, dict[str, Any]]:
        """Begin new episodes.

        Args:
            seed: see `CommunityBatch.reset`.
            options: `week` of the batch's split, or `reference`, see there; others are ignored.

        Raises:
            ScenarioError: if there is no such week or row, or `split` is not that of the batch.
            ArgumentError: if the seed is no whole number, or the options are no mapping.
        """
        chosen = options_of(options)
        if chosen.get("split", self.batch.split) != self.batch.split:
            raise ScenarioError(
                f"options: this batch draws from split {self.batch.split!r}; give `make_batch` "
                "another split"
            )
        week, reference = chosen.get("week"), chosen.get("reference")
        seen = self.batch.reset(seed, week, reference=reference)
        self._waiting = None
        return self._rows(seen).copy(), {}

    def step(
        self, actions: Float32Array
    ) -> tuple[Float32Array, FloatArray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Play one market interval with actions (row, column).

        Returns:
            Observations (row, feature), rewards [EUR], terminations and truncations (row,), infos.

        Raises:
            ActionError: wrong shape or dtype.
        """
        nobody = np.zeros(self.num_envs, dtype=np.bool_)
        if self._waiting is not None:
            first, self._waiting = self._waiting, None
            return first, np.zeros(self.num_envs), nobody, nobody.copy(), {}
        rows = floats("the rows of actions", actions, (self.num_envs, self.batch.action_map.width))
        played = self.batch.step(rows.reshape(self.batch.batch, len(self.batch.agents), -1))
        seen, infos = self._rows(played.observations).copy(), {}
        if played.final_observations is not None:
            final = self._rows(played.final_observations)
            if self.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP:
                infos = {"final_obs": final, "_final_obs": ~nobody}
            else:
                self._waiting, seen = seen, final
        ended = np.full(self.num_envs, played.ended)
        return seen, played.rewards.ravel().copy(), ended, nobody, infos

    def _rows(self, seen: Float32Array) -> Float32Array:
        return seen.reshape(self.num_envs, -1)

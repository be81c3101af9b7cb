"""A batch of batteries as a vector environment of Stable-Baselines3."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from p2p_market.battery.records import LEDGER_ENTRIES
from p2p_market.battery.settlement import EUR_PER_REWARD
from p2p_market.kit.batch import TrackBatch
from p2p_market.records import BoolArray, Float32Array, FloatArray

Indices = None | int | Iterable[int]


class BatteryVecEnv(VecEnv):  # type: ignore[misc]
    """Row `b * agents + i` is battery i of fleet b; all rows begin their next episodes at once.

    `env_method("action_masks")` answers row by row, as `sb3_contrib.MaskablePPO` asks, also through
    `VecNormalize` and `VecMonitor`. Rewards are minus the ledger times `weights`, in 1,000 EUR.
    """

    render_mode: str | None = None

    def __init__(self, batch: TrackBatch, seed: int = 0) -> None:
        """Around a batch.

        Args:
            batch: of `p2p_market.make_batch`.
            seed: of the first fleet in the first reset; `seed` of this class sets another.
        """
        self.batch = batch
        rows = batch.batch * len(batch.agents)
        self.weights: FloatArray = np.ones(len(LEDGER_ENTRIES))
        """Of each entry of the ledger in the reward; whoever trains may change them."""
        self.entries_eur: FloatArray = np.zeros((rows, len(LEDGER_ENTRIES)))
        """Ledger of the last step, (row, entry)."""
        self._masks: BoolArray = np.zeros((rows, 0), dtype=np.bool_)
        self._actions: NDArray[Any] = np.zeros(0)
        super().__init__(rows, batch.observation_space, batch.action_space)
        self.seed(seed)

    def reset(self) -> Float32Array:
        """Begin new episodes, from the seeds that were set last, or the next of their sequences."""
        first, options = self._seeds[0], self._options[0]
        seen, masks = self.batch.reset(first, options)
        self._reset_seeds()
        self._reset_options()
        self._masks = self._rows(masks)
        self.reset_infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        return self._rows(seen)

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions, (row, column)."""
        self._actions = np.asarray(actions)

    def step_wait(self) -> tuple[Float32Array, FloatArray, BoolArray, list[dict[str, Any]]]:
        """Play one step; after the last one observations are those of the next episode."""
        shape = self.batch.batch, len(self.batch.agents), -1
        played = self.batch.step(self._actions.reshape(shape))
        self._masks, self.entries_eur = self._rows(played.masks), self._rows(played.entries_eur)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if played.final_observations is not None:
            for info, last in zip(infos, self._rows(played.final_observations), strict=True):
                info["terminal_observation"] = last
        rewards = -(self.entries_eur @ self.weights) / EUR_PER_REWARD
        return self._rows(played.observations), rewards, np.full(self.num_envs, played.ended), infos

    def action_masks(self) -> BoolArray:
        """Possible choices of this moment, (row, choice)."""
        return self._masks

    def env_method(
        self, method_name: str, *method_args: Any, indices: Indices = None, **method_kwargs: Any
    ) -> list[Any]:
        """What a method of this class answers, row by row."""
        answer = getattr(self, method_name)(*method_args, **method_kwargs)
        return [answer[row] for row in self._get_indices(indices)]

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """An attribute of this class, once for each row."""
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """Set an attribute for all rows."""
        setattr(self, attr_name, value)

    def env_is_wrapped(self, wrapper_class: Any, indices: Indices = None) -> list[bool]:
        """No row has a wrapper of its own."""
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[NDArray[Any] | None]:
        """There are none."""
        return [None] * self.num_envs

    def close(self) -> None:
        """Nothing to release."""

    def _rows(self, values: NDArray[Any]) -> NDArray[Any]:
        return values.reshape(self.num_envs, -1)

"""Many communities at once as a TorchRL environment: one compiled call per step."""

import numpy as np
import torch
from tensordict import TensorDict, TensorDictBase
from torch import Tensor
from torchrl.data import Bounded, Categorical, Composite, Unbounded
from torchrl.envs import EnvBase

from baselines.learners.interop.view import View
from baselines.learners.ppo.args import Args
from baselines.learners.ppo.earned import Yield
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import Float32Array, FloatArray

GROUP = "agents"
"""Where observations, actions and rewards of all agents stand, (community, agent, column)."""


class CommunityTorchEnv(EnvBase):  # type: ignore[misc]
    """Observations, actions and rewards as in `ViewEnv`, for a batch of communities.

    All agents are one group, so that they can share parameters; `state` is for a critic that sees
    all. All communities have one clock: their week ends at the same step, by a termination, since
    stored energy is settled there. A critic that adds the value of what comes next must stop there,
    as TorchRL's estimators do for what is terminated. Community b plays the training weeks that
    `ViewEnv` plays after `reset(seed + b)`.
    """

    def __init__(
        self,
        scenario: Scenario,
        communities: int,
        seed: int | None = None,
        decision: str = "around_rule",
    ) -> None:
        """For training weeks of a scenario, on the processor.

        Args:
            communities: how many are played at a time.
            seed: of the first community; the others have those that follow.
            decision: what an action means, see `View`.
        """
        super().__init__(device="cpu", batch_size=(communities,))
        self.view = View(scenario, decision)
        self.batch = CommunityBatch(scenario, communities)
        self.earned = Yield(scenario, Args(scenario=scenario.spec.id))
        self.steps = scenario.steps
        self.group_map = {GROUP: list(self.view.agents)}
        self._make_specs()
        self._next_seed = seed
        self._begun: tuple[Float32Array, Float32Array] | None = None  # by the end of the last week
        self._seen: Float32Array = np.zeros(0, np.float32)

    def _make_specs(self) -> None:
        view, shape = self.view, (*self.batch_size, len(self.view.agents))
        rows = (*shape, *view.observation_space.shape)
        state = (*self.batch_size, *view.state_space.shape)
        action = (*shape, *view.action_space.shape)
        self.observation_spec = Composite(
            {
                GROUP: Composite({"observation": Unbounded(rows)}, shape=shape),
                "state": Unbounded(state),
            },
            shape=self.batch_size,
        )
        actions = Composite({"action": Bounded(-1.0, 1.0, action)}, shape=shape)
        self.action_spec = Composite({GROUP: actions}, shape=self.batch_size)
        rewards = Composite({"reward": Unbounded((*shape, 1))}, shape=shape)
        self.reward_spec = Composite({GROUP: rewards}, shape=self.batch_size)
        ends = {
            name: Categorical(2, shape=(*self.batch_size, 1), dtype=torch.bool)
            for name in ("done", "terminated", "truncated")
        }
        self.done_spec = Composite(ends, shape=self.batch_size)

    def _reset(self, tensordict: TensorDictBase | None = None, **options: object) -> TensorDictBase:
        """All communities begin a week; after the end of the last one, the week that follows it.

        Raises:
            ValueError: if only some are to begin: they have one clock.
        """
        if tensordict is not None and not tensordict.get("_reset", torch.ones(1)).all():
            raise ValueError("all communities of a batch reset together: reset all or none")
        if self._begun is None:
            seen = self.batch.reset(self._next_seed).copy()
            self._next_seed, self._begun = None, (seen, self.batch.state())
        (self._seen, state), self._begun = self._begun, None
        self.earned.begin(self._seen, 0)
        return self._shown(self._seen, state, ended=False)

    def _step(self, tensordict: TensorDictBase) -> TensorDictBase:
        before = self._seen
        output = tensordict[GROUP, "action"].detach().numpy()
        actions = self.view.decision.actions(before, output)
        played = self.batch.step(actions)
        if played.final_observations is not None:
            self._begun = (played.observations.copy(), self.batch.state())
            seen, state = played.final_observations, self._begun[1]  # nobody values what is over
        else:
            seen, state = played.observations.copy(), self.batch.state()
        after = None if played.ended else seen
        earned = self.earned.of(before, actions, played.rewards.copy(), after)
        self._seen = seen
        shown = self._shown(seen, state, played.ended)
        shown[GROUP]["reward"] = self._tensor(earned[:, self.view.decision.owners, None])
        return shown

    def _shown(self, seen: Float32Array, state: Float32Array, ended: bool) -> TensorDict:
        rows = self._tensor(self.view.rows(seen))
        group = TensorDict({"observation": rows}, batch_size=rows.shape[:2])
        over = torch.full((*self.batch_size, 1), ended)
        return TensorDict(
            {
                GROUP: group,
                "state": self._tensor(self.view.state(state)),
                "done": over,
                "terminated": over.clone(),
                "truncated": torch.zeros_like(over),
            },
            batch_size=self.batch_size,
        )

    def _tensor(self, values: Float32Array | FloatArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))

    def _set_seed(self, seed: int | None) -> None:
        self._next_seed, self._begun = seed, None

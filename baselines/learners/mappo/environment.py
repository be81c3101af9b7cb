"""A community as RLlib's own sampler wants it, and the joint state on its way to the critic.

Why not the wrapper that RLlib ships: it makes a termination of every end, orders agents by a set,
and hides the joint state.
"""

from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Dict
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.env.multi_agent_env import MultiAgentEnv
from ray.rllib.env.multi_agent_episode import MultiAgentEpisode

from baselines.learners.mappo.module import JOINT
from baselines.learners.mappo.sight import Sight
from baselines.learners.ppo.earned import Yield
from p2p_market.records import Float32Array
from p2p_market.registry import parallel_env

Rows = dict[int, Any]
Ends = dict[int | str, bool]
FIRST = 0
"""The agent whose infos carry the joint state."""


class CommunityRows(MultiAgentEnv):  # type: ignore[misc]
    """One community; RLlib's agents are the rows of a `Decision`, numbered in their order.

    Numbers and not names: RLlib keeps agents in sets, and the order of texts in a set differs from
    process to process, and with it which agent explores how.

    The end of the week is a termination. Nobody leaves before.
    """

    def __init__(self, sight: Sight) -> None:
        """For the scenario of the sight."""
        super().__init__()
        self.sight, self.community = sight, parallel_env(sight.scenario)
        self.earned = Yield(sight.scenario, sight.args)
        self.possible_agents = list(range(len(sight.decision.owners)))
        self.agents = self.possible_agents[:]
        self.observation_spaces = dict.fromkeys(self.agents, sight.observation_space)
        self.action_spaces = dict.fromkeys(self.agents, sight.action_space)
        self.observation_space = Dict(self.observation_spaces)  # type: ignore[arg-type]
        self.action_space = Dict(self.action_spaces)  # type: ignore[arg-type]  # numbers will do
        self.seen: Float32Array = np.zeros(0, np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Rows, Rows]:
        """Draw a training week."""
        observations, _ = self.community.reset(seed, options)
        self._see(observations)
        self.earned.begin(self.seen, 0)
        return self._rows(), self._infos()

    def step(self, actions: Rows) -> tuple[Rows, Rows, Ends, Ends, Rows]:
        """Play one market interval with what the network put out for each row."""
        output = np.stack([actions[row] for row in self.possible_agents])[None]
        joint, before = self.sight.decision.actions(self.seen, output), self.seen
        named = dict(zip(self.community.possible_agents, joint[0], strict=True))
        observations, rewards, terminations, _, _ = self.community.step(named)
        self._see(observations)
        ended = all(terminations.values())
        earned = self.earned.of(
            before, joint, np.array([[*rewards.values()]]), None if ended else self.seen
        )
        own = earned[0, self.sight.decision.owners].tolist()
        ends: Ends = dict.fromkeys([*self.possible_agents, "__all__"], ended)
        return (
            self._rows(),
            dict(enumerate(own)),
            ends,
            {"__all__": False},
            self._infos(),
        )

    def _see(self, observations: dict[str, Float32Array]) -> None:
        self.seen = np.stack([*observations.values()])[None]

    def _rows(self) -> Rows:
        return dict(enumerate(self.sight.rows(self.seen)[0]))

    def _infos(self) -> Rows:
        joint = self.sight.joint(torch.from_numpy(self.community.state()))
        return {FIRST: {JOINT: joint.numpy()}}


class JointStates(ConnectorV2):  # type: ignore[misc]
    """Gives every row of a batch the joint state that the first agent's infos brought along.

    RLlib has lengthened the episodes by one step when this is called. Rows have to come in the
    order of RLlib's own columns, and that is the order of its iterator.
    """

    def __call__(
        self, *, batch: dict[str, Any], episodes: list[MultiAgentEpisode], **kwargs: Any
    ) -> dict[str, Any]:
        """The batch with one column more."""
        joint = {episode.id_: _joint(episode) for episode in episodes}
        for rows in self.single_agent_episode_iterator(episodes, agents_that_stepped_only=False):
            own = joint[rows.multi_agent_episode_id]
            self.add_n_batch_items(batch, JOINT, own, len(rows), rows)
        return batch


def _joint(episode: MultiAgentEpisode) -> Float32Array:
    first = episode.agent_episodes[FIRST]
    return np.stack([info[JOINT] for info in first.get_infos(slice(0, len(first)))])

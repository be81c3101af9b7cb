"""The PettingZoo environment of any track: a batch of one over its contract.

A track may have an environment of its own, which is faster or shows more.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Space
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from p2p_market.errors import ResetNeededError
from p2p_market.kit.sequences import Sequences
from p2p_market.kit.spaces import mask_for, seen_by, sent_by
from p2p_market.records import Float32Array
from p2p_market.track import AnyEpisode, AnyScenario, AnyTrack, Role
from p2p_market.tracks import counted, track_of
from p2p_market.validation import by_agent, floats, no_pictures, options_of

Shown = dict[str, Any]


class TrackEnv(ParallelEnv[str, Float32Array, NDArray[Any]]):
    """Agents of all roles step together; who sends nothing rests.

    Actions: `Box(-1, 1)` of the role's columns; `Discrete` or `MultiDiscrete` where all of them are
    choices. Infos hold why the supervisor held the agent, and `action_mask` where choices are
    masked, in the shape that `Space.sample` takes.
    """

    def __init__(self, scenario: AnyScenario, render_mode: str | None = None) -> None:
        """Needs a reset before the first step.

        Raises:
            RenderError: if a render mode is asked for; there is none.
            ScenarioError: if a role mixes choices and numbers.
        """
        no_pictures(render_mode)
        self.metadata = {"name": scenario.spec.id.replace("-", "_"), "render_modes": []}
        self.scenario, self.render_mode = scenario, render_mode
        self.roles: tuple[Role, ...] = self.track.roles(scenario)
        self.possible_agents, self.agents = list(scenario.agents), list[str]()
        pairs = [(role, agent) for role in self.roles for agent in role.agents]
        self.feature_table = {agent: role.features for role, agent in pairs}
        self.observation_spaces = {agent: seen_by(role.features) for role, agent in pairs}
        self.action_spaces = {agent: sent_by(role) for role, agent in pairs}
        self._sequences = Sequences(scenario)
        self._episode: AnyEpisode | None = None
        self._state: Any = None
        self._steps = 0

    @property
    def track(self) -> AnyTrack:
        """The rules of the game."""
        return track_of(self.scenario)

    def observation_space(self, agent: str) -> Space[Any]:
        """Features of the agent's role, in their ranges."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Space[Any]:
        """Columns of the agent's role."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Shown, Shown]:
        """Draw an episode; without a seed the next one in the sequence of the last seed.

        Args:
            seed: of the sequence, 0 or more.
            options: `split` (default "train"); `week`, a unit of the split, of which the first
                episode is played; `reference`, a row of the reference table.

        Raises:
            ArgumentError: if the seed is not a whole number.
            ScenarioError: if there is no such split, week or row.
        """
        (key,) = self._sequences.following(seed, options_of(options))
        self._episode = self.track.draw(self.scenario, key)
        self._state, self._steps = self.track.start(self.scenario, self._episode), 0
        self.agents = self.possible_agents[:]
        return self._shown(np.zeros(len(self.agents), dtype=np.int64))

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[Shown, dict[str, float], dict[str, bool], dict[str, bool], Shown]:
        """Play one step.

        Args:
            actions: agent -> action in its space; the track screens what is not.

        Raises:
            ResetNeededError: before `reset` or after the end.
            ActionError: if an agent is unknown, or an action has another shape.
        """
        if not self.agents or self._episode is None:
            raise ResetNeededError("call reset() first")
        sent = by_agent(actions, self.agents)
        joint = {role.name: self._of_role(role, sent) for role in self.roles}
        given = self.scenario, self._episode, self._state
        self._state, outcome = self.track.step(*given, counted(*given, joint), True)
        self._steps += 1
        agents, ended = self.agents, self._steps == self.scenario.steps
        seen, infos = self._shown(outcome.cause[0])
        self.agents = [] if ended else agents
        reward = dict(zip(agents, outcome.reward[0].tolist(), strict=True))
        return seen, reward, dict.fromkeys(agents, ended), dict.fromkeys(agents, False), infos

    def _of_role(self, role: Role, actions: Mapping[str, Any]) -> NDArray[Any]:
        """Actions of a role, (1, agent, column)."""
        rows = np.array(role.rest[None])
        for number, agent in enumerate(role.agents):
            if agent in actions:
                shape = (len(role.columns),)
                rows[0, number] = floats(f"{agent}: action", actions[agent], shape, "fiu")
        return rows

    def _shown(self, cause: NDArray[Any]) -> tuple[Shown, Shown]:
        """Observations and infos."""
        assert self._episode is not None
        joint = self.track.observe(self.scenario, self._episode, self._state)
        names = self.track.CARD.causes
        infos: Shown = {
            agent: {"supervisor": names[one]}
            for agent, one in zip(self.agents, cause.tolist(), strict=True)
        }
        seen: Shown = {}
        for role in self.roles:
            seen |= zip(role.agents, joint[role.name][0].copy(), strict=True)
            allowed = self.track.masks(self.scenario, role.name, joint[role.name])
            if allowed is not None:
                sizes = [column.choices for column in role.columns]
                for agent, mask in zip(role.agents, allowed[0], strict=True):
                    infos[agent]["action_mask"] = mask_for(sizes, mask)
        return seen, infos


def environment(scenario: AnyScenario, render_mode: str | None, info: str) -> TrackEnv:
    """The environment, as the contract asks for it; its infos are always the same."""
    return TrackEnv(scenario, render_mode)

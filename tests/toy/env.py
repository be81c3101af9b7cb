"""The PettingZoo environment of the toy: a batch of one."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from p2p_market.errors import ActionError, RenderError, ResetNeededError
from p2p_market.records import Float32Array
from p2p_market.track import Role
from tests.toy import track

Shown = dict[str, Any]


class ToyEnv(ParallelEnv[str, Float32Array, NDArray[Any]]):
    """Storages send power and reserve, `Box(-1, 1)`; the plant sends a choice, `Discrete(3)`.

    Who sends nothing rests. Infos tell the cause of the supervisor and, of the plant, the mask.
    """

    metadata: dict[str, Any] = {"name": "toy_v0", "render_modes": []}  # noqa: RUF012 (as it is read)

    def __init__(self, scenario: track.Scenario, render_mode: str | None = None) -> None:
        """Needs a reset before the first step."""
        if render_mode is not None:
            raise RenderError(f"no render mode {render_mode!r}")
        self.scenario, self.render_mode = scenario, render_mode
        self.possible_agents, self.agents = list(scenario.agents), list[str]()
        pairs = [(role, agent) for role in track.roles(scenario) for agent in role.agents]
        self.feature_table = {agent: role.features for role, agent in pairs}
        self.observation_spaces = {agent: _seen(role) for role, agent in pairs}
        self.action_spaces = {agent: _sent(role) for role, agent in pairs}
        self._seeds = np.random.SeedSequence()
        self._episode: track.Episode | None = None
        self._state: track.State | None = None

    def observation_space(self, agent: str) -> Space[Any]:
        """Of one agent."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Space[Any]:
        """Of one agent."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Shown, Shown]:
        """Draw a training episode; without a seed the next one of the last seed."""
        if seed is not None or self._episode is None:
            self._seeds = np.random.SeedSequence(seed)
        own = int(self._seeds.spawn(1)[0].generate_state(1)[0])
        units = track.keys(self.scenario, "train", own)
        self._episode = track.draw(self.scenario, units[own % len(units)][0])
        self._state = track.start(self.scenario, self._episode)
        self.agents = self.possible_agents[:]
        return self._shown([0] * len(self.agents))

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[Shown, dict[str, float], dict[str, bool], dict[str, bool], Shown]:
        """Play one hour.

        Raises:
            ResetNeededError: before `reset` or after the end.
            ActionError: if an agent is unknown, or an action outside its space.
        """
        if not self.agents or self._episode is None or self._state is None:
            raise ResetNeededError("call reset() first")
        if unknown := set(actions) - set(self.agents):
            raise ActionError(f"unknown agents {unknown}; agents are {self.agents}")
        joint = {role.name: np.array(role.rest[None]) for role in track.roles(self.scenario)}
        for role in track.roles(self.scenario):
            for number, agent in enumerate(role.agents):
                if agent in actions:
                    joint[role.name][0, number] = actions[agent]
        given = self.scenario, self._episode, self._state, joint, True
        self._state, outcome = track.step(*given)
        agents, ended = self.agents, self._state.step == self.scenario.steps
        seen, infos = self._shown(outcome.cause[0])
        self.agents = [] if ended else agents
        reward = dict(zip(agents, outcome.reward[0].tolist(), strict=True))
        return seen, reward, dict.fromkeys(agents, ended), dict.fromkeys(agents, False), infos

    def _shown(self, cause: Any) -> tuple[Shown, Shown]:
        """Observations and infos."""
        assert self._episode is not None
        assert self._state is not None
        joint = track.observe(self.scenario, self._episode, self._state)
        infos = {
            agent: {"supervisor": track.CARD.causes[one]}
            for agent, one in zip(self.agents, cause, strict=True)
        }
        seen: Shown = {}
        for role in track.roles(self.scenario):
            seen |= zip(role.agents, joint[role.name][0].copy(), strict=True)
            allowed = track.masks(self.scenario, role.name, joint[role.name])
            if allowed is not None:
                for agent, mask in zip(role.agents, allowed[0].astype(np.int8), strict=True):
                    infos[agent]["action_mask"] = mask
        return seen, infos


def _seen(role: Role) -> Box:
    low, high = np.array([(one.low, one.high) for one in role.features], dtype=np.float32).T
    return Box(low, high, dtype=np.float32)


def _sent(role: Role) -> Space[Any]:
    (*_, last) = role.columns
    if last.choices:
        return Discrete(last.choices)
    return Box(-1.0, 1.0, (len(role.columns),), np.float32)

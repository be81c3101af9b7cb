"""The PettingZoo environment of any track: a batch of one over its contract.

A track may have an environment of its own, which is faster or shows more.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Space
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from p2p_market.errors import ActionError, RenderError, ResetNeededError, ScenarioError
from p2p_market.records import Float32Array
from p2p_market.track import AnyEpisode, AnyScenario, AnyTrack, EpisodeKey, Role
from p2p_market.tracks import counted, track_of
from p2p_market.validation import options_of, whole_number

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
        if render_mode is not None:
            raise RenderError(f"no render mode {render_mode!r}; this track draws no pictures")
        self.metadata = {"name": scenario.spec.id.replace("-", "_"), "render_modes": []}
        self.scenario, self.render_mode = scenario, render_mode
        self.roles: tuple[Role, ...] = self.track.roles(scenario)
        self.possible_agents, self.agents = list(scenario.agents), list[str]()
        pairs = [(role, agent) for role in self.roles for agent in role.agents]
        self.feature_table = {agent: role.features for role, agent in pairs}
        self.observation_spaces = {agent: _seen(role) for role, agent in pairs}
        self.action_spaces = {agent: _sent(role) for role, agent in pairs}
        self._seeds, self._number = np.random.SeedSequence(), 0
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
        asked = options_of(options)
        if seed is not None:
            self._seeds = np.random.SeedSequence(whole_number("seed", seed, 0))
            self._number = 0
        key = chosen_key(self.scenario, self._seeds, self._number, asked)
        self._episode = self.track.draw(self.scenario, key)
        self._number += 1
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
        if unknown := set(actions) - set(self.agents):
            raise ActionError(f"unknown agents {sorted(map(str, unknown))}; known: {self.agents}")
        joint = {role.name: self._of_role(role, actions) for role in self.roles}
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
                own = np.asarray(actions[agent])
                if own.size != len(role.columns) or own.dtype.kind not in "fiu":
                    needed = f"{len(role.columns)} numbers"
                    raise ActionError(f"{agent} needs {needed}, got {own.dtype} of {own.shape}")
                rows[0, number] = own.reshape(-1)
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
                for agent, mask in zip(role.agents, allowed[0].astype(np.int8), strict=True):
                    infos[agent]["action_mask"] = _mask_of(role, mask)
        return seen, infos


def environment(scenario: AnyScenario, render_mode: str | None, info: str) -> TrackEnv:
    """The environment, as the contract asks for it; its infos are always the same."""
    return TrackEnv(scenario, render_mode)


def chosen_key(
    scenario: AnyScenario, seeds: np.random.SeedSequence, number: int, options: Mapping[str, Any]
) -> EpisodeKey:
    """What the options of a reset ask for, or the episode at a place in the sequence of a seed.

    Args:
        seeds: of the sequence.
        number: the place, from 0 on.
        options: `split`, `week` and `reference`, see `TrackEnv.reset`.

    Raises:
        ScenarioError: if there is no such split, week or row.
    """
    track, split = track_of(scenario), options.get("split", "train")
    if "reference" in options:
        rows = [key for unit in track.keys(scenario, "test", 0) for key in unit]
        row = whole_number("reference", options["reference"], 0, len(rows) - 1, ScenarioError)
        return rows[row]
    child = np.random.SeedSequence(seeds.entropy, spawn_key=(number,))
    own = int(child.generate_state(1, np.uint64)[0] >> np.uint64(1))
    units = track.keys(scenario, split, own)
    if "week" in options:
        week = whole_number("week", options["week"], 0, len(units) - 1, ScenarioError)
        return units[week][0]
    keys = [key for unit in units for key in unit]
    return keys[int(np.random.default_rng(child).integers(len(keys)))]


def _seen(role: Role) -> Box:
    low, high = np.array([(one.low, one.high) for one in role.features], dtype=np.float32).T
    return Box(low, high, dtype=np.float32)


def _sent(role: Role) -> Space[Any]:
    choices = [column.choices for column in role.columns]
    if not any(choices):
        return Box(-1.0, 1.0, (len(choices),), np.float32)
    if not all(choices):
        raise ScenarioError(f"role {role.name!r} mixes choices and numbers; split it in two roles")
    return Discrete(choices[0]) if len(choices) == 1 else MultiDiscrete(choices)


def _mask_of(role: Role, mask: NDArray[np.int8]) -> Any:
    """As `Space.sample` takes it: one array, or one for each choice."""
    if len(role.columns) == 1:
        return mask
    ends = np.cumsum([column.choices for column in role.columns])[:-1]
    return tuple(np.split(mask, ends))

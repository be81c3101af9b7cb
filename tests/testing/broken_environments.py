"""A small environment that keeps all rules, and others that each break one."""

import os
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from pettingzoo import ParallelEnv

AGENTS = ["one", "two"]
HORIZON = 12


class Sound(ParallelEnv):
    """Two agents guess a number that walks at random, as drawn at reset."""

    metadata = {"name": "sound_v0", "render_modes": []}  # noqa: RUF012

    def __init__(self):
        self.possible_agents = list(AGENTS)
        self.agents = []
        self.render_mode = None
        self.walk = None
        self.observation_spaces = {a: Box(-9.0, 9.0, (2,), np.float32) for a in AGENTS}
        self.action_spaces = {a: Box(-1.0, 1.0, (1,), np.float32) for a in AGENTS}

    def observation_space(self, agent):
        return self.observation_spaces[agent]

    def action_space(self, agent):
        return self.action_spaces[agent]

    def reset(self, seed=None, options=None):
        steps = np.random.default_rng(seed).uniform(-0.5, 0.5, HORIZON + 1)
        self.walk, self.step_count = np.cumsum(steps), 0
        self.agents = list(self.possible_agents)
        return self.observations(), {agent: {} for agent in self.agents}

    def step(self, actions):
        if self.walk is None:
            raise RuntimeError("call reset() first")
        acting = self.agents
        miss = {a: abs(float(actions[a][0]) - float(self.walk[self.step_count])) for a in acting}
        self.step_count += 1
        ended = self.step_count == HORIZON
        observations = self.observations()
        if ended:
            self.agents = []
        rewards = {agent: -miss[agent] for agent in acting}
        ends, cuts = dict.fromkeys(acting, ended), dict.fromkeys(acting, False)
        return observations, rewards, ends, cuts, {agent: {"miss": miss[agent]} for agent in acting}

    def observations(self) -> dict[str, Any]:
        return {a: self.observation_of(i) for i, a in enumerate(self.agents)}

    def observation_of(self, number: int) -> np.ndarray:
        return np.array([self.walk[self.step_count], number + self.step_count / 100], np.float32)


def only_in(process: int) -> Sound:
    if os.getpid() != process:
        raise RuntimeError("made at home only")
    return Sound()


class RandomFromItsSecondStep(Sound):
    def observation_of(self, number):
        seen = super().observation_of(number)
        if self.step_count >= 2:
            seen[0] = np.random.default_rng().uniform()
        return seen


class ByHashOfText(Sound):
    def reset(self, seed=None, options=None):
        return super().reset(hash(f"seed {seed}") % 2**32, options)


class DeafToSeeds(Sound):
    def reset(self, seed=None, options=None):
        return super().reset(0, options)


class OneBuffer(Sound):
    def __init__(self):
        super().__init__()
        self.buffer = np.zeros((2, 2), np.float32)

    def observation_of(self, number):
        self.buffer[number] = super().observation_of(number)
        return self.buffer[number]


class TwoBuffersInTurn(Sound):
    """Neighbours in time share nothing, but every second observation is written over."""

    def __init__(self):
        super().__init__()
        self.buffers = [np.zeros(2, np.float32) for _ in range(4)]

    def observation_of(self, number):
        buffer = self.buffers[2 * (self.step_count % 2) + number]
        buffer[:] = super().observation_of(number)
        return buffer


class ChangesActions(Sound):
    def step(self, actions):
        for action in actions.values():
            action *= 0.5
        return super().step(actions)


class LeavesItsSpace(Sound):
    def observation_of(self, number):
        return super().observation_of(number) + np.float32(20.0 * (self.step_count == 7))


class InfiniteReward(Sound):
    def step(self, actions):
        observations, rewards, *rest = super().step(actions)
        return observations, dict.fromkeys(rewards, np.inf), *rest


class NotANumber(Sound):
    def __init__(self):
        super().__init__()
        self.observation_spaces = {a: Box(-np.inf, np.inf, (2,), np.float32) for a in AGENTS}

    def observation_of(self, number):
        return super().observation_of(number) + np.float32(np.inf if self.step_count == 5 else 0.0)


class KeepsThePast(Sound):
    past = 0.0

    def step(self, actions):
        self.past += 0.01
        return super().step(actions)

    def observation_of(self, number):
        return super().observation_of(number) + np.float32(self.past)


class ForgetsWhenPickled(Sound):
    def __setstate__(self, state):
        self.__dict__.update(state)
        self.walk = self.walk[::-1].copy()


class StrictAboutOptions(Sound):
    def reset(self, seed=None, options=None):
        if options and "options" not in options:  # what PettingZoo's test sends
            raise KeyError(next(iter(options)))
        return super().reset(seed, options)


class FailsAnyhowBeforeReset(Sound):
    def step(self, actions):
        return super().step(actions) if self.walk is not None else self.walk[0]


class ForgetsAReward(Sound):
    def step(self, actions):
        observations, rewards, *rest = super().step(actions)
        return observations, {"one": rewards["one"]}, *rest

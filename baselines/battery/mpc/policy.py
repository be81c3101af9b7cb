"""`mpc-battery`: a plan of the next 24 hours in every step, on what a battery can see.

Prices to expect: day-ahead as published, and the day before's beyond; intraday returns to it. An
offer's chance follows from the one that is shown, and forgets it hour by hour. Each battery plans
for itself, as if its trades moved no price. In a bidding scenario it bids the position that the
public rule would give it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from baselines.battery.mpc.outlook import Known, learnt, nothing_known, outlook, positions
from baselines.battery.mpc.program import Battery, Choice, plan
from p2p_market.battery.actions import (
    BIDS,
    ENERGIES,
    NO_BID,
    NO_BIDS,
    OFFERS,
    TIER_CHOICES,
    masks,
    rest,
)
from p2p_market.battery.observation import SOC
from p2p_market.battery.scenario import Scenario
from p2p_market.errors import PolicyError
from p2p_market.records import BoolArray, Float32Array, FloatArray


class Memory(NamedTuple):
    """What the planner knows."""

    step: int
    known: Known


@dataclass(frozen=True, slots=True)
class Replanner:
    """Plans anew in every step; batteries know nothing of each other."""

    scenario: Scenario
    batteries: tuple[Battery, ...]

    def start(self, seeds: Sequence[int]) -> Memory:
        """Nothing has been seen."""
        return Memory(0, nothing_known(self.scenario, len(seeds)))

    def act(self, observation: Float32Array, memory: Memory) -> tuple[FloatArray, Memory]:
        """Choices nearest to the newest plans, (batch, agent, column).

        Raises:
            OptimumError: if the solver does not report an optimal plan.
        """
        known = learnt(self.scenario, memory.known, observation, memory.step)
        allowed = masks(self.scenario, observation)
        assert allowed is not None
        action = np.tile(rest(self.scenario), (*observation.shape[:2], 1))
        for b, seen in enumerate(observation):
            shared = outlook(self.scenario, known, seen, memory.step, b)
            hours = int(memory.step * self.scenario.dt_h) + np.arange(len(shared.length_h))
            position = positions(self.scenario, known, hours, b)
            for i, battery in enumerate(self.batteries):
                ahead = replace(shared, position_mw=position[i])
                stored = float(seen[i, SOC]) * self.scenario.fleet.capacity_mwh[i]
                level = min(max(stored, battery.lowest_mwh), battery.highest_mwh)
                choice = plan(battery, level, ahead, f"{self.scenario.spec.id}, battery {i}")
                free = battery.power_mw - abs(position[i, 0])
                action[b, i, :NO_BIDS] = _nearest(battery, choice, free, allowed[b, i])
                action[b, i, 1] = ahead.tier[0]
            if self.scenario.bids:
                action[b, :, NO_BIDS:] = self._bids(known, hours[0], b)
        return action, Memory(memory.step + 1, known)

    def _bids(self, known: Known, hour: int, b: int) -> FloatArray:
        """Tomorrow's position by the rule, in fifths of the power, (agent, hour)."""
        tomorrow = 24 * (hour // 24 + 1) + np.arange(24)
        planned = positions(self.scenario, known, np.append(tomorrow[0] - 1, tomorrow), b)[:, 1:]
        fifths = np.rint(NO_BID * planned / self.scenario.fleet.power_mw[:, None])
        return np.asarray(np.clip(NO_BID + fifths, 0, BIDS - 1))


def _nearest(battery: Battery, choice: Choice, free_mw: float, allowed: BoolArray) -> FloatArray:
    """Indices of offer and energy that are possible and nearest to what is planned."""
    offers = np.arange(OFFERS) * free_mw / (OFFERS - 1)
    wishes = (10.0 - np.arange(ENERGIES)) * battery.power_mw / 10.0
    away = np.where(allowed[:OFFERS], np.abs(offers - choice.offer_mw), np.inf)
    energy = allowed[OFFERS + TIER_CHOICES :][:ENERGIES]
    far = np.where(energy, np.abs(wishes - choice.wish_mw), np.inf)
    return np.array([away.argmin(), 0, far.argmin()], dtype=np.float64)


def mpc_battery(scenario: Scenario) -> Replanner:
    """The planner of a scenario whose actions are choices."""
    if not scenario.rules.choices:
        raise PolicyError("mpc-battery answers with choices; play it in the scenario as it ships")
    return Replanner(scenario, tuple(_battery(scenario, i) for i in range(len(scenario.agents))))


def _battery(scenario: Scenario, i: int) -> Battery:
    fleet, rules = scenario.fleet, scenario.rules
    return Battery(
        power_mw=float(fleet.power_mw[i]),
        lowest_mwh=float(fleet.lowest_mwh[i]),
        highest_mwh=float(fleet.highest_mwh[i]),
        start_mwh=float(fleet.start_mwh[i]),
        eta=float(fleet.eta[i]),
        wear=float(fleet.wear[i]),
        reserve_h=rules.reserve_h,
        penalty=rules.dam_penalty,
        withhold=rules.withhold,
    )

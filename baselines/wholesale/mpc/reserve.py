"""The operator of `mpc`: the reserve level that is expected to cost least in the step ahead.

For each level it clears the step by merit order and weighs what units then cost against what the
deviations of frequency would, over fluctuations of all sizes. Storages are as likely to go on as
they did as to give all they can: either turns out within minutes. Units count as available, and
none trips. The tap is that of the default rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import gamma

from baselines.wholesale.mpc.outlook import Outlook, outlook, start_day
from p2p_market.grid.frequency import deviations
from p2p_market.records import Float32Array, FloatArray
from p2p_market.wholesale.actions import NEUTRAL_TAP
from p2p_market.wholesale.book import RESERVED_SHARE
from p2p_market.wholesale.records import RESERVE_LEVELS, TAPS
from p2p_market.wholesale.rules.default import centred, places
from p2p_market.wholesale.scenario import Scenario

SIZES: Final = gamma.ppf((np.arange(32) + 0.5) / 32.0, 4.0, scale=0.25)
"""Fluctuation over its mean, in parts that are equally likely."""

Memory = tuple[int, tuple[int, ...]]
"""Steps played; per community the day on which it started."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Weighs reserve against deviations in every step."""

    scenario: Scenario

    def start(self, seeds: Sequence[int]) -> Memory:
        """Nothing has been seen."""
        return 0, ()

    def act(self, observation: Float32Array, memory: Memory) -> tuple[FloatArray, Memory]:
        """Reserve level and tap as one choice, (batch, agent, column)."""
        step, days = memory
        seen = observation.astype(np.float64)
        if step == 0:
            days = tuple(start_day(self.scenario, "operator", one[0]) for one in seen)
        level = np.array(
            [self._level(one[0], day, step) for one, day in zip(seen, days, strict=True)]
        )
        choice = TAPS * level[:, None] + NEUTRAL_TAP + centred(self.scenario, seen)
        return np.asarray(choice[..., None]), (step + 1, days)

    def _level(self, seen: FloatArray, day: int, step: int) -> int:
        expected = outlook(self.scenario, "operator", seen, day, step)
        return int(expected_cost(self.scenario, seen, expected).argmin())


def expected_cost(scenario: Scenario, seen: FloatArray, expected: Outlook) -> FloatArray:
    """What the step ahead is expected to cost at each reserve level, (level,) [EUR per hour].

    Args:
        seen: what the operator sees, (feature,).
    """
    fleet, at = scenario.fleet, places(scenario, "operator")
    storages = len(fleet.power_mw)
    level = seen[at["level_0"] :][:storages]
    out = np.minimum(fleet.power_mw, level / fleet.gain_discharge)
    into = np.minimum(fleet.power_mw, (fleet.capacity_mwh - level) / fleet.gain_charge)
    asked = (seen[at["power_0"] :][:storages], -fleet.power_mw)
    costs = [_cost(scenario, expected, one, out, into) for one in asked]
    return np.asarray(np.mean(costs, axis=0))


def _cost(
    scenario: Scenario, expected: Outlook, asked: FloatArray, out: FloatArray, into: FloatArray
) -> FloatArray:
    """Expected cost if storages ask for a power, (level,) [EUR per hour].

    Args:
        asked: (storage,), positive = charge.
        out: most that each storage gives, (storage,).
        into: most that each storage takes, (storage,).
    """
    fleet, rules, kept = scenario.fleet, scenario.rules, np.arange(RESERVE_LEVELS)[:, None]
    free = RESERVED_SHARE * kept * fleet.power_mw
    power = np.clip(asked, -np.maximum(out - free, 0.0), np.maximum(into - free, 0.0))
    flexible = np.tile(expected.flexible_mw[0], (len(kept), 1))
    load = float(expected.firm_mw[0].sum() + expected.flexible_mw[0].sum())
    available = _available(scenario, expected)
    most = np.maximum(available - rules.reserve_mw * kept * fleet.thermal_share, 0.0)
    output, lost = _merit(scenario, most, load + power.sum(axis=1))
    above = np.minimum(available - output, output)
    below = output - np.minimum(fleet.least_mw, output)
    draws = scenario.spec.draws
    fluctuation = (
        draws.fluctuation_demand * load
        + draws.fluctuation_wind * float(expected.wind_mw[0])
        + draws.fluctuation_solar * float(expected.solar_mw[0])
    )
    rooms = (
        np.hstack([above, power + out, flexible]),
        np.hstack([below, into - power, np.zeros_like(flexible)]),
    )
    cost = output @ fleet.cost + rules.lost_load * lost
    return cost + sum(_events(scenario, load, one, fluctuation) for one in rooms)


def _available(scenario: Scenario, expected: Outlook) -> FloatArray:
    available = scenario.fleet.max_mw.copy()
    for source, output in (("wind", expected.wind_mw[0]), ("solar", expected.solar_mw[0])):
        own = [unit.source == source for unit in scenario.spec.generators]
        available[own] *= output / max(float(available[own].sum()), 1e-9)
    return available


def _merit(scenario: Scenario, most: FloatArray, load: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Output at each level, (level, generator), and what nobody serves, (level,) [MW]."""
    fleet = scenario.fleet
    output = np.minimum(fleet.least_mw, most)
    left = np.maximum(load - output.sum(axis=1), 0.0)
    for unit in np.argsort(fleet.cost, kind="stable"):
        more = np.minimum(most[:, unit] - output[:, unit], left)
        output[:, unit] += more
        left = left - more
    return output, left


def _events(scenario: Scenario, load: float, rooms: FloatArray, mean_mw: float) -> FloatArray:
    """Mean cost of deviations in one direction, (level,) [EUR per hour]."""
    rules = scenario.rules
    sizes = np.tile(SIZES * mean_mw, len(rooms))
    found = deviations(
        rules.damping * load, np.tile(scenario.fleet.gain_mw_per_hz, (len(sizes), 1)),
        np.repeat(np.maximum(rooms, 0.0), len(SIZES), axis=0), sizes, rules.relay_hz,
    )  # fmt: skip
    beyond = np.maximum(found.x_hz - rules.band_hz, 0.0)
    cost = rules.frequency * beyond + rules.lost_load * found.shed_mw
    return np.asarray(cost.reshape(len(rooms), len(SIZES)).mean(axis=1))


def operator(scenario: Scenario) -> Keeper:
    """Reserve by its expected cost."""
    return Keeper(scenario)

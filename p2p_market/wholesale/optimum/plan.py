"""A plan as actions: what agents would have to send so that the step plays it."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.grid.feeder import squared_voltages, violations
from p2p_market.records import FloatArray
from p2p_market.track import Series
from p2p_market.wholesale.actions import (
    LEVELS,
    NEUTRAL_TAP,
    level_number,
)
from p2p_market.wholesale.episode.episode import Episode
from p2p_market.wholesale.scenario import REACTIVE, Scenario
from p2p_market.wholesale.schema import BUSES

TRIED: Final = (0, -1, 1, -2, 2)
"""Taps, the nearest to the middle first."""
SLACK_MW: Final = 1e-6
"""What one unit offers beyond its plan, so that rounding leaves no load without a seller."""


def plan_actions(scenario: Scenario, episode: Episode, schedule: Series) -> dict[str, NDArray[Any]]:
    """Actions of every role that play a schedule, (step, 1, agent of the role, column).

    Units offer what they shall produce at the highest bid, storages take or give at any price,
    loads are reduced in any case; the operator keeps no reserve and sets the best tap.

    Args:
        episode: a batch of one.
        schedule: `output_mw`, `power_mw` and `flexible_mw`, (step, unit).
    """
    return {
        "generator": _offers(scenario, episode, schedule["output_mw"]),
        "storage": _powers(scenario, schedule["power_mw"]),
        "consumer": _adjustments(scenario, episode, schedule["flexible_mw"]),
        "operator": _taps(scenario, episode, schedule),
    }


def _offers(scenario: Scenario, episode: Episode, output: FloatArray) -> FloatArray:
    fleet = scenario.fleet
    low, high = episode.must_mw[0].copy(), episode.available_mw[0].copy()
    before = np.where(episode.trips[0, :-1] > 0.0, 0.0, output[:-1])
    high[1:] = np.minimum(high[1:], before + fleet.ramp_mw)
    down = np.where(episode.trips[0, :-1] > 0.0, -np.inf, before - fleet.ramp_mw)
    low[1:] = np.maximum(low[1:], down)
    room = np.maximum(high - low, 0.0)
    offered = np.clip(output - low, 0.0, room)
    spare = room - offered
    most = spare.argmax(axis=1)
    steps = np.arange(len(output))
    offered[steps, most] += np.minimum(SLACK_MW, spare[steps, most])
    share = np.divide(offered, room, out=np.zeros_like(room), where=room > 0.0)
    level = np.full_like(share, level_number(LEVELS - 1))
    return np.stack([level, 2.0 * share - 1.0], axis=-1)[:, None]


def _powers(scenario: Scenario, power: FloatArray) -> FloatArray:
    """At the highest price where it charges, at the lowest where it discharges."""
    price = np.where(power > 0.0, 1.0, -1.0)
    return np.stack([power / scenario.fleet.power_mw, price], axis=-1)[:, None]


def _adjustments(scenario: Scenario, episode: Episode, flexible: FloatArray) -> FloatArray:
    fleet, dt = scenario.fleet, scenario.dt_h
    normal = episode.flexible_mw[0]
    backlog = np.vstack([np.zeros(normal.shape[1]), dt * np.cumsum(normal - flexible, axis=0)[:-1]])
    backlog = np.clip(backlog, 0.0, fleet.most_backlog_mwh)
    most = normal + np.minimum(fleet.recovery_mw, backlog / dt)
    share = np.divide(flexible, most, out=np.ones_like(most), where=most > 0.0)
    adjustment = np.clip(1.0 - share, 0.0, 1.0)
    price = np.full_like(share, -1.0)
    return np.stack([2.0 * adjustment - 1.0, price], axis=-1)[:, None]


def _taps(scenario: Scenario, episode: Episode, schedule: Series) -> FloatArray:
    """No reserve, and the tap with the least violation, of these the nearest to the middle."""
    active, reactive = bus_loads(scenario, episode, schedule)
    beyond = []
    for tap in TRIED:
        source = episode.high_voltage_pu[0] + scenario.rules.tap_pu * tap
        pu2 = squared_voltages(scenario.flow, active, reactive, source * source)
        beyond.append(np.round(violations(scenario.flow, pu2).sum(axis=1), 12))
    tap = np.array(TRIED)[np.argmin(beyond, axis=0)]
    return np.asarray((tap + NEUTRAL_TAP).astype(np.float64)[:, None, None, None])


def bus_loads(
    scenario: Scenario, episode: Episode, schedule: Series
) -> tuple[FloatArray, FloatArray]:
    """Active and reactive power that each bus takes, (step, bus) [MW, Mvar]."""
    fleet = scenario.fleet
    load = episode.firm_mw[0] + schedule["flexible_mw"]
    active, reactive = np.zeros((2, len(load), BUSES))
    for place, bus in enumerate(fleet.generator_bus):
        active[:, bus] -= schedule["output_mw"][:, place]
    for place, bus in enumerate(fleet.storage_bus):
        active[:, bus] += schedule["power_mw"][:, place]
    for place, bus in enumerate(fleet.consumer_bus):
        active[:, bus] += load[:, place]
        reactive[:, bus] += REACTIVE * load[:, place]
    return active, reactive

"""What readings may be, fitted on training days, and the check of a step's readings against it.

| sensor | range | change in a step | unchanged |
|---|---|---|---|
| load | 0 to contracted peak | `MARGIN` times the largest, `PEAK_SHARE` | twice the longest run |
| PV | 0 to what a clear sky gives then | not limited: clouds are fast | `PV_STEPS`, in daylight |
| level | the asset's bounds | what the executed power makes of it, to `LEVEL_SHARE` | not limited |

Fitted when a scenario is first played, from its members' donors; test days are never looked at.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numba import njit

from p2p_market.calendar import split_mask
from p2p_market.data import Donor
from p2p_market.episode import Episode
from p2p_market.records import SUPERVISOR_CAUSES, FloatArray, IntArray, Record, State
from p2p_market.scenario import Scenario
from p2p_market.sensors import LEVELS, LOAD, PV

VERSION: Final = 1
"""Goes up when the rule of the fit changes."""

MARGIN: Final = 1.5
PEAK_SHARE: Final = 0.9  # of the peak: a change up to this is never suspicious
LEVEL_SHARE: Final = 0.02  # of the capacity
ROUNDING: Final = 2e-3  # kW and kWh, readings are rounded to a watt
PV_STEPS: Final = 4
DAYLIGHT: Final = 0.05  # of the roof's highest power

_NON_FINITE = SUPERVISOR_CAUSES.index("non_finite")
_ENVELOPE = SUPERVISOR_CAUSES.index("envelope")
_STUCK = SUPERVISOR_CAUSES.index("stuck")


@dataclass(frozen=True, slots=True)
class Envelope(Record):
    """Limits per agent."""

    load_max_kw: FloatArray  # (agent,)
    load_change_kw: FloatArray  # (agent,), in one step
    load_run_steps: IntArray  # (agent,), unchanged; 0 = not checked
    pv_daylight_kw: FloatArray  # (agent,), PV above this must change


@lru_cache(maxsize=8)
def fit(scenario: Scenario) -> Envelope:
    """The envelope of a scenario's members, from training days only."""
    change, run = np.array(
        [_widest(scenario, agent) for agent in range(len(scenario.agents))], dtype=np.float64
    ).T
    return Envelope(
        load_max_kw=scenario.peak_load_kw,
        load_change_kw=np.maximum(change, PEAK_SHARE * scenario.peak_load_kw),
        load_run_steps=run.astype(np.int64),
        pv_daylight_kw=DAYLIGHT * scenario.clear_sky_kw.max(axis=0),
    )


def _widest(scenario: Scenario, agent: int) -> tuple[float, int]:
    """Limits of an agent's load over all donors that it may have in training."""
    limits = [
        _load_limits(scenario.data.donors[place], scenario.demand[agent].scale_kw, scenario.dt_h)
        for place in scenario.donor_pools[agent]["train"]
    ]
    runs = [run for _, run in limits]
    return max(change for change, _ in limits), max(runs) if all(runs) else 0


def _load_limits(donor: Donor, scale_kw: float, dt_h: float) -> tuple[float, int]:
    """Largest change [kW] and longest run without one [steps], with their margins."""
    per_step = round(4 * dt_h)
    train = donor.shape[split_mask("train", len(donor.shape))].astype(np.float64)
    load_kw = np.round(scale_kw * train.reshape(len(train), -1, per_step).mean(axis=2), 3)
    within = np.abs(np.diff(load_kw, axis=1, append=load_kw[:, :1])).max()
    around_midnight = np.concatenate([train[:, :4], train[:, -4:]], axis=1)
    across = scale_kw * (around_midnight.max() - around_midnight.min())
    run = 2 * max(_longest_run(day) for day in load_kw) + 4
    return MARGIN * max(within, across), run if run * dt_h < 24.0 else 0


def _longest_run(values: FloatArray) -> int:
    """Most equal values in a row."""
    changes = np.flatnonzero(np.diff(values) != 0.0)
    edges = np.concatenate([[-1], changes, [len(values) - 1]])
    return int(np.diff(edges).max())


@njit(cache=True)
def check_kernel(  # type: ignore[no-untyped-def]
    told, last, unchanged, setpoint, stays, ceiling, load_max, load_change, load_run, daylight,
    retention, charge, discharge, e_min, e_max, out_cause,
):  # fmt: skip
    """The worst finding per agent, 0 for none."""
    for b in range(told.shape[0]):
        for i in range(told.shape[1]):
            cause = 0
            load, pv = told[b, i, LOAD], told[b, i, PV]
            run = unchanged[b, i, LOAD] + 1 if load == last[b, i, LOAD] else 0
            if load_run[i] > 0 and run > load_run[i]:
                cause = _STUCK
            run = unchanged[b, i, PV] + 1 if pv == last[b, i, PV] else 0
            if pv > daylight[i] and daylight[i] > 0.0 and run >= PV_STEPS:
                cause = _STUCK
            if not -ROUNDING <= load <= load_max[i] + ROUNDING:
                cause = _ENVELOPE
            if not abs(load - last[b, i, LOAD]) <= load_change[i] + ROUNDING:
                cause = _ENVELOPE
            if not -ROUNDING <= pv <= ceiling[b, i] + ROUNDING:
                cause = _ENVELOPE
            for k in range(setpoint.shape[2]):
                if stays[b, i, k] == 0.0:
                    continue
                level, p = told[b, i, LEVELS + k], setpoint[b, i, k]
                gained = charge[i, k] * p if p > 0.0 else discharge[i, k] * p
                expected = retention[i, k] * last[b, i, LEVELS + k] + gained
                if not abs(level - expected) <= LEVEL_SHARE * e_max[i, k] + ROUNDING:
                    cause = _ENVELOPE
                if not e_min[i, k] - ROUNDING <= level <= e_max[i, k] + ROUNDING:
                    cause = _ENVELOPE
            for s in range(told.shape[2]):
                if not np.isfinite(told[b, i, s]):
                    cause = _NON_FINITE
            out_cause[b, i] = cause


def check(scenario: Scenario, episode: Episode, state: State, told: FloatArray) -> IntArray:
    """What is wrong with the readings of each agent, (batch, agent) in SUPERVISOR_CAUSES."""
    limits, nodes, t = fit(scenario), scenario.nodes, state.step
    stays = episode.plugged[t]
    if t > 0:
        stays = stays * episode.plugged[t - 1] * (1.0 - episode.departs[t - 1])
    cause = np.empty(told.shape[:2], dtype=np.int64)
    check_kernel(
        told, state.reading, state.unchanged_steps, state.setpoint_kw, stays,
        episode.pv_ceiling_kw[t], limits.load_max_kw, limits.load_change_kw,
        limits.load_run_steps, limits.pv_daylight_kw, nodes.retention, nodes.charge_gain_h,
        nodes.discharge_gain_h, nodes.energy_min_kwh, nodes.energy_max_kwh, cause,
    )  # fmt: skip
    return cause

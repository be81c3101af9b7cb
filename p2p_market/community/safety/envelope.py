"""What readings may be, fitted on training days, and the check of a step's readings against it.

| sensor | range | change in a step | unchanged |
|---|---|---|---|
| load | 0 to contracted peak | `MARGIN` times the largest, `PEAK_SHARE` | twice the longest run |
| PV | 0 to what a clear sky gives then | not limited: clouds are fast | `PV_STEPS`, in daylight |
| level | the asset's bounds | what the executed power makes of it, to `LEVEL_SHARE` | not limited |

The first reading of an episode is compared with the level at the start: no step has moved it.

Fitted when a scenario is first played, from its members' donors; test days are never looked at.
Of loads and PV that are played as they were measured only the range is checked: a real home may do
on a test day what it never did on a training day, and a real inverter stays at its limit.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from p2p_market.assets.machine import after_step, device
from p2p_market.community.episode.episode import Episode
from p2p_market.community.episode.measured import measured_loads, measured_pv
from p2p_market.community.fuel import just_arrived
from p2p_market.community.kernel_inputs import packed_rules, world_of
from p2p_market.community.records import SUPERVISOR_CAUSES, State
from p2p_market.community.safety.sensors import LEVELS, LOAD, PV
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import inner, kernel
from p2p_market.data import Donor
from p2p_market.data.calendar import split_mask
from p2p_market.records import FloatArray, IntArray, Record, for_kernels

VERSION: Final = 2
"""Goes up when the rule of the fit changes."""

MARGIN: Final = 1.5
PEAK_SHARE: Final = 0.9  # of the peak: a change up to this is never suspicious
LEVEL_SHARE: Final = 0.02  # of the capacity
ROUNDING: Final = 2e-3  # kW and kWh, readings are rounded to a watt
PV_STEPS: Final = 4
DAYLIGHT: Final = 0.05  # of the roof's highest power
DAYLIGHT_KW: Final = 0.12  # at least: a small roof may rightly stay on one watt

_NON_FINITE = SUPERVISOR_CAUSES.index("non_finite")
_ENVELOPE = SUPERVISOR_CAUSES.index("envelope")
_STUCK = SUPERVISOR_CAUSES.index("stuck")


@for_kernels
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
    members = [
        (tuple(scenario.data.donors[place] for place in pools["train"]), node.scale_kw)
        for pools, node in zip(scenario.donor_pools, scenario.demand, strict=True)
    ]
    widest = {member: _widest(*member, scenario.dt_h) for member in dict.fromkeys(members)}
    change, run = np.array([widest[member] for member in members], dtype=np.float64).T
    peak_kw, roofs_kw = scenario.peak_load_kw, scenario.clear_sky_peak_kw.copy()
    columns = measured_loads(scenario).agents
    change[columns], run[columns] = peak_kw[columns], 0.0
    roofs_kw[measured_pv(scenario).agents] = 0.0
    roofs_kw[scenario.generation_peak_kw > 0.0] = 0.0  # a mill may rightly give the same for days
    return Envelope(
        load_max_kw=peak_kw,
        load_change_kw=np.maximum(change, PEAK_SHARE * peak_kw),
        load_run_steps=run.astype(np.int64),
        pv_daylight_kw=np.where(roofs_kw > 0.0, np.maximum(DAYLIGHT * roofs_kw, DAYLIGHT_KW), 0.0),
    )


def _widest(donors: tuple[Donor, ...], scale_kw: float, dt_h: float) -> tuple[float, int]:
    """Load limits over all donors that may be drawn in training."""
    limits = [_load_limits(donor, scale_kw, dt_h) for donor in donors]
    runs = [run for _, run in limits]
    return max(change for change, _ in limits), max(runs) if all(runs) else 0


def _load_limits(donor: Donor, scale_kw: float, dt_h: float) -> tuple[float, int]:
    """Largest change [kW] and longest run without one [steps], with their margins."""
    shape, around_midnight = _train_days(donor, dt_h)
    within, longest = _change_and_run(shape, scale_kw)
    run = 2 * longest + 4
    change = MARGIN * max(within, scale_kw * around_midnight)
    return change, run if run * dt_h < 24.0 else 0


@lru_cache(maxsize=256)
def _train_days(donor: Donor, dt_h: float) -> tuple[FloatArray, float]:
    """A donor's training days, (day, step), and how far it moves in the hours around midnight."""
    days = donor.shape[split_mask("train", len(donor.shape))].astype(np.float64)
    shape = days.reshape(len(days), -1, round(4 * dt_h)).mean(axis=2)
    shape.setflags(write=False)
    midnight = np.concatenate([days[:, :4], days[:, -4:]], axis=1)
    return shape, float(midnight.max() - midnight.min())


@kernel
def _change_and_run(shape, scale):  # type: ignore[no-untyped-def]
    """Largest change between steps (last to first too), and longest run of equal values."""
    widest, longest = 0.0, 0
    for day in range(shape.shape[0]):
        before = np.rint(scale * shape[day, -1] * 1000.0) / 1000.0
        run = 0
        for t in range(shape.shape[1]):
            now = np.rint(scale * shape[day, t] * 1000.0) / 1000.0
            run = run + 1 if t > 0 and now == before else 1
            widest, longest = max(widest, abs(now - before)), max(longest, run)
            before = now
    return widest, longest


@kernel(forceinline=True)
def check_kernel(rules, limits, ceiling, stays, world, state, told, out_cause):  # type: ignore[no-untyped-def]
    """The worst finding per agent, 0 for none; `world` is that of the step before."""
    nodes, last, unchanged = rules.nodes, state.reading, state.unchanged_steps
    for b in range(told.shape[0]):
        for i in range(told.shape[1]):
            cause = 0
            load, pv = told[b, i, LOAD], told[b, i, PV]
            most, daylight = limits.load_run_steps[i], limits.pv_daylight_kw[i]
            run = unchanged[b, i, LOAD] + 1 if load == last[b, i, LOAD] else 0
            if most > 0 and run > most:
                cause = _STUCK
            run = unchanged[b, i, PV] + 1 if pv == last[b, i, PV] else 0
            if pv > daylight and daylight > 0.0 and run >= PV_STEPS:
                cause = _STUCK
            if not -ROUNDING <= load <= limits.load_max_kw[i] + ROUNDING:
                cause = _ENVELOPE
            if not abs(load - last[b, i, LOAD]) <= limits.load_change_kw[i] + ROUNDING:
                cause = _ENVELOPE
            if not -ROUNDING <= pv <= ceiling[b, i] + ROUNDING:
                cause = _ENVELOPE
            for k in range(stays.shape[2]):
                if stays[b, i, k] == 0.0:
                    continue
                level, p = told[b, i, LEVELS + k], state.setpoint_kw[b, i, k]
                before = last[b, i, LEVELS + k]
                expected = _expected(nodes, nodes.machines, world, before, p, b, i, k)
                expected += just_arrived(rules.fuel, state.fuel, b, i, k)
                if unchanged[b, i, LEVELS + k] < 0:  # no step was played that could have moved it
                    expected = before
                least, capacity = nodes.energy_min_kwh[i, k], nodes.energy_max_kwh[i, k]
                if not abs(level - expected) <= LEVEL_SHARE * capacity + ROUNDING:
                    cause = _ENVELOPE
                if not least - ROUNDING <= level <= capacity + ROUNDING:
                    cause = _ENVELOPE
            for s in range(told.shape[2]):
                if not np.isfinite(told[b, i, s]):
                    cause = _NON_FINITE
            out_cause[b, i] = cause


@inner(forceinline=True)
def _expected(nodes, machines, world, before, power, b, i, k):  # type: ignore[no-untyped-def]
    """The level that the step before should have led to; a machine's is bought or spilled away."""
    own = device(nodes, machines, world, b, i, k)
    level = after_step(nodes, own, i, k, before, power)
    if machines is None:
        return level
    return min(max(level, nodes.energy_min_kwh[i, k]), own.top_kwh)


def check(scenario: Scenario, episode: Episode, state: State, told: FloatArray) -> IntArray:
    """What is wrong with the readings of each agent, (batch, agent) in SUPERVISOR_CAUSES."""
    t, cause = state.step, np.empty(told.shape[:2], dtype=np.int64)
    stays = episode.plugged[t]
    if t > 0:
        stays = stays * episode.plugged[t - 1] * (1.0 - episode.departs[t - 1])
    rules, limits, ceiling = packed_rules(scenario), fit(scenario), episode.pv_ceiling_kw[t]
    world = world_of(episode, max(t - 1, 0))
    check_kernel(rules, limits.arrays(), ceiling, stays, world, state.arrays(), told, cause)
    return cause

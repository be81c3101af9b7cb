"""What a member may expect of the world of its machines, and what it may ask of them now.

Public is what training days had at that time of the year and of the day, and when jobs of a usual
size may be done. The rest comes from observations, as in `forecasts`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from p2p_market.assets.machine import MachineCoefficients
from p2p_market.community.scenario.laws import law_of, machine_year
from p2p_market.community.scenario.record import Scenario
from p2p_market.records import BoolArray, FloatArray, IntArray

LEAST_SHARE: Final = 1e-6
"""So that charging always gains something, whatever a meter says."""
RUN_H: Final = 4.0
"""Hours of running that a start is thought to pay for."""


@dataclass(frozen=True, slots=True)
class WorldAhead:
    """What is expected of machines in blocks of steps, (block, agent, asset) each."""

    drift_kwh: FloatArray  # over the block
    charge_share: FloatArray
    top_kwh: FloatArray  # highest level at the end of the block
    spilled_max_kwh: FloatArray  # what may be got rid of in the block
    inside: FloatArray  # 1 before the end of the episode; what comes then moves nothing


def world_ahead(
    scenario: Scenario,
    seen: FloatArray,
    at: Mapping[str, int],
    expected_kwh: FloatArray,
    lasting: FloatArray,
    rows: IntArray,
    day: int,
    step: int,
    block_steps: int,
) -> WorldAhead | None:
    """The world of the steps ahead in blocks; None where all devices are plain stores.

    The deviation of the present from what was expected of it lasts, as that of a load does; a job
    or a truck that was larger than usual says nothing of the next one.

    Args:
        seen: observations of this step, (agent, feature).
        at: column of each feature.
        expected_kwh: drift of training days in each step ahead, (step, agent, asset).
        lasting: share of a deviation that is left in each step ahead, (step,).
        rows: steps of the window that stand for the steps ahead, (step,).
        day: day of the year on which the episode began.
        step: steps played since.
        block_steps: steps of the scenario in a block.
    """
    nodes = scenario.nodes
    if nodes.machines is None:
        return None
    shape, dt_h = nodes.present.shape, scenario.dt_h
    now_kwh, share = np.zeros((2, *shape))
    for asset in range(shape[1]):
        now_kwh[:, asset] = dt_h * seen[:, at[f"drift_{asset}"]]
        share[:, asset] = np.maximum(seen[:, at[f"charge_share_{asset}"]], LEAST_SHARE)
    usual = _usual(scenario, day)
    unusual = np.where(usual.drawn, 0.0, now_kwh - expected_kwh[0])
    drift = expected_kwh + lasting[:, None, None] * unusual
    drift = np.clip(drift, usual.least_kwh, usual.most_kwh)
    drift[0] = now_kwh
    inside = step + np.arange(len(rows)) < scenario.steps
    drift[~inside] = 0.0
    blocks = len(rows) // block_steps
    summed = drift.reshape(blocks, block_steps, *shape).sum(axis=1)
    top = usual.top_kwh[rows].reshape(blocks, block_steps, *shape)[:, -1]
    return WorldAhead(
        summed,
        np.broadcast_to(share, summed.shape),
        top,
        np.where(usual.drawn, nodes.energy_max_kwh, np.maximum(summed, 0.0)),
        np.broadcast_to(inside[::block_steps, None, None], summed.shape).astype(np.float64),
    )


def stacked(worlds: Sequence[WorldAhead | None]) -> WorldAhead | None:
    """Of several communities, (block, batch, agent, asset)."""
    told = [one for one in worlds if one is not None]
    if not told:
        return None
    names = WorldAhead.__slots__
    return WorldAhead(*(np.stack([getattr(one, name) for one in told], axis=1) for name in names))


@dataclass(frozen=True, slots=True)
class _Usual:
    drawn: BoolArray  # (agent, asset), whether a generator draws jobs or trucks
    least_kwh: FloatArray  # (agent, asset), limits of a forecast of the drift of a step
    most_kwh: FloatArray
    top_kwh: FloatArray  # (step and a day more, agent, asset)


@lru_cache(maxsize=128)
def _usual(scenario: Scenario, day: int) -> _Usual:
    """What is fixed for episodes that begin on a day of the year."""
    nodes, year, days = scenario.nodes, machine_year(scenario), scenario.spec.days + 1
    top_kwh = np.tile(nodes.energy_max_kwh, (scenario.steps_per_day * days, 1, 1))
    for agent, own in enumerate(scenario.flexible):
        for asset, node in enumerate(own):
            if year.by_the_clock[agent, asset]:
                drive = law_of(scenario, node, day, days, _of_usual_size(days))
                place = top_kwh[: len(drive.top_kwh), agent, asset]
                np.minimum(place, drive.top_kwh, out=place)
    expected = year.expected_kwh
    least = np.where(expected.min(axis=(0, 1)) >= 0.0, 0.0, -np.inf)
    return _Usual(year.by_the_clock, least, np.where(year.fills, np.inf, 0.0), top_kwh)


def _of_usual_size(days: int) -> Callable[[float, int], FloatArray]:
    return lambda usual, count: np.full((days, count), usual)


def linear(machines: MachineCoefficients) -> MachineCoefficients:
    """Machines as a linear program plans them: `allowed` brings back what it leaves out."""
    nothing = np.zeros_like(machines.start_eur)
    parts = {name: getattr(machines, name) for name in machines.__slots__}
    parts |= dict.fromkeys(("charge_on_kw", "discharge_on_kw", "start_eur"), nothing)
    return MachineCoefficients(**parts | {"ramp_kw": np.full_like(nothing, np.inf)})


def steady(scenario: Scenario, planned_kw: FloatArray, block_h: float) -> FloatArray:
    """Set-points of now out of a plan that knows no least loads, (agent, asset) [kW].

    A machine with a least load runs where the plan of the next hours would let it run half of them
    so. A plan that waits and catches up in turns would else start and stop it every hour.

    Args:
        planned_kw: of all blocks, (block, agent, asset).
        block_h: length of a block [h].
    """
    machines = scenario.nodes.machines
    now: FloatArray = planned_kw[0]
    if machines is None:
        return now
    mean = planned_kw[: max(1, round(RUN_H / block_h))].mean(axis=0)
    up, down = machines.charge_on_kw, machines.discharge_on_kw
    calm = np.sign(mean) * np.minimum(np.abs(now), np.abs(mean))
    runs = np.where((up > 0.0) & (mean >= 0.5 * up), np.maximum(calm, up), 0.0)
    runs = np.where((down > 0.0) & (-mean >= 0.5 * down), np.minimum(calm, -down), runs)
    return np.where(up + down > 0.0, runs, now)


def allowed(
    scenario: Scenario, seen: FloatArray, at: Mapping[str, int], setpoint_kw: FloatArray
) -> FloatArray:
    """Set-points that machines can follow in this step; without machines they stay as they are.

    Inside the limits of the step, and with a least load the nearest of standstill and it. Where a
    level would be lost, a machine that may run does so.

    Args:
        seen: observations, (batch, agent, feature).
        setpoint_kw: (batch, agent, asset).
    """
    if scenario.nodes.machines is None:
        return setpoint_kw
    columns = range(setpoint_kw.shape[-1])
    powers = [allowed_of(scenario, seen, at, k, setpoint_kw[..., k]) for k in columns]
    return np.stack(powers, axis=-1)


def allowed_of(
    scenario: Scenario,
    seen: FloatArray,
    at: Mapping[str, int],
    asset: int,
    setpoint_kw: FloatArray,
) -> FloatArray:
    """The same for one column of set-points, (batch, agent)."""
    machines = scenario.nodes.machines
    if machines is None:
        return setpoint_kw
    low, high, keep = (seen[..., at[f"power_{end}_{asset}"]] for end in ("low", "high", "keep"))
    up, down = machines.charge_on_kw[:, asset], machines.discharge_on_kw[:, asset]
    own = np.clip(setpoint_kw, low, high)
    least = np.where(keep > 0.0, 0.0, 0.5 * up)
    own = np.where((own > 0.0) & (own < up), np.where(own >= least, up, 0.0), own)
    own = np.where((up > 0.0) & (keep > 0.0), np.maximum(own, np.maximum(keep, up)), own)
    least = np.where(keep < 0.0, 0.0, 0.5 * down)
    own = np.where((own < 0.0) & (own > -down), np.where(-own >= least, -down, 0.0), own)
    return np.asarray(np.clip(own, low, high))

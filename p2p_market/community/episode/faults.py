"""Faults of sensors and messages: which, when and how large, drawn at reset."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, get_args

import numpy as np

from p2p_market.community.scenario.schema import FaultKind, Faults
from p2p_market.records import BoolArray, FloatArray, IntArray, Record

KINDS: Final = ("none", *get_args(FaultKind))
"""Meaning of the codes in a schedule."""

CODE: Final = {name: code for code, name in enumerate(KINDS)}
OF_MESSAGES: Final = ("nan_action", "missing_action", "lost_connection")


@dataclass(frozen=True, slots=True)
class FaultSchedule(Record):
    """What is wrong in each step; no rows where a scenario has no faults."""

    sensor: IntArray  # (step, batch, agent, sensor), index into `KINDS`
    bias: FloatArray  # (step, batch, agent, sensor), added where biased [kW, kWh]
    message: IntArray  # (step, batch, agent), index into `KINDS`


@lru_cache(maxsize=8)
def no_faults(agents: int, sensors: int) -> FaultSchedule:
    """A schedule without rows."""
    nothing = np.zeros((0, 1, agents, sensors))
    return FaultSchedule(
        nothing.astype(np.int64), nothing, np.zeros((0, 1, agents), dtype=np.int64)
    )


def draw_faults(
    faults: Faults,
    there: BoolArray,
    span: FloatArray,
    steps: int,
    dt_h: float,
    generator: np.random.Generator,
) -> FaultSchedule:
    """Draw the faults of an episode; where two of them meet, the later one counts.

    Args:
        faults: rates, kinds, lengths, size of a bias.
        there: which sensors exist, (agent, sensor).
        span: range of each sensor, (agent, sensor) [kW, kWh].
        steps: length of the episode.
        dt_h: step length [h].
        generator: draws them.
    """
    shape = (steps, 1, *there.shape)
    sensor, bias = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    message = np.zeros(shape[:-1], dtype=np.int64)
    for agent, own in enumerate(there):
        for _ in range(generator.poisson(faults.per_agent_day * steps * dt_h / 24.0)):
            kind = faults.kinds[generator.integers(len(faults.kinds))]
            hours = generator.uniform(*faults.hours)
            begin = int(generator.integers(steps))
            window = slice(begin, begin + max(1, round(hours / dt_h)))
            which = int(generator.choice(np.flatnonzero(own)))
            sign = generator.choice([-1.0, 1.0])
            if kind in OF_MESSAGES:
                message[window, 0, agent] = CODE[kind]
                if kind == "lost_connection":
                    sensor[window, 0, agent, own] = CODE["missing"]
                continue
            sensor[window, 0, agent, which] = CODE[kind]
            bias[window, 0, agent, which] = sign * faults.bias_share * span[agent, which]
    return FaultSchedule(sensor, bias, message)

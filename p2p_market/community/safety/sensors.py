"""What the meters of each agent say: the truth, or what a fault makes of it.

Sensors of an agent, in this order: load [kW], PV [kW], then the level of each flexible asset [kWh],
0 while a vehicle is away. Physics and settlement always go on with the truth; observations and the
supervisor have the readings only.
"""

from typing import Final

import numpy as np

from p2p_market.community.episode.episode import Episode
from p2p_market.community.episode.faults import CODE
from p2p_market.community.records import Proposal, State
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import kernel
from p2p_market.records import BoolArray, FloatArray, IntArray

LOAD: Final = 0
PV: Final = 1
LEVELS: Final = 2  # the first of them

_NAN, _INFINITE, _STUCK, _BIASED, _MISSING = (
    CODE[kind] for kind in ("nan", "infinite", "stuck", "biased", "missing")
)


@kernel
def distort_kernel(kind, bias, last, out):  # type: ignore[no-untyped-def]
    """Faults of sensors over readings that were true."""
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            for s in range(out.shape[2]):
                if kind[b, i, s] == _NAN or kind[b, i, s] == _MISSING:
                    out[b, i, s] = np.nan
                elif kind[b, i, s] == _INFINITE:
                    out[b, i, s] = np.inf
                elif kind[b, i, s] == _STUCK:
                    out[b, i, s] = last[b, i, s]
                elif kind[b, i, s] == _BIASED:
                    out[b, i, s] += bias[b, i, s]


def true_values(
    load_kw: FloatArray, pv_kw: FloatArray, plugged: FloatArray, energy_kwh: FloatArray
) -> FloatArray:
    """What there is to be measured in a step, (batch, agent, sensor) [kW, kW, kWh ...]."""
    return np.concatenate([np.stack([load_kw, pv_kw], axis=-1), plugged * energy_kwh], axis=-1)


def read(episode: Episode, state: State) -> FloatArray:
    """The readings of a step, (batch, agent, sensor); nan where there is none."""
    t = state.step
    told = true_values(episode.load_kw[t], episode.pv_kw[t], episode.plugged[t], state.energy_kwh)
    if len(episode.sensor_fault):
        kind, bias = episode.sensor_fault[state.step], episode.sensor_bias[state.step]
        distort_kernel(kind, bias, state.reading, told)
    return told


def remember(state: State, told: FloatArray) -> tuple[FloatArray, IntArray]:
    """Last finite readings, and for how many steps each has been the same."""
    reading = np.where(np.isfinite(told), told, state.reading)
    same = told == state.reading
    return reading, np.where(same, state.unchanged_steps + 1, 0)


def shown(scenario: Scenario, episode: Episode, state: State) -> FloatArray:
    """Readings as observations carry them: the last finite one, inside the sensor's range."""
    told = read(episode, state)
    top = np.empty(told.shape)
    top[..., LOAD] = scenario.peak_load_kw
    top[..., PV] = episode.pv_ceiling_kw.max(axis=0)
    top[..., LEVELS:] = scenario.nodes.energy_max_kwh
    return np.clip(np.where(np.isfinite(told), told, state.reading), 0.0, top)


def excused(episode: Episode, step: int) -> BoolArray:
    """Whose message the scenario itself loses or spoils in a step, (batch, agent)."""
    if not len(episode.message_fault):
        return np.zeros(episode.load_kw.shape[1:], dtype=np.bool_)
    return np.asarray(episode.message_fault[step] != 0)


def deliver(episode: Episode, state: State, proposal: Proposal) -> Proposal:
    """The messages of the agents as they arrive."""
    if not len(episode.message_fault):
        return proposal
    kind = episode.message_fault[state.step]
    spoiled = kind == CODE["nan_action"]
    lost = (kind == CODE["missing_action"]) | (kind == CODE["lost_connection"])
    return Proposal(
        setpoint_kw=proposal.setpoint_kw,
        quantity_kw=np.where(spoiled, np.nan, proposal.quantity_kw),
        price_eur_per_kwh=proposal.price_eur_per_kwh,
        present=proposal.present & ~lost,
    )

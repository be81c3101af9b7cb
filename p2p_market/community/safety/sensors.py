"""What the meters of each agent say: the truth, or what a fault makes of it.

Sensors of an agent, in this order: load [kW], PV [kW], then the level of each flexible asset [kWh],
0 while a vehicle is away. Physics and settlement always go on with the truth; observations and the
supervisor have the readings only.
"""

from typing import Any, Final

import numpy as np

from p2p_market.community.episode.episode import Episode
from p2p_market.community.episode.faults import CODE
from p2p_market.community.kernel_inputs import Around, around_of, packed_rules
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
_NAN_ACTION, _MISSING_ACTION, _LOST = (
    CODE[kind] for kind in ("nan_action", "missing_action", "lost_connection")
)


@kernel(forceinline=True)
def measure_kernel(now, energy, out):  # type: ignore[no-untyped-def]
    """What there is to be measured in a step, (batch, agent, sensor) [kW, kW, kWh ...]."""
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            out[b, i, LOAD] = now.load_kw[b, i]
            out[b, i, PV] = now.pv_kw[b, i]
            for k in range(energy.shape[2]):
                out[b, i, LEVELS + k] = now.plugged[b, i, k] * energy[b, i, k]


@kernel(forceinline=True)
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


def true_values(now: Around | Any, energy_kwh: FloatArray) -> FloatArray:
    """What there is to be measured in a step, (batch, agent, sensor) [kW, kW, kWh ...]."""
    batch, agents, assets = energy_kwh.shape
    out = np.empty((batch, agents, LEVELS + assets))
    measure_kernel(now, energy_kwh, out)
    return out


def read(episode: Episode, state: State) -> FloatArray:
    """The readings of a step, (batch, agent, sensor); nan where there is none."""
    told = true_values(around_of(episode, state.step), state.energy_kwh)
    if len(episode.sensor_fault):
        kind, bias = episode.sensor_fault[state.step], episode.sensor_bias[state.step]
        distort_kernel(kind, bias, state.reading, told)
    return told


@kernel(forceinline=True)
def remember_kernel(told, out_reading, out_unchanged):  # type: ignore[no-untyped-def]
    """See `remember`."""
    for b in range(told.shape[0]):
        for i in range(told.shape[1]):
            for s in range(told.shape[2]):
                same = told[b, i, s] == out_reading[b, i, s]
                out_unchanged[b, i, s] = out_unchanged[b, i, s] + 1 if same else 0
                if np.isfinite(told[b, i, s]):
                    out_reading[b, i, s] = told[b, i, s]


def remember(state: State, told: FloatArray) -> tuple[FloatArray, IntArray]:
    """Last finite readings, and for how many steps each has been the same."""
    reading, unchanged_steps = state.reading.copy(), state.unchanged_steps.copy()
    remember_kernel(told, reading, unchanged_steps)
    return reading, unchanged_steps


@kernel(forceinline=True)
def show_kernel(rules, pv_top, slot, last, out):  # type: ignore[no-untyped-def]
    """See `shown`; `pv_top` is (slot, agent), `out` holds what is told."""
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            for s in range(out.shape[2]):
                told = out[b, i, s] if np.isfinite(out[b, i, s]) else last[b, i, s]
                if s == LOAD:
                    top = rules.peak_load_kw[i]
                elif s == PV:
                    top = pv_top[slot[b], i]
                else:
                    top = rules.nodes.energy_max_kwh[i, s - LEVELS]
                out[b, i, s] = min(max(told, 0.0), top)


def shown(scenario: Scenario, episode: Episode, state: State) -> FloatArray:
    """Readings as observations carry them: the last finite one, inside the sensor's range.

    Without faults they are true.
    """
    told = read(episode, state)
    if scenario.spec.faults is not None:
        pv_top, slot = episode.pv_ceiling_kw.max(axis=0), np.arange(episode.batch)
        show_kernel(packed_rules(scenario), pv_top, slot, state.reading, told)
    return told


@kernel(forceinline=True)
def deliver_kernel(kind, out_proposal, out_excused):  # type: ignore[no-untyped-def]
    """Lose and spoil messages as the scenario says; tells whose."""
    for b in range(kind.shape[0]):
        for i in range(kind.shape[1]):
            out_excused[b, i] = kind[b, i] != 0
            if kind[b, i] == _NAN_ACTION:
                out_proposal.quantity_kw[b, i] = np.nan
            if kind[b, i] == _MISSING_ACTION or kind[b, i] == _LOST:
                out_proposal.present[b, i] = False


def deliver(episode: Episode, state: State, proposal: Proposal) -> tuple[Proposal, BoolArray]:
    """The messages as they arrive, and whose the scenario itself loses or spoils (batch, agent)."""
    excused = np.zeros(proposal.present.shape, dtype=np.bool_)
    if not len(episode.message_fault):
        return proposal, excused
    quantity_kw, present = proposal.quantity_kw.copy(), proposal.present.copy()
    arrived = proposal.arrays()._replace(quantity_kw=quantity_kw, present=present)
    deliver_kernel(episode.message_fault[state.step], arrived, excused)
    return Proposal(*arrived), excused

"""Frequency and voltage of a step, and the state of the system that follows from them."""

from typing import Final

import numpy as np

from p2p_market.compilation import inner
from p2p_market.grid.feeder import squares_from, violation
from p2p_market.grid.frequency import deviation
from p2p_market.wholesale.records import ALERT, EMERGENCY, EMERGENCY_HZ, NORMAL, RECOVERY_STEPS
from p2p_market.wholesale.scenario import REACTIVE

UP, DOWN = 0, 1
"""Response to missing power, and to power in excess."""
LEAST_LOST_MW: Final = 1e-9


@inner
def rooms_kernel(fleet, series, b, t, level_mwh, done):  # type: ignore[no-untyped-def]
    """Room of each provider to respond, in both directions.

    A unit at rest answers nothing; the level is that before the step.
    """
    units, storages = done.output_mw.shape[1], done.power_mw.shape[1]
    for i in range(units):
        output = done.output_mw[b, i]
        above = series.available_mw[b, t, i] - output
        done.room_up_mw[b, i] = max(0.0, min(above, output))
        done.room_down_mw[b, i] = max(0.0, output - series.must_mw[b, t, i])
    for i in range(storages):
        power, level = fleet.power_mw[i], level_mwh[i]
        out = min(power, level / fleet.gain_discharge[i])
        into = min(power, (fleet.capacity_mwh[i] - level) / fleet.gain_charge[i])
        done.room_up_mw[b, units + i] = max(0.0, done.power_mw[b, i] + out)
        done.room_down_mw[b, units + i] = max(0.0, into - done.power_mw[b, i])
    for i in range(done.load_mw.shape[1]):
        done.room_up_mw[b, units + storages + i] = done.flexible_mw[b, i]
        done.room_down_mw[b, units + storages + i] = 0.0


@inner
def frequency_kernel(rules, fleet, series, b, t, done):  # type: ignore[no-untyped-def]
    """Deviation below and above the nominal frequency, and what relays shed."""
    units, providers = done.output_mw.shape[1], done.room_up_mw.shape[1]
    gain, tripped, missing = done.gain_mw_per_hz[b], False, series.fluctuation_mw[b, t]
    for i in range(units):
        if series.trips[b, t, i] > 0.0:
            tripped = True
            missing += done.output_mw[b, i]
    for i in range(providers):
        gain[i] = fleet.gain_mw_per_hz[i] * (fleet.delivered[i] if tripped else 1.0)
        if i < units and series.trips[b, t, i] > 0.0:
            gain[i] = 0.0
    damping, most = series.damping_mw_per_hz[b, t], rules.relay_hz
    hz, shed = deviation(damping, gain, done.room_up_mw[b], missing, most)
    done.deviation_hz[b, UP], done.shed_mw[b, UP] = hz, shed
    excess = series.fluctuation_mw[b, t]
    hz, shed = deviation(damping, gain, done.room_down_mw[b], excess, most)
    done.deviation_hz[b, DOWN], done.shed_mw[b, DOWN] = hz, shed


@inner
def voltage_kernel(rules, fleet, flow, series, b, t, order, done):  # type: ignore[no-untyped-def]
    """Voltage of each bus; loads absorb reactive power, nobody else does."""
    active, reactive = done.bus_mw[b], done.bus_mvar[b]
    for bus in range(active.shape[0]):
        active[bus] = reactive[bus] = 0.0
    for i in range(done.output_mw.shape[1]):
        active[fleet.generator_bus[i]] -= done.output_mw[b, i] - done.dumped_mw[b, i]
    for i in range(done.power_mw.shape[1]):
        active[fleet.storage_bus[i]] += done.power_mw[b, i]
    for i in range(done.load_mw.shape[1]):
        active[fleet.consumer_bus[i]] += done.load_mw[b, i]
        reactive[fleet.consumer_bus[i]] += REACTIVE * done.load_mw[b, i]
    source = series.high_voltage_pu[b, t] + rules.tap_pu * order.tap[b]
    pu2 = done.voltage_pu[b]
    squares_from(flow, source * source, active, reactive, pu2)
    for bus in range(active.shape[0]):
        done.voltage_beyond_pu[b, bus] = violation(flow, pu2[bus])
        pu2[bus] = np.sqrt(max(0.0, pu2[bus]))


@inner
def state_kernel(rules, b, moving, done):  # type: ignore[no-untyped-def]
    """State of the system: it rises at once, and is normal again after three clean steps."""
    largest = max(done.deviation_hz[b, UP], done.deviation_hz[b, DOWN])
    lost, beyond = done.shed_mw[b, UP] + done.shed_mw[b, DOWN], 0.0
    for i in range(done.lost_mw.shape[1]):
        lost += done.lost_mw[b, i]
    for bus in range(done.voltage_pu.shape[1]):
        beyond = max(beyond, done.voltage_beyond_pu[b, bus])
    event = NORMAL
    if lost > LEAST_LOST_MW or largest > EMERGENCY_HZ:
        event = EMERGENCY
    elif largest > rules.band_hz or beyond > 0.0:
        event = ALERT
    if event == NORMAL:
        moving.clean_steps[b] += 1
        if moving.clean_steps[b] >= RECOVERY_STEPS:
            moving.system_state[b] = NORMAL
    else:
        moving.clean_steps[b] = 0
        moving.system_state[b] = max(moving.system_state[b], event)
    done.system_state[b] = moving.system_state[b]

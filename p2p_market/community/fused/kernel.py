"""One step of many communities in one compiled call: the rooms' kernels over a few at a time.

The order is that of `engine.step`, the arithmetic is that of its kernels, so both give the same
bits; `engine.step` is the text to read, this is the text that runs.
"""

from typing import Any, Final

import numpy as np
from numba import njit

from p2p_market.assets import node
from p2p_market.community import invariants, observation, reward, settlement
from p2p_market.community.episode.faults import CODE
from p2p_market.community.fused.clearing import clear
from p2p_market.community.records import SUPERVISOR_CAUSES
from p2p_market.community.safety import (
    emergency,
    envelope,
    feasibility,
    feeder,
    sensors,
    supervisor,
)
from p2p_market.compilation import kernel

_INVARIANT = SUPERVISOR_CAUSES.index("invariant")
_NAN_ACTION, _MISSING_ACTION, _LOST = (
    CODE[kind] for kind in ("nan_action", "missing_action", "lost_connection")
)

_distort, _screen, _check = sensors.distort_kernel, supervisor.screen_kernel, envelope.check_kernel
_limits, _advance = node.limits_kernel, node.advance_kernel
_connection, _order = feasibility.connection_kernel, feasibility.order_kernel
_feeder_limit, _serve = feeder.limit_kernel, emergency.serve_kernel
_grid, _bill, _wear = settlement.grid_kernel, settlement.bill_kernel, settlement.wear_kernel
_overload, _correction = settlement.overload_kernel, settlement.correction_kernel
_agent_laws, _community_laws = invariants.agent_kernel, invariants.community_kernel
_latch, _reward, _observe = (
    invariants.latch_kernel,
    reward.reward_kernel,
    observation.observe_kernel,
)


OPTIONS: Final[dict[str, Any]] = {"nogil": True, "_nrt": False}
"""The step allocates nothing by itself; without counting references it takes half the time."""


@njit(inline="always")
def _see(rules, windows, series, t, first, work):  # type: ignore[no-untyped-def]
    """What is outside in step t and an agent may know, into the rows of `work`."""
    for r in range(work.load.shape[0]):
        b = first + r
        w = series.slot[b]
        work.grid[r] = series.grid[t, b]
        work.carbon[r] = windows.carbon[t, w]
        work.co2[r] = windows.co2[t, w]
        for wave in range(6):
            work.calendar[r, wave] = windows.calendar[t, w, wave]
        for i in range(work.load.shape[1]):
            work.load[r, i] = series.load_kw[t, b, i]
            work.pv[r, i] = series.pv_kw[t, b, i]
            if rules.mobile:
                for k in range(work.plugged.shape[2]):
                    work.plugged[r, i, k] = series.plugged[t, b, i, k]
                    work.hours_left[r, i, k] = series.hours_left[t, b, i, k]


@njit(inline="always")
def _look(rules, windows, series, t, first, work):  # type: ignore[no-untyped-def]
    """All that is outside in step t."""
    _see(rules, windows, series, t, first, work)
    for r in range(work.load.shape[0]):
        b = first + r
        w = series.slot[b]
        there = work.grid[r] > 0.0
        for i in range(work.load.shape[1]):
            work.surplus[r, i] = work.pv[r, i] - work.load[r, i]
            work.retail[r, i] = windows.retail[t, w, i]
            work.ceiling[r, i] = windows.pv_ceiling_kw[t, w, i]
            work.floor[r, i] = windows.ask_floor[t, w, i] if there else rules.outage_floor[i]
            work.cap[r, i] = windows.bid_cap[t, w, i] if there else rules.outage_cap[i]
    if rules.mobile:
        _look_at_vehicles(series, t, first, work)


@njit(inline="always")
def _look_at_vehicles(series, t, first, work):  # type: ignore[no-untyped-def]
    """Who leaves, what the trip takes, the tube, and who has been there since the step before."""
    for r in range(work.load.shape[0]):
        b = first + r
        for i in range(work.load.shape[1]):
            for k in range(work.plugged.shape[2]):
                work.departs[r, i, k] = series.departs[t, b, i, k]
                work.trip[r, i, k] = series.trip_kwh[t, b, i, k]
                work.tube[r, i, k] = series.floor_kwh[t, b, i, k]
                work.stays[r, i, k] = series.plugged[t, b, i, k]
                if t > 0:
                    stayed = series.plugged[t - 1, b, i, k] * (1.0 - series.departs[t - 1, b, i, k])
                    work.stays[r, i, k] *= stayed


@njit(inline="always")
def _read(rules, series, t, first, energy, reading, work):  # type: ignore[no-untyped-def]
    """What the meters say, into `work.told`."""
    for r in range(work.load.shape[0]):
        for i in range(work.load.shape[1]):
            work.told[r, i, 0] = work.load[r, i]
            work.told[r, i, 1] = work.pv[r, i]
            for k in range(energy.shape[2]):
                work.told[r, i, 2 + k] = work.plugged[r, i, k] * energy[r, i, k]
    if rules.faults:
        span = slice(first, first + work.told.shape[0])
        _distort(
            series.sensor_fault[t, span], series.sensor_bias[t, span],
            reading, work.told,
        )  # fmt: skip


@njit(inline="always")
def _hear(rules, series, t, first, actions, present, work):  # type: ignore[no-untyped-def]
    """The messages as they arrive, in physical units."""
    assets = work.setpoint.shape[2]
    for r in range(work.load.shape[0]):
        b = first + r
        for i in range(work.load.shape[1]):
            for c in range(assets):
                half = rules.half[i, c] * actions[b, i, c]
                work.setpoint[r, i, c] = rules.middle[i, c] + half
            half = rules.half[i, assets] * actions[b, i, assets]
            work.quantity[r, i] = rules.middle[i, assets] + half
            half = rules.half[i, assets + 1] * actions[b, i, assets + 1]
            work.price[r, i] = rules.middle[i, assets + 1] + half
            work.present[r, i] = present[b, i]
            if rules.faults:
                kind = series.message_fault[t, b, i]
                work.excused[r, i] = kind != 0
                if kind == _NAN_ACTION:
                    work.quantity[r, i] = np.nan
                if kind in (_MISSING_ACTION, _LOST):
                    work.present[r, i] = False


@njit(inline="always")
def _filter(rules, work):  # type: ignore[no-untyped-def]
    """The feasibility filter, then the market, then emergency dispatch."""
    _connection(
        work.asked_setpoint, work.low, work.high, work.load, work.pv,
        rules.connection_limit_kw, work.executed, work.curtailed, work.shed, work.net,
    )  # fmt: skip
    if rules.binding:
        _feeder_limit(
            work.load, work.pv, work.grid, rules.feeder_limit_kw,
            work.executed, work.curtailed, work.shed, work.net,
        )  # fmt: skip
    for r in range(work.load.shape[0]):
        arrives = 1.0 - rules.loss_share * (1.0 - work.grid[r])
        for i in range(work.net.shape[1]):
            net = work.net[r, i]
            work.tradable[r, i] = net * arrives if net < 0.0 else net
    _order(
        work.asked_quantity, work.asked_price, work.tradable, work.floor, work.cap,
        rules.tick, rules.price_max, work.order_quantity, work.order_price,
    )  # fmt: skip
    clear(
        rules.mechanism, work.order_quantity, work.order_price, work.retail,
        work.feed_in, rules.k, rules.tick, rules.price_max, rules.dt_h,
        work.fill, work.payment, work.hub_price,
    )  # fmt: skip
    if rules.outages:
        arrives = 1.0 - rules.loss_share
        _serve(
            work.grid, work.fill, arrives, work.low, work.executed, work.curtailed, work.shed,
            work.net,
        )  # fmt: skip


@njit(inline="always")
def _settle(rules, t, work, energy, start_energy):  # type: ignore[no-untyped-def]
    """Grid exchange, physics, ledger."""
    net, fill, entries = work.net, work.fill, work.entries
    executed, after, missing = work.executed, work.after, work.missing
    imported, exported, lost = work.imported, work.exported, work.lost
    _grid(net, fill, work.grid, imported, exported, lost)
    _correction(
        work.asked_setpoint, work.asked_quantity, executed, work.order_quantity,
        work.correction,
    )  # fmt: skip
    for r in range(net.shape[0]):
        for i in range(net.shape[1]):
            heard = work.cause[r, i] == 0
            work.penalised[r, i] = work.correction[r, i] if heard else work.unheard[r, i]
    _advance(
        energy, executed, work.departs, work.trip, rules.retention, rules.charge_gain_h,
        rules.discharge_gain_h, rules.energy_min_kwh, rules.energy_max_kwh, rules.target_kwh,
        after, missing,
    )  # fmt: skip
    _bill(
        imported, exported, fill, work.payment, work.retail, rules.feed_in, rules.fee,
        work.carbon, work.shed, rules.lost_load, rules.dt_h, entries,
    )  # fmt: skip
    value = rules.terminal_value if t == rules.steps - 1 else 0.0
    _wear(
        executed, start_energy, after, rules.degradation_eur_per_kwh, value, missing,
        rules.shortfall, work.penalised, rules.filter_penalty, rules.dt_h, entries,
    )  # fmt: skip
    _overload(net, rules.feeder_limit_kw, rules.overload, rules.dt_h, entries)
    for r in range(work.load.shape[0]):
        work.balance[r] = 0.0
        for i in range(net.shape[1]):
            work.balance[r] += work.payment[r, i]


@njit(inline="always")
def _insist(rules, work, energy):  # type: ignore[no-untyped-def]
    """Check the laws; latch agents that broke one, and return how many did."""
    _agent_laws(
        work.load, work.pv, work.executed, work.curtailed, work.shed,
        work.fill, work.imported, work.exported, work.lost,
        rules.connection_limit_kw, energy, work.after, work.missing, work.departs,
        work.trip, rules.retention, rules.charge_gain_h, rules.discharge_gain_h,
        rules.energy_min_kwh, rules.energy_max_kwh, work.residual,
    )  # fmt: skip
    _community_laws(
        work.net, work.fill, work.imported, work.exported, work.lost,
        work.entries, work.balance, work.grid, rules.loss_share,
        rules.feeder_limit_kw if rules.binding else np.inf, work.residual,
    )  # fmt: skip
    return _latch(work.residual, rules.hold_steps, _INVARIANT, work.cause, work.held)


@njit(inline="always")
def _move(first, work, moving):  # type: ignore[no-untyped-def]
    """Carry the state over to the next step."""
    for r in range(work.load.shape[0]):
        b = first + r
        if not np.isnan(work.hub_price[r]):
            moving.last_price[b] = work.hub_price[r]
        for i in range(work.load.shape[1]):
            moving.hold_steps[b, i] = work.held[r, i]
            moving.last_fill_kw[b, i] = work.fill[r, i]
            for k in range(work.executed.shape[2]):
                moving.energy_kwh[b, i, k] = work.after[r, i, k]
                moving.setpoint_kw[b, i, k] = work.executed[r, i, k]
            for s in range(work.told.shape[2]):
                told = work.told[r, i, s]
                same = told == moving.reading[b, i, s]
                unchanged = moving.unchanged_steps[b, i, s]
                moving.unchanged_steps[b, i, s] = unchanged + 1 if same else 0
                if np.isfinite(told):
                    moving.reading[b, i, s] = told


@njit(inline="always")
def _play(rules, windows, series, t, first, actions, present, moving, work, out_reward):  # type: ignore[no-untyped-def]
    """One step of as many communities as `work` has rows; returns how many agents broke a law."""
    span = slice(first, first + work.load.shape[0])
    energy = moving.energy_kwh[span]
    _look(rules, windows, series, t, first, work)
    _read(rules, series, t, first, energy, moving.reading[span], work)
    _hear(rules, series, t, first, actions, present, work)
    _check(
        work.told, moving.reading[span], moving.unchanged_steps[span],
        moving.setpoint_kw[span], work.stays, work.ceiling, rules.load_max_kw,
        rules.load_change_kw, rules.load_run_steps, rules.pv_daylight_kw, rules.retention,
        rules.charge_gain_h, rules.discharge_gain_h, rules.energy_min_kwh, rules.energy_max_kwh,
        work.reading_cause,
    )  # fmt: skip
    _limits(
        energy, work.plugged, work.tube, rules.retention, rules.charge_gain_h,
        rules.discharge_gain_h, rules.energy_max_kwh, rules.power_min_kw, rules.power_max_kw,
        work.low, work.high,
    )  # fmt: skip
    _screen(
        work.setpoint, work.quantity, work.price, work.present, work.excused,
        work.reading_cause, moving.hold_steps[span], rules.hold_steps, work.surplus,
        work.low, work.high, rules.connection_limit_kw, rules.largest_kw, work.asked_setpoint,
        work.asked_quantity, work.asked_price, work.cause, work.held, work.unheard,
    )  # fmt: skip
    _filter(rules, work)
    _settle(rules, t, work, energy, series.start_energy_kwh[span])
    wrong = _insist(rules, work, energy)
    if rules.strict and wrong > 0:
        return wrong
    _move(first, work, moving)
    _reward(work.entries, rules.weights, rules.community_share, out_reward[span])
    return wrong


@njit(inline="always")
def _clip(rules, windows, series, first, reading, work):  # type: ignore[no-untyped-def]
    """Last finite readings inside the sensors' ranges, into load, PV and `work.after`."""
    for r in range(work.load.shape[0]):
        w = series.slot[first + r]
        for i in range(work.load.shape[1]):
            for s in range(work.told.shape[2]):
                told = work.told[r, i, s]
                if not np.isfinite(told):
                    told = reading[r, i, s]
                if s == sensors.LOAD:
                    work.load[r, i] = min(max(told, 0.0), rules.peak_load_kw[i])
                elif s == sensors.PV:
                    work.pv[r, i] = min(max(told, 0.0), windows.pv_top_kw[w, i])
                else:
                    k = s - sensors.LEVELS
                    work.after[r, i, k] = min(max(told, 0.0), rules.energy_max_kwh[i, k])


@njit(inline="always")
def _show(rules, windows, series, step, first, moving, work, out):  # type: ignore[no-untyped-def]
    """Observations before a step; after the last one its exogenous values stand in."""
    t = min(step, rules.steps - 1)
    span = slice(first, first + work.load.shape[0])
    _see(rules, windows, series, t, first, work)
    energy = moving.energy_kwh[span]
    if rules.faults:
        _read(rules, series, t, first, energy, moving.reading[span], work)
        _clip(rules, windows, series, first, moving.reading[span], work)
        energy = work.after
    _observe(
        energy, rules.energy_max_kwh, rules.power_max_kw, rules.target_kwh, work.plugged,
        work.hours_left, work.load, work.pv, moving.last_fill_kw[span],
        moving.hold_steps[span], rules.feed_in, rules.fee, work.carbon, work.co2,
        moving.last_price[span], work.calendar, 1.0 - step / rules.steps, work.grid,
        series.slot[span], windows.expected_load_kw, windows.load_spread_kw,
        windows.expected_pv_kw, windows.pv_spread_kw, windows.retail, windows.known_price_step,
        rules.price_spread, rules.ahead, rules.share, rules.rest, rules.band, t, out[span],
    )  # fmt: skip


@kernel(**OPTIONS)
def play(  # type: ignore[no-untyped-def]
    rules, windows, series, step, act, first, last, actions, present, moving, work,
    out_reward, out_observation,
):  # fmt: skip
    """Play one step of communities `first` to `last - 1`, as many at a time as `work` has rows.

    The first call on a machine compiles it, for half a minute. The number of communities must be a
    multiple of the rows. With `act` false it only writes observations. Returns how many agents
    broke a law.
    """
    wrong = 0
    for begin in range(first, last, work.load.shape[0]):
        if act:
            wrong += _play(
                rules, windows, series, step, begin, actions, present, moving, work, out_reward
            )
            if rules.strict and wrong > 0:
                return wrong
        shown = step + 1 if act else step
        _show(rules, windows, series, shown, begin, moving, work, out_observation)
    return wrong

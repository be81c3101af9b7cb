"""One step of many communities in one compiled call: the rooms' kernels over a few at a time.

The order is that of `engine.step`, the rules are its kernels, so both give the same bits;
`engine.step` is the text to read, this is the text that runs.
"""

from typing import Any, Final

import numpy as np
from numba import njit

from p2p_market.assets import node
from p2p_market.community import invariants, observation, reward, settlement
from p2p_market.community.acts import obey
from p2p_market.community.coordination import fused as agreed
from p2p_market.community.fuel import (
    deliver_fuel,
    keep_fuel,
    look_at_prices,
    order_fuel,
    rows_of_fuel,
)
from p2p_market.community.fused.clearing import clear
from p2p_market.community.fused.tables import Moving, work_in
from p2p_market.community.kernel_inputs import Done
from p2p_market.community.observation import Moment
from p2p_market.community.past.account import follow
from p2p_market.community.records import Acting, Past
from p2p_market.community.safety import emergency, envelope, feasibility, sensors, supervisor
from p2p_market.community.safety.supervisor import Evidence
from p2p_market.community.service import hold_still, keep_service, rows_of_service
from p2p_market.community.voltage import keep_line, look_at_line, rows_of_line
from p2p_market.compilation import inner, kernel

OPTIONS: Final[dict[str, Any]] = {"nogil": True, "_nrt": False}
"""The step allocates nothing by itself; without counting references it takes half the time."""

_measure, _distort, _deliver = (
    sensors.measure_kernel,
    sensors.distort_kernel,
    sensors.deliver_kernel,
)
_remember, _show_readings = sensors.remember_kernel, sensors.show_kernel
_check, _limits, _screen = envelope.check_kernel, node.limits_kernel, supervisor.screen_kernel
_project, _serve, _advance = (
    feasibility.project_kernel,
    emergency.serve_kernel,
    node.advance_kernel,
)
_flows, _settle = settlement.flows_kernel, settlement.settle_kernel
_laws, _latch, _reward = invariants.laws_kernel, invariants.latch_kernel, reward.reward_kernel
_common, _observe = observation.common_kernel, observation.own_kernel


@njit(inline="always")
def _meet(rules, series, t, first, now):  # type: ignore[no-untyped-def]
    """Write the outside data of step t that agents may know into `now`."""
    for r in range(now.load_kw.shape[0]):
        b = first + r
        now.grid[r] = series.grid[t, b]
        for i in range(now.load_kw.shape[1]):
            now.load_kw[r, i] = series.load_kw[t, b, i]
            now.pv_kw[r, i] = series.pv_kw[t, b, i]
            if rules.mobile:
                for k in range(now.plugged.shape[2]):
                    now.plugged[r, i, k] = series.plugged[t, b, i, k]
                    now.hours_left[r, i, k] = series.hours_left[t, b, i, k]


@njit(inline="always")
def _look(rules, windows, series, t, first, work):  # type: ignore[no-untyped-def]
    """Write all outside data of step t."""
    now = work.now
    _meet(rules, series, t, first, now)
    for r in range(now.load_kw.shape[0]):
        w = series.slot[first + r]
        there = now.grid[r] > 0.0
        now.carbon[r] = windows.carbon[t, w]
        look_at_prices(windows.fuel_price, t, w, r, now.fuel_price)
        for i in range(now.load_kw.shape[1]):
            now.retail[r, i] = windows.retail[t, w, i]
            now.feed_in[r, i] = windows.feed_in[t, w, i]
            now.ceiling[r, i] = windows.pv_ceiling_kw[t, w, i]
            now.floor[r, i] = windows.ask_floor[t, w, i] if there else rules.outage_floor[i]
            now.cap[r, i] = windows.bid_cap[t, w, i] if there else rules.outage_cap[i]
    if rules.mobile:
        _look_at_vehicles(series, t, first, now, work.stays)
    _look_at_world(series.world, t, first, now.world)
    _look_at_world(series.world, max(t - 1, 0), first, work.world_before)


@njit(inline="always")
def _look_at_vehicles(series, t, first, now, stays):  # type: ignore[no-untyped-def]
    """Write which vehicles leave, their trips and least levels, and which of them stayed."""
    for r in range(now.load_kw.shape[0]):
        b = first + r
        for i in range(now.load_kw.shape[1]):
            for k in range(now.plugged.shape[2]):
                now.departs[r, i, k] = series.departs[t, b, i, k]
                now.trip_kwh[r, i, k] = series.trip_kwh[t, b, i, k]
                now.floor_kwh[r, i, k] = series.floor_kwh[t, b, i, k]
                stays[r, i, k] = series.plugged[t, b, i, k]
                if t > 0:
                    stayed = series.plugged[t - 1, b, i, k] * (1.0 - series.departs[t - 1, b, i, k])
                    stays[r, i, k] *= stayed


@inner(forceinline=True)
def _look_at_world(series, t, first, out_world):  # type: ignore[no-untyped-def]
    """Write what the world does to machines in step t, where there are any."""
    if series is None:
        return
    for r in range(out_world.drift_kwh.shape[0]):
        b = first + r
        for i in range(out_world.drift_kwh.shape[1]):
            for k in range(out_world.drift_kwh.shape[2]):
                out_world.drift_kwh[r, i, k] = series.drift_kwh[t, b, i, k]
                out_world.charge_share[r, i, k] = series.charge_share[t, b, i, k]
                out_world.low_share[r, i, k] = series.low_share[t, b, i, k]
                out_world.high_share[r, i, k] = series.high_share[t, b, i, k]
                out_world.top_kwh[r, i, k] = series.top_kwh[t, b, i, k]


@inner(forceinline=True)
def _look_at_floors(world, floor_kwh, t, first, out_floor_kwh):  # type: ignore[no-untyped-def]
    """Write the least levels of step t, where machines may have deadlines."""
    if world is None:
        return
    for r in range(out_floor_kwh.shape[0]):
        for i in range(out_floor_kwh.shape[1]):
            for k in range(out_floor_kwh.shape[2]):
                out_floor_kwh[r, i, k] = floor_kwh[t, first + r, i, k]


@njit(inline="always")
def _hear(tables, series, t, first, actions, present, work):  # type: ignore[no-untyped-def]
    """Read the messages as they arrive, in physical units."""
    proposal, assets = work.proposal, work.proposal.setpoint_kw.shape[2]
    middle, half = tables.middle, tables.half
    for r in range(work.told.shape[0]):
        b = first + r
        for i in range(work.told.shape[1]):
            for c in range(assets):
                proposal.setpoint_kw[r, i, c] = middle[i, c] + half[i, c] * actions[b, i, c]
            q, p = assets, assets + 1
            proposal.quantity_kw[r, i] = middle[i, q] + half[i, q] * actions[b, i, q]
            proposal.price_eur_per_kwh[r, i] = middle[i, p] + half[i, p] * actions[b, i, p]
            proposal.present[r, i] = present[b, i]
            _hear_further(tables, actions, assets + 2, b, r, i, proposal.further)
    if tables.rules.faults:
        span = slice(first, first + work.told.shape[0])
        _deliver(series.message_fault[t, span], proposal, work.excused)


@inner(forceinline=True)
def _hear_further(tables, actions, first, b, r, i, out_further):  # type: ignore[no-untyped-def]
    """What a member says in further columns, where there are any."""
    if out_further is None:
        return
    for c in range(out_further.shape[2]):
        middle, half = tables.middle[i, first + c], tables.half[i, first + c]
        out_further[r, i, c] = middle + half * actions[b, i, first + c]


@njit(inline="always")
def _read(rules, series, t, first, state, work):  # type: ignore[no-untyped-def]
    """Write the readings of the meters into `work.told`."""
    _measure(work.now, state.energy_kwh, work.told)
    if rules.faults:
        span = slice(first, first + work.told.shape[0])
        fault, bias = series.sensor_fault[t, span], series.sensor_bias[t, span]
        _distort(fault, bias, state.reading, work.told)


@njit(inline="always")
def _trade(tables, t, work, agreements):  # type: ignore[no-untyped-def]
    """Clear the market, agreements first."""
    agreed.match(tables.rules, tables.terms, t, work, agreements)
    _clear(tables, work.orders, work)
    agreed.settle(tables.rules, tables.terms, t, work, agreements)


@inner(forceinline=True)
def _clear(tables, orders, work):  # type: ignore[no-untyped-def]
    """Clear the market with the orders of the members, or with what agreements leave of them."""
    if orders is None:
        _auction(tables, work.action.quantity_kw, work.action.price_eur_per_kwh, work)
    else:
        _auction(tables, orders[0], orders[1], work)


@njit(inline="always")
def _auction(tables, quantity, price, work):  # type: ignore[no-untyped-def]
    rules, fills = tables.rules, work.fills
    clear(
        tables.mechanism, quantity, price, work.now.retail,
        work.now.feed_in, rules.k, rules.tick, rules.price_max, rules.dt_h,
        fills.power_kw, fills.payment_eur, fills.clearing_price_eur_per_kwh,
    )  # fmt: skip


@njit(inline="always")
def _move(work, state):  # type: ignore[no-untyped-def]
    """Carry the state over to the next step."""
    for r in range(state.hold_steps.shape[0]):
        price = work.fills.clearing_price_eur_per_kwh[r]
        if not np.isnan(price):
            state.last_price_eur_per_kwh[r] = price
        for i in range(state.hold_steps.shape[1]):
            state.hold_steps[r, i] = work.watch.hold_steps[r, i]
            state.last_fill_kw[r, i] = work.fills.power_kw[r, i]
            for k in range(state.energy_kwh.shape[2]):
                state.energy_kwh[r, i, k] = work.flows.energy_kwh[r, i, k]
                state.setpoint_kw[r, i, k] = work.action.setpoint_kw[r, i, k]
    keep_line(work.flows.line, state.line)
    _remember(work.told, state.reading, state.unchanged_steps)


@njit(inline="always")
def _play(tables, windows, series, t, first, actions, present, state, work, start, out_reward):  # type: ignore[no-untyped-def]
    """One step of as many communities as `work` has rows; returns how many agents broke a law."""
    rules, now, limits = tables.rules, work.now, work.limits
    _look(rules, windows, series, t, first, work)
    _read(rules, series, t, first, state, work)
    _hear(tables, series, t, first, actions, present, work)
    ceiling, stays, world = now.ceiling, work.stays, work.world_before
    _check(rules, tables.envelope, ceiling, stays, world, state, work.told, work.reading_cause)
    _limits(rules.nodes, now, state.energy_kwh, state.setpoint_kw, limits)
    evidence = Evidence(work.reading_cause, work.excused, state.hold_steps)
    energy = state.energy_kwh
    _screen(rules, now, energy, work.proposal, evidence, limits, work.asked, work.watch)
    obey(rules.acts, work.proposal.further, state.acting, work.asked, work.watch)
    agreed.talk(rules, tables.terms, t, work, state.agreements)
    further, column = work.asked.further, rules.fuel_column
    hold_still(rules.service, rules.service_column, t, further, state.service, limits)
    _project(rules, now, work.asked, limits, work.voltage, work.action)
    order_fuel(rules.fuel, rules.nodes, column, further, energy, state.fuel, work.action.fuel_kwh)
    _trade(tables, t, work, state.agreements)
    if rules.outages:
        _serve(rules, now, work.fills, limits, work.action)
    flows, setpoint = work.flows, work.action.setpoint_kw
    _advance(rules.nodes, now, energy, setpoint, flows.energy_kwh, flows.shortfall_kwh)
    deliver_fuel(rules.fuel, rules.nodes, state.fuel, flows.energy_kwh, flows.delivered_kwh)
    _flows(now.grid, work.asked, work.action, work.fills, work.watch, flows)
    look_at_line(rules.voltage, work.action, work.voltage, flows.line)
    done = Done(work.action, work.fills, flows, work.ledger)
    _settle(rules, t, now, state, start, done)
    _laws(rules, now, energy, done, work.residual)
    agreed.check(tables.terms, work, state.agreements)
    wrong = _latch(rules, work.residual, work.watch)
    if tables.strict and wrong > 0:
        return wrong
    follow(rules, rules.past, t, now, done, state.past)
    agreed.remember(rules, tables.terms, t, work, state.agreements)
    _move(work, state)
    keep_fuel(rules.fuel, work.action.fuel_kwh, state.fuel)
    keep_service(rules.service, rules.service_column, t, further, state.service)
    _reward(work.ledger.entries_eur, tables.weights, rules.community_share, out_reward)
    return wrong


@njit(inline="always")
def _show(tables, windows, series, moment, first, state, work, out):  # type: ignore[no-untyped-def]
    """Observations before a step; after the last step, its outside data are shown once more."""
    rules, terms, common = tables.rules, tables.terms, work.common
    _meet(rules, series, moment.t, first, work.now)
    _look_at_world(series.world, moment.t, first, work.now.world)
    _look_at_floors(series.world, series.floor_kwh, moment.t, first, work.now.floor_kwh)
    _read(rules, series, moment.t, first, state, work)
    if rules.faults:
        _show_readings(rules, windows.pv_top_kw, moment.slot, state.reading, work.told)
    _observe(rules, windows, moment, common, work.now, work.told, state, out)
    agreed.show(rules, terms, moment.step, common, state.agreements, out)


_Past, _Acting = Past.Arrays, Acting.Arrays


@inner(forceinline=True)
def _past_of(past, span):  # type: ignore[no-untyped-def]
    """The past of some communities; None where nobody looks back."""
    if past is None:
        return None
    return _Past(
        past.sums[span], past.day[span], past.risk[span], past.hours_eur[span],
        past.produced_kw[span], past.consumed_kw[span], past.net_load_kw[span],
        past.sentiment[span],
    )  # fmt: skip


@inner(forceinline=True)
def _acting_of(acting, span):  # type: ignore[no-untyped-def]
    """What some communities keep of acts; None where there are none."""
    if acting is None:
        return None
    return _Acting(acting.stop_steps[span], acting.quiet_steps[span], acting.request[span])


@kernel(**OPTIONS)
def play(game, step, act, first, last, actions, present, out_reward, out_observation):  # type: ignore[no-untyped-def]
    """Play one step of communities `first` to `last - 1`, as many at a time as scratch has rows.

    The first call on a machine compiles it, for half a minute. The number of communities must be a
    multiple of the rows. With `act` false it only writes observations. Returns how many agents
    broke a law.

    Args:
        game: a `Game`, packed.
    """
    tables, windows, series, moving = game.tables, game.windows, game.series, game.moving
    work = work_in(game.blocks)
    rules, rows, wrong = tables.rules, work.told.shape[0], 0
    shown = step + 1 if act else step
    t = min(shown, rules.steps - 1)
    _common(rules, windows, Moment(t, shown, series.slot), work.common)
    for begin in range(first, last, rows):
        span = slice(begin, begin + rows)
        state = Moving(
            moving.energy_kwh[span], moving.hold_steps[span], moving.last_fill_kw[span],
            moving.last_price_eur_per_kwh[span], moving.setpoint_kw[span], moving.reading[span],
            moving.unchanged_steps[span], _past_of(moving.past, span),
            _acting_of(moving.acting, span), rows_of_line(moving.line, span),
            agreed.rows_of(moving.agreements, span),
            rows_of_fuel(moving.fuel, span), rows_of_service(moving.service, span),
        )  # fmt: skip
        if act:
            wrong += _play(
                tables, windows, series, step, begin, actions, present, state, work,
                series.start_energy_kwh[span], out_reward[span],
            )  # fmt: skip
            if tables.strict and wrong > 0:
                return wrong
        moment = Moment(t, shown, series.slot[span])
        _show(tables, windows, series, moment, begin, state, work, out_observation[span])
    return wrong

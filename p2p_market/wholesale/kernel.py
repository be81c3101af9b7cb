"""One step of many communities in one compiled call: the rules of the game, in reading order."""

from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.assets.deferrable import after as backlog_after
from p2p_market.compilation import inner, kernel
from p2p_market.wholesale.actions import read_kernel
from p2p_market.wholesale.book import book_kernel
from p2p_market.wholesale.dispatch import clear_kernel, dispatch_kernel, serve_kernel
from p2p_market.wholesale.events import (
    frequency_kernel,
    rooms_kernel,
    state_kernel,
    voltage_kernel,
)
from p2p_market.wholesale.observation import show_kernel
from p2p_market.wholesale.records import CAUSES, FILLS, HOUR, LONGEST_AWAY_H
from p2p_market.wholesale.scenario import Fleet, Rules
from p2p_market.wholesale.settlement import reward_kernel, settle_kernel

_HELD: Final = CAUSES.index("held")


class Series(NamedTuple):
    """What is drawn, as in `Episode`."""

    available_mw: Any
    must_mw: Any
    trips: Any
    firm_mw: Any
    flexible_mw: Any
    fluctuation_mw: Any
    damping_mw_per_hz: Any
    high_voltage_pu: Any
    net_load_forecast_mw: Any
    available_forecast_mw: Any
    load_forecast_mw: Any
    expected_price_eur_per_mwh: Any
    clock: Any


class Game(NamedTuple):
    """All that a step reads and writes."""

    rules: Rules
    fleet: Fleet
    flow: Any  # LinearFlow.Arrays
    series: Series
    moving: Any  # State.Arrays, moved in place; its `last` takes what the step produces
    order: Any  # Order.Arrays


@inner
def _screen(rules, fleet, b, moving, order):  # type: ignore[no-untyped-def]
    """Who sent something wrong, now or within the hold time, plays the fallback of its role."""
    done, agents = moving.last, moving.hold_steps.shape[1]
    units, storages = done.output_mw.shape[1], done.power_mw.shape[1]
    for i in range(agents):
        held, cause = moving.hold_steps[b, i], order.fault[b, i]
        if cause != 0:
            held = rules.hold_steps
        elif held > 0:
            cause, held = _HELD, held - 1
        moving.hold_steps[b, i], done.cause[b, i] = held, cause
        if cause == 0:
            continue
        if i < units:
            order.level[b, i], order.share[b, i] = fleet.truthful[i], 1.0
        elif i < units + storages:
            order.power_mw[b, i - units] = 0.0
        elif i < agents - 1:
            order.adjustment[b, i - units - storages] = 0.0
        else:
            order.reserve_level[b] = 1
            order.tap[b] = centring_tap(rules, done.tap[b], done.voltage_pu[b])


@inner
def centring_tap(rules, tap, voltage_pu):  # type: ignore[no-untyped-def]
    """The tap that would have centred the last voltages around 1."""
    low = high = voltage_pu[0]
    for bus in range(1, voltage_pu.shape[0]):
        low, high = min(low, voltage_pu[bus]), max(high, voltage_pu[bus])
    away = (1.0 - (low + high) / 2.0) / rules.tap_pu if rules.tap_pu > 0.0 else 0.0
    return int(min(max(np.floor(tap + away + 0.5), -2.0), 2.0))


@inner
def _advance(rules, fleet, series, b, t, moving):  # type: ignore[no-untyped-def]
    """Levels and backlogs after the step, clipped to their bounds against rounding."""
    done = moving.last
    for i in range(done.output_mw.shape[1]):
        moving.output_mw[b, i] = 0.0 if series.trips[b, t, i] > 0.0 else done.output_mw[b, i]
    for i in range(done.power_mw.shape[1]):
        power = done.power_mw[b, i]
        moved = fleet.gain_charge[i] * max(power, 0.0) - fleet.gain_discharge[i] * max(-power, 0.0)
        level = min(max(moving.level_mwh[b, i] + moved, 0.0), fleet.capacity_mwh[i])
        moving.level_mwh[b, i] = done.level_mwh[b, i] = level
    for i in range(done.load_mw.shape[1]):
        normal, served = series.flexible_mw[b, t, i], done.flexible_mw[b, i]
        most = fleet.most_backlog_mwh[i]
        backlog = backlog_after(normal, served, moving.backlog_mwh[b, i], most, rules.dt_h)
        moving.backlog_mwh[b, i] = done.backlog_mwh[b, i] = backlog


@inner
def _remember(rules, series, b, t, moving):  # type: ignore[no-untyped-def]
    """What agents see of this step later."""
    done, units = moving.last, moving.output_mw.shape[1]
    moving.price_eur_per_mwh[b, t] = done.price_eur_per_mwh[b]
    for i in range(done.entries_eur.shape[1]):
        paid = 0.0
        for entry in range(done.entries_eur.shape[2]):
            paid += done.entries_eur[b, i, entry]
        moving.profits_eur[b, i, t % HOUR] = -paid
    for i in range(units):
        moving.fills_mw[b, i, t % FILLS] = done.output_mw[b, i] - done.dumped_mw[b, i]
        away = 0.0 if series.trips[b, t, i] > 0.0 else moving.away_h[b, i] + rules.dt_h
        moving.away_h[b, i] = min(away, LONGEST_AWAY_H)
    for i in range(done.power_mw.shape[1]):
        moving.responses_eur[b, i, t % HOUR] = done.response_eur[b, units + i]
        bought, level = rules.dt_h * max(0.0, done.power_mw[b, i]), done.level_mwh[b, i]
        if bought > 0.0 and level > 0.0:
            share = min(1.0, bought / level)
            mean = moving.stored_eur_per_mwh[b, i]
            moving.stored_eur_per_mwh[b, i] += share * (done.price_eur_per_mwh[b] - mean)


@inner
def _note(b, order, done):  # type: ignore[no-untyped-def]
    """What is executed of the messages, beside the book."""
    done.reserve_level[b], done.tap[b] = order.reserve_level[b], order.tap[b]
    for i in range(order.level.shape[1]):
        done.bid_level[b, i], done.offered_share[b, i] = order.level[b, i], order.share[b, i]
    for i in range(order.adjustment.shape[1]):
        done.adjustment[b, i] = order.adjustment[b, i]


@inner
def _play(game, t, b):  # type: ignore[no-untyped-def]
    """One step of one community, whose orders are known."""
    rules, fleet, series = game.rules, game.fleet, game.series
    moving, order, done = game.moving, game.order, game.moving.last
    _screen(rules, fleet, b, moving, order)
    _note(b, order, done)
    book_kernel(rules, fleet, series, b, t, moving, order, done)
    clear_kernel(rules, b, done)
    unserved = dispatch_kernel(b, done)
    serve_kernel(fleet, b, moving.level_mwh[b], unserved, done)
    rooms_kernel(fleet, series, b, t, moving.level_mwh[b], done)
    frequency_kernel(rules, fleet, series, b, t, done)
    voltage_kernel(rules, fleet, game.flow, series, b, t, order, done)
    _advance(rules, fleet, series, b, t, moving)
    settle_kernel(rules, fleet, b, t, done)
    reward_kernel(rules, fleet, b, done)
    state_kernel(rules, b, moving, done)
    _remember(rules, series, b, t, moving)


@kernel(nogil=True)
def turn(game, t, sent, heard, out_seen):  # type: ignore[no-untyped-def]
    """Play step t of all communities, and write what is seen after it.

    Args:
        game: a `Game`, packed.
        sent: a `Sent` of actions, (batch, agent, column); without columns the orders of `game`
            stand.
        heard: whose action arrived, (batch, agent).
        out_seen: a `Seen`; without features nothing is written.
    """
    for b in range(game.moving.level_mwh.shape[0]):
        if sent.generator.shape[2] > 0:
            read_kernel(game.rules, game.fleet, b, sent, heard, game.order)
        _play(game, t, b)
        if out_seen.operator.shape[2] > 0:
            show_kernel(game, t + 1, b, out_seen)


@kernel(nogil=True)
def show(game, t, out_seen):  # type: ignore[no-untyped-def]
    """What all see before step t, as in `turn`."""
    for b in range(out_seen.operator.shape[0]):
        show_kernel(game, t, b, out_seen)

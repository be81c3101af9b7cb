"""One step of many fleets in one compiled call: the rules of the game, in reading order.

Each market's delivery flows through the battery one after another: day-ahead, reserve, energy.
Opposite legs do not net, so a trade between two markets within a step is a real cycle.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit

from p2p_market.battery.actions import closing_kernel, mask_row, read_kernel
from p2p_market.battery.observation import LONGEST_H, risk_kernel, show_kernel
from p2p_market.battery.records import CAUSES, COLUMN, TIERS
from p2p_market.battery.scenario import Fleet, Rules
from p2p_market.battery.settlement import (
    TERMINAL,
    balancing,
    ladder_kernel,
    settle_kernel,
    shape_kernel,
    terminal_kernel,
)
from p2p_market.compilation import kernel

LEAST_MW: Final = 1e-3
"""A smaller offer of reserve is none."""

_HELD: Final = CAUSES.index("held")
_TIERS: Final = np.array(TIERS)
_DAY_AHEAD, _INTRADAY, _CALL = COLUMN["day_ahead"], COLUMN["intraday"], COLUMN["mfrr_call"]
_MARGINAL, _ACTIVATION = COLUMN["marginal"], COLUMN["activation"]


class Series(NamedTuple):
    """What is drawn, as in `Episode`."""

    market: Any
    table: Any


class Game(NamedTuple):
    """All that a step reads and writes."""

    rules: Rules
    fleet: Fleet
    series: Series
    moving: Any  # State.Arrays, moved in place
    order: Any  # Order.Arrays
    done: Any  # Dispatch.Arrays


@njit(inline="always")
def _screen(rules, b, i, moving, order, done):  # type: ignore[no-untyped-def]
    """A battery that sent something wrong, now or within the hold time, asks for nothing."""
    held = moving.hold_steps[b, i]
    cause = order.fault[b, i]
    if cause != 0:
        held = rules.hold_steps
    elif held > 0:
        cause, held = _HELD, held - 1
    if cause != 0:
        order.offer_mw[b, i], order.tier[b, i], order.wish_mw[b, i] = 0.0, 0, 0.0
        for k in range(order.bid_mw.shape[2]):
            order.bid_mw[b, i, k] = 0.0
    moving.hold_steps[b, i] = held
    done.cause[b, i] = cause


@njit(inline="always")
def _offer(rules, fleet, marginal, b, i, position_mw, moving, order, done):  # type: ignore[no-untyped-def]
    """Limit an offer to the reserve that the level before the step could serve in full."""
    level, eta = moving.level_mwh[b, i], fleet.eta[i]
    stored = max(0.0, level - fleet.lowest_mwh[i]) * eta
    room = max(0.0, fleet.highest_mwh[i] - level) / eta
    reserve = min(order.offer_mw[b, i], fleet.power_mw[i] - abs(position_mw))
    reserve = min(reserve, min(stored, room) / rules.reserve_h)
    dear = _TIERS[order.tier[b, i]] > marginal
    done.accepted_mw[b, i] = 0.0 if dear or reserve < LEAST_MW else reserve


@njit(inline="always")
def _ration(rules, b, order, done):  # type: ignore[no-untyped-def]
    """If more is offered than needed, accept the lowest tiers first, pro rata within a tier."""
    left = rules.afrr_demand_mw
    for tier in range(_TIERS.shape[0]):
        total = 0.0
        for i in range(order.tier.shape[1]):
            if order.tier[b, i] == tier:
                total += done.accepted_mw[b, i]
        if total > left:
            for i in range(order.tier.shape[1]):
                if order.tier[b, i] == tier:
                    done.accepted_mw[b, i] *= left / total
        left = max(0.0, left - total)


@njit(inline="always")
def _move(fleet, i, level, power_mw, hours):  # type: ignore[no-untyped-def]
    """Level after a leg, clipped to its bounds against rounding."""
    eta = fleet.eta[i]
    after = level + power_mw * hours * (eta if power_mw > 0.0 else 1.0 / eta)
    return min(max(after, fleet.lowest_mwh[i]), fleet.highest_mwh[i])


@njit(inline="always")
def _limit(rules, fleet, i, level, power_mw):  # type: ignore[no-untyped-def]
    """The part of a power that the level allows."""
    eta = fleet.eta[i]
    if power_mw > 0.0:
        return min(power_mw, max(0.0, fleet.highest_mwh[i] - level) / eta / rules.dt_h)
    return -min(-power_mw, max(0.0, level - fleet.lowest_mwh[i]) * eta / rules.dt_h)


@njit(inline="always")
def _deliver(rules, fleet, activation, b, i, position_mw, moving, order, done):  # type: ignore[no-untyped-def]
    """Three legs, one after another: the position, called reserve, or else energy at once."""
    dt, power, accepted = rules.dt_h, fleet.power_mw[i], done.accepted_mw[b, i]
    dam = _limit(rules, fleet, i, moving.level_mwh[b, i], position_mw)
    level = _move(fleet, i, moving.level_mwh[b, i], dam, dt)
    afrr, energy = 0.0, 0.0
    called = accepted > 0.0 and activation != 0.0
    if called:
        asked = min(accepted, power - abs(dam))
        afrr = _limit(rules, fleet, i, level, -asked if activation > 0.0 else asked)
        level = _move(fleet, i, level, afrr, dt)
    else:
        rest = power - abs(position_mw) - (accepted if rules.withhold else 0.0)
        wish = min(max(order.wish_mw[b, i], -rest), rest)
        energy = _limit(rules, fleet, i, level, wish)
        level = _move(fleet, i, level, energy, dt)
    done.dam_mw[b, i], done.afrr_mw[b, i], done.energy_mw[b, i] = dam, afrr, energy
    done.level_mwh[b, i] = level
    quiet = moving.quiet_h[b, i] + dt
    moving.quiet_h[b, i] = 0.0 if called else min(quiet, LONGEST_H)


@njit(inline="always")
def _price(rules, market, b, done):  # type: ignore[no-untyped-def]
    """Intraday price after the price effect of the fleet's own trades."""
    volume = 0.0
    for i in range(done.energy_mw.shape[1]):
        if not balancing(market[_CALL], done.energy_mw[b, i]):
            volume += done.energy_mw[b, i]
    return market[_INTRADAY] + ladder_kernel(volume, rules.ladder)


@njit(inline="always")
def _publish(rules, t, b, i, moving, order):  # type: ignore[no-untyped-def]
    """Bids of the last step before the gate become tomorrow's position."""
    if closing_kernel(rules, t):
        day = int(t * rules.dt_h) // 24
        for k in range(order.bid_mw.shape[2]):
            moving.position_mw[b, i, 24 * (day + 1) + k] = order.bid_mw[b, i, k]


@njit(inline="always")
def _ends(rules, market):  # type: ignore[no-untyped-def]
    """Lowest and highest day-ahead price of the last 24 hours; `market` of one community."""
    last, count = rules.steps, int(24.0 / rules.dt_h)
    low = high = market[last, _DAY_AHEAD]
    for t in range(last - count + 1, last + 1):
        low, high = min(low, market[t, _DAY_AHEAD]), max(high, market[t, _DAY_AHEAD])
    return low, high


@njit(inline="always")
def _play(game, t, b):  # type: ignore[no-untyped-def]
    """One step of the batteries of one community, whose orders are known."""
    rules, fleet, moving, order, done = game.rules, game.fleet, game.moving, game.order, game.done
    market = game.series.market[b, t + 1]
    hour, batteries = int(t * rules.dt_h), done.level_mwh.shape[1]
    for i in range(batteries):
        position = moving.position_mw[b, i, hour]
        _screen(rules, b, i, moving, order, done)
        _offer(rules, fleet, market[_MARGINAL], b, i, position, moving, order, done)
    _ration(rules, b, order, done)
    for i in range(batteries):
        position = moving.position_mw[b, i, hour]
        _deliver(rules, fleet, market[_ACTIVATION], b, i, position, moving, order, done)
    price = _price(rules, market, b, done)
    done.intraday_eur_per_mwh[b] = moving.intraday_eur_per_mwh[b] = price
    for i in range(batteries):
        position, level = moving.position_mw[b, i, hour], done.level_mwh[b, i]
        settle_kernel(rules, fleet, market, b, i, position, order.tier[b, i], price, done)
        if t + 1 == rules.steps and rules.two_sided:
            low, high = _ends(rules, game.series.market[b])
            done.entries_eur[b, i, TERMINAL] = terminal_kernel(fleet, i, level, low, high)
        _publish(rules, t, b, i, moving, order)
        risk = risk_kernel(rules, fleet, i, level, moving.position_mw[b, i], t + 1)
        shape_kernel(rules, fleet, b, i, level, risk, done)
        moving.level_mwh[b, i], moving.shortfall_risk[b, i] = level, risk
        moving.accepted_mw[b, i] = done.accepted_mw[b, i]


@njit(inline="always")
def _show(game, t, b, out_seen, out_mask):  # type: ignore[no-untyped-def]
    if out_seen.shape[2] > 0:
        show_kernel(game.rules, game.fleet, game.series, game.moving, t, b, out_seen[b])
    if out_mask.shape[2] > 0:
        for i in range(out_mask.shape[1]):
            mask_row(game.rules, game.fleet, i, out_seen[b, i], out_mask[b, i])


@kernel(nogil=True)
def turn(game, t, actions, heard, out_seen, out_mask):  # type: ignore[no-untyped-def]
    """Play step t of all communities, and write what is seen after it.

    Args:
        game: a `Game`, packed.
        actions: (batch, agent, column); without columns the orders of `game` stand.
        heard: whose action arrived, (batch, agent).
        out_seen: (batch, agent, feature); without features nothing is written.
        out_mask: possible choices after the step, (batch, agent, choice); the same.
    """
    rules, fleet, moving, order = game.rules, game.fleet, game.moving, game.order
    for b in range(moving.level_mwh.shape[0]):
        if actions.shape[2] > 0:
            for i in range(actions.shape[1]):
                position = moving.position_mw[b, i, int(t * rules.dt_h)]
                read_kernel(rules, fleet, t, b, i, position, actions[b, i], heard[b, i], order)
        _play(game, t, b)
        _show(game, t + 1, b, out_seen, out_mask)


@kernel(nogil=True)
def show(game, t, out_seen, out_mask):  # type: ignore[no-untyped-def]
    """What all see before step t, as in `turn`."""
    for b in range(out_seen.shape[0]):
        _show(game, t, b, out_seen, out_mask)


@kernel(nogil=True)
def risks(rules, fleet, level_mwh, position_mw, t, out):  # type: ignore[no-untyped-def]
    """Share of the position before step t that would stay unserved, (batch, agent), into `out`."""
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            out[b, i] = risk_kernel(rules, fleet, i, level_mwh[b, i], position_mw[b, i], t)

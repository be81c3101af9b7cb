"""The account that a state keeps of the past, one step at a time.

The gain of a step is what trading brought, without a second rollout: the bill of the net load that
was executed, at the own retail price and feed-in tariff as if nobody had traded, less what the
member paid for trade, grid and network. Where the grid is gone there is no such bill.

Sums run from the start of the episode; those of the last day's steps are kept in a ring, so that
the sum over a window is one difference, whenever the window ends.
"""

from typing import Final

import numpy as np

from p2p_market.community.episode.episode import Episode
from p2p_market.community.kernel_inputs import Done, now_of, packed_rules
from p2p_market.community.past.register import LEAST_ORDER_KW, register
from p2p_market.community.records import LEDGER_COLUMN, Action, Flows, Ledger, Past, State
from p2p_market.community.scenario.record import Scenario
from p2p_market.compilation import inner, kernel
from p2p_market.market.book import Fills

RUNNING: Final = 5
GAIN, COST, ORDERS, SUCCESSES, SHADE = range(RUNNING)
"""Sums over the steps, places in `Past.sums`: money [EUR], orders, those that gained, shades."""
RISKS: Final = 7
GROSS, PEAK, DRAWDOWN, HOUR_BEGAN, DAY_BEGAN, MEAN, SQUARES = range(RISKS)
"""Places in `Past.risk`: money that moved, the highest gain so far and the deepest fall from it,
the gain when hour and day began, mean and squared deviations of the daily gains [EUR]."""

_P2P = LEDGER_COLUMN["p2p_payment"]
_IMPORT = LEDGER_COLUMN["grid_import"]
_EXPORT = LEDGER_COLUMN["grid_export"]
_FEE = LEDGER_COLUMN["network_fee"]
_PENALTY = LEDGER_COLUMN["filter_penalty"]


def no_past(scenario: Scenario, batch: int) -> Past | None:
    """The past before the first step; None where nobody looks back."""
    found = register(scenario)
    if found is None:
        return None
    shape = batch, len(scenario.agents)
    hours = scenario.steps // found.hour_steps if found.portfolio is not None else 0
    return Past(
        sums=np.zeros((*shape, RUNNING)),
        day=np.zeros((*shape, found.day_steps + 1, RUNNING)),
        risk=np.zeros((*shape, RISKS)),
        hours_eur=np.zeros((*shape, hours)),
        produced_kw=np.zeros(shape),
        consumed_kw=np.zeros(shape),
        net_load_kw=np.zeros(shape),
        sentiment=np.zeros(shape[0]),
    )


@inner(forceinline=True)
def follow(rules, register, t, now, done, past):  # type: ignore[no-untyped-def]
    """Count step t in, in place; nothing where nobody looks back.

    Args:
        now: `Now` of the step.
        done: what was done in it, its ledger filled.
        past: `Past.Arrays` before the step.
    """
    if register is None:
        return
    quantity = done.action.quantity_kw
    for b in range(quantity.shape[0]):
        bids, asks = 0.0, 0.0
        for i in range(quantity.shape[1]):
            bids += max(quantity[b, i], 0.0)
            asks += max(-quantity[b, i], 0.0)
            _count(rules, register, t + 1, now, done, b, i, past)
        past.sentiment[b] = (bids - asks) / (bids + asks) if bids + asks > 0.0 else 0.0


@inner(forceinline=True)
def _count(rules, register, n, now, done, b, i, past):  # type: ignore[no-untyped-def]
    """Count the n-th step of a member in."""
    action, entries, dt = done.action, done.ledger.entries_eur[b, i], rules.dt_h
    net = action.net_load_kw[b, i]
    bill = max(net, 0.0) * now.retail[b, i] * dt  # in the ledger's order: no trade, no rounding
    bill -= max(-net, 0.0) * now.feed_in[b, i] * dt
    traded, grid = entries[_P2P], entries[_IMPORT] + entries[_EXPORT]
    gain = now.grid[b] * bill - (traded + grid + entries[_FEE])
    cost = 0.0
    for column in range(entries.shape[0]):
        if column != _PENALTY:
            cost += entries[column]
    sums, risk = past.sums[b, i], past.risk[b, i]
    sums[GAIN] += gain
    sums[COST] += cost
    if abs(action.quantity_kw[b, i]) >= LEAST_ORDER_KW:
        floor, cap = now.floor[b, i], now.cap[b, i]
        sums[ORDERS] += 1.0
        sums[SUCCESSES] += 1.0 if gain > 0.0 else 0.0
        shade = (action.price_eur_per_kwh[b, i] - 0.5 * (floor + cap)) / (cap - floor)
        sums[SHADE] += min(max(shade, -1.0), 1.0)
    slot = n % past.day.shape[2]
    for c in range(sums.shape[0]):
        past.day[b, i, slot, c] = sums[c]
    risk[GROSS] += abs(traded) + abs(grid)
    risk[PEAK] = max(risk[PEAK], sums[GAIN])
    risk[DRAWDOWN] = max(risk[DRAWDOWN], risk[PEAK] - sums[GAIN])
    if n % register.hour_steps == 0:
        _rank(sums[GAIN] - risk[HOUR_BEGAN], n // register.hour_steps, past.hours_eur[b, i])
        risk[HOUR_BEGAN] = sums[GAIN]
    if n % register.day_steps == 0:  # Welford (1962)
        off = sums[GAIN] - risk[DAY_BEGAN] - risk[MEAN]
        risk[MEAN] += off / (n // register.day_steps)
        risk[SQUARES] += off * (sums[GAIN] - risk[DAY_BEGAN] - risk[MEAN])
        risk[DAY_BEGAN] = sums[GAIN]
    _power(now, action, b, i, past)


@inner(forceinline=True)
def _rank(gain, count, out_hours):  # type: ignore[no-untyped-def]
    """Put the gain of an hour among those before it, the worst first; the count is with it."""
    if count > out_hours.shape[0]:
        return
    place = count - 1
    while place > 0 and out_hours[place - 1] > gain:
        out_hours[place] = out_hours[place - 1]
        place -= 1
    out_hours[place] = gain


@inner(forceinline=True)
def _power(now, action, b, i, past):  # type: ignore[no-untyped-def]
    """What the member's devices gave and took in the step; their difference is its net load."""
    given, taken = now.pv_kw[b, i] - action.curtailed_kw[b, i], now.load_kw[b, i]
    taken -= action.shed_kw[b, i]
    for k in range(action.setpoint_kw.shape[2]):
        given += max(-action.setpoint_kw[b, i, k], 0.0)
        taken += max(action.setpoint_kw[b, i, k], 0.0)
    past.produced_kw[b, i] = given
    past.consumed_kw[b, i] = taken
    past.net_load_kw[b, i] = action.net_load_kw[b, i]


@kernel(forceinline=True)
def follow_kernel(rules, t, now, done, out_past):  # type: ignore[no-untyped-def]
    """See `followed`."""
    follow(rules, rules.past, t, now, done, out_past)


def followed(
    scenario: Scenario, episode: Episode, state: State, action: Action, fills: Fills, flow: Flows,
    ledger: Ledger,
) -> Past | None:  # fmt: skip
    """The past after a step that was settled; None where nobody looks back."""
    if state.past is None:
        return None
    after = Past.Arrays(*(array.copy() for array in state.past.arrays()))
    done = Done(action.arrays(), fills.arrays(), flow.arrays(), ledger.arrays())
    now = now_of(episode, state.step)
    follow_kernel(packed_rules(scenario), state.step, now, done, after)
    return Past(*after)

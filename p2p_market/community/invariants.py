"""Invariants: energy and money balance in every step, whatever the agents ask for."""

from typing import Final

import numpy as np
from numba import njit

from p2p_market.assets.machine import device, unmet
from p2p_market.community.episode.episode import Episode
from p2p_market.community.fuel import delivered_to
from p2p_market.community.kernel_inputs import Done, now_of, packed_rules
from p2p_market.community.records import (
    LEDGER_COLUMN,
    SUPERVISOR_CAUSES,
    Action,
    Flows,
    Ledger,
    State,
    Watch,
)
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import inner, kernel
from p2p_market.errors import InvariantError
from p2p_market.market.book import Fills
from p2p_market.records import BoolArray, FloatArray

TOLERANCE: Final = 1e-5  # kW, kWh and EUR

LAWS: Final = (
    "power of the agent balances",
    "stored energy balances",
    "levels are inside their bounds",
    "power is inside the connection",
    "energy bought = energy sold",
    "the feeder carries what it can",
    "money paid = money received + operator's balance",
)
"""What is checked; the first four per agent, the others per community."""

_P2P = LEDGER_COLUMN["p2p_payment"]
_INVARIANT = SUPERVISOR_CAUSES.index("invariant")


@njit(inline="always")
def _agents(rules, now, before, done, out):  # type: ignore[no-untyped-def]
    """Residuals of the laws for each agent, into rows 0 to 3 of `out` (law, batch, agent)."""
    nodes, action, flows, limit = rules.nodes, done.action, done.flows, rules.connection_limit_kw
    setpoint = action.setpoint_kw
    for b in range(setpoint.shape[0]):
        for i in range(setpoint.shape[1]):
            into, storage, bound = 0.0, 0.0, 0.0
            for k in range(setpoint.shape[2]):
                p = setpoint[b, i, k]
                into += p
                own = device(nodes, nodes.machines, now.world, b, i, k)
                gained = own.charge_gain_h * max(p, 0.0)
                gained -= nodes.discharge_gain_h[i, k] * max(-p, 0.0)
                level, kept = flows.energy_kwh[b, i, k], nodes.retention[i, k] * before[b, i, k]
                moved = flows.shortfall_kwh[b, i, k] - now.departs[b, i, k] * now.trip_kwh[b, i, k]
                moved += _made_up(nodes, nodes.machines, now, before[b, i, k], p, b, i, k)
                moved += delivered_to(rules.fuel, flows.delivered_kwh, b, i, k)
                storage += abs(level - kept - gained - moved)
                over = level - own.top_kwh
                bound = max(bound, max(over, nodes.energy_min_kwh[i, k] - level))
            load, pv = now.load_kw[b, i], now.pv_kw[b, i]
            shed, curtailed = action.shed_kw[b, i], action.curtailed_kw[b, i]
            exchange = done.fills.power_kw[b, i] + flows.import_kw[b, i] - flows.export_kw[b, i]
            received = exchange - flows.line_loss_kw[b, i]
            out[0, b, i] = abs(load - shed + into - (pv - curtailed + received))
            out[1, b, i] = storage
            out[2, b, i] = bound
            cut = max(max(-curtailed, curtailed - pv), max(-shed, shed - load))
            out[3, b, i] = max(abs(received) - limit, cut)


@inner(forceinline=True)
def _made_up(nodes, machines, now, before, power, b, i, k):  # type: ignore[no-untyped-def]
    """What the world moved, with what was bought and less what was spilled [kWh]."""
    if machines is None:
        return 0.0
    missing, spilled = unmet(nodes, now, before, power, b, i, k)
    return now.world.drift_kwh[b, i, k] + missing - spilled


@njit(inline="always")
def _community(rules, now, done, out):  # type: ignore[no-untyped-def]
    """Residuals of the laws for the community, into rows 4 to 6 of `out`."""
    net, fill, flows, ledger = done.action.net_load_kw, done.fills.power_kw, done.flows, done.ledger
    limit = rules.feeder_limit_kw if rules.binding else np.inf
    for b in range(net.shape[0]):
        flow, traded, exchange, loss, sold, paid = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(net.shape[1]):
            flow += net[b, i]
            traded += fill[b, i]
            exchange += flows.import_kw[b, i] + flows.export_kw[b, i]
            loss += flows.line_loss_kw[b, i]
            sold += max(-fill[b, i], 0.0)
            paid += ledger.entries_eur[b, i, _P2P]
        # In an outage nothing flows through the feeder, and only line losses may be lost.
        due, gone = sold * rules.loss_share / (1.0 - rules.loss_share), 1.0 - now.grid[b]
        beyond = abs(loss - gone * due) + gone * exchange
        if now.grid[b] > 0.0:
            beyond = max(beyond, abs(flow) - limit)
        for i in range(net.shape[1]):
            out[4, b, i] = abs(traded)
            out[5, b, i] = beyond
            out[6, b, i] = abs(paid - ledger.operator_balance_eur[b])


@kernel(forceinline=True)
def laws_kernel(rules, now, before, done, out):  # type: ignore[no-untyped-def]
    """See `residuals`; `before` are the levels before the step."""
    _agents(rules, now, before, done, out)
    _community(rules, now, done, out)


@kernel(forceinline=True)
def latch_kernel(rules, residual, out_watch):  # type: ignore[no-untyped-def]
    """Latch agents that broke a law from the next step on; returns how many did."""
    found = 0
    for b in range(residual.shape[1]):
        for i in range(residual.shape[2]):
            wrong = False
            for law in range(residual.shape[0]):
                wrong = wrong or not residual[law, b, i] <= TOLERANCE
            if wrong:
                found += 1
                out_watch.cause[b, i] = _INVARIANT
                out_watch.hold_steps[b, i] = rules.hold_steps
    return found


def residuals(
    scenario: Scenario,
    episode: Episode,
    state: State,
    action: Action,
    fills: Fills,
    ledger: Ledger,
    flow: Flows,
) -> FloatArray:
    """How far each law is broken, (law, batch, agent); nothing above `TOLERANCE` is allowed."""
    out = np.empty((len(LAWS), *action.net_load_kw.shape))
    done = Done(action.arrays(), fills.arrays(), flow.arrays(), ledger.arrays())
    now = now_of(episode, state.step)
    laws_kernel(packed_rules(scenario), now, state.energy_kwh, done, out)
    return out


def latch(scenario: Scenario, watch: Watch, residual: FloatArray) -> Watch:
    """Latch agents that broke an invariant from the next step on."""
    if not broken(residual).any():
        return watch
    latched = Watch.Arrays(*(column.copy() for column in watch.arrays()))
    latch_kernel(packed_rules(scenario), residual, latched)
    return Watch(*latched)


def broken(residual: FloatArray) -> BoolArray:
    """Which agents break a law, (batch, agent); a community's law counts for all its agents."""
    return np.asarray((residual > TOLERANCE).any(axis=0) | np.isnan(residual).any(axis=0))


def insist(scenario: Scenario, step: int, residual: FloatArray) -> None:
    """Raise if any law is broken.

    Raises:
        InvariantError: naming law, agent, step and size.
    """
    if not broken(residual).any():
        return
    law, batch, agent = np.argwhere(~(residual <= TOLERANCE))[0]
    raise InvariantError(
        f"{scenario.spec.id}: {LAWS[law]}: broken by {residual[law, batch, agent]:.3g} for "
        f"{scenario.agents[agent]} of community {batch} at step {step}; this is a bug, report it"
    )

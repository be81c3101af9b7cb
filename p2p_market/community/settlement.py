"""Settlement: the grid serves what the market left over, and every euro gets its ledger entry."""

import numpy as np
from numba import njit

from p2p_market.assets import node
from p2p_market.assets.machine import unmet
from p2p_market.community.episode.episode import Episode
from p2p_market.community.fuel import deliver_fuel, no_order, paid_for_fuel
from p2p_market.community.kernel_inputs import (
    Before,
    Done,
    now_of,
    packed_nodes,
    packed_rules,
    presence_of,
    rules_of,
)
from p2p_market.community.records import (
    LEDGER_COLUMN,
    LEDGER_ENTRIES,
    Action,
    Flows,
    Ledger,
    Proposal,
    State,
    Watch,
)
from p2p_market.community.safety.offers import book
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.voltage import charge, done_of, look_at_line, scratch_of
from p2p_market.compilation import inner, kernel
from p2p_market.market.book import Fills

_P2P = LEDGER_COLUMN["p2p_payment"]
_IMPORT = LEDGER_COLUMN["grid_import"]
_EXPORT = LEDGER_COLUMN["grid_export"]
_FEE = LEDGER_COLUMN["network_fee"]
_DEGRADATION = LEDGER_COLUMN["degradation"]
_CARBON = LEDGER_COLUMN["carbon"]
_OVERLOAD = LEDGER_COLUMN["overload"]
_LOST_LOAD = LEDGER_COLUMN["lost_load"]
_SHORTFALL = LEDGER_COLUMN["shortfall"]
_TERMINAL = LEDGER_COLUMN["terminal_value"]
_PENALTY = LEDGER_COLUMN["filter_penalty"]


@kernel(forceinline=True)
def flows_kernel(grid, proposal, action, fills, watch, out_flows):  # type: ignore[no-untyped-def]
    """Grid exchange and the filter's work; levels are another matter.

    In an outage the grid takes nothing: what left a seller and did not arrive is lost.
    """
    net, asked, setpoint = action.net_load_kw, proposal.setpoint_kw, action.setpoint_kw
    for b in range(net.shape[0]):
        there = grid[b]
        for i in range(net.shape[1]):
            left = net[b, i] - fills.power_kw[b, i]
            out_flows.import_kw[b, i] = there * max(left, 0.0)
            out_flows.export_kw[b, i] = there * max(-left, 0.0)
            out_flows.line_loss_kw[b, i] = (1.0 - there) * max(-left, 0.0)
            moved = abs(proposal.quantity_kw[b, i] - action.quantity_kw[b, i])
            for k in range(setpoint.shape[2]):
                moved += abs(asked[b, i, k] - setpoint[b, i, k])
            out_flows.correction_kw[b, i] = moved
            heard = watch.cause[b, i] == 0
            out_flows.penalised_kw[b, i] = moved if heard else watch.unheard_kw[b, i]


@njit(inline="always")
def _bill(rules, now, done, out):  # type: ignore[no-untyped-def]
    """Money that changes hands, carbon and lost load."""
    action, fills, flows, dt = done.action, done.fills, done.flows, rules.dt_h
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            out[b, i, _P2P] = fills.payment_eur[b, i]
            out[b, i, _IMPORT] = flows.import_kw[b, i] * now.retail[b, i] * dt
            out[b, i, _EXPORT] = -flows.export_kw[b, i] * now.feed_in[b, i] * dt
            out[b, i, _FEE] = abs(fills.power_kw[b, i]) * rules.fee[i] * dt
            out[b, i, _CARBON] = flows.import_kw[b, i] * now.carbon[b] * dt
            out[b, i, _LOST_LOAD] = action.shed_kw[b, i] * rules.lost_load * dt


@njit(inline="always")
def _wear(rules, now, before, done, start, last, out):  # type: ignore[no-untyped-def]
    """Degradation, shortfalls, terminal value of levels against the start, filter penalty."""
    setpoint, after = done.action.setpoint_kw, done.flows.energy_kwh
    wear, dt, machines = rules.nodes.degradation_eur_per_kwh, rules.dt_h, rules.nodes.machines
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            worn, gained, missed = 0.0, 0.0, 0.0
            for k in range(setpoint.shape[2]):
                worn += abs(setpoint[b, i, k]) * wear[i, k] * dt
                gained += after[b, i, k] - start[b, i, k]
                missed += done.flows.shortfall_kwh[b, i, k]
            ran, lacked = _machines_eur(rules, machines, now, before, done, b, i)
            ran += paid_for_fuel(rules.fuel, now.fuel_price, done.action.fuel_kwh, b, i)
            stored = _stored_eur(rules, machines, gained, after, start, b, i)
            out[b, i, _DEGRADATION] = worn + ran
            out[b, i, _TERMINAL] = -last * stored
            out[b, i, _SHORTFALL] = missed * rules.shortfall + lacked
            out[b, i, _PENALTY] = rules.filter_penalty * done.flows.penalised_kw[b, i] * dt


@inner(forceinline=True)
def _machines_eur(rules, machines, now, before, done, b, i):  # type: ignore[no-untyped-def]
    """What a member's machines cost: running and ageing; what was bought and got rid of."""
    ran, lacked = 0.0, 0.0
    if machines is None:
        return ran, lacked
    setpoint, after, dt = done.action.setpoint_kw, done.flows.energy_kwh, rules.dt_h
    for k in range(setpoint.shape[2]):
        p = setpoint[b, i, k]
        ran += machines.charge_eur_per_kwh[i, k] * max(p, 0.0) * dt
        ran += machines.discharge_eur_per_kwh[i, k] * max(-p, 0.0) * dt
        ran += machines.hold_eur_per_kwh[i, k] * after[b, i, k]
        if p != 0.0 and before.setpoint_kw[b, i, k] == 0.0:
            ran += machines.start_eur[i, k]
        missing, spilled = unmet(rules.nodes, now, before.energy_kwh[b, i, k], p, b, i, k)
        lacked += machines.missing_eur_per_kwh[i, k] * missing
        lacked += machines.spilled_eur_per_kwh[i, k] * spilled
    return ran, lacked


@inner(forceinline=True)
def _stored_eur(rules, machines, gained, after, start, b, i):  # type: ignore[no-untyped-def]
    """What levels above those of the start are worth; machines may have a value of their own."""
    if machines is None:
        return rules.terminal_value * gained
    worth = 0.0
    for k in range(after.shape[2]):
        worth += machines.terminal_eur_per_kwh[i, k] * (after[b, i, k] - start[b, i, k])
    return worth


@njit(inline="always")
def _overload(rules, net, out):  # type: ignore[no-untyped-def]
    """Charge what the feeder carries above its limit to the members with the sign of the flow."""
    for b in range(net.shape[0]):
        flow = 0.0
        for i in range(net.shape[1]):
            flow += net[b, i]
        sign = 1.0 if flow > 0.0 else -1.0
        causing = 0.0
        for i in range(net.shape[1]):
            causing += max(sign * net[b, i], 0.0)
        excess = max(sign * flow - rules.feeder_limit_kw, 0.0)
        for i in range(net.shape[1]):
            share = max(sign * net[b, i], 0.0) / causing if excess > 0.0 else 0.0
            out[b, i, _OVERLOAD] = share * excess * rules.overload * rules.dt_h


@kernel(forceinline=True)
def settle_kernel(rules, t, now, before, start, out_done):  # type: ignore[no-untyped-def]
    """See `settle`; `before` has levels and powers before the step.

    `start` is the level that the terminal value counts from.
    """
    payment, balance = out_done.fills.payment_eur, out_done.ledger.operator_balance_eur
    last = 1.0 if t == rules.steps - 1 else 0.0
    _bill(rules, now, out_done, out_done.ledger.entries_eur)
    _wear(rules, now, before, out_done, start, last, out_done.ledger.entries_eur)
    _overload(rules, out_done.action.net_load_kw, out_done.ledger.entries_eur)
    book(rules.offers, out_done.action, out_done.ledger.entries_eur)
    charge(rules.voltage, out_done.action, out_done.flows.line, out_done.ledger.entries_eur)
    for b in range(payment.shape[0]):
        balance[b] = 0.0
        for i in range(payment.shape[1]):
            balance[b] += payment[b, i]


def flows(
    scenario: Scenario,
    episode: Episode,
    state: State,
    proposal: Proposal,
    action: Action,
    fills: Fills,
    watch: Watch,
) -> Flows:
    """Grid exchange that the market left over, levels after the step, and the filter's work."""
    t = state.step
    shape = action.net_load_kw.shape
    exchange, work = np.empty((3, *shape)), np.empty((2, *shape))
    nodes, presence = packed_nodes(scenario), presence_of(episode, t)
    levels = node.advance(nodes, presence, state.energy_kwh, action.setpoint_kw)
    scratch, line = scratch_of(scenario, shape[0]), done_of(scenario, shape[0]).line
    delivered = no_order(scenario, len(levels[0]))
    rules = rules_of(scenario)
    if rules.fuel is not None:  # asked here, for a call costs as much as some arithmetic
        deliver_fuel(rules.fuel, rules.nodes, state.fuel, levels[0], delivered)
    out = Flows.Arrays(*exchange, *levels, *work, line, delivered)
    moved = action.arrays(), fills.arrays(), watch.arrays()
    if rules.voltage is not None:
        look_at_line(packed_rules(scenario).voltage, moved[0], scratch, line)
    flows_kernel(episode.grid[t], proposal.arrays(), *moved, out)
    return Flows(*out)


def settle(
    scenario: Scenario, episode: Episode, state: State, action: Action, fills: Fills, flow: Flows
) -> Ledger:
    """Money of one step, (batch, agent, entry) [EUR], positive = paid.

    The terminal value falls due in the last step: levels above the start are credited, levels below
    are charged.
    """
    shape, t = action.net_load_kw.shape, state.step
    ledger = Ledger.Arrays(np.zeros((*shape, len(LEDGER_ENTRIES))), np.zeros(shape[0]))
    done = Done(action.arrays(), fills.arrays(), flow.arrays(), ledger)
    now, start = now_of(episode, t), episode.start_energy_kwh
    before = Before(state.energy_kwh, state.setpoint_kw)
    settle_kernel(packed_rules(scenario), t, now, before, start, done)
    return Ledger(*ledger)

"""The feasibility filter: the nearest action that devices, connection, surplus and prices leave.

Deterministic, closed form, nothing learned. Its parts act in fixed order, each component going to
the nearest admissible value given those before it: set-points inside power and energy limits, at
standstill or at the least load where a machine has one; the connection limit by storage first, then
PV, then load; a binding feeder's limit likewise, for the community; a binding voltage band, towards
rest; the quantity within its own surplus or deficit; the price on its tick, no worse than the grid.
"""

import numpy as np

from p2p_market.assets.machine import ALMOST, least_loads, snapped
from p2p_market.assets.node import power_limits
from p2p_market.community.episode.episode import Episode
from p2p_market.community.fuel import no_order, order_fuel
from p2p_market.community.kernel_inputs import (
    now_of,
    packed_nodes,
    packed_rules,
    presence_of,
    rules_of,
)
from p2p_market.community.records import Action, Proposal, State
from p2p_market.community.safety.feeder import ROUNDING_KW, limit_kernel
from p2p_market.community.safety.offers import transfers_of
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.service import hold_still
from p2p_market.community.voltage import done_of, pull, react, scratch_of
from p2p_market.compilation import inner, kernel


@inner(forceinline=True)
def _excess(base, setpoint, limit):  # type: ignore[no-untyped-def]
    """Power beyond the connection limit: positive for import, negative for export, else 0."""
    net = base
    for k in range(setpoint.shape[0]):
        net += setpoint[k]
    if net > limit + ROUNDING_KW:
        return net - limit
    if net < -limit - ROUNDING_KW:
        return net + limit
    return 0.0


@kernel(forceinline=True)
def connection_kernel(rules, now, proposal, limits, out_action):  # type: ignore[no-untyped-def]
    """Set-points inside limits, then inside the connection."""
    low, high, limit = limits.low, limits.high, rules.connection_limit_kw
    for b in range(now.load_kw.shape[0]):
        for i in range(now.load_kw.shape[1]):
            own = out_action.setpoint_kw[b, i]
            machines = rules.nodes.machines
            for k in range(own.shape[0]):
                p = min(max(proposal.setpoint_kw[b, i, k], low[b, i, k]), high[b, i, k])
                charge_on, discharge_on = least_loads(machines, i, k)
                own[k] = snapped(p, charge_on, discharge_on, 0.5)
            base = now.load_kw[b, i] - now.pv_kw[b, i]
            for k in range(own.shape[0]):
                excess = _excess(base, own, limit)
                p = min(max(own[k] - excess, low[b, i, k]), high[b, i, k])
                charge_on, discharge_on = least_loads(machines, i, k)
                own[k] = snapped(p, charge_on, discharge_on, 1.0 - ALMOST)
            excess = _excess(base, own, limit)
            net = base
            for k in range(own.shape[0]):
                net += own[k]
            out_action.curtailed_kw[b, i] = max(-excess, 0.0)
            out_action.shed_kw[b, i] = max(excess, 0.0)
            out_action.net_load_kw[b, i] = min(max(net, -limit), limit)


@kernel(forceinline=True)
def order_kernel(rules, now, proposal, out_action):  # type: ignore[no-untyped-def]
    """Quantity within its own surplus or deficit, price on its tick and no worse than the grid.

    In an outage nobody makes up for line losses: of a surplus only what arrives at the hub is sold.
    An ask of nothing is an ask of what the grid pays, which may be less than nothing.
    """
    net, tick, top = out_action.net_load_kw, rules.tick, rules.price_max
    for b in range(net.shape[0]):
        arrives = 1.0 - rules.loss_share * (1.0 - now.grid[b])
        for i in range(net.shape[1]):
            tradable = net[b, i] * arrives if net[b, i] < 0.0 else net[b, i]
            floor, cap = now.floor[b, i], now.cap[b, i]
            q = min(max(proposal.quantity_kw[b, i], min(tradable, 0.0)), max(tradable, 0.0))
            price = min(max(proposal.price_eur_per_kwh[b, i], 0.0), top)
            rounded = np.floor(price / tick + 0.5) * tick
            if floor >= cap:
                q = 0.0
            if q > 0.0:
                rounded = min(rounded, cap)
            elif q < 0.0:
                rounded = max(rounded, floor) if rounded > 0.0 else floor
            out_action.quantity_kw[b, i] = q
            out_action.price_eur_per_kwh[b, i] = rounded


@inner(forceinline=True)
def _hold_voltages(rules, voltage, now, proposal, limits, scratch, out_action):  # type: ignore[no-untyped-def]
    """Reactive power, and where the band binds what all do is pulled back towards rest."""
    if voltage is None:
        return
    out_action.pulled_kw[:] = 0.0
    react(voltage, now, proposal.further, out_action, scratch.room_kvar)
    if voltage.binding:
        connection_kernel(rules, now, scratch.idle, limits, scratch.rest)
        react(voltage, now, None, scratch.rest, scratch.room_kvar)
        pull(voltage, now, scratch, out_action)


@kernel(forceinline=True)
def project_kernel(rules, now, proposal, limits, scratch, out_action):  # type: ignore[no-untyped-def]
    """See `project`."""
    connection_kernel(rules, now, proposal, limits, out_action)
    if rules.binding:
        limit_kernel(rules, now, proposal.further, limits, out_action)
    _hold_voltages(rules, rules.voltage, now, proposal, limits, scratch, out_action)
    order_kernel(rules, now, proposal, out_action)


def project(scenario: Scenario, episode: Episode, state: State, proposal: Proposal) -> Action:
    """Nearest feasible action, component by component in fixed order.

    Args:
        proposal: finite set-points (batch, agent, asset) [kW], quantity (batch, agent) [kW],
            price (batch, agent) [EUR/kWh].

    Returns:
        An action inside all limits; a feasible proposal is returned unchanged.
    """
    t = state.step
    nodes, presence = packed_nodes(scenario), presence_of(episode, t)
    limits = power_limits(nodes, presence, state.energy_kwh, state.setpoint_kw)
    fixed, levels, further = rules_of(scenario), state.energy_kwh, proposal.further
    if fixed.service is not None:  # asked here, for a call costs as much as some arithmetic
        hold_still(fixed.service, fixed.service_column, t, further, state.service, limits)
    scratch, order = scratch_of(scenario, episode.batch), no_order(scenario, episode.batch)
    powers = np.empty_like(limits.low), *np.empty((5, *limits.low.shape[:2]))
    kvar, pulled, _ = done_of(scenario, episode.batch)
    transfer = transfers_of(scenario, episode.batch)
    action = Action.Arrays(*powers, kvar, pulled, order, transfer)
    rules, now = packed_rules(scenario), now_of(episode, t)
    project_kernel(rules, now, proposal.arrays(), limits, scratch, action)
    if fixed.fuel is not None:
        order_fuel(fixed.fuel, fixed.nodes, fixed.fuel_column, further, levels, state.fuel, order)
    return Action(*action)

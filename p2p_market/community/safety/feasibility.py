"""The feasibility filter: the nearest action that devices, connection, surplus and prices leave.

Deterministic, closed form, nothing learned. Its parts act in fixed order, each component going to
the nearest admissible value given those before it: set-points inside power and energy limits; the
connection limit by storage first, then PV, then load; a binding feeder's limit likewise, for the
community; the quantity inside the own surplus or deficit; the price on its tick, no worse than
the grid.
"""

import numpy as np
from numba import njit

from p2p_market.assets.node import power_limits
from p2p_market.community.episode.episode import Episode
from p2p_market.community.records import Action, Proposal, State
from p2p_market.community.safety.feeder import ROUNDING_KW, limit
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import kernel
from p2p_market.records import FloatArray


@njit
def _excess(base, setpoint, limit):  # type: ignore[no-untyped-def]
    """By how much a connection is exceeded, negative when exporting too much, 0 when it is not."""
    net = base
    for k in range(setpoint.shape[0]):
        net += setpoint[k]
    if net > limit + ROUNDING_KW:
        return net - limit
    if net < -limit - ROUNDING_KW:
        return net + limit
    return 0.0


@kernel
def connection_kernel(  # type: ignore[no-untyped-def]
    setpoint, low, high, load, pv, limit, out_setpoint, out_curtailed, out_shed, out_net
):
    """Set-points inside limits, then inside the connection."""
    for b in range(load.shape[0]):
        for i in range(load.shape[1]):
            own = out_setpoint[b, i]
            for k in range(own.shape[0]):
                own[k] = min(max(setpoint[b, i, k], low[b, i, k]), high[b, i, k])
            base = load[b, i] - pv[b, i]
            for k in range(own.shape[0]):
                excess = _excess(base, own, limit)
                own[k] = min(max(own[k] - excess, low[b, i, k]), high[b, i, k])
            excess = _excess(base, own, limit)
            net = base
            for k in range(own.shape[0]):
                net += own[k]
            out_curtailed[b, i] = max(-excess, 0.0)
            out_shed[b, i] = max(excess, 0.0)
            out_net[b, i] = min(max(net, -limit), limit)


@kernel
def order_kernel(quantity, price, net, floor, cap, tick, top, out_quantity, out_price):  # type: ignore[no-untyped-def]
    """Quantity inside the own surplus or deficit, price on its tick and no worse than the grid."""
    for b in range(net.shape[0]):
        for i in range(net.shape[1]):
            q = min(max(quantity[b, i], min(net[b, i], 0.0)), max(net[b, i], 0.0))
            rounded = np.floor(min(max(price[b, i], 0.0), top) / tick + 0.5) * tick
            if floor[b, i] >= cap[b, i]:
                q = 0.0
            if q > 0.0:
                rounded = min(rounded, cap[b, i])
            elif q < 0.0:
                rounded = max(rounded, floor[b, i])
            out_quantity[b, i] = q
            out_price[b, i] = rounded


def tradable_kw(
    scenario: Scenario, episode: Episode, step: int, net_load_kw: FloatArray
) -> FloatArray:
    """What an order may ask for: the own deficit, or the own surplus, (batch, agent) [kW].

    In an outage nobody makes up for line losses: of a surplus only what arrives at the hub is sold.
    """
    arrives = 1.0 - scenario.spec.fees.loss_share * (1.0 - episode.grid[step])
    return np.where(net_load_kw < 0.0, net_load_kw * arrives[:, None], net_load_kw)


def project(scenario: Scenario, episode: Episode, state: State, proposal: Proposal) -> Action:
    """Nearest feasible action, component by component in fixed order.

    Args:
        proposal: finite set-points (batch, agent, asset) [kW], quantity (batch, agent) [kW],
            price (batch, agent) [EUR/kWh].

    Returns:
        An action inside all limits; a feasible proposal is returned unchanged.
    """
    t = state.step
    low, high = power_limits(scenario.nodes, episode.presence(t), state.energy_kwh)
    setpoint = np.empty_like(low)
    curtailed, shed, net = np.empty((3, *low.shape[:2]))
    connection_kernel(
        proposal.setpoint_kw,
        low,
        high,
        episode.load_kw[t],
        episode.pv_kw[t],
        scenario.spec.connection_limit_kw,
        setpoint,
        curtailed,
        shed,
        net,
    )
    limit(scenario, episode, t, setpoint, curtailed, shed, net)
    quantity, price = np.empty((2, *low.shape[:2]))
    order_kernel(
        proposal.quantity_kw,
        proposal.price_eur_per_kwh,
        tradable_kw(scenario, episode, t, net),
        episode.ask_floor_eur_per_kwh[t],
        episode.bid_cap_eur_per_kwh[t],
        scenario.spec.tick_eur_per_kwh,
        scenario.spec.price_max_eur_per_kwh,
        quantity,
        price,
    )
    return Action(setpoint, curtailed, shed, net, quantity, price)

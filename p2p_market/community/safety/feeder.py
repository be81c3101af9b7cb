"""The community's limit, where the feeder is binding: what flows above it is cut in fixed order.

When the sum of net loads exceeds the limit, storage that adds to the flow is slowed down first,
then PV is curtailed, then load is shed, each pro rata over those who contribute. In an outage
nothing flows through the feeder, so nothing is cut here.

Slowed down means towards *rest*, the power nearest 0 that a device may have: a machine whose level
forces it goes on with that much, and no less. One that has a least load stops where it would fall
below it; the line is then less than full.
"""

from typing import Final

from p2p_market.assets.machine import ALMOST, least_loads, snapped
from p2p_market.community.safety.offers import buy, forget, share_out
from p2p_market.compilation import inner, kernel

ROUNDING_KW: Final = 1e-9
"""An excess below this is rounding: acting on it would make filtering twice differ from once."""


@inner(forceinline=True)
def _rest(machines, low, high, i, k):  # type: ignore[no-untyped-def]
    """The power nearest 0 that a device may have; plain stores may always stand still."""
    if machines is None:
        return 0.0
    return min(max(low[i, k], 0.0), high[i, k])


@inner(forceinline=True)
def _slow_down(machines, excess, sign, low, high, out_setpoint):  # type: ignore[no-untyped-def]
    """Move set-points of one sign towards rest, pro rata, until the excess is gone."""
    moving = 0.0
    for i in range(out_setpoint.shape[0]):
        for k in range(out_setpoint.shape[1]):
            moving += max(sign * (out_setpoint[i, k] - _rest(machines, low, high, i, k)), 0.0)
    if moving <= 0.0:
        return
    share = min(excess / moving, 1.0)
    for i in range(out_setpoint.shape[0]):
        for k in range(out_setpoint.shape[1]):
            rest = _rest(machines, low, high, i, k)
            above = out_setpoint[i, k] - rest
            if sign * above > 0.0:
                slowed = rest if share == 1.0 else out_setpoint[i, k] - share * above
                charge_on, discharge_on = least_loads(machines, i, k)
                out_setpoint[i, k] = snapped(slowed, charge_on, discharge_on, 1.0 - ALMOST)


@inner(forceinline=True)
def _net(load, pv, setpoint, curtailed, shed, out_net):  # type: ignore[no-untyped-def]
    """Net loads of a community; returns their sum."""
    flow = 0.0
    for i in range(load.shape[0]):
        out_net[i] = load[i] - shed[i] - (pv[i] - curtailed[i])
        for k in range(setpoint.shape[1]):
            out_net[i] += setpoint[i, k]
        flow += out_net[i]
    return flow


@inner(forceinline=True)
def _cut(excess, available, out_cut):  # type: ignore[no-untyped-def]
    """Cut PV or load, in proportion to what is left of each."""
    total = 0.0
    for i in range(available.shape[0]):
        total += max(available[i] - out_cut[i], 0.0)
    if total <= 0.0:
        return
    share = min(excess / total, 1.0)
    for i in range(available.shape[0]):
        out_cut[i] += share * max(available[i] - out_cut[i], 0.0)


@kernel(forceinline=True)
def limit_kernel(rules, now, further, limits, out_action):  # type: ignore[no-untyped-def]
    """Cut what a binding feeder cannot carry of actions that are inside their own limits."""
    machines, offers = rules.nodes.machines, rules.offers
    forget(offers, out_action)
    setpoint, net = out_action.setpoint_kw, out_action.net_load_kw
    curtailed, shed = out_action.curtailed_kw, out_action.shed_kw
    for b in range(net.shape[0]):
        load, pv = now.load_kw[b], now.pv_kw[b]
        flow = 0.0
        for i in range(net.shape[1]):
            flow += net[b, i]
        excess = abs(flow) - rules.feeder_limit_kw
        if excess <= ROUNDING_KW or now.grid[b] == 0.0:
            continue
        sign = 1.0 if flow > 0.0 else -1.0
        _slow_down(machines, excess, sign, limits.low[b], limits.high[b], setpoint[b])
        # Seen anew, as a second filtering would: what was cut once is then cut to the same bit.
        flow = _net(load, pv, setpoint[b], curtailed[b], shed[b], net[b])
        excess = sign * flow - rules.feeder_limit_kw
        if excess <= ROUNDING_KW:
            continue
        if sign < 0.0:
            _cut(buy(offers, further, excess, pv, b, out_action), pv, curtailed[b])
        else:
            _cut(excess, load, shed[b])
        _net(load, pv, setpoint[b], curtailed[b], shed[b], net[b])
        share_out(offers, b, out_action)

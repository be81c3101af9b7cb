"""The community's limit, where the feeder is binding: what flows above it is cut in fixed order.

When the sum of net loads exceeds the limit, storage that adds to the flow is slowed down first,
then PV is curtailed, then load is shed, each pro rata over those who contribute. In an outage
nothing flows through the feeder, so nothing is cut here.
"""

from typing import Final

from numba import njit

from p2p_market.community.episode.episode import Episode
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import kernel
from p2p_market.records import FloatArray

ROUNDING_KW: Final = 1e-9
"""An excess below this is rounding: acting on it would make filtering twice differ from once."""


@njit
def _slow_down(excess, sign, out_setpoint):  # type: ignore[no-untyped-def]
    """Move set-points of one sign towards idle, pro rata, until the excess is gone."""
    moving = 0.0
    for i in range(out_setpoint.shape[0]):
        for k in range(out_setpoint.shape[1]):
            moving += max(sign * out_setpoint[i, k], 0.0)
    if moving <= 0.0:
        return
    share = min(excess / moving, 1.0)
    for i in range(out_setpoint.shape[0]):
        for k in range(out_setpoint.shape[1]):
            if sign * out_setpoint[i, k] > 0.0:
                out_setpoint[i, k] -= share * out_setpoint[i, k]


@njit
def _net(load, pv, setpoint, curtailed, shed, out_net):  # type: ignore[no-untyped-def]
    """Net loads of a community; returns their sum."""
    flow = 0.0
    for i in range(load.shape[0]):
        out_net[i] = load[i] - shed[i] - (pv[i] - curtailed[i])
        for k in range(setpoint.shape[1]):
            out_net[i] += setpoint[i, k]
        flow += out_net[i]
    return flow


@njit
def _cut(excess, available, out_cut):  # type: ignore[no-untyped-def]
    """Cut PV or load, pro rata to what is left of it."""
    total = 0.0
    for i in range(available.shape[0]):
        total += max(available[i] - out_cut[i], 0.0)
    if total <= 0.0:
        return
    share = min(excess / total, 1.0)
    for i in range(available.shape[0]):
        out_cut[i] += share * max(available[i] - out_cut[i], 0.0)


@kernel
def limit_kernel(load, pv, grid, limit, out_setpoint, out_curtailed, out_shed, out_net):  # type: ignore[no-untyped-def]
    """See `limit`."""
    for b in range(load.shape[0]):
        flow = 0.0
        for i in range(load.shape[1]):
            flow += out_net[b, i]
        excess = abs(flow) - limit
        if excess <= ROUNDING_KW or grid[b] == 0.0:
            continue
        sign = 1.0 if flow > 0.0 else -1.0
        _slow_down(excess, sign, out_setpoint[b])
        # Seen anew, as a second filtering would: what was cut once is then cut to the same bit.
        flow = _net(load[b], pv[b], out_setpoint[b], out_curtailed[b], out_shed[b], out_net[b])
        excess = sign * flow - limit
        if excess <= ROUNDING_KW:
            continue
        if sign < 0.0:
            _cut(excess, pv[b], out_curtailed[b])
        else:
            _cut(excess, load[b], out_shed[b])
        _net(load[b], pv[b], out_setpoint[b], out_curtailed[b], out_shed[b], out_net[b])


def limit(
    scenario: Scenario,
    episode: Episode,
    step: int,
    setpoint_kw: FloatArray,
    curtailed_kw: FloatArray,
    shed_kw: FloatArray,
    net_load_kw: FloatArray,
) -> None:
    """Cut in place what a binding feeder cannot carry.

    Args:
        setpoint_kw: set-points inside their limits, (batch, agent, asset), positive = charge.
        curtailed_kw: PV not used, (batch, agent).
        shed_kw: load not served, (batch, agent).
        net_load_kw: what remains, (batch, agent).
    """
    if scenario.spec.feeder.mode == "binding":
        limit_kernel(
            episode.load_kw[step], episode.pv_kw[step], episode.grid[step],
            scenario.spec.feeder.limit_kw, setpoint_kw, curtailed_kw, shed_kw, net_load_kw,
        )  # fmt: skip

"""Emergency dispatch: in an outage the market's fills are all that flows, and members make do.

Whoever lacks power after clearing cancels charging, then discharges its own storage within its
limits, then sheds load. Whoever has power left stops discharging, then curtails PV.
"""

from p2p_market.assets.node import power_limits
from p2p_market.community.episode.episode import Episode
from p2p_market.community.kernel_inputs import now_of, packed_nodes, packed_rules, presence_of
from p2p_market.community.records import Action, State
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import inner, kernel
from p2p_market.market.book import Fills


@inner(forceinline=True)
def _serve_one(missing, low, out_setpoint):  # type: ignore[no-untyped-def]
    """Cancel charging, then discharge; returns the power that is still missing."""
    for k in range(out_setpoint.shape[0]):
        less = min(missing, max(out_setpoint[k], 0.0))
        out_setpoint[k] -= less
        missing -= less
    for k in range(out_setpoint.shape[0]):
        more = min(missing, max(out_setpoint[k] - low[k], 0.0))
        out_setpoint[k] -= more
        missing -= more
    return missing


@inner(forceinline=True)
def _save_one(unused, out_setpoint):  # type: ignore[no-untyped-def]
    """Stop discharging; returns the power that is still unused."""
    for k in range(out_setpoint.shape[0]):
        less = min(unused, max(-out_setpoint[k], 0.0))
        out_setpoint[k] += less
        unused -= less
    return unused


@kernel(forceinline=True)
def serve_kernel(rules, now, fills, limits, out_action):  # type: ignore[no-untyped-def]
    """See `serve`."""
    arrives = 1.0 - rules.loss_share
    setpoint, net = out_action.setpoint_kw, out_action.net_load_kw
    for b in range(net.shape[0]):
        if now.grid[b] > 0.0:
            continue
        for i in range(net.shape[1]):
            fill = fills.power_kw[b, i]
            traded = fill if fill > 0.0 else fill / arrives
            missing = net[b, i] - traded
            if missing > 0.0:
                short = _serve_one(missing, limits.low[b, i], setpoint[b, i])
                out_action.shed_kw[b, i] += short
            else:
                out_action.curtailed_kw[b, i] += _save_one(-missing, setpoint[b, i])
            net[b, i] = traded


def serve(
    scenario: Scenario, episode: Episode, state: State, action: Action, fills: Fills
) -> Action:
    """What happens to each member without the grid; the same action where the grid is there."""
    t = state.step
    if scenario.spec.outages is None or episode.grid[t].all():
        return action
    nodes, presence = packed_nodes(scenario), presence_of(episode, t)
    limits = power_limits(nodes, presence, state.energy_kwh, state.setpoint_kw)
    served = Action.Arrays(*(None if one is None else one.copy() for one in action.arrays()))
    serve_kernel(packed_rules(scenario), now_of(episode, t), fills.arrays(), limits, served)
    return Action(*served)

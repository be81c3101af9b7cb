"""Emergency dispatch: in an outage the market's fills are all that flows, and members make do.

Whoever lacks power after clearing cancels charging, then discharges the own storage inside its
limits, then sheds load. Whoever has power left stops discharging, then curtails PV.
"""

from numba import njit

from p2p_market.assets.node import power_limits
from p2p_market.community.episode.episode import Episode
from p2p_market.community.records import Action, State
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import kernel
from p2p_market.market.book import Fills


@njit
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


@njit
def _save_one(unused, out_setpoint):  # type: ignore[no-untyped-def]
    """Stop discharging; returns the power that is still unused."""
    for k in range(out_setpoint.shape[0]):
        less = min(unused, max(-out_setpoint[k], 0.0))
        out_setpoint[k] += less
        unused -= less
    return unused


@kernel
def serve_kernel(grid, fill, arrives, low, out_setpoint, out_curtailed, out_shed, out_net):  # type: ignore[no-untyped-def]
    """See `serve`."""
    for b in range(fill.shape[0]):
        if grid[b] > 0.0:
            continue
        for i in range(fill.shape[1]):
            traded = fill[b, i] if fill[b, i] > 0.0 else fill[b, i] / arrives
            missing = out_net[b, i] - traded
            if missing > 0.0:
                out_shed[b, i] += _serve_one(missing, low[b, i], out_setpoint[b, i])
            else:
                out_curtailed[b, i] += _save_one(-missing, out_setpoint[b, i])
            out_net[b, i] = traded


def serve(
    scenario: Scenario, episode: Episode, state: State, action: Action, fills: Fills
) -> Action:
    """What happens to each member without the grid; the same action where the grid is there."""
    t = state.step
    if scenario.spec.outages is None or episode.grid[t].all():
        return action
    low, _ = power_limits(scenario.nodes, episode.presence(t), state.energy_kwh)
    setpoint, curtailed = action.setpoint_kw.copy(), action.curtailed_kw.copy()
    shed, net = action.shed_kw.copy(), action.net_load_kw.copy()
    arrives = 1.0 - scenario.spec.fees.loss_share
    serve_kernel(episode.grid[t], fills.power_kw, arrives, low, setpoint, curtailed, shed, net)
    return Action(setpoint, curtailed, shed, net, action.quantity_kw, action.price_eur_per_kwh)

"""Settlement: the grid serves what the market left over, and every euro gets its ledger entry."""

import numpy as np

from p2p_market.assets import node
from p2p_market.community.episode.episode import Episode
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
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import kernel
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


@kernel
def grid_kernel(net, fill, grid, out_import, out_export, out_loss):  # type: ignore[no-untyped-def]
    """In an outage the grid takes nothing: what left a seller and did not arrive is lost."""
    for b in range(net.shape[0]):
        for i in range(net.shape[1]):
            left = net[b, i] - fill[b, i]
            out_import[b, i] = grid[b] * max(left, 0.0)
            out_export[b, i] = grid[b] * max(-left, 0.0)
            out_loss[b, i] = (1.0 - grid[b]) * max(-left, 0.0)


@kernel
def bill_kernel(  # type: ignore[no-untyped-def]
    imported, exported, fill, payment, retail, feed_in, fee, carbon, shed, lost_load_price, dt, out
):
    """Money that changes hands, carbon and lost load."""
    for b in range(imported.shape[0]):
        for i in range(imported.shape[1]):
            out[b, i, _P2P] = payment[b, i]
            out[b, i, _IMPORT] = imported[b, i] * retail[b, i] * dt
            out[b, i, _EXPORT] = -exported[b, i] * feed_in[i] * dt
            out[b, i, _FEE] = abs(fill[b, i]) * fee[i] * dt
            out[b, i, _CARBON] = imported[b, i] * carbon[b] * dt
            out[b, i, _LOST_LOAD] = shed[b, i] * lost_load_price * dt


@kernel
def wear_kernel(  # type: ignore[no-untyped-def]
    setpoint, before, after, wear, value, missing, missing_price, penalised, penalty, dt, out
):
    """Degradation, shortfalls, terminal value of levels against `before`, filter penalty."""
    for b in range(setpoint.shape[0]):
        for i in range(setpoint.shape[1]):
            worn, gained, missed = 0.0, 0.0, 0.0
            for k in range(setpoint.shape[2]):
                worn += abs(setpoint[b, i, k]) * wear[i, k] * dt
                gained += after[b, i, k] - before[b, i, k]
                missed += missing[b, i, k]
            out[b, i, _DEGRADATION] = worn
            out[b, i, _TERMINAL] = -value * gained
            out[b, i, _SHORTFALL] = missed * missing_price
            out[b, i, _PENALTY] = penalty * penalised[b, i] * dt


@kernel
def overload_kernel(net, limit, price, dt, out):  # type: ignore[no-untyped-def]
    """Charge what the feeder carries above its limit to the members with the sign of the flow."""
    for b in range(net.shape[0]):
        flow = 0.0
        for i in range(net.shape[1]):
            flow += net[b, i]
        sign = 1.0 if flow > 0.0 else -1.0
        causing = 0.0
        for i in range(net.shape[1]):
            causing += max(sign * net[b, i], 0.0)
        excess = max(sign * flow - limit, 0.0)
        for i in range(net.shape[1]):
            share = max(sign * net[b, i], 0.0) / causing if excess > 0.0 else 0.0
            out[b, i, _OVERLOAD] = share * excess * price * dt


@kernel
def correction_kernel(asked_setpoint, asked_quantity, setpoint, quantity, out):  # type: ignore[no-untyped-def]
    """How far the filter moved set-points and quantity."""
    for b in range(quantity.shape[0]):
        for i in range(quantity.shape[1]):
            moved = abs(asked_quantity[b, i] - quantity[b, i])
            for k in range(setpoint.shape[2]):
                moved += abs(asked_setpoint[b, i, k] - setpoint[b, i, k])
            out[b, i] = moved


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
    imported, exported, lost, moved = np.empty((4, *action.net_load_kw.shape))
    grid = episode.grid[state.step]
    grid_kernel(action.net_load_kw, fills.power_kw, grid, imported, exported, lost)
    correction_kernel(
        proposal.setpoint_kw, proposal.quantity_kw, action.setpoint_kw, action.quantity_kw, moved
    )
    energy_kwh, shortfall_kwh = node.advance(
        scenario.nodes, episode.presence(state.step), state.energy_kwh, action.setpoint_kw
    )
    penalised = np.where(watch.cause == 0, moved, watch.unheard_kw)
    return Flows(imported, exported, lost, energy_kwh, shortfall_kwh, moved, penalised)


def settle(
    scenario: Scenario, episode: Episode, state: State, action: Action, fills: Fills, flow: Flows
) -> Ledger:
    """Money of one step, (batch, agent, entry) [EUR], positive = paid.

    The terminal value falls due in the last step: levels above the start are credited, levels below
    are charged.
    """
    spec, t = scenario.spec, state.step
    entries = np.zeros((*action.net_load_kw.shape, len(LEDGER_ENTRIES)))
    bill_kernel(
        flow.import_kw,
        flow.export_kw,
        fills.power_kw,
        fills.payment_eur,
        episode.retail_eur_per_kwh[t],
        scenario.feed_in_eur_per_kwh,
        scenario.network_fee_eur_per_kwh,
        episode.carbon_eur_per_kwh[t],
        action.shed_kw,
        spec.lost_load_eur_per_kwh,
        spec.dt_h,
        entries,
    )
    wear_kernel(
        action.setpoint_kw,
        episode.start_energy_kwh,
        flow.energy_kwh,
        scenario.nodes.degradation_eur_per_kwh,
        spec.terminal_value_eur_per_kwh if t == scenario.steps - 1 else 0.0,
        flow.shortfall_kwh,
        spec.shortfall_eur_per_kwh,
        flow.penalised_kw,
        spec.reward.filter_penalty_eur_per_kwh,
        spec.dt_h,
        entries,
    )
    feeder = spec.feeder
    overload_kernel(
        action.net_load_kw, feeder.limit_kw, feeder.overload_eur_per_kwh, spec.dt_h, entries
    )
    balance = np.zeros(fills.payment_eur.shape[0])
    for agent in range(fills.payment_eur.shape[1]):
        balance += fills.payment_eur[:, agent]
    return Ledger(entries, balance)

"""Invariants: energy and money balance in every step, whatever the agents ask for."""

from typing import Final

import numpy as np

from p2p_market.community.episode.episode import Episode
from p2p_market.community.records import LEDGER_COLUMN, Action, Flows, Ledger, State
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import kernel
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


@kernel
def agent_kernel(  # type: ignore[no-untyped-def]
    load, pv, setpoint, curtailed, shed, fill, imported, exported, lost, limit,
    before, after, shortfall, departs, trip, retention, charge, discharge, e_min, e_max, out,
):  # fmt: skip
    """Residual of the laws of an agent, rows 0 to 3 of `out` (law, batch, agent)."""
    for b in range(load.shape[0]):
        for i in range(load.shape[1]):
            into, storage, bound = 0.0, 0.0, 0.0
            for k in range(setpoint.shape[2]):
                p = setpoint[b, i, k]
                into += p
                gained = charge[i, k] * max(p, 0.0) - discharge[i, k] * max(-p, 0.0)
                level = after[b, i, k]
                moved = shortfall[b, i, k] - departs[b, i, k] * trip[b, i, k]
                storage += abs(level - retention[i, k] * before[b, i, k] - gained - moved)
                bound = max(bound, max(level - e_max[i, k], e_min[i, k] - level))
            served = load[b, i] - shed[b, i] + into
            received = fill[b, i] + imported[b, i] - exported[b, i] - lost[b, i]
            supplied = pv[b, i] - curtailed[b, i] + received
            out[0, b, i] = abs(served - supplied)
            out[1, b, i] = storage
            out[2, b, i] = bound
            out[3, b, i] = max(
                abs(received) - limit,
                max(max(-curtailed[b, i], curtailed[b, i] - pv[b, i]),
                    max(-shed[b, i], shed[b, i] - load[b, i])),
            )  # fmt: skip


@kernel
def community_kernel(  # type: ignore[no-untyped-def]
    net, fill, imported, exported, lost, entries, balance, grid, loss_share, limit, out
):
    """Residual of the community's laws, rows 4 to 6 of `out`; `limit` inf: not binding."""
    for b in range(net.shape[0]):
        flow, traded, exchange, loss, due, paid = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(net.shape[1]):
            flow += net[b, i]
            traded += fill[b, i]
            exchange += imported[b, i] + exported[b, i]
            loss += lost[b, i]
            due += max(-fill[b, i], 0.0) * loss_share / (1.0 - loss_share)
            paid += entries[b, i, _P2P]
        # In an outage nothing flows through the feeder, and only line losses may be lost.
        beyond = abs(loss - (1.0 - grid[b]) * due) + (1.0 - grid[b]) * exchange
        if grid[b] > 0.0:
            beyond = max(beyond, abs(flow) - limit)
        for i in range(net.shape[1]):
            out[4, b, i] = abs(traded)
            out[5, b, i] = beyond
            out[6, b, i] = abs(paid - balance[b])


@kernel
def latch_kernel(residual, hold_steps, cause, out_cause, out_held):  # type: ignore[no-untyped-def]
    """Latch agents that broke a law; returns how many did."""
    found = 0
    for b in range(residual.shape[1]):
        for i in range(residual.shape[2]):
            wrong = False
            for law in range(residual.shape[0]):
                wrong = wrong or not residual[law, b, i] <= TOLERANCE
            if wrong:
                found += 1
                out_cause[b, i] = cause
                out_held[b, i] = hold_steps
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
    nodes, t = scenario.nodes, state.step
    presence = episode.presence(t)
    out = np.empty((len(LAWS), *action.net_load_kw.shape))
    agent_kernel(
        episode.load_kw[t], episode.pv_kw[t], action.setpoint_kw, action.curtailed_kw,
        action.shed_kw, fills.power_kw, flow.import_kw, flow.export_kw, flow.line_loss_kw,
        scenario.spec.connection_limit_kw, state.energy_kwh, flow.energy_kwh,
        flow.shortfall_kwh, presence.departs, presence.trip_kwh, nodes.retention,
        nodes.charge_gain_h, nodes.discharge_gain_h, nodes.energy_min_kwh, nodes.energy_max_kwh,
        out,
    )  # fmt: skip
    feeder, loss_share = scenario.spec.feeder, scenario.spec.fees.loss_share
    community_kernel(
        action.net_load_kw, fills.power_kw, flow.import_kw, flow.export_kw, flow.line_loss_kw,
        ledger.entries_eur, ledger.operator_balance_eur, episode.grid[t], loss_share,
        feeder.limit_kw if feeder.mode == "binding" else np.inf, out,
    )  # fmt: skip
    return out


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

"""Agreements inside a step of the engine: talk, match, settle, remember; nothing where none are.

They move money and match orders, never devices: no set-point, net load or limit is changed.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from p2p_market.community.coordination.agreements import talk_kernel
from p2p_market.community.coordination.coalition import belongs, gather
from p2p_market.community.coordination.delivery import deliver, reference, settle_differences
from p2p_market.community.coordination.records import NOBODY, Agreements
from p2p_market.community.coordination.terms import packed_terms
from p2p_market.community.episode.episode import Episode
from p2p_market.community.kernel_inputs import now_of, packed_rules
from p2p_market.community.records import LEDGER_COLUMN, Action, Ledger, Proposal, State, Watch
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import kernel
from p2p_market.market.book import Fills
from p2p_market.records import FloatArray

_PAID = tuple(
    LEDGER_COLUMN[name] for name in ("p2p_payment", "grid_import", "grid_export", "network_fee")
)


@kernel(forceinline=True)
def match_kernel(rules, terms, t, now, action, cause, further, out_orders, out):  # type: ignore[no-untyped-def]
    """What is matched before the auction; `out_orders` (3, batch, agent) is what is left of it.

    Its rows: orders [kW], their prices, and net loads that are left [kW].
    """
    net = action.net_load_kw
    for b in range(net.shape[0]):
        order_kw, price, left_kw = out_orders[0, b], out_orders[1, b], out_orders[2, b]
        for i in range(net.shape[1]):
            order_kw[i] = action.quantity_kw[b, i]
            price[i] = action.price_eur_per_kwh[b, i]
            left_kw[i] = net[b, i] if cause[b, i] == 0 else 0.0
        deliver(rules, terms, t, b, further[b], left_kw, order_kw, out)
        if terms.coalitions and belongs(out.coalition[b]):
            gather(
                rules, terms, b, cause[b], now.floor[b], now.cap[b], left_kw, order_kw, price, out
            )


@kernel(forceinline=True)
def settle_kernel(rules, terms, t, now, out_fills, out):  # type: ignore[no-untyped-def]
    """Differences, and what agreements matched and moved, into the fills of the auction."""
    for b in range(out.money_eur.shape[0]):
        hub_price = out_fills.clearing_price_eur_per_kwh[b]
        price = reference(rules, terms, now.floor[b], now.cap[b], hub_price)
        settle_differences(rules, terms, t, b, price, out)
        for i in range(out.money_eur.shape[1]):
            out_fills.power_kw[b, i] += out.matched_kw[b, i]
            out_fills.payment_eur[b, i] += out.money_eur[b, i]


@kernel(forceinline=True)
def balance_kernel(terms, money_eur, lost_eur, out_residual):  # type: ignore[no-untyped-def]
    """Add to the last law: money of agreements sums to zero, nobody loses more than its credit."""
    law = out_residual.shape[0] - 1
    for b in range(money_eur.shape[0]):
        total = 0.0
        for i in range(money_eur.shape[1]):
            total += money_eur[b, i]
        for i in range(money_eur.shape[1]):
            out_residual[law, b, i] += abs(total) + max(lost_eur[b, i] - terms.credit, 0.0)


@kernel(forceinline=True)
def remember_kernel(rules, terms, t, now, net_kw, entries_eur, out):  # type: ignore[no-untyped-def]
    """What trading has brought, and how far forecasts for one hour ahead were off."""
    ring = out.claim_kw.shape[2]
    for b in range(net_kw.shape[0]):
        for i in range(net_kw.shape[1]):
            net = net_kw[b, i]
            alone = max(net, 0.0) * now.retail[b, i] - max(-net, 0.0) * now.feed_in[b, i]
            paid = 0.0
            for entry in _PAID:
                paid += entries_eur[b, i, entry]
            out.earned_eur[b, i] += rules.dt_h * alone - paid
            claim = out.claim_kw[b, i, t % ring]
            if not np.isnan(claim):
                out.error_kw[b, i, 0] += abs(claim - net)
                out.error_kw[b, i, 1] += abs(net)
            told = out.shared_to[b, i] != NOBODY
            out.claim_kw[b, i, t % ring] = out.shared_kw[b, i, 0] if told else np.nan


def talk(scenario: Scenario, state: State, asked: Proposal, watch: Watch) -> Any:
    """Sign what was accepted and lay out new proposals; `Agreements.Arrays` that later parts fill.

    Args:
        asked: the proposals after the screen: who is held says nothing.
    """
    if state.agreements is None:
        return None
    rules, terms = packed_rules(scenario), packed_terms(scenario)
    out = Agreements.Arrays(*(array.copy() for array in state.agreements.arrays()))
    talk_kernel(rules, terms, state.step, asked.further, watch.cause, out)
    return out


def match(
    scenario: Scenario, episode: Episode, t: int, asked: Proposal, action: Action, watch: Watch,
    agreed: Any,
) -> Action:  # fmt: skip
    """Match what contracts and coalitions match before the auction; the orders that are left."""
    if agreed is None:
        return action
    rules, terms = packed_rules(scenario), packed_terms(scenario)
    orders = np.empty((3, *action.net_load_kw.shape))
    now, done = now_of(episode, t), action.arrays()
    match_kernel(rules, terms, t, now, done, watch.cause, asked.further, orders, agreed)
    return replace(action, quantity_kw=orders[0], price_eur_per_kwh=orders[1])


def settle(scenario: Scenario, episode: Episode, t: int, fills: Fills, agreed: Any) -> Fills:
    """The fills of the auction with what agreements matched and paid."""
    if agreed is None:
        return fills
    rules, terms = packed_rules(scenario), packed_terms(scenario)
    out = Fills.Arrays(*(column.copy() for column in fills.arrays()))
    settle_kernel(rules, terms, t, now_of(episode, t), out, agreed)
    return Fills(*out)


def checked(scenario: Scenario, residual: FloatArray, agreed: Any) -> FloatArray:
    """Residuals of the invariants, with those of agreements in the last law."""
    if agreed is None:
        return residual
    out = residual.copy()
    balance_kernel(packed_terms(scenario), agreed.money_eur, agreed.lost_eur, out)
    return out


def remember(
    scenario: Scenario, episode: Episode, t: int, action: Action, ledger: Ledger, agreed: Any
) -> Agreements | None:
    """The agreements after the step."""
    if agreed is None:
        return None
    rules, terms, now = packed_rules(scenario), packed_terms(scenario), now_of(episode, t)
    remember_kernel(rules, terms, t, now, action.net_load_kw, ledger.entries_eur, agreed)
    return Agreements(*agreed)

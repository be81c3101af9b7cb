"""Agreements inside the compiled step; each does nothing where a scenario has none, by its type."""

from typing import Any, Final

from p2p_market.community.coordination.agreements import talk_kernel
from p2p_market.community.coordination.records import Agreements
from p2p_market.community.coordination.step import (
    balance_kernel,
    match_kernel,
    remember_kernel,
    settle_kernel,
)
from p2p_market.community.coordination.view import agreed_kernel
from p2p_market.compilation import inner

_Agreements: Final[Any] = Agreements.Arrays


@inner(forceinline=True)
def rows_of(agreements, span):  # type: ignore[no-untyped-def]
    """The agreements of some communities."""
    if agreements is None:
        return None
    a = agreements
    return _Agreements(
        a.contracts[span], a.inbox[span], a.sent[span], a.coalition[span], a.leaves[span],
        a.partner[span], a.days[span], a.shared_kw[span], a.shared_to[span], a.claim_kw[span],
        a.error_kw[span], a.lost_eur[span], a.earned_eur[span], a.proposed[span],
        a.sending[span], a.answered[span], a.reply[span], a.money_eur[span], a.matched_kw[span],
    )  # fmt: skip


@inner(forceinline=True)
def talk(rules, terms, t, work, out_agreements):  # type: ignore[no-untyped-def]
    """See `talk_kernel`."""
    if terms is None:
        return
    talk_kernel(rules, terms, t, work.asked.further, work.watch.cause, out_agreements)


@inner(forceinline=True)
def match(rules, terms, t, work, out_agreements):  # type: ignore[no-untyped-def]
    """See `match_kernel`."""
    if terms is None:
        return
    action, cause, further = work.action, work.watch.cause, work.asked.further
    match_kernel(rules, terms, t, work.now, action, cause, further, work.orders, out_agreements)


@inner(forceinline=True)
def settle(rules, terms, t, work, out_agreements):  # type: ignore[no-untyped-def]
    """See `settle_kernel`."""
    if terms is None:
        return
    settle_kernel(rules, terms, t, work.now, work.fills, out_agreements)


@inner(forceinline=True)
def check(terms, work, agreements):  # type: ignore[no-untyped-def]
    """See `balance_kernel`."""
    if terms is None:
        return
    balance_kernel(terms, agreements.money_eur, agreements.lost_eur, work.residual)


@inner(forceinline=True)
def remember(rules, terms, t, work, out_agreements):  # type: ignore[no-untyped-def]
    """See `remember_kernel`."""
    if terms is None:
        return
    net_kw, entries_eur = work.action.net_load_kw, work.ledger.entries_eur
    remember_kernel(rules, terms, t, work.now, net_kw, entries_eur, out_agreements)


@inner(forceinline=True)
def show(rules, terms, step, common, agreements, out):  # type: ignore[no-untyped-def]
    """See `agreed_kernel`."""
    if terms is None:
        return
    agreed_kernel(rules, terms, step, agreements, common.shape[2], out)

"""Curtailment offers: who cuts its PV first where a binding feeder is full, and at what price.

With `curtailment: offers` a member says how much of its PV it would give up, and for how much. What
the line cannot carry is bought from the cheapest offers first, ties pro rata, each at its own
price; what no offer covers is cut as elsewhere, the same share of everybody's. What is bought is
paid by those who still export, pro rata: a transfer between members, in the column `p2p_payment`.
How much is cut in total is the same as without.
"""

from typing import Final, NamedTuple

import numpy as np

from p2p_market.community.records import LEDGER_COLUMN
from p2p_market.community.scenario.record import Scenario
from p2p_market.compilation import inner
from p2p_market.errors import ScenarioError
from p2p_market.records import FloatArray

AMOUNT: Final = "curtail"
PRICE: Final = "curtail_price"

_P2P = LEDGER_COLUMN["p2p_payment"]


class Offers(NamedTuple):
    """How offers are read."""

    amount: int  # place among the further columns; the price stands after it
    price_max: float
    dt_h: float


def words(scenario: Scenario) -> tuple[tuple[str, str, FloatArray, FloatArray], ...]:
    """Name, unit, lowest and highest of each column, (agent,); none where nobody may offer."""
    if scenario.spec.curtailment != "offers":
        return ()
    pv_kw = scenario.pv_peak_kw
    dearest = np.where(pv_kw > 0.0, float(scenario.spec.price_max_eur_per_kwh), 0.0)
    return (
        (AMOUNT, "kW", 0.0 * pv_kw, pv_kw),
        (PRICE, "EUR/kWh", 0.0 * pv_kw, dearest),
    )


def offers_of(scenario: Scenario, amount: int) -> Offers | None:
    """The rules of offers; None where nobody may offer.

    Args:
        amount: place of that column among the further ones.
    """
    if scenario.spec.curtailment != "offers":
        return None
    spec = scenario.spec
    return Offers(amount, float(spec.price_max_eur_per_kwh), float(spec.dt_h))


def transfers_of(scenario: Scenario, rows: int) -> FloatArray | None:
    """Room for the transfers of so many communities; None where nobody may offer."""
    if scenario.spec.curtailment != "offers":
        return None
    return np.zeros((rows, len(scenario.agents)))


def check_offers(scenario: Scenario) -> None:
    """Check that offers have something to do.

    Raises:
        ScenarioError: if nothing is ever cut at the feeder, or the grid may be gone.
    """
    spec = scenario.spec
    if spec.curtailment != "offers":
        return
    if spec.feeder.mode != "binding":
        raise ScenarioError(
            f"{spec.id}: `curtailment: offers` needs `feeder.mode: binding`, because nothing is "
            "cut elsewhere; add that, or remove curtailment"
        )
    if spec.outages is not None:
        raise ScenarioError(
            f"{spec.id}: outages and `curtailment: offers` cannot be combined, because without "
            "the grid every member cuts for itself; remove one of them"
        )


@inner(forceinline=True)
def forget(offers, out_action):  # type: ignore[no-untyped-def]
    """Nothing has been paid yet."""
    if offers is not None:
        out_action.transfer_eur[:] = 0.0


@inner(forceinline=True)
def _price(offers, further, b, i):  # type: ignore[no-untyped-def]
    return min(max(further[b, i, offers.amount + 1], 0.0), offers.price_max)


@inner(forceinline=True)
def _offered(offers, further, pv, curtailed, b, i):  # type: ignore[no-untyped-def]
    return min(max(further[b, i, offers.amount], 0.0), max(pv[i] - curtailed[i], 0.0))


@inner(forceinline=True)
def buy(offers, further, excess, pv, b, out_action):  # type: ignore[no-untyped-def]
    """Take offers by price until nothing is too much; returns what is left to be cut [kW]."""
    if offers is None:
        return excess
    curtailed, transfer = out_action.curtailed_kw[b], out_action.transfer_eur[b]
    handled = -1.0
    for _ in range(curtailed.shape[0]):
        price, total = np.inf, 0.0
        for i in range(curtailed.shape[0]):
            own = _price(offers, further, b, i)
            if handled < own < price and _offered(offers, further, pv, curtailed, b, i) > 0.0:
                price = own
        if excess <= 0.0 or price == np.inf:
            break
        for i in range(curtailed.shape[0]):
            if _price(offers, further, b, i) == price:
                total += _offered(offers, further, pv, curtailed, b, i)
        share = min(excess / total, 1.0)
        for i in range(curtailed.shape[0]):
            if _price(offers, further, b, i) == price:
                taken = share * _offered(offers, further, pv, curtailed, b, i)
                curtailed[i] += taken
                transfer[i] -= taken * price * offers.dt_h
        excess = max(excess - share * total, 0.0)
        handled = price
    return excess


@inner(forceinline=True)
def share_out(offers, b, out_action):  # type: ignore[no-untyped-def]
    """Who still exports pays what offers cost, in proportion."""
    if offers is None:
        return
    net, transfer = out_action.net_load_kw[b], out_action.transfer_eur[b]
    due, exported = 0.0, 0.0
    for i in range(net.shape[0]):
        due -= transfer[i]
        exported += max(-net[i], 0.0)
    if exported <= 0.0:
        return
    for i in range(net.shape[0]):
        transfer[i] += due * max(-net[i], 0.0) / exported


@inner(forceinline=True)
def book(offers, action, out_entries):  # type: ignore[no-untyped-def]
    """Enter the transfers into the ledger."""
    if offers is None:
        return
    for b in range(out_entries.shape[0]):
        for i in range(out_entries.shape[1]):
            out_entries[b, i, _P2P] += action.transfer_eur[b, i]

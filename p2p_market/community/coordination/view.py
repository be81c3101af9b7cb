"""What members see of agreements: the last features of an observation."""

from typing import Any, Final

import numpy as np

from p2p_market.community.coordination.credit import most_eur
from p2p_market.community.coordination.membership import size_of
from p2p_market.community.coordination.records import (
    BACKUP,
    BUYER,
    COALITION,
    END,
    EVERYBODY,
    FORWARD,
    KIND,
    MOST_OPEN,
    NOBODY,
    PREMIUM,
    PRICE,
    QUANTITY,
    SELLER,
    SLOTS,
    START,
)
from p2p_market.community.coordination.terms import packed_terms
from p2p_market.community.kernel_inputs import packed_rules
from p2p_market.community.records import State
from p2p_market.community.scenario.record import Scenario
from p2p_market.compilation import inner, kernel
from p2p_market.data.forecast import HORIZONS_H
from p2p_market.records import Float32Array
from p2p_market.track import Feature

PER_SLOT: Final = 9
_POSITION: Final = PER_SLOT * SLOTS
_HORIZONS: Final = len(HORIZONS_H)
_TIMES: Final = 1 + _HORIZONS
_PRICE, _EXPOSURE, _CREDIT, _OPPORTUNITY, _SIZE, _SENDERS, _ERROR = range(
    _POSITION + _TIMES, _POSITION + _TIMES + 7
)
_SHARED: Final = _ERROR + 1
LARGEST_ERROR: Final = 10.0
"""A sender whose forecasts are off by more than so many times its net load is shown with this."""


def agreed_features(scenario: Scenario) -> list[Feature]:
    """The inbox, the open contracts, the credit, and what others forecast; in this order."""
    setting = scenario.spec.coordination
    if setting is None:
        return []
    n, limit = len(scenario.agents), scenario.spec.connection_limit_kw
    most, price = setting.max_kw, scenario.spec.price_max_eur_per_kwh
    longest_h = max(setting.max_h, 24.0 * max(1.0, float(np.floor(setting.max_h / 24.0 + 0.5))))
    table = []
    for slot in range(SLOTS):
        table += [
            *(Feature(f"inbox_{k}_{slot}", "1", 0.0, 1.0) for k in ("forward", "backup")),
            Feature(f"inbox_coalition_{slot}", "1", 0.0, 1.0),
            Feature(f"inbox_sender_{slot}", "1", 0.0, float(n)),
            Feature(f"inbox_quantity_{slot}", "kW", -most, most),
            Feature(f"inbox_price_{slot}", "EUR/kWh", 0.0, price),
            Feature(f"inbox_premium_{slot}", "EUR", 0.0, setting.max_premium_eur),
            Feature(f"inbox_start_{slot}", "h", 0.0, max(setting.ahead_h, 2.0 * scenario.dt_h)),
            Feature(f"inbox_length_{slot}", "h", 0.0, longest_h),
        ]
    open_kw = MOST_OPEN * most
    table.append(Feature("position", "kW", -open_kw, open_kw))
    table += [Feature(f"position_in_{h}h", "kW", -open_kw, open_kw) for h in HORIZONS_H]
    table += [
        Feature("position_price", "EUR/kWh", 0.0, price),
        Feature("exposure", "EUR", 0.0, setting.credit_eur),
        Feature("credit_left", "EUR", 0.0, setting.credit_eur),
        Feature("opportunity", "1", 0.0, 1.0),
        Feature("coalition_size", "1", 0.0, float(n)),
        Feature("shared_senders", "1", 0.0, float(n)),
        Feature("shared_error", "1", 0.0, LARGEST_ERROR),
    ]
    return table + [Feature(f"shared_in_{h}h", "kW", -n * limit, n * limit) for h in HORIZONS_H]


@kernel(forceinline=True)
def agreed_kernel(rules, terms, t, agreed, first, out):  # type: ignore[no-untyped-def]
    """Write the features of all members before step t, from a place on, (batch, agent, feature)."""
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            own = out[b, i, first:]
            for c in range(_SIZE):
                own[c] = 0.0
            own[_OPPORTUNITY] = 1.0 if agreed.inbox[b, i, 0, KIND] != 0.0 else 0.0
            for slot in range(SLOTS):
                row = agreed.inbox[b, i, slot]
                if row[KIND] == 0.0:
                    break
                _show_proposal(rules, terms, t, row, own[PER_SLOT * slot :])
            own[_SIZE] = size_of(agreed.coalition[b], i)
        if terms.forecasts:
            _show_forecasts(agreed, b, first, out[b])
        _show_contracts(rules, terms, t, agreed.contracts[b], first, out[b])
        for i in range(out.shape[1]):
            left = terms.credit - max(agreed.lost_eur[b, i], 0.0) - out[b, i, first + _EXPOSURE]
            out[b, i, first + _CREDIT] = max(left, 0.0)


@inner(forceinline=True)
def _show_proposal(rules, terms, t, row, own):  # type: ignore[no-untyped-def]
    """One slot of the inbox; a quantity above 0 is what the receiver would buy."""
    own[int(row[KIND]) - FORWARD] = 1.0
    own[BACKUP + 1] = row[BUYER] + 1.0
    own[BACKUP + 2] = -row[QUANTITY]
    own[BACKUP + 3] = row[PRICE]
    own[BACKUP + 4] = row[PREMIUM]
    if row[KIND] == COALITION:
        own[BACKUP + 6] = row[END] * terms.per_day * rules.dt_h
    else:
        own[BACKUP + 5] = max(row[START] - t, 0.0) * rules.dt_h
        own[BACKUP + 6] = (row[END] - row[START]) * rules.dt_h


@inner(forceinline=True)
def _show_contracts(rules, terms, t, contracts, first, out):  # type: ignore[no-untyped-def]
    """What members have bought less what they have sold, now and later, mean price, exposure.

    The sum of quantities stands in the place of the credit until all are known.
    """
    for c in range(contracts.shape[0]):
        row = contracts[c]
        kind, quantity, price, start, end = (
            row[KIND],
            row[QUANTITY],
            row[PRICE],
            row[START],
            row[END],
        )
        if kind == 0.0:
            break
        buyer, seller = out[int(row[BUYER]), first:], out[int(row[SELLER]), first:]
        steps = end - max(start, t)
        buyer[_CREDIT] += quantity
        seller[_CREDIT] += quantity
        buyer[_PRICE] += quantity * price
        seller[_PRICE] += quantity * price
        buyer[_EXPOSURE] += most_eur(rules, terms, kind, quantity, price, steps, True)
        seller[_EXPOSURE] += most_eur(rules, terms, kind, quantity, price, steps, False)
        for ahead in range(_TIMES):
            then = t if ahead == 0 else t + rules.ahead[ahead - 1]
            kw = quantity if (start <= then) & (then < end) else 0.0
            buyer[_POSITION + ahead] += kw
            seller[_POSITION + ahead] -= kw
    most_kw = MOST_OPEN * terms.max_kw
    for i in range(out.shape[0]):
        own = out[i, first:]
        if own[_CREDIT] > 0.0:
            own[_PRICE] = min(own[_PRICE] / own[_CREDIT], rules.price_max)
            own[_EXPOSURE] = min(own[_EXPOSURE], terms.credit)
            for ahead in range(_TIMES):
                own[_POSITION + ahead] = min(max(own[_POSITION + ahead], -most_kw), most_kw)


@inner(forceinline=True)
def _show_forecasts(agreed, b, first, out):  # type: ignore[no-untyped-def]
    """Sum of what others forecast for each member, and how far their forecasts were off so far.

    Sums are taken sender by sender, so that no receiver's has to wait for its own last addition.
    """
    agents = out.shape[0]
    for i in range(agents):
        own = out[i, first:]
        for h in range(_HORIZONS):
            own[_SHARED + h] = 0.0
    for j in range(agents):
        to = agreed.shared_to[b, j]
        if to == NOBODY:
            continue
        one, last = (0, agents) if to == EVERYBODY else (to, to + 1)
        for i in range(one, last):
            if i != j:
                own = out[i, first:]
                for h in range(_HORIZONS):
                    own[_SHARED + h] += agreed.shared_kw[b, j, h]
    for i in range(agents):
        own, senders, off, net = out[i, first:], 0.0, 0.0, 0.0
        for j in range(agents):
            to = agreed.shared_to[b, j]
            heard = 1.0 if j != i and to in (EVERYBODY, i) else 0.0
            senders += heard
            off += heard * agreed.error_kw[b, j, 0]
            net += heard * agreed.error_kw[b, j, 1]
        own[_SENDERS] = senders
        own[_ERROR] = min(off / net, LARGEST_ERROR) if net > 0.0 else 0.0


def with_agreements(scenario: Scenario, state: State, observation: Float32Array) -> Float32Array:
    """Observations with the features of agreements behind them, where there are any."""
    if state.agreements is None:
        return observation
    shape = (*observation.shape[:2], len(agreed_features(scenario)))
    out = np.zeros(shape, dtype=np.float32)
    arrays: Any = state.agreements.arrays()
    agreed_kernel(packed_rules(scenario), packed_terms(scenario), state.step, arrays, 0, out)
    return np.concatenate([observation, out], axis=2)

"""Signing: what is proposed in a step is answered in the next, in the order of the proposers."""

from typing import Final

from p2p_market.community.coordination.credit import fits, most_eur, open_contracts
from p2p_market.community.coordination.membership import apply_midnight, pledge
from p2p_market.community.coordination.proposals import chosen, peer_of, propose, said
from p2p_market.community.coordination.records import (
    BACKUP,
    BUYER,
    COALITION,
    END,
    EVERYBODY,
    FIELDS,
    KIND,
    MOST_OPEN,
    NOBODY,
    OUTCOMES,
    PREMIUM,
    PRICE,
    QUANTITY,
    SELLER,
    SLOTS,
    START,
)
from p2p_market.compilation import inner, kernel

_SENT, _SIGNED, _REFUSED, _INBOX_FULL, _TOO_LATE, _HELD, _OPEN, _CREDIT, _CAPITAL = (
    OUTCOMES.index(name)
    for name in (
        "sent", "signed", "refused", "inbox_full", "too_late", "held", "open", "credit", "capital",
    )
)  # fmt: skip
TO_ONE: Final = 1
TO_ALL: Final = 2
"""From here on a forecast is for the peer, for all."""


@kernel(forceinline=True)
def talk_kernel(rules, terms, t, further, cause, out):  # type: ignore[no-untyped-def]
    """Midnight, answers, new proposals and forecasts of a step, into the agreements."""
    for b in range(cause.shape[0]):
        if t > 0 and t % terms.per_day == 0:
            apply_midnight(terms, t, out.coalition[b], out.leaves[b], out.partner[b], out.days[b])
        for i in range(cause.shape[1]):
            out.money_eur[b, i] = 0.0
            out.matched_kw[b, i] = 0.0
            out.reply[b, i] = 0
            for slot in range(SLOTS):
                out.answered[b, i, slot] = 0
        for i in range(cause.shape[1]):
            place = out.sent[b, i]
            if place != NOBODY:
                receiver, slot = place // SLOTS, place % SLOTS
                yes = said(further[b, receiver], terms.at.answer + slot) > 0.0
                free = cause[b, i] == 0 and cause[b, receiver] == 0
                row = out.inbox[b, receiver, slot]
                code = _answer(rules, terms, t, b, row, yes, free, out)
                out.answered[b, receiver, slot] = code
                out.reply[b, i] = code
        _send(rules, terms, t, b, further[b], cause[b], out)
        if terms.forecasts:
            _share(rules, terms, b, further[b], cause[b], out)


@inner(forceinline=True)
def _answer(rules, terms, t, b, row, yes, free, out):  # type: ignore[no-untyped-def]
    """Sign a proposal if everything allows it; returns what became of it."""
    proposer, receiver, kind = int(row[BUYER]), int(row[SELLER]), int(row[KIND])
    if not yes:
        return _REFUSED
    if not free:
        return _HELD
    if kind == COALITION:
        return pledge(terms, t, b, proposer, receiver, int(row[END]), out)
    buyer, seller = (proposer, receiver) if row[QUANTITY] > 0.0 else (receiver, proposer)
    quantity, contracts, lost = abs(row[QUANTITY]), out.contracts[b], out.lost_eur[b]
    premium = row[PREMIUM] if kind == BACKUP else 0.0
    steps = row[END] - row[START]
    bought = most_eur(rules, terms, kind, quantity, row[PRICE], steps, True)
    sold = most_eur(rules, terms, kind, quantity, row[PRICE], steps, False)
    place, many, more, buyer_eur, seller_eur = open_contracts(
        rules, terms, t, contracts, buyer, seller
    )
    if max(many, more) >= MOST_OPEN:
        return _OPEN
    if premium > terms.capital + out.earned_eur[b, buyer]:
        return _CAPITAL
    able = fits(terms, lost[buyer] + premium, buyer_eur, bought)
    if not (able and fits(terms, lost[seller], seller_eur, sold)):
        return _CREDIT
    for c in range(FIELDS):
        contracts[place, c] = row[c]
    contracts[place, BUYER] = buyer
    contracts[place, SELLER] = seller
    contracts[place, QUANTITY] = quantity
    contracts[place, PREMIUM] = premium
    _pay(b, buyer, seller, premium, out)
    return _SIGNED


@inner(forceinline=True)
def _pay(b, payer, receiver, eur, out):  # type: ignore[no-untyped-def]
    """Move money that is a loss of who pays it."""
    out.money_eur[b, payer] += eur
    out.money_eur[b, receiver] -= eur
    out.lost_eur[b, payer] += eur
    out.lost_eur[b, receiver] -= eur


pay: Final = _pay


@inner(forceinline=True)
def _send(rules, terms, t, b, further, cause, out):  # type: ignore[no-untyped-def]
    """Lay the proposals of a step into inboxes; who is first changes by the step."""
    agents, inbox = further.shape[0], out.inbox[b]
    for i in range(agents):
        _empty(inbox[i])
        row = out.proposed[b, i]
        in_time = propose(rules, terms, t, further[i], i, agents, row)
        out.sending[b, i] = 0 if in_time else _TOO_LATE
        if cause[i] != 0:
            out.sending[b, i] = 0
            for c in range(FIELDS):
                row[c] = 0.0
    first = t % agents
    for turn in range(first, first + agents):
        i = turn if turn < agents else turn - agents
        row = out.proposed[b, i]
        out.sent[b, i] = NOBODY
        if row[KIND] != 0.0:
            receiver, slot = int(row[SELLER]), 0
            while slot < SLOTS and inbox[receiver, slot, KIND] != 0.0:
                slot += 1
            if slot == SLOTS:
                out.sending[b, i] = _INBOX_FULL
            else:
                out.sending[b, i] = _SENT
                out.sent[b, i] = SLOTS * receiver + slot
                for c in range(FIELDS):
                    inbox[receiver, slot, c] = row[c]


@inner(forceinline=True)
def _empty(slots):  # type: ignore[no-untyped-def]
    """Clear the places of an inbox, which are filled from the first on."""
    for slot in range(SLOTS):
        if slots[slot, KIND] == 0.0:
            break
        for c in range(FIELDS):
            slots[slot, c] = 0.0


@inner(forceinline=True)
def _share(rules, terms, b, further, cause, out):  # type: ignore[no-untyped-def]
    """Keep what is forecast for others to see in the next step."""
    agents, limit = further.shape[0], rules.connection_limit_kw
    for i in range(agents):
        share = chosen(further[i], terms.at.share) if cause[i] == 0 else 0
        one = peer_of(terms, further[i], i, agents) if share >= TO_ONE else NOBODY
        to = EVERYBODY if share >= TO_ALL else one
        out.shared_to[b, i] = to
        for h in range(out.shared_kw.shape[2]):
            kw = min(max(further[i, terms.at.forecast + h], -limit), limit)
            out.shared_kw[b, i, h] = kw if to != NOBODY else 0.0

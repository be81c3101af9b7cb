"""What agreements hold between steps: plain arrays, a part of the state."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from p2p_market.records import FloatArray, IntArray, Record, for_kernels

KIND, BUYER, SELLER, QUANTITY, PRICE, START, END, PREMIUM = range(8)
"""Numbers of a contract: kind, indices of the parties, kW, EUR/kWh, first step, step after the last
one, EUR. A proposal has its sender in place of the buyer and its receiver in place of the seller,
and a quantity above 0 where the sender buys; for a coalition `END` is a number of days."""
FIELDS: Final = 8

NONE, FORWARD, BACKUP, COALITION = range(4)
"""Kinds of a proposal."""

MOST_OPEN: Final = 8
"""Contracts that a member may have at a time."""
SLOTS: Final = 4
"""Places of an inbox."""
NOBODY: Final = -1
EVERYBODY: Final = -2
"""Who a forecast is for, where it is not a member."""

OUTCOMES: Final = (
    "none",
    "sent",  # a proposal lies in the inbox of its receiver
    "signed",
    "refused",  # or not answered
    "inbox_full",
    "too_late",  # no window is left before the end of the episode
    "held",  # the supervisor holds one of the parties
    "open",  # one of the parties has as many contracts as it may
    "credit",  # it could cost one of the parties more than its credit
    "capital",  # the buyer cannot pay the premium
    "coalition",  # the coalition is full, or both belong to one already
)
"""What became of a proposal or of an answer."""


@for_kernels
@dataclass(frozen=True, slots=True)
class Agreements(Record):
    """All that agreements carry from step to step, and what became of the messages of the last."""

    contracts: FloatArray  # (batch, contract, field), in order of signing, open ones first
    inbox: FloatArray  # (batch, agent, slot, field), proposals that may be answered now
    sent: IntArray  # (batch, agent), place of the own one: SLOTS * receiver + slot, or NOBODY
    coalition: IntArray  # (batch, agent), lowest index in its coalition, or NOBODY
    leaves: IntArray  # (batch, agent), step at which its membership ends
    partner: IntArray  # (batch, agent), whom it joins at midnight, or NOBODY
    days: IntArray  # (batch, agent), for how long
    shared_kw: FloatArray  # (batch, agent, horizon), forecast of the own net load
    shared_to: IntArray  # (batch, agent), a member, EVERYBODY or NOBODY
    claim_kw: FloatArray  # (batch, agent, step of the hour), forecasts for 1 h ahead, nan = none
    error_kw: FloatArray  # (batch, agent, 2), sums over claims of |error| and of |net load|
    lost_eur: FloatArray  # (batch, agent), premiums, differences and damages paid so far
    earned_eur: FloatArray  # (batch, agent), what trading has brought so far
    proposed: FloatArray  # (batch, agent, field), of the last step, as the filter left it
    sending: IntArray  # (batch, agent), what became of it, in OUTCOMES
    answered: IntArray  # (batch, agent, slot), what became of each answer
    reply: IntArray  # (batch, agent), what became of the own proposal of the step before
    money_eur: FloatArray  # (batch, agent), paid by agreements in the last step, sums to 0
    matched_kw: FloatArray  # (batch, agent), what agreements traded, > 0 bought, sums to 0


def nothing_agreed(batch: int, agents: int, horizons: int, steps_per_h: int) -> Agreements:
    """No contract, no coalition, no message."""
    shape = (batch, agents)
    nobody = np.full(shape, NOBODY, dtype=np.int64)
    return Agreements(
        contracts=np.zeros((batch, agents * MOST_OPEN // 2, FIELDS)),
        inbox=np.zeros((*shape, SLOTS, FIELDS)),
        sent=nobody.copy(),
        coalition=nobody.copy(),
        leaves=np.zeros(shape, dtype=np.int64),
        partner=nobody.copy(),
        days=np.zeros(shape, dtype=np.int64),
        shared_kw=np.zeros((*shape, horizons)),
        shared_to=nobody.copy(),
        claim_kw=np.full((*shape, steps_per_h), np.nan),
        error_kw=np.zeros((*shape, 2)),
        lost_eur=np.zeros(shape),
        earned_eur=np.zeros(shape),
        proposed=np.zeros((*shape, FIELDS)),
        sending=np.zeros(shape, dtype=np.int64),
        answered=np.zeros((*shape, SLOTS), dtype=np.int64),
        reply=np.zeros(shape, dtype=np.int64),
        money_eur=np.zeros(shape),
        matched_kw=np.zeros(shape),
    )

"""What flows between the rooms of the track: frozen records of plain arrays.

Axes stand in this order: `(batch, agent)`, series `(batch, step)`. Power is in MW and positive into
the battery (charge, buy); money is in EUR and positive when paid. Prices are in EUR/MWh, those of
reserve capacity in EUR/MW/h.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from p2p_market.records import FloatArray, IntArray, Record, for_kernels

LEDGER_ENTRIES: Final = (
    "dam",  # the day-ahead position at its price, delivered or not
    "dam_penalty",
    "afrr_capacity",  # negative: paid for being ready
    "afrr_energy",
    "afrr_penalty",
    "intraday",
    "mfrr",
    "degradation",
    "terminal",  # negative: more is stored at the end than at the start
    "dam_bonus",
    "afrr_bonus",
    "soc_buffer",
    "shortfall_risk",
)
"""Columns of the ledger, EUR per battery and step, positive when paid."""

SHAPING: Final = ("dam_bonus", "afrr_bonus", "soc_buffer", "shortfall_risk")
"""Entries of the reward that nobody pays."""

SOCIAL: Final = tuple(entry for entry in LEDGER_ENTRIES if entry not in SHAPING)

CAUSES: Final = (
    "none",
    "missing",  # no message arrived
    "non_finite",  # a number is NaN or infinite
    "no_choice",  # an index is not one of the choices
    "held",  # nothing new is wrong, but a clean interval has not passed yet
)
"""Why the supervisor holds a battery: it offers and trades nothing, its position is delivered."""

TIERS: Final = (0.70, 0.85, 1.00, 1.15, 1.30)
"""Prices at which reserve is offered, over the reference."""

MARKET: Final[Mapping[str, str]] = {
    "day_ahead": "EUR/MWh",
    "intraday": "EUR/MWh",  # middle of bid and ask, without the fleet's own volume
    "spread": "EUR/MWh",  # between bid and ask
    "imbalance": "MW",  # positive: the system is short
    "afrr_up": "EUR/MWh",  # earned by discharging
    "afrr_down": "EUR/MWh",  # paid for charging
    "afrr_cap_up": "EUR/MW/h",
    "afrr_cap_down": "EUR/MW/h",
    "marginal": "1",  # an offer is accepted where its tier is not above
    "activation": "1",  # of reserve: 1 up, -1 down, 0 none
    "mfrr_up": "EUR/MWh",  # earned by selling where the system calls up
    "mfrr_down": "EUR/MWh",  # paid for buying where it calls down
    "mfrr_call": "1",  # 1 up, -1 down, 2 both, 0 none
}
"""Columns of `Episode.market` and their units."""

COLUMN: Final[Mapping[str, int]] = {name: number for number, name in enumerate(MARKET)}


@for_kernels
@dataclass(frozen=True, slots=True)
class State(Record):
    """All that changes from step to step."""

    step: int  # 0 .. steps; all batteries share the clock
    level_mwh: FloatArray  # (batch, agent)
    hold_steps: IntArray  # (batch, agent), clean steps left until the supervisor lets go
    accepted_mw: FloatArray  # (batch, agent), reserve of the step before
    quiet_h: FloatArray  # (batch, agent), since the last own activation, 24 at most
    shortfall_risk: FloatArray  # (batch, agent), unserved share of what is committed next
    intraday_eur_per_mwh: FloatArray  # (batch,), realised in the step before
    position_mw: FloatArray  # (batch, agent, hour), sold or bought day-ahead


@for_kernels
@dataclass(frozen=True, slots=True)
class Order(Record):
    """What the batteries ask for in one step, in physical units."""

    offer_mw: FloatArray  # (batch, agent), reserve in both directions at once, >= 0
    tier: IntArray  # (batch, agent), index into TIERS
    wish_mw: FloatArray  # (batch, agent), energy at once, positive = buy
    bid_mw: FloatArray  # (batch, agent, 24): tomorrow's position; no hours where it is given
    fault: IntArray  # (batch, agent), index into CAUSES: what is wrong with the message


@for_kernels
@dataclass(frozen=True, slots=True)
class Dispatch(Record):
    """Everything one step produced."""

    cause: IntArray  # (batch, agent), index into CAUSES
    accepted_mw: FloatArray  # (batch, agent), reserve that is paid
    dam_mw: FloatArray  # (batch, agent), delivered of the position
    afrr_mw: FloatArray  # (batch, agent), delivered of the reserve
    energy_mw: FloatArray  # (batch, agent), traded at once
    level_mwh: FloatArray  # (batch, agent), after the step
    entries_eur: FloatArray  # (batch, agent, entry)
    reward: FloatArray  # (batch, agent), 1 = 1,000 EUR
    intraday_eur_per_mwh: FloatArray  # (batch,), realised

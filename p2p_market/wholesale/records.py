"""What flows between the rooms of the track: frozen records of plain arrays.

Axes stand in this order: `(batch, unit)`, series `(batch, step, unit)`. Power is in MW. `output_mw`
of a generator is what it produces; `power_mw` of a storage is positive when it charges. Money is in
EUR and positive when paid; prices are in EUR/MWh.
"""

from dataclasses import dataclass
from typing import Final

from p2p_market.records import FloatArray, IntArray, Record, for_kernels

ROLES: Final = ("generator", "storage", "consumer", "operator")

LEDGER_ENTRIES: Final = (
    "market",  # energy at the clearing price; sums to zero
    "generation",  # fuel and carbon
    "wear",
    "discomfort",
    "backlog",  # of what is deferred beyond the end
    "lost_load",
    "shed_load",  # by relays
    "dumped",
    "response",  # paid for room to respond to frequency; sums to zero
    "frequency",
    "voltage",
    "terminal",  # negative: more is stored at the end than at the start
)
"""Columns of the ledger, EUR per agent and step, positive when paid."""

TRANSFERS: Final = ("market", "response")
SOCIAL: Final = tuple(entry for entry in LEDGER_ENTRIES if entry not in TRANSFERS)

CAUSES: Final = (
    "none",
    "missing",  # no message arrived
    "non_finite",  # a number is NaN or infinite
    "no_choice",  # an index is not one of the choices
    "held",  # nothing new is wrong, but a clean interval has not passed yet
)
"""Why the supervisor holds an agent: it plays the fallback of its role."""

LEVELS_EUR_PER_MWH: Final = (
    20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 65.0,
    70.0, 75.0, 80.0, 90.0, 100.0, 110.0, 120.0, 140.0, 160.0, 200.0,
)  # fmt: skip
"""Prices at which a generator may offer."""

RESERVE_LEVELS: Final = 5
TAPS: Final = 5  # from -2 to 2
NORMAL, ALERT, EMERGENCY = 0, 1, 2
"""States of the system."""
RECOVERY_STEPS: Final = 3  # clean steps until the system counts as normal again
EMERGENCY_HZ: Final = 0.5
FIRST_PRICE_EUR_PER_MWH: Final = 50.0
"""What stands for the last price before the first step."""
FILLS: Final = 6  # steps of own fills that a generator sees
HOUR: Final = 12  # steps of five minutes over which profits are averaged
LONGEST_AWAY_H: Final = 24.0


@for_kernels
@dataclass(frozen=True, slots=True)
class Order(Record):
    """What agents ask for in one step, in physical units."""

    level: IntArray  # (batch, generator), index into LEVELS_EUR_PER_MWH
    share: FloatArray  # (batch, generator), offered of what lies above the lower bound, 0 to 1
    power_mw: FloatArray  # (batch, storage), positive = charge
    limit_eur_per_mwh: FloatArray  # (batch, storage)
    adjustment: FloatArray  # (batch, consumer), share of the flexible load that may be reduced
    response_eur_per_mwh: FloatArray  # (batch, consumer), price below which it is not reduced
    reserve_level: IntArray  # (batch,), 0 to 4
    tap: IntArray  # (batch,), -2 to 2
    fault: IntArray  # (batch, agent), index into CAUSES: what is wrong with the message


@for_kernels
@dataclass(frozen=True, slots=True)
class Dispatch(Record):
    """Everything one step produced. Orders: must-run, offers, storages, firm, wanted, offered."""

    cause: IntArray  # (batch, agent), index into CAUSES
    bid_level: IntArray  # (batch, generator), as executed
    offered_share: FloatArray  # (batch, generator), as executed
    adjustment: FloatArray  # (batch, consumer), as executed
    order_mw: FloatArray  # (batch, order), positive = buy
    order_eur_per_mwh: FloatArray  # (batch, order), limit
    fill_mw: FloatArray  # (batch, order), what the auction matched
    price_eur_per_mwh: FloatArray  # (batch,), clearing price
    low_mw: FloatArray  # (batch, generator), least output of the step
    high_mw: FloatArray  # (batch, generator), most output of the step
    output_mw: FloatArray  # (batch, generator)
    dumped_mw: FloatArray  # (batch, generator), of must-run energy
    power_mw: FloatArray  # (batch, storage), positive = charge
    flexible_mw: FloatArray  # (batch, consumer), served
    normal_mw: FloatArray  # (batch, consumer), flexible load with what comes back
    lost_mw: FloatArray  # (batch, consumer), firm load that nobody serves
    load_mw: FloatArray  # (batch, consumer), served
    emergency_mw: FloatArray  # (batch, generator and storage), called for unserved firm load
    room_up_mw: FloatArray  # (batch, provider), of response to missing power
    room_down_mw: FloatArray  # (batch, provider), of response to excess power
    gain_mw_per_hz: FloatArray  # (batch, provider), of the step
    response_eur: FloatArray  # (batch, provider), earned for room
    bus_mw: FloatArray  # (batch, bus), taken from the net
    bus_mvar: FloatArray  # (batch, bus)
    deviation_hz: FloatArray  # (batch, 2), below and above the nominal frequency, >= 0
    shed_mw: FloatArray  # (batch, 2), by relays, power missing and in excess
    reserve_level: IntArray  # (batch,)
    tap: IntArray  # (batch,)
    voltage_pu: FloatArray  # (batch, bus)
    voltage_beyond_pu: FloatArray  # (batch, bus), outside the band
    system_state: IntArray  # (batch,)
    level_mwh: FloatArray  # (batch, storage), after the step
    backlog_mwh: FloatArray  # (batch, consumer), after the step
    emissions_t: FloatArray  # (batch, generator)
    entries_eur: FloatArray  # (batch, agent, entry)
    reward: FloatArray  # (batch, agent) [EUR]
    objectives_eur: FloatArray  # (batch, 3), the operator's: stability, cost, environment


@for_kernels
@dataclass(frozen=True, slots=True)
class State(Record):
    """All that changes from step to step."""

    step: int  # 0 .. steps; all agents share the clock
    output_mw: FloatArray  # (batch, generator)
    level_mwh: FloatArray  # (batch, storage)
    backlog_mwh: FloatArray  # (batch, consumer)
    hold_steps: IntArray  # (batch, agent), clean steps left until the supervisor lets go
    system_state: IntArray  # (batch,)
    clean_steps: IntArray  # (batch,), since the last event
    price_eur_per_mwh: FloatArray  # (batch, step), of the steps played, else 0
    # What agents see of the steps before, the newest at place step % length
    fills_mw: FloatArray  # (batch, generator, 6), sold
    profits_eur: FloatArray  # (batch, agent, 12), what the ledger gave
    responses_eur: FloatArray  # (batch, storage, 12)
    away_h: FloatArray  # (batch, generator), since the unit tripped, 24 at most
    stored_eur_per_mwh: FloatArray  # (batch, storage), mean price of what is stored
    last: Dispatch  # of the step before

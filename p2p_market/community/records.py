"""What flows between the rooms of the community: frozen records of plain arrays.

Axes stand in this order: `(batch, agent)`, with `asset` last; a series has `step` in front. Power
is in kW and positive into the prosumer, money in EUR and positive when paid.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from p2p_market.community.coordination.records import Agreements
from p2p_market.market.book import Fills
from p2p_market.records import BoolArray, FloatArray, IntArray, Record, for_kernels

LARGEST: Final = 1e6
"""kW and EUR/kWh: a number beyond this, in any prosumer's message, is a fault."""

LEDGER_ENTRIES: Final = (
    "p2p_payment",
    "grid_import",
    "grid_export",  # negative: revenue
    "network_fee",
    "degradation",
    "carbon",
    "overload",
    "lost_load",
    "shortfall",
    "terminal_value",  # negative: more is stored at the end than at the start
    "filter_penalty",
)
"""Columns of `Ledger.entries_eur`, EUR per agent and step, positive when paid."""

LEDGER_COLUMN: Final[Mapping[str, int]] = {name: i for i, name in enumerate(LEDGER_ENTRIES)}

SOCIAL_COLUMNS: Final = tuple(
    i for i, name in enumerate(LEDGER_ENTRIES) if name not in ("p2p_payment", "filter_penalty")
)
"""Columns that make up the social cost: P2P payments cancel, filter penalties do not count."""

SUPERVISOR_CAUSES: Final = (
    "none",
    "non_finite",  # a number in the message or in a reading is NaN or infinite, or too large
    "missing",  # no message arrived
    "held",  # nothing new is wrong, but a clean interval has not passed yet
    "invariant",  # energy or money did not balance
    "envelope",  # a reading, or its change, is outside what the training days know
    "stuck",  # a reading has not changed for too long
    "own_stop",  # it stopped itself, see `acts`
)
"""Meaning of `Round.cause`: why an agent is not heard in this step."""


@for_kernels
@dataclass(frozen=True, slots=True)
class Proposal(Record):
    """What the agents ask for in one step, in physical units, before any layer looked at it."""

    setpoint_kw: FloatArray  # (batch, agent, asset), positive = charge
    quantity_kw: FloatArray  # (batch, agent), positive = buy
    price_eur_per_kwh: FloatArray  # (batch, agent)
    present: BoolArray  # (batch, agent), False = no message arrived
    further: FloatArray | None = None  # (batch, agent, further column), see `further`


@for_kernels
@dataclass(frozen=True, slots=True)
class Past(Record):
    """What is remembered of the steps before, see `past/account.py`."""

    sums: FloatArray  # (batch, agent, sum), since the start
    day: FloatArray  # (batch, agent, step of the last day, sum), a ring
    risk: FloatArray  # (batch, agent, number) [EUR]
    hours_eur: FloatArray  # (batch, agent, hour), gains of whole hours, the worst first
    produced_kw: FloatArray  # (batch, agent), of the last step, storage counted, >= 0
    consumed_kw: FloatArray  # (batch, agent), likewise
    net_load_kw: FloatArray  # (batch, agent), of the last step
    sentiment: FloatArray  # (batch,), bids less asks over both, of the last step


@for_kernels
@dataclass(frozen=True, slots=True)
class Acting(Record):
    """What is kept of members' own acts, (batch, agent), see `acts`."""

    stop_steps: IntArray  # steps that a member still stands still
    quiet_steps: IntArray  # steps until it may ask a human again, less one
    request: IntArray  # how urgently it asked in the last step, 1 to 10; 0 = it did not


@for_kernels
@dataclass(frozen=True, slots=True)
class State(Record):
    """All that changes from step to step."""

    step: int  # 0 .. steps; all communities of a batch share the clock
    energy_kwh: FloatArray  # (batch, agent, asset)
    hold_steps: IntArray  # (batch, agent), clean steps left until the fallback is released
    last_fill_kw: FloatArray  # (batch, agent), positive = bought in the step before
    last_price_eur_per_kwh: FloatArray  # (batch,), last price at which anything was traded
    setpoint_kw: FloatArray  # (batch, agent, asset), executed in the step before
    reading: FloatArray  # (batch, agent, sensor), last finite one: load, PV [kW], levels [kWh]
    unchanged_steps: IntArray  # (batch, agent, sensor), how long it has been the same; -1 before
    # the first step
    past: Past | None = None  # None where nobody looks back
    acting: Acting | None = None  # None where there are no acts
    line: FloatArray | None = None  # (batch, agent, LINE), see `voltage`, after the step before;
    # None where a scenario has no voltage
    agreements: Agreements | None = None  # where the scenario has some
    fuel: FloatArray | None = None  # (batch, agent, place), under way, see `fuel` [kWh]; None where
    # nobody orders any
    service: FloatArray | None = None  # (batch, agent), see `service`; None where nobody needs it


@for_kernels
@dataclass(frozen=True, slots=True)
class Watch(Record):
    """What the supervisor saw: which agents it holds in grid-only fallback, and why."""

    cause: IntArray  # (batch, agent), index into SUPERVISOR_CAUSES
    hold_steps: IntArray  # (batch, agent), after this step
    unheard_kw: FloatArray  # (batch, agent), what the filter penalty is charged on where the agent
    # is held, see `safety/penalty.py`; 0 where it is heard


@for_kernels
@dataclass(frozen=True, slots=True)
class Action(Record):
    """What is executed: feasible by construction."""

    setpoint_kw: FloatArray  # (batch, agent, asset), positive = charge
    curtailed_kw: FloatArray  # (batch, agent), PV not used, >= 0
    shed_kw: FloatArray  # (batch, agent), load not served, >= 0
    net_load_kw: FloatArray  # (batch, agent), positive = deficit
    quantity_kw: FloatArray  # (batch, agent), the order, positive = buy
    price_eur_per_kwh: FloatArray  # (batch, agent), the order's limit at the hub, on a tick
    # Where a scenario has a voltage, (batch, agent):
    reactive_kvar: FloatArray | None = None  # positive = absorbed
    pulled_kw: FloatArray | None = None  # by which set-points were moved to keep the band
    fuel_kwh: FloatArray | None = None  # (batch, agent), ordered; None where nobody orders any
    transfer_eur: FloatArray | None = None  # (batch, agent), paid for offers of curtailment, < 0
    # received; None where nobody may offer, see `safety/offers.py`


@for_kernels
@dataclass(frozen=True, slots=True)
class Flows(Record):
    """What physically happened in one step, after the market."""

    import_kw: FloatArray  # (batch, agent), bought from the grid, >= 0
    export_kw: FloatArray  # (batch, agent), sold to the grid, >= 0
    line_loss_kw: FloatArray  # (batch, agent), deducted from what is delivered in an outage, >= 0
    energy_kwh: FloatArray  # (batch, agent, asset), levels after the step
    shortfall_kwh: FloatArray  # (batch, agent, asset), missing at departures
    correction_kw: FloatArray  # (batch, agent), |screened - executed| of set-points and quantity
    penalised_kw: FloatArray  # (batch, agent), what the filter penalty is charged on
    line: FloatArray | None = None  # (batch, agent, LINE), see `voltage`; None without one
    delivered_kwh: FloatArray | None = None  # (batch, agent), fuel that arrived; None without any


@for_kernels
@dataclass(frozen=True, slots=True)
class Ledger(Record):
    """Money of one step, one column per entry of `LEDGER_ENTRIES`."""

    entries_eur: FloatArray  # (batch, agent, entry), positive = paid
    operator_balance_eur: FloatArray  # (batch,), paid to the market less received from it

    def entry(self, name: str) -> FloatArray:
        """One column by name, (batch, agent) [EUR]."""
        column: FloatArray = self.entries_eur[..., LEDGER_COLUMN[name]]
        return column

    def social_cost_eur(self) -> FloatArray:
        """Social cost of the step, (batch,) [EUR]."""
        total = np.zeros(self.entries_eur.shape[0])
        for column in SOCIAL_COLUMNS:
            for agent in range(self.entries_eur.shape[1]):
                total += self.entries_eur[:, agent, column]
        return total


@dataclass(frozen=True, slots=True)
class Round(Record):
    """Everything one step produced, for rewards, infos, metrics and replays."""

    proposal: Proposal  # after the screen: latched agents ask for the fallback
    action: Action
    fills: Fills
    flows: Flows
    ledger: Ledger
    cause: IntArray  # (batch, agent), index into SUPERVISOR_CAUSES
    reward: FloatArray  # (batch, agent) [EUR]

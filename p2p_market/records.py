"""What flows between the rooms: frozen records of plain arrays, shapes on the fields.

Axes stand in this order: `(batch, agent)`, with `asset` last; a series has `step` in front. Power
is in kW and positive into the prosumer, money in EUR and positive when paid.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Float32Array = NDArray[np.float32]

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
    "non_finite",  # a number in the message or in a reading is none, or is absurd
    "missing",  # no message arrived
    "held",  # nothing new is wrong, but a clean interval has not passed yet
    "invariant",  # energy or money did not balance
    "envelope",  # a reading, or its change, is outside what the training days know
    "stuck",  # a reading has not changed for too long
)
"""Meaning of `Outcome.cause`: why an agent is in grid-only fallback in this step."""


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """Base of all records: a frozen dataclass whose arrays are read-only as well."""

    def __post_init__(self) -> None:
        """Make every array field read-only."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        """Pickled by its fields; built anew, its arrays are read-only again, a part of their type.

        Else every process that was sent a scenario would compile the kernels once more.
        """
        return type(self), tuple(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, slots=True)
class Proposal(Record):
    """What the agents ask for in one step, in physical units, before any layer looked at it."""

    setpoint_kw: FloatArray  # (batch, agent, asset), positive = charge
    quantity_kw: FloatArray  # (batch, agent), positive = buy
    price_eur_per_kwh: FloatArray  # (batch, agent)
    present: BoolArray  # (batch, agent), False = no message arrived


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


@dataclass(frozen=True, slots=True)
class Watch(Record):
    """What the supervisor saw: which agents it holds in grid-only fallback, and why."""

    cause: IntArray  # (batch, agent), index into SUPERVISOR_CAUSES
    hold_steps: IntArray  # (batch, agent), after this step
    unheard_kw: FloatArray  # (batch, agent), what the filter penalty is charged on where the agent
    # is held, see `safety/penalty.py`; 0 where it is heard


@dataclass(frozen=True, slots=True)
class Action(Record):
    """What is executed: feasible by construction."""

    setpoint_kw: FloatArray  # (batch, agent, asset), positive = charge
    curtailed_kw: FloatArray  # (batch, agent), PV not used, >= 0
    shed_kw: FloatArray  # (batch, agent), load not served, >= 0
    net_load_kw: FloatArray  # (batch, agent), positive = deficit
    quantity_kw: FloatArray  # (batch, agent), the order, positive = buy
    price_eur_per_kwh: FloatArray  # (batch, agent), the order's limit at the hub, on a tick


@dataclass(frozen=True, slots=True)
class OrderBook(Record):
    """One order per agent and the prices around it, as a mechanism sees them."""

    quantity_kw: FloatArray  # (batch, agent), positive = buy, negative = sell
    price_eur_per_kwh: FloatArray  # (batch, agent), limit price at the hub, on a tick
    retail_eur_per_kwh: FloatArray  # (batch, agent), the grid's price, on a tick
    feed_in_eur_per_kwh: FloatArray  # (batch, agent), on a tick
    k: float  # where in the crossing interval the price lies, 0 = low end, 1 = high end
    tick_eur_per_kwh: float
    price_max_eur_per_kwh: float  # orders lie between 0 and this
    dt_h: float


@dataclass(frozen=True, slots=True)
class Fills(Record):
    """What a mechanism matched."""

    power_kw: FloatArray  # (batch, agent), negative = sold
    payment_eur: FloatArray  # (batch, agent), negative = received
    clearing_price_eur_per_kwh: FloatArray  # (batch,), nan when nothing was traded


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
class Outcome(Record):
    """Everything one step produced, for rewards, infos, metrics and replays."""

    proposal: Proposal  # after the screen: latched agents ask for the fallback
    action: Action
    fills: Fills
    flows: Flows
    ledger: Ledger
    cause: IntArray  # (batch, agent), index into SUPERVISOR_CAUSES
    reward: FloatArray  # (batch, agent) [EUR]

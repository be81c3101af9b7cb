"""What members say to each other, as frozen records; built from what was recorded, never in a step.

Every content has a version, so that old records can be read when a kind grows.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

EVERYBODY: Final = "*"
"""Receiver of what all may read."""
MARKET: Final = "market"
HUMAN: Final = "human"
"""Sender of what nobody decides."""


@dataclass(frozen=True, slots=True)
class ForwardProposal:
    """A contract over power at a price in a window of steps."""

    quantity_kw: float  # above 0 the sender buys
    price_eur_per_kwh: float
    start: int  # first step
    end: int  # step after the last one
    version: int = 1


@dataclass(frozen=True, slots=True)
class BackupProposal:
    """An option: the buyer pays a premium now and may call power at a price in the window."""

    quantity_kw: float  # above 0 the sender buys the option
    price_eur_per_kwh: float
    premium_eur: float
    start: int
    end: int
    version: int = 1


@dataclass(frozen=True, slots=True)
class CoalitionProposal:
    """To belong together from the next midnight on."""

    days: int
    version: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a proposal."""

    accepted: bool
    reason: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class Signed:
    """An agreement is in force; the sender proposed it, the receiver accepted."""

    agreement: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class Settled:
    """What a member paid for agreements in a step, and what they traded for it."""

    paid_eur: float
    bought_kw: float
    version: int = 1


@dataclass(frozen=True, slots=True)
class BackupCall:
    """A share of all open backup options is called."""

    share: float
    version: int = 1


@dataclass(frozen=True, slots=True)
class ForecastShare:
    """The sender's own net load, so many hours ahead."""

    hours: tuple[int, ...]
    net_load_kw: tuple[float, ...]
    version: int = 1


@dataclass(frozen=True, slots=True)
class Stop:
    """The sender stands still for so many steps, this one counted, whatever it says meanwhile."""

    steps: int
    version: int = 1


@dataclass(frozen=True, slots=True)
class HumanRequest:
    """The sender asks a human."""

    urgency: int  # 1 to 10
    version: int = 1


@dataclass(frozen=True, slots=True)
class GenerationBid:
    """An order of a generator or a storage."""

    order: str  # must_run, offer or storage
    quantity_mw: float  # below 0 the sender sells
    price_eur_per_mwh: float  # limit
    version: int = 1


@dataclass(frozen=True, slots=True)
class DemandResponseOffer:
    """An order of a consumer; what is offered is load that bids its price."""

    order: str  # firm, wanted or offered
    quantity_mw: float  # above 0: bought
    price_eur_per_mwh: float  # limit
    version: int = 1


@dataclass(frozen=True, slots=True)
class MarketPriceUpdate:
    """What an auction came to, and how the system stood in its interval."""

    clearing_price_eur_per_mwh: float
    volume_mw: float  # traded
    lowest_frequency_hz: float
    highest_frequency_hz: float
    lowest_voltage_pu: float
    highest_voltage_pu: float
    renewable_share: float  # of the load served
    co2_kg_per_mwh: float  # of the load served
    version: int = 1


@dataclass(frozen=True, slots=True)
class BidNotCleared:
    """The auction took nothing of an order."""

    order: str
    quantity_mw: float
    price_eur_per_mwh: float
    clearing_price_eur_per_mwh: float
    reason: str  # demand_met_by_cheaper_offers, price_above_limit or no_seller
    status: str = "bid_not_cleared"
    version: int = 1


@dataclass(frozen=True, slots=True)
class DispatchInstruction:
    """What the receiver has to do, paid at the clearing price."""

    order: str  # of the book, or response to frequency, which is not energy sold
    cleared_quantity_mw: float  # above 0: into the receiver
    clearing_price_eur_per_mwh: float  # one for all
    reason: str  # cleared or emergency
    version: int = 1


@dataclass(frozen=True, slots=True)
class EmergencySignal:
    """The state of the system has changed."""

    state: str  # normal, alert or emergency
    frequency_hz: float  # farthest from nominal in the interval
    voltage_pu: float  # of the bus farthest from 1
    missing_mw: float  # load lost, and shed by relays
    version: int = 1


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """How an agent stands at the end of a step; what does not apply to it is None."""

    cause: str  # why the supervisor holds it, or none
    paid_eur: float  # in the step, below 0: earned
    power_mw: float | None = None  # above 0: into the agent
    level_mwh: float | None = None
    backlog_mwh: float | None = None
    tripped: bool | None = None  # the unit is lost at the end of the step
    state: str | None = None  # of the system
    reserve_level: int | None = None
    tap: int | None = None
    version: int = 1


Content = (
    ForwardProposal
    | BackupProposal
    | CoalitionProposal
    | Answer
    | Signed
    | Settled
    | BackupCall
    | ForecastShare
    | Stop
    | HumanRequest
    | GenerationBid
    | DemandResponseOffer
    | MarketPriceUpdate
    | BidNotCleared
    | DispatchInstruction
    | EmergencySignal
    | StatusUpdate
)

KINDS: Final[Mapping[type, str]] = {
    GenerationBid: "GENERATION_BID",
    DemandResponseOffer: "DEMAND_RESPONSE_OFFER",
    MarketPriceUpdate: "MARKET_PRICE_UPDATE",
    BidNotCleared: "MARKET_PRICE_UPDATE",
    DispatchInstruction: "DISPATCH_INSTRUCTION",
    EmergencySignal: "EMERGENCY_SIGNAL",
    StatusUpdate: "STATUS_UPDATE",
}
"""Contents whose kind is not the name of their class."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message; they are ordered by step, phase and sequence."""

    step: int
    phase: str
    sequence: int  # within the step
    sender: str
    receiver: str  # a member, HUMAN or EVERYBODY
    content: Content

    @property
    def kind(self) -> str:
        """Name of its content: of its class, or as in `KINDS`."""
        content = type(self.content)
        return KINDS.get(content, content.__name__)

    def line(self) -> str:
        """As one line of JSON, the same bytes for the same message."""
        values = {
            "step": self.step,
            "phase": self.phase,
            "sequence": self.sequence,
            "sender": self.sender,
            "receiver": self.receiver,
            "kind": self.kind,
            "content": asdict(self.content),
        }
        return json.dumps(values, sort_keys=True)


def log_of(messages: Iterable[Message]) -> bytes:
    """A log: one line of JSON per message, the same bytes for the same messages."""
    return "".join(f"{message.line()}\n" for message in messages).encode()

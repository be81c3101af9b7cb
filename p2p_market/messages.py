"""What members say to each other, as frozen records; built from what was recorded, never in a step.

Every content has a version, so that old records can be read when a kind grows.
"""

import json
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
)


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
        """Name of its content."""
        return type(self.content).__name__

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

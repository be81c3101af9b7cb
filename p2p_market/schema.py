"""What a scenario file may say: the schema of `configs/scenarios/*.yaml`."""

from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    model_validator,
)


def _whole_quarters(dt_h: float) -> float:
    if dt_h not in (0.25, 0.5, 1.0):
        raise ValueError("must be 0.25, 0.5 or 1.0 hours")
    return dt_h


def _is_none(value: object) -> bool:
    return value is None


Price = Annotated[float, Field(ge=0.0, le=10.0)]


class Section(BaseModel):
    """Base of all sections: unknown keys and non-finite numbers are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FlatContract(Section):
    """One retail price at all times."""

    kind: Literal["flat"]
    retail_eur_per_kwh: Price
    feed_in_eur_per_kwh: Price


class TimeOfUseContract(Section):
    """A peak price between two local hours on working days, an off-peak price otherwise."""

    kind: Literal["time_of_use"]
    peak_eur_per_kwh: Price
    off_peak_eur_per_kwh: Price
    peak_hours: tuple[Annotated[int, Field(ge=0, le=23)], Annotated[int, Field(ge=1, le=24)]]
    feed_in_eur_per_kwh: Price


class DynamicContract(Section):
    """The day-ahead price times a factor (taxes) plus an adder (fees, levies, margin).

    The supplier passes nothing below the floor on, if there is one, and nothing above the cap.
    """

    kind: Literal["dynamic"]
    factor: PositiveFloat
    adder_eur_per_kwh: Price
    floor_eur_per_kwh: Price | None = None
    cap_eur_per_kwh: Annotated[Price | None, Field(exclude_if=_is_none)] = None  # newer than files
    feed_in_eur_per_kwh: Price


Contract = Annotated[
    FlatContract | TimeOfUseContract | DynamicContract, Field(discriminator="kind")
]


class Site(Section):
    """Where the community stands, for the position of the sun."""

    latitude_deg: Annotated[float, Field(ge=-66.0, le=66.0)]
    longitude_deg: Annotated[float, Field(ge=-180.0, le=180.0)]


class Feeder(Section):
    """The line that all members share.

    `penalty`: overload is charged to those who cause it, pro rata. `binding`: nothing above the
    limit flows; storage, then PV, then load is cut, pro rata.
    """

    limit_kw: PositiveFloat
    mode: Literal["penalty", "binding"] = "penalty"
    overload_eur_per_kwh: Price = 0.1


class Fees(Section):
    """Network fee on traded energy: a share of the grid fee, growing with distance to the hub.

    Line losses, a share of what is traded, are procured by the network operator at `loss_price` and
    paid with the fee, half by each side; in an outage they are deducted from delivery.
    """

    level: Literal["none", "low", "full"]
    grid_fee_eur_per_kwh: Price = 0.11
    loss_share: Annotated[float, Field(ge=0.0, le=0.3)] = 0.0
    loss_price_eur_per_kwh: Price = 0.0


class Outages(Section):
    """Windows without the grid, drawn at reset: how many per episode, and how long each is."""

    windows: Annotated[int, Field(ge=1, le=20)]
    hours: tuple[PositiveFloat, PositiveFloat]

    @model_validator(mode="after")
    def _shortest_first(self) -> "Outages":
        if self.hours[0] > self.hours[1]:
            raise ValueError(f"hours {self.hours}: the shortest window comes first")
        return self


FaultKind = Literal[
    "nan",
    "infinite",
    "stuck",
    "biased",
    "missing",
    "nan_action",
    "missing_action",
    "lost_connection",
]


class Faults(Section):
    """Faults between truth and observation, and on the way of messages; drawn at reset."""

    per_agent_day: PositiveFloat = 1.0  # expected number
    kinds: Annotated[tuple[FaultKind, ...], Field(min_length=1)] = get_args(FaultKind)
    hours: tuple[PositiveFloat, PositiveFloat] = (0.5, 3.0)  # shortest and longest
    bias_share: Annotated[float, Field(gt=0.0, le=10.0)] = 0.3  # of the sensor's range


class Reward(Section):
    """Weights of the reward; with all ones and zeros as below it is minus the private bill."""

    carbon_weight: NonNegativeFloat = 1.0
    overload_weight: NonNegativeFloat = 1.0
    filter_penalty_eur_per_kwh: Price = 0.0
    community_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0


class Member(Section):
    """One prosumer: its place on the feeder, its contract and its devices."""

    node: Annotated[int, Field(ge=0)]  # index into the feeder's connection points
    contract: str
    assets: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]  # kind and parameters


class ScenarioSpec(Section):
    """A whole scenario file."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*-v\d+$")]
    title: str
    description: str
    track: str = "community"
    data: str
    prices: str | None = None  # a price year that replaces the day-ahead prices of `data`
    donors: Literal["known", "held_out"] = "known"  # in test weeks: as in training, or unseen
    dt_h: Annotated[float, AfterValidator(_whole_quarters)]
    days: Annotated[int, Field(ge=1, le=7)]
    mechanism: str = "k_double_auction"
    k: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    tick_eur_per_kwh: PositiveFloat = 0.001
    price_max_eur_per_kwh: PositiveFloat
    carbon_eur_per_kg: Price = 0.0
    lost_load_eur_per_kwh: PositiveFloat = 10.0
    shortfall_eur_per_kwh: PositiveFloat = 1.0  # energy that a vehicle lacks at departure
    terminal_value_eur_per_kwh: Price
    connection_limit_kw: PositiveFloat
    hold_h: PositiveFloat = 1.0
    optimum: Literal["linear", "mixed_integer"] = "linear"
    site: Site
    feeder: Feeder
    fees: Fees
    outages: Outages | None = None
    faults: Faults | None = None
    reward: Reward = Reward()
    contracts: dict[str, Contract]
    members: Annotated[tuple[Member, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _contracts_exist(self) -> "ScenarioSpec":
        for number, member in enumerate(self.members):
            if member.contract not in self.contracts:
                known = ", ".join(self.contracts)
                raise ValueError(
                    f"members[{number}].contract is {member.contract!r}; known are: {known}"
                )
        return self

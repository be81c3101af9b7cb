"""What a scenario file may say: the schema of `configs/scenarios/*.yaml`."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import (
    AfterValidator,
    Field,
    model_validator,
)

from p2p_market.community.coordination.settings import Coordination
from p2p_market.community.records import LARGEST
from p2p_market.community.scenario.voltage_section import Voltage
from p2p_market.kit.schema import Number, Section, Whole


def _whole_quarters(dt_h: float) -> float:
    if dt_h not in (0.25, 0.5, 1.0):
        raise ValueError("must be 0.25, 0.5 or 1.0 hours")
    return dt_h


def _is_none(value: object) -> bool:
    return value is None


Share = Annotated[Number, Field(ge=0.0, le=1.0)]
Price = Annotated[Number, Field(ge=0.0, le=10.0)]
EitherSign = Annotated[Number, Field(ge=-10.0, le=10.0)]  # EUR/kWh
Dearest = Annotated[Number, Field(gt=0.0, le=10.0 * LARGEST)]  # energy that is missing
Power = Annotated[Number, Field(ge=1e-3, le=1e5)]  # kW
Hours = Annotated[Number, Field(gt=0.0, le=168.0)]  # no longer than an episode can be
DataName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:+-]+$", max_length=60)]


def _no_fault(price_eur_per_kwh: float) -> float:
    if price_eur_per_kwh > LARGEST:
        raise ValueError(f"must be at most {LARGEST:g}: the supervisor treats more as a fault")
    return price_eur_per_kwh


FORMULA: Final = ("adder_eur_per_kwh",)
"""Parts of a contract that are not a price, but come before the rounding to a tick."""

KINDS: Final = "flat, time_of_use or dynamic"

REASONS: Final = {
    "union_tag_not_found": f"has no `kind`; add one: {KINDS}",
    "union_tag_invalid": f"`kind` must be {KINDS}",
}
"""Kind of a validation error -> its reason, beside those that all tracks share."""


class FollowingFeedIn(Section):
    """A feed-in tariff that follows the day-ahead price, as `DynamicContract` does in retail.

    The price times a factor plus an adder (a premium, or below zero what the buyer keeps), nothing
    below the floor, if there is one, and nothing above the cap. It may be negative: who feeds in
    then pays.
    """

    factor: Annotated[Number, Field(gt=0.0, le=100.0)] = 1.0
    adder_eur_per_kwh: EitherSign = 0.0
    floor_eur_per_kwh: EitherSign | None = None
    cap_eur_per_kwh: EitherSign | None = None

    @model_validator(mode="after")
    def _floor_below_cap(self) -> "FollowingFeedIn":
        _check_floor(self.floor_eur_per_kwh, self.cap_eur_per_kwh)
        return self


FeedIn = Annotated[FollowingFeedIn | None, Field(exclude_if=_is_none)]  # newer than files


def _check_floor(floor: float | None, cap: float | None) -> None:
    if floor is not None and cap is not None and floor > cap:
        raise ValueError(f"floor_eur_per_kwh {floor} is above cap_eur_per_kwh {cap}; lower it")


class FlatContract(Section):
    """One retail price at all times."""

    kind: Literal["flat"]
    retail_eur_per_kwh: Price
    feed_in_eur_per_kwh: Price | None = None
    feed_in: FeedIn = None


class TimeOfUseContract(Section):
    """A peak price between two local hours on working days, an off-peak price otherwise.

    `[22, 6]` goes through midnight: the hours before 6 and from 22 on, of every working day.
    """

    kind: Literal["time_of_use"]
    peak_eur_per_kwh: Price
    off_peak_eur_per_kwh: Price
    peak_hours: tuple[Annotated[Whole, Field(ge=0, le=23)], Annotated[Whole, Field(ge=1, le=24)]]
    feed_in_eur_per_kwh: Price | None = None
    feed_in: FeedIn = None

    @model_validator(mode="after")
    def _some_hour_is_peak(self) -> "TimeOfUseContract":
        if self.peak_hours[0] == self.peak_hours[1]:
            raise ValueError(f"peak_hours {self.peak_hours} contain no hour; all day is [0, 24]")
        return self


class DynamicContract(Section):
    """The day-ahead price times a factor (taxes) plus an adder (fees, levies, margin).

    The supplier passes nothing below the floor on, if there is one, and nothing above the cap.
    """

    kind: Literal["dynamic"]
    factor: Annotated[Number, Field(gt=0.0, le=100.0)]
    adder_eur_per_kwh: Price
    floor_eur_per_kwh: Price | None = None
    cap_eur_per_kwh: Annotated[Price | None, Field(exclude_if=_is_none)] = None  # newer than files
    feed_in_eur_per_kwh: Price | None = None
    feed_in: FeedIn = None

    @model_validator(mode="after")
    def _floor_below_cap(self) -> "DynamicContract":
        _check_floor(self.floor_eur_per_kwh, self.cap_eur_per_kwh)
        return self


AnyContract = FlatContract | TimeOfUseContract | DynamicContract


def _one_feed_in(contract: AnyContract) -> AnyContract:
    if (contract.feed_in_eur_per_kwh is None) == (contract.feed_in is None):
        given = "neither" if contract.feed_in is None else "both"
        raise ValueError(
            f"has {given} of feed_in_eur_per_kwh (fixed) and feed_in (follows the day-ahead "
            "price); give one"
        )
    return contract


Contract = Annotated[AnyContract, Field(discriminator="kind"), AfterValidator(_one_feed_in)]


def _prices(section: Section, where: str) -> Iterator[tuple[str, float]]:
    """Place and value of each price that a contract names."""
    for field in type(section).model_fields:
        value, here = getattr(section, field), f"{where}.{field}"
        if isinstance(value, Section):
            yield from _prices(value, here)
        elif field.endswith("eur_per_kwh") and field not in FORMULA and value is not None:
            yield here, value


class Site(Section):
    """Where the community stands, for the position of the sun."""

    latitude_deg: Annotated[Number, Field(ge=-66.0, le=66.0)]
    longitude_deg: Annotated[Number, Field(ge=-180.0, le=180.0)]


class Feeder(Section):
    """The line that all members share.

    `penalty`: overload is charged to those who cause it, pro rata. `binding`: nothing above the
    limit flows; storage, then PV, then load is cut, pro rata.
    """

    limit_kw: Annotated[Number, Field(ge=1e-3, le=1e7)]
    mode: Literal["penalty", "binding"] = "penalty"
    overload_eur_per_kwh: Price = 0.1


class Fees(Section):
    """Network fee on traded energy: a share of the grid fee, growing with distance to the hub.

    Line losses, a share of what is traded, are procured by the network operator at `loss_price` and
    paid with the fee, half by each side; in an outage they are deducted from delivery.
    """

    level: Literal["none", "low", "full"]
    grid_fee_eur_per_kwh: Price = 0.11
    loss_share: Annotated[Number, Field(ge=0.0, le=0.3)] = 0.0
    loss_price_eur_per_kwh: Price = 0.0


def _in_order(hours: tuple[float, float]) -> tuple[float, float]:
    if hours[0] > hours[1]:
        raise ValueError("the shortest comes first; swap the two")
    return hours


ShortestFirst = Annotated[tuple[Hours, Hours], AfterValidator(_in_order)]


class Outages(Section):
    """Windows without the grid, drawn at reset: how many per episode, and how long each is."""

    windows: Annotated[Whole, Field(ge=1, le=20)]
    hours: ShortestFirst


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

    per_agent_day: Annotated[Number, Field(gt=0.0, le=96.0)] = 1.0  # expected number
    kinds: Annotated[tuple[FaultKind, ...], Field(min_length=1, max_length=100)] = get_args(
        FaultKind
    )
    hours: ShortestFirst = (0.5, 3.0)
    bias_share: Annotated[Number, Field(gt=0.0, le=10.0)] = 0.3  # of the sensor's range


class Reward(Section):
    """Weights of the reward; with all ones and zeros as below it is minus the private bill."""

    carbon_weight: Annotated[Number, Field(ge=0.0, le=1e3)] = 1.0
    overload_weight: Annotated[Number, Field(ge=0.0, le=1e3)] = 1.0
    filter_penalty_eur_per_kwh: Price = 0.0
    community_share: Share = 0.0


def _is_empty(value: object) -> bool:
    return value == ()


def _is_off(value: object) -> bool:
    return value is False


Sight = Literal["board", "portfolio"]
"""What members may see beside what every scenario shows them."""


def _once(names: tuple[Sight, ...]) -> tuple[Sight, ...]:
    if len(set(names)) < len(names):
        raise ValueError("names something twice; name it once")
    return names


class Member(Section):
    """One prosumer: its place on the feeder, its contract and its devices."""

    node: Annotated[Whole, Field(ge=0)]  # index into the feeder's connection points
    contract: str
    assets: Annotated[tuple[dict[str, Any], ...], Field(min_length=1, max_length=20)]
    """Kind and parameters of each device."""


class ScenarioSpec(Section):
    """A whole scenario file."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*-v[0-9]+$", max_length=80)]
    title: Annotated[str, Field(max_length=200)]
    description: Annotated[str, Field(max_length=10_000)]
    track: Literal["community"] = "community"
    data: DataName
    prices: DataName | None = None  # a price year that replaces the day-ahead prices of `data`
    donors: Literal["known", "held_out"] = "known"  # in test weeks: as in training, or unseen
    dt_h: Annotated[Number, AfterValidator(_whole_quarters)]
    days: Annotated[Whole, Field(ge=1, le=7)]
    mechanism: str = "k_double_auction"
    k: Share = 0.5
    tick_eur_per_kwh: Annotated[Number, Field(ge=1e-6, le=1.0)] = 0.001
    price_max_eur_per_kwh: Annotated[Number, Field(gt=0.0), AfterValidator(_no_fault)]
    carbon_eur_per_kg: Price = 0.0
    lost_load_eur_per_kwh: Dearest = 10.0
    shortfall_eur_per_kwh: Dearest = 1.0  # energy that a vehicle lacks at departure
    terminal_value_eur_per_kwh: Price
    connection_limit_kw: Power
    hold_h: Hours = 1.0
    optimum: Literal["linear", "mixed_integer"] = "linear"
    site: Site
    feeder: Feeder
    fees: Fees
    voltage: Annotated[Voltage | None, Field(exclude_if=_is_none)] = None  # newer than files
    outages: Outages | None = None
    faults: Faults | None = None
    reward: Reward = Reward()
    observe: Annotated[
        tuple[Sight, ...], AfterValidator(_once), Field(max_length=10, exclude_if=_is_empty)
    ] = ()  # newer than files
    acts: Annotated[bool, Field(exclude_if=_is_off)] = False  # newer than files
    coordination: Annotated[Coordination | None, Field(exclude_if=_is_none)] = None
    curtailment: Annotated[
        Literal["share", "offers"], Field(exclude_if=lambda given: given == "share")
    ] = "share"  # newer than files
    contracts: Annotated[dict[str, Contract], Field(max_length=200)]
    members: Annotated[tuple[Member, ...], Field(min_length=1, max_length=10_000)]

    @model_validator(mode="after")
    def _contracts_exist(self) -> "ScenarioSpec":
        for number, member in enumerate(self.members):
            if member.contract not in self.contracts:
                known = ", ".join(self.contracts) or "none"
                raise ValueError(
                    f"members[{number}].contract is {member.contract!r}; known: {known}"
                )
        return self

    @model_validator(mode="after")
    def _tariffs_on_ticks(self) -> "ScenarioSpec":
        tick = self.tick_eur_per_kwh
        for name, contract in self.contracts.items():
            for where, price in _prices(contract, f"contracts.{name}"):
                nearest = round(price / tick) * tick
                if abs(price - nearest) > 1e-6 * tick:
                    raise ValueError(
                        f"{where} is {price}, which is not a multiple of "
                        f"tick_eur_per_kwh {tick:g}; the nearest is {nearest:.9g}"
                    )
        return self

    @model_validator(mode="after")
    def _outages_fit(self) -> "ScenarioSpec":
        if self.outages is not None:
            longest_h = self.outages.windows * self.outages.hours[1]
            if longest_h > 24.0 * self.days:
                raise ValueError(
                    f"outages: {self.outages.windows} windows of up to {self.outages.hours[1]:g} h "
                    f"do not fit into {self.days} days; lower windows or hours"
                )
        return self

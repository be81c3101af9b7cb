"""What a scenario file of the track may say."""

from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from p2p_market.kit import schema
from p2p_market.kit.schema import Number, Section, Whole

Power = Annotated[Number, Field(ge=0.1, le=1e4)]  # MW
Share = Annotated[Number, Field(ge=0.0, le=1.0)]
Price = Annotated[Number, Field(ge=0.0, le=1e5)]  # EUR/MWh, EUR/MW
Hour = Annotated[Whole, Field(ge=1, le=23)]


def _hour_or_quarter(dt_h: float) -> float:
    if dt_h not in (1.0, 0.25):
        raise ValueError("must be 1.0 or 0.25 hours")
    return dt_h


class Battery(Section):
    """One battery: a power node with losses in both directions and a price for wear."""

    capacity_mwh: Annotated[Number, Field(ge=0.1, le=1e5)]
    power_mw: Power
    soc_min: Share = 0.05
    soc_max: Share = 0.95
    soc_start: Share = 0.5
    round_trip_efficiency: Annotated[Number, Field(gt=0.0, le=1.0)] = 0.94
    wear_eur_per_mwh: Price = 15.0  # of AC energy in either direction

    @model_validator(mode="after")
    def _in_order(self) -> "Battery":
        if not self.soc_min <= self.soc_start <= self.soc_max or self.soc_min == self.soc_max:
            raise ValueError(
                f"soc_min {self.soc_min}, soc_start {self.soc_start} and soc_max {self.soc_max} "
                "must stand in this order"
            )
        return self


class BatterySpec(Section):
    """A whole scenario file."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*-v[0-9]+$", max_length=80)]
    title: Annotated[str, Field(max_length=200)]
    description: Annotated[str, Field(max_length=10_000)]
    track: Literal["battery"]
    prices: Annotated[str, Field(pattern=r"^[a-z0-9:-]+$", max_length=60)]
    """Year of day-ahead prices: `de2018`, `synthetic:<seed>` or a fetched one like `nl2024`."""
    dt_h: Annotated[Number, AfterValidator(_hour_or_quarter)] = 1.0
    days: Annotated[Whole, Field(ge=1, le=7)] = 7
    optimum: Literal["mixed_integer"] = "mixed_integer"
    batteries: Annotated[tuple[Battery, ...], Field(min_length=1, max_length=100)]
    commitments: Literal["given", "bid"] = "given"
    """Day-ahead position: planned on the prices of the day before, or bid by the agent."""
    dam_gate_hour: Hour = 14
    dam_publish_hour: Hour = 14
    dam_penalty_eur_per_mwh: Price = 1500.0
    reserve_h: Annotated[Number, Field(ge=0.25, le=24.0)] = 1.0
    """Hours of full activation that an offer of reserve must be able to serve."""
    afrr_demand_mw: Power | None = None
    """What the operator takes of this fleet at most; None: all that is cheap enough."""
    afrr_penalty_eur_per_mwh: Price = 2000.0  # of the whole reserve where too little is delivered
    withhold_reserve: bool = True
    """Power that is in reserve cannot trade."""
    mfrr: Literal["called", "baltic", "always"] = "called"
    """When the balancing price is paid: as in Germany 2024, in a thin system, in every hour."""
    ladder_eur_per_mw2: Annotated[Number, Field(ge=0.0, le=10.0)] = 0.0
    """How steeply the fleet's own intraday volume moves the price."""
    terminal: Literal["two_sided", "none"] = "two_sided"
    """What is stored at the end is settled against the start, or forgotten."""
    hold_h: Annotated[Number, Field(gt=0.0, le=168.0)] = 1.0

    @model_validator(mode="after")
    def _gate_before_publication(self) -> "BatterySpec":
        if self.dam_gate_hour > self.dam_publish_hour:
            raise ValueError(
                f"dam_gate_hour {self.dam_gate_hour} is after dam_publish_hour "
                f"{self.dam_publish_hour}; bids close before results are published"
            )
        return self


read = partial(schema.read, BatterySpec)

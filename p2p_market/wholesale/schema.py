"""What a scenario file of the track may say."""

from functools import partial
from typing import Annotated, Literal

from pydantic import Field, model_validator

from p2p_market.kit import schema
from p2p_market.kit.schema import Number, Section, Whole

Power = Annotated[Number, Field(ge=0.0, le=1e4)]  # MW
Energy = Annotated[Number, Field(ge=0.0, le=1e5)]  # MWh
Price = Annotated[Number, Field(ge=0.0, le=1e5)]  # EUR/MWh
Share = Annotated[Number, Field(ge=0.0, le=1.0)]
Bus = Annotated[Whole, Field(ge=0, le=6)]
Name = Annotated[str, Field(pattern=r"^[a-z]+_[0-9]+$", max_length=30)]
KINDS = ("steam", "gas", "engine", "inverter")
MOST_GENERATORS, MOST_STORAGES, MOST_CONSUMERS, BUSES = 6, 2, 3, 7


class Generator(Section):
    """A unit. `steam`, `gas` and `engine` burn fuel; `inverter` feeds what wind or sun give."""

    name: Name
    kind: Literal["steam", "gas", "engine", "inverter"]
    max_mw: Annotated[Number, Field(gt=0.0, le=1e4)]
    min_mw: Power = 0.0  # where it is available it never produces less
    ramp_mw_per_step: Power | None = None  # None: as fast as it likes
    fuel_eur_per_mwh_thermal: Price = 0.0
    efficiency: Annotated[Number, Field(gt=0.0, le=1.0)] = 1.0  # electric over thermal energy
    emissions_kg_per_mwh: Annotated[Number, Field(ge=0.0, le=5000.0)] = 0.0
    source: Literal["wind", "solar"] | None = None  # of an inverter; None: always available
    bus: Bus = 0
    owner: Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=30)] | None = None
    """Units of one owner share their reward; None: a unit is its own."""

    @model_validator(mode="after")
    def _possible(self) -> "Generator":
        if self.min_mw > self.max_mw:
            raise ValueError(f"min_mw {self.min_mw} is above max_mw {self.max_mw}")
        if self.source is not None and (self.kind != "inverter" or self.min_mw > 0.0):
            raise ValueError(f"source {self.source!r} needs the kind inverter and no min_mw")
        if self.kind == "inverter" and self.ramp_mw_per_step is not None:
            raise ValueError("an inverter has no ramp; leave ramp_mw_per_step out")
        return self


class Storage(Section):
    """A power node with losses in both directions and a price for wear."""

    name: Name
    power_mw: Annotated[Number, Field(gt=0.0, le=1e4)]
    capacity_mwh: Annotated[Number, Field(gt=0.0, le=1e5)]
    round_trip_efficiency: Annotated[Number, Field(gt=0.0, le=1.0)] = 0.90
    wear_eur_per_mwh: Price = 3.0  # of AC energy in either direction
    start: Share = 0.5
    terminal_eur_per_mwh: Price = 50.0  # of what is stored at the end beyond the start
    bus: Bus = 0


class Consumer(Section):
    """Firm load, and flexible load that is served later where it was reduced."""

    name: Name
    firm_mw: Power  # at the highest national demand, outside working hours
    flexible_mw: Power
    working_hours: Annotated[Number, Field(ge=-0.5, le=0.5)] = 0.0  # more load in these, a share
    recovery: Share = 0.5  # of the flexible load, on top of it while energy comes back
    backlog_h: Annotated[Number, Field(ge=0.0, le=24.0)] = 3.0  # of the flexible load
    comfort: Annotated[Number, Field(ge=0.0, le=100.0)] = 50.0
    """A deferred MWh costs comfort / 100 * 5 EUR in each hour."""
    bus: Bus = 0


class Line(Section):
    """A line of the radial net, in per unit of 100 MVA."""

    buses: tuple[Bus, Bus]  # the nearer to the substation first
    r_pu: Annotated[Number, Field(ge=0.0, le=1.0)]
    x_pu: Annotated[Number, Field(ge=0.0, le=1.0)]


class Draws(Section):
    """What is synthetic on top of the quarter-hours of the data."""

    demand: Share = 0.006  # relative standard deviation of five-minute noise
    wind: Share = 0.06
    solar: Share = 0.10
    fluctuation_demand: Share = 0.015  # amplitude of fast fluctuation per MW of load
    fluctuation_wind: Share = 0.08
    fluctuation_solar: Share = 0.08
    high_voltage: Annotated[Number, Field(ge=0.0, le=0.03)] = 0.015  # pu
    outages_per_week: Annotated[Number, Field(ge=0.0, le=50.0)] = 2.0


class WholesaleSpec(Section):
    """A whole scenario file."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*-v[0-9]+$", max_length=80)]
    title: Annotated[str, Field(max_length=200)]
    description: Annotated[str, Field(max_length=10_000)]
    track: Literal["wholesale"]
    data: Literal["de2018-system", "constant"] = "de2018-system"
    """`constant`: load, wind and sun are at their highest in every step."""
    dt_h: Annotated[Number, Field(gt=0.0, le=0.25)] = 1.0 / 12.0
    days: Annotated[Whole, Field(ge=1, le=7)] = 7
    steps: Annotated[Whole, Field(ge=1, le=4032)] | None = None  # fewer than the days have
    optimum: Literal["linear"] = "linear"
    generators: Annotated[tuple[Generator, ...], Field(min_length=1, max_length=MOST_GENERATORS)]
    storages: Annotated[tuple[Storage, ...], Field(min_length=1, max_length=MOST_STORAGES)]
    consumers: Annotated[tuple[Consumer, ...], Field(min_length=1, max_length=MOST_CONSUMERS)]
    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=BUSES - 1)]
    draws: Draws = Draws()
    carbon_eur_per_t: Price = 25.0
    price_cap_eur_per_mwh: Annotated[Number, Field(ge=200.0, le=1e4)] = 500.0
    price_floor_eur_per_mwh: Annotated[Number, Field(ge=-500.0, le=-10.0)] = -50.0
    lost_load_eur_per_mwh: Price = 8000.0
    dumped_eur_per_mwh: Price = 30.0  # must-run energy that nobody takes
    backlog_eur_per_mwh: Price = 150.0  # of what is still deferred at the end
    frequency_eur_per_hz_h: Price = 5000.0  # beyond the band
    voltage_eur_per_pu_h: Price = 20_000.0  # beyond the band, of each bus
    response_eur_per_mw_h: Price = 1.0
    frequency_band_hz: Annotated[Number, Field(gt=0.0, le=0.5)] = 0.1
    relay_hz: Annotated[Number, Field(gt=0.5, le=2.0)] = 0.8  # deviation at which load is shed
    damping_per_hz: Share = 0.02  # of the load
    droop: Annotated[Number, Field(gt=0.0, le=0.2)] = 0.05
    storage_full_hz: Annotated[Number, Field(gt=0.0, le=1.0)] = 0.2
    load_full_hz: Annotated[Number, Field(gt=0.0, le=1.0)] = 0.8
    reserve_level_mw: Power = 10.0  # of thermal units, for each level of the operator
    tap_pu: Annotated[Number, Field(gt=0.0, le=0.05)] = 0.02
    hold_h: Annotated[Number, Field(gt=0.0, le=168.0)] = 1.0
    stability_weight: Annotated[Number, Field(ge=0.0, le=100.0)] = 0.0
    environment_weight: Annotated[Number, Field(ge=0.0, le=100.0)] = 0.0
    """Of the operator's reward, beside social cost."""


read = partial(schema.read, WholesaleSpec)

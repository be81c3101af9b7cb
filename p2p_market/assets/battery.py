"""Battery: a power node that its owner moves."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field, validate_call

from p2p_market.assets.electric_vehicle import tapered_per_h
from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT, Efficiency, Energy, Power, Wear


@dataclass(frozen=True, slots=True)
class Chemistry:
    """Typical figures of a kind of battery."""

    eta: float  # of charging, and of discharging
    depth: float  # share of the capacity that may be used
    cycles: int  # full ones that it lasts
    years: int  # that it lasts unused


CHEMISTRIES: Final = {
    "li-ion": Chemistry(0.95, 0.9, 6000, 15),
    "flow": Chemistry(0.866, 1.0, 15000, 20),
    "lead-acid": Chemistry(0.894, 0.5, 1500, 10),
}
"""Typical figures by name."""
ETA: Final = 0.95  # of a battery without a type


@validate_call(config=STRICT)
def battery(
    capacity_kwh: Energy,
    power_kw: Power,
    eta_charge: Efficiency | None = None,
    eta_discharge: Efficiency | None = None,
    leak_per_h: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0,
    degradation_eur_per_kwh: Wear = 0.0,
    type: Literal["li-ion", "flow", "lead-acid"] | None = None,
    soh: Annotated[float, Field(ge=0.1, le=1.0)] = 1.0,
    outdoor: bool = False,
    hold_eur_per_kwh_h: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0,
    taper: bool = False,
) -> PowerNode:
    """Power node of a battery that may use its whole capacity, or as much as its type allows.

    Args:
        capacity_kwh: usable capacity when new [kWh].
        power_kw: AC power limit in both directions [kW].
        eta_charge: stored energy per AC energy drawn; none = 0.95, or that of the type.
        eta_discharge: AC energy delivered per energy taken from the level; none = likewise.
        leak_per_h: self-discharge rate [1/h].
        degradation_eur_per_kwh: wear per kWh of AC energy in either direction [EUR/kWh].
        type: gives efficiency and depth of discharge: li-ion 0.95 and 0.9, flow 0.866 and 1,
            lead-acid 0.894 and 0.5; none = 0.95 and 1.
        soh: state of health, what is left of the capacity.
        outdoor: takes less power below 5 C and gives less below -10 C.
        hold_eur_per_kwh_h: calendar ageing per kWh that is held for an hour [EUR/kWh/h].
        taper: charging slows down over the last fifth of the capacity, by the level before the
            step.
    """
    chemistry = Chemistry(ETA, 1.0, 0, 0) if type is None else CHEMISTRIES[type]
    usable_kwh = soh * capacity_kwh
    return PowerNode(
        driver="setpoint",
        power_min_kw=-power_kw,
        power_max_kw=power_kw,
        energy_min_kwh=(1.0 - chemistry.depth) * usable_kwh,
        energy_max_kwh=usable_kwh,
        eta_charge=chemistry.eta if eta_charge is None else eta_charge,
        eta_discharge=chemistry.eta if eta_discharge is None else eta_discharge,
        leak_per_h=leak_per_h,
        degradation_eur_per_kwh=degradation_eur_per_kwh,
        law="outdoor_battery" if outdoor else "",
        hold_eur_per_kwh_h=hold_eur_per_kwh_h,
        taper_per_h=tapered_per_h(power_kw, usable_kwh) if taper else 0.0,
        soh=soh,
        ageing=None if type is None else (float(chemistry.cycles), float(chemistry.years)),
    )

"""Biogas plant: a digester fills a gas store, an engine empties it and sells its heat."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field, validate_call

from p2p_market.assets.drivers.chp import heat_credit_eur_per_kwh
from p2p_market.assets.engine import engine
from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import (
    STRICT,
    Day,
    Efficiency,
    Energy,
    Maintenance,
    Power,
    Price,
    Share,
    Wear,
)


@validate_call(config=STRICT)
def biogas_chp(
    power_kw: Power,
    store_kwh: Energy,
    inflow_kw: Power,
    eta: Efficiency = 0.38,
    eta_heat: Annotated[float, Field(ge=0.0, le=1.0)] = 0.45,
    heat_eur_per_kwh: Price = 0.03,
    least_share: Share = 0.0,
    start_eur: Price = 0.0,
    ramp_kw_per_h: Annotated[float, Field(gt=0.0)] | None = None,
    wear_eur_per_kwh: Wear = 0.01,
    terminal_eur_per_kwh: Price = 0.05,
    maintenance_h: Maintenance = 0.0,
    maintenance_by_day: Day = 5,
) -> PowerNode:
    """Power node of a biogas plant; its level is gas, what does not fit is flared for nothing.

    Args:
        power_kw: highest AC power [kW].
        store_kwh: gas store, by lower heating value [kWh].
        inflow_kw: gas from the digester, constant [kW].
        eta: AC energy per energy of the gas.
        eta_heat: heat per energy of the gas.
        heat_eur_per_kwh: earned per kWh of heat [EUR/kWh].
        least_share: least load of the engine as a share of its power; 0 = any.
        start_eur: cost of a start [EUR].
        ramp_kw_per_h: fastest loading [kW/h]; none = any.
        wear_eur_per_kwh: per kWh of AC energy [EUR/kWh].
        terminal_eur_per_kwh: value of gas left at the end [EUR/kWh].
        maintenance_h: it must stand still for once in an episode; 0 = never [h].
        maintenance_by_day: by the end of this day of the episode, 1 = the first.
    """
    own = engine(
        power_kw, store_kwh, eta,
        least_share=least_share, start_eur=start_eur, ramp_kw_per_h=ramp_kw_per_h,
        wear_eur_per_kwh=wear_eur_per_kwh, terminal_eur_per_kwh=terminal_eur_per_kwh,
        maintenance_h=maintenance_h, maintenance_by_day=maintenance_by_day,
    )  # fmt: skip
    return replace(
        own,
        law="biogas_chp",
        law_data=(("inflow_kw", inflow_kw),),
        discharge_eur_per_kwh=heat_credit_eur_per_kwh(heat_eur_per_kwh, eta, eta_heat),
    )

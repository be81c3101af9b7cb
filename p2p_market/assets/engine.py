"""What engines have in common, whatever they burn: they give power out of a level."""

import math

from p2p_market.assets.node import PowerNode


def engine(
    power_kw: float,
    level_kwh: float,
    eta: float,
    *,
    least_share: float,
    start_eur: float,
    ramp_kw_per_h: float | None,
    wear_eur_per_kwh: float,
    terminal_eur_per_kwh: float,
    maintenance_h: float,
    maintenance_by_day: int,
) -> PowerNode:
    """Power node of an engine, without what fills its level and what running costs.

    Args:
        power_kw: highest AC power [kW].
        level_kwh: highest level [kWh].
        eta: AC energy per energy of the level.
        least_share: least load as a share of the power; 0 = any.
        start_eur: cost of a start [EUR].
        ramp_kw_per_h: fastest loading [kW/h]; none = any.
        wear_eur_per_kwh: per kWh of AC energy [EUR/kWh].
        terminal_eur_per_kwh: value of the level at the end [EUR/kWh].
        maintenance_h: it must stand still for once in an episode; 0 = never [h].
        maintenance_by_day: by the end of this day of the episode, 1 = the first.
    """
    return PowerNode(
        driver="setpoint",
        power_min_kw=-power_kw,
        energy_max_kwh=level_kwh,
        eta_discharge=eta,
        degradation_eur_per_kwh=wear_eur_per_kwh,
        discharge_on_kw=least_share * power_kw,
        ramp_kw_per_h=math.inf if ramp_kw_per_h is None else ramp_kw_per_h,
        start_eur=start_eur,
        terminal_eur_per_kwh=terminal_eur_per_kwh,
        maintenance_h=maintenance_h,
        maintenance_by_day=maintenance_by_day if maintenance_h > 0.0 else 0,
    )

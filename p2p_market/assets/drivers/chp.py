"""Engines that give power and heat: on gas of a digester, on wood, on gas of the grid."""

from typing import Final

import numpy as np

from p2p_market.assets.drivers.drive import Drive, drive
from p2p_market.assets.node import PowerNode, retention_and_gains
from p2p_market.data.calendar import step_means
from p2p_market.records import FloatArray

BOILER_ETA: Final = 0.9
"""Heat per gas, lower heating value, of the boiler that helps out."""


def heat_per_power(eta: float, eta_th: float) -> float:
    """Heat of an engine per electric energy."""
    return eta_th / eta


def heat_credit_eur_per_kwh(heat_eur_per_kwh: float, eta: float, eta_th: float) -> float:
    """Price of the heat of an electric kWh, negative because it is received [EUR/kWh]."""
    return -heat_eur_per_kwh * heat_per_power(eta, eta_th)


def fuel_eur_per_kwh(gas_eur_per_kwh: float, eta: float) -> float:
    """Price of the fuel of a kWh, electric of an engine or heat of a boiler [EUR/kWh]."""
    return gas_eur_per_kwh / eta


def biogas_chp(steps: int, dt_h: float, *, inflow_kw: float) -> Drive:
    """A store of gas that a digester fills all the time; what does not fit is flared.

    Args:
        steps: length of the episode.
        dt_h: step length [h].
        inflow_kw: gas of the digester, lower heating value [kW].
    """
    return drive(np.full(steps, inflow_kw * dt_h))


def heat_chp(
    heat_kw: FloatArray,
    hot_water_kw: FloatArray,
    dt_h: float,
    *,
    store_kwh: float,
    leak_per_h: float = 0.0,
) -> Drive:
    """Room that is left in a store of heat: demand and losses make room, the engine takes it.

    Room that the demand makes beyond the store is heat that the boiler gave.

    Args:
        heat_kw: that keeps the house warm, (quarter,) [kW].
        hot_water_kw: heat of the water that is used, (quarter,) [kW].
        dt_h: step length [h].
        store_kwh: heat that the store holds [kWh].
        leak_per_h: of the store, and of the device [1/h].
    """
    node = PowerNode(driver="setpoint", leak_per_h=leak_per_h)
    retention, _, _ = retention_and_gains(node, dt_h)
    lost_kwh = (1.0 - retention) * store_kwh
    return drive(step_means(heat_kw + hot_water_kw, dt_h) * dt_h + lost_kwh)

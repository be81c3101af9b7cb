"""What weather, water and people do to devices: one file per topic, and tables of all laws.

A law is a pure function of arrays. What comes before `dt_h` in its signature are series, by the
names of `p2p_market.data.weather` where they come from there, in quarter-hours; what comes behind
`*` are parameters of the device. Laws are computed per quarter-hour and their means over a step
taken; only a coefficient of performance is that of the step's mean temperature. Results are rounded
to 1 W, 1 Wh and shares of 1e-6, so that mathematical libraries cannot differ.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Final

from p2p_market.assets.drivers.chp import biogas_chp, heat_chp
from p2p_market.assets.drivers.cold import cold_store
from p2p_market.assets.drivers.drive import Drive, drive
from p2p_market.assets.drivers.ground import geothermal_binary
from p2p_market.assets.drivers.heat import heat_pump, heated_room
from p2p_market.assets.drivers.hydrogen import hydrogen
from p2p_market.assets.drivers.jobs import data_centre, shiftable_load
from p2p_market.assets.drivers.limits import outdoor_battery, vehicle_to_house
from p2p_market.assets.drivers.panel import pv_detail
from p2p_market.assets.drivers.water import hydro_storage, run_of_river
from p2p_market.assets.drivers.wind import wind_turbine, wind_turbine_in_wake
from p2p_market.records import FloatArray

LAWS: Final[Mapping[str, Callable[..., Drive]]] = {
    "heat_pump": heat_pump,
    "heated_room": heated_room,
    "cold_store": cold_store,
    "hydro_storage": hydro_storage,
    "biogas_chp": biogas_chp,
    "heat_chp": heat_chp,
    "hydrogen": hydrogen,
    "shiftable_load": shiftable_load,
    "data_centre": data_centre,
    "outdoor_battery": outdoor_battery,
    "vehicle_to_house": vehicle_to_house,
}
"""Devices that their owners move -> what the world does to their level and their limits."""

GENERATION: Final[Mapping[str, Callable[..., FloatArray]]] = {
    "pv_detail": pv_detail,
    "wind_turbine": wind_turbine,
    "wind_turbine_in_wake": wind_turbine_in_wake,
    "run_of_river": run_of_river,
    "geothermal_binary": geothermal_binary,
}
"""Devices that give what they can -> their power, (step,) [kW]."""

__all__ = ["GENERATION", "LAWS", "Drive", "drive", "series_of"]


def series_of(law: Callable[..., object]) -> tuple[str, ...]:
    """Names of the series that a law needs; `steps`, where there are none."""
    names = list(inspect.signature(law).parameters)
    return tuple(names[: names.index("dt_h")])

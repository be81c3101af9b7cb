"""Devices. `ASSETS` lists every kind that a scenario may name."""

from collections.abc import Callable, Mapping
from typing import Final

from p2p_market.assets.battery import battery
from p2p_market.assets.biogas_chp import biogas_chp
from p2p_market.assets.cold_store import cold_store
from p2p_market.assets.electric_vehicle import electric_vehicle
from p2p_market.assets.generation import geothermal_binary, run_of_river, wind_turbine
from p2p_market.assets.heat_chp import heat_chp
from p2p_market.assets.heat_pump import heat_pump
from p2p_market.assets.heated_room import heated_room
from p2p_market.assets.hydro_storage import hydro_storage
from p2p_market.assets.hydrogen import hydrogen
from p2p_market.assets.load import load
from p2p_market.assets.measured import measured_load, measured_pv
from p2p_market.assets.node import PowerNode
from p2p_market.assets.pv import pv
from p2p_market.assets.shiftable_load import data_centre, shiftable_load
from p2p_market.assets.wood_chp import wood_chp

ASSETS: Final[Mapping[str, Callable[..., PowerNode]]] = {
    "load": load,  # inflexible demand, resampled from a donor
    "pv": pv,  # roof, curtailed by rule only
    "battery": battery,  # AC-coupled storage
    "electric_vehicle": electric_vehicle,  # comes and goes, wants a level at departure
    "biogas_chp": biogas_chp,  # a digester fills its store, an engine empties it
    "wood_chp": wood_chp,  # an engine empties a bunker of fuel that is ordered days ahead
    "heat_chp": heat_chp,  # heat demand makes room in its store, an engine takes it
    "heat_pump": heat_pump,  # fills a buffer of heat that a house empties
    "heated_room": heated_room,  # a house that stays warm for a while
    "cold_store": cold_store,  # goods that stay cold for a while
    "hydro_storage": hydro_storage,  # a stream fills it, a turbine empties it
    "hydrogen": hydrogen,  # electrolyser, tank, fuel cell, truck
    "shiftable_load": shiftable_load,  # a job a day that may wait
    "data_centre": data_centre,  # four jobs a day in one queue
    "wind_turbine": wind_turbine,  # gives what the wind does
    "run_of_river": run_of_river,  # gives what the river does
    "geothermal_binary": geothermal_binary,  # always runs, less in the heat
}
"""Kind of asset -> function from device data to power-node parameters."""

MEASURED: Final[Mapping[str, Callable[..., PowerNode]]] = {
    "load": measured_load,  # as it was measured
    "pv": measured_pv,
}
"""Kind of asset -> function from the name of a measured column, where a scenario gives one."""

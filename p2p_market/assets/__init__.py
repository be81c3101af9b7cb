"""Devices. `ASSETS` lists every kind that a scenario may name."""

from collections.abc import Callable, Mapping
from typing import Final

from p2p_market.assets.battery import battery
from p2p_market.assets.electric_vehicle import electric_vehicle
from p2p_market.assets.load import load
from p2p_market.assets.measured import measured_load, measured_pv
from p2p_market.assets.node import PowerNode
from p2p_market.assets.pv import pv

ASSETS: Final[Mapping[str, Callable[..., PowerNode]]] = {
    "load": load,  # inflexible demand, resampled from a donor
    "pv": pv,  # roof, curtailed by rule only
    "battery": battery,  # AC-coupled storage
    "electric_vehicle": electric_vehicle,  # comes and goes, wants a level at departure
}
"""Kind of asset -> function from device data to power-node parameters."""

MEASURED: Final[Mapping[str, Callable[..., PowerNode]]] = {
    "load": measured_load,  # as it was measured
    "pv": measured_pv,
}
"""Kind of asset -> function from the name of a measured column, where a scenario gives one."""

"""Units that a heading or an option may say, and what they are in the units of this project."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from p2p_market.errors import DataError

Kind = Literal["load", "pv", "price", "co2", "temperature", "wind", "irradiance", "flow", "heat"]
KINDS: Final[tuple[Kind, ...]] = ("load", "pv", "price", "co2")
"""Each has files of its own."""
WEATHER: Final[Mapping[Kind, str]] = {
    "temperature": "temperature_c",
    "wind": "wind_ms",
    "irradiance": "irradiance_wm2",
    "flow": "flow_m3s",
    "heat": "heat_kw_",
}
"""Series of a file of weather -> heading of their column; of heat, a building's name follows."""
EVERY: Final[tuple[Kind, ...]] = (*KINDS, *WEATHER)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a kind of series."""

    name: str
    factor: float  # to kW, kWh, EUR/MWh or g/kWh
    energy: bool = False  # per interval: a power follows from the interval's length


_POWER: Final = (
    Unit("W", 1e-3),
    Unit("kW", 1.0),
    Unit("MW", 1e3),
    Unit("Wh", 1e-3, energy=True),
    Unit("kWh", 1.0, energy=True),
    Unit("MWh", 1e3, energy=True),
)
UNITS: Final[Mapping[Kind, tuple[Unit, ...]]] = {
    "load": _POWER,
    "pv": _POWER,
    "price": (Unit("EUR/MWh", 1.0), Unit("EUR/kWh", 1e3), Unit("ct/kWh", 10.0)),
    "temperature": (Unit("C", 1.0),),
    "wind": (Unit("m/s", 1.0),),
    "irradiance": (Unit("W/m2", 1.0),),
    "flow": (Unit("m3/s", 1.0),),
    "heat": (Unit("kW", 1.0),),
    "co2": (Unit("g/kWh", 1.0), Unit("kg/kWh", 1e3), Unit("kg/MWh", 1.0), Unit("t/MWh", 1e3)),
}
STORED: Final[Mapping[Kind, str]] = {
    "load": "kW", "pv": "kW", "price": "EUR/MWh", "co2": "g/kWh", "temperature": "C",
    "wind": "m/s", "irradiance": "W/m2", "flow": "m3/s", "heat": "kW",
}  # fmt: skip
RANGES: Final[Mapping[Kind, tuple[float, float]]] = {
    "load": (0.0, 1e5), "pv": (0.0, 1e5), "price": (-500.0, 4000.0), "co2": (0.0, 2000.0),
    "temperature": (-60.0, 60.0), "wind": (0.0, 90.0), "irradiance": (0.0, 1500.0),
    "flow": (0.0, 1e5), "heat": (0.0, 1e5),
}  # fmt: skip
"""In the units that are stored."""

_POWERS: Final = re.compile(r"(?<![A-Za-z0-9])((?i:mwh|kwh|wh|mw|kw)|W)(?![A-Za-z0-9])")
_PRICES: Final = re.compile(r"(EUR|€|ct|cents?) ?(?:/|_per_| per ) ?([mk]wh)", re.IGNORECASE)
_CO2: Final = re.compile(
    r"(?<![a-z])(kg|g|t)[ _]?(?:co2)?(?:eq)?[ _]?(?:/|per)[ _]?([mk]wh)", re.IGNORECASE
)


def unit_of(kind: Kind, heading: str) -> Unit | None:
    """The unit that a heading says, as in `Preis [€/MWh]` or `load_kwh`."""
    if kind in WEATHER:
        return UNITS[kind][0]
    if kind in ("load", "pv"):
        found = _POWERS.search(heading)
        return named(kind, found[1]) if found else None
    found = (_PRICES if kind == "price" else _CO2).search(heading)
    if found is None:
        return None
    above = "EUR" if found[1] in "€" else "ct" if found[1].lower().startswith("c") else found[1]
    return named(kind, f"{above}/{found[2]}")


def named(kind: Kind, name: str) -> Unit:
    """A unit by its name, whose letters may be in any case.

    Raises:
        DataError: if this kind of series has none of this name.
    """
    for unit in UNITS[kind]:
        if unit.name.lower() == name.lower().replace("€", "eur"):
            return unit
    known = ", ".join(unit.name for unit in UNITS[kind])
    raise DataError(f"unit {name!r} of {kind}: use one of {known}")


def without_unit(heading: str) -> str:
    """A heading without its unit, as the name of a column."""
    for pattern in (_PRICES, _CO2, _POWERS):
        heading = pattern.sub("", heading)
    heading = re.sub(r"[\[(]\s*[\])]", "", heading)
    return re.sub(r"[\s_]+", "-", heading.strip(" _-:,;")).strip("-")

"""What a table of market data may hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

DAY_AHEAD: Final = "day_ahead"


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its unit and range; a state is -1, 0 or 1."""

    unit: str
    low: float
    high: float
    state: bool = False


COLUMNS: Final[Mapping[str, Column]] = {
    DAY_AHEAD: Column("EUR/MWh", -500.0, 4000.0),
    "intraday": Column("EUR/MWh", -500.0, 1000.0),
    "spread": Column("EUR/MWh", 0.0, 500.0),
    "imbalance_mw": Column("MW", -2500.0, 2500.0),
    "afrr_up": Column("EUR/MWh", -1000.0, 1000.0),
    "afrr_down": Column("EUR/MWh", -1000.0, 1000.0),
    "afrr_cap_up": Column("EUR/MW/h", 0.0, 500.0),
    "afrr_cap_down": Column("EUR/MW/h", 0.0, 500.0),
    "marginal": Column("1", 0.01, 10.0),
    "activation": Column("1", -1.0, 1.0, state=True),
    "mfrr_up": Column("EUR/MWh", -1000.0, 1000.0),
    "mfrr_down": Column("EUR/MWh", -1000.0, 1000.0),
    "mfrr_call": Column("1", -1.0, 1.0, state=True),
}
"""Columns by name; only the first is required. Their meaning stands in docs/tracks/battery.md."""

ALIASES: Final[Mapping[str, str]] = {
    "Day-ahead Price [EUR/MWh]": DAY_AHEAD,
    "Day-ahead Price (EUR/MWh)": DAY_AHEAD,
}
"""Headings of ENTSO-E's tables."""

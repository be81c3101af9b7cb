"""Demand, wind and sun of a whole power system, the set `de2018-system`: Germany 2018.

Each series is a share of its highest value. Wind, on land and at sea, and sun are measured; demand
is derived from generation. All series are means of quarter-hours, like those of every set.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.data import dataset, sources
from p2p_market.records import FloatArray, Record

SET: Final = "de2018-system"
SCALE: Final = 65_535
"""Stored integers are shares times this."""


@dataclass(frozen=True, slots=True, eq=False)
class SystemYear(Record):
    """A year of a power system; quarter-hours of standard time from 1 January."""

    name: str
    digest: str
    demand_fraction: FloatArray  # (quarter,), of the year's highest demand
    wind_fraction: FloatArray  # (quarter,), of the year's highest wind power
    solar_fraction: FloatArray  # (quarter,), of the year's highest solar power


@lru_cache(maxsize=1)
def load() -> SystemYear:
    """The embedded year; read and verified once per process.

    Raises:
        DataError: if its files are damaged.
    """
    verify()
    fractions = {f"{name}_fraction": stored / SCALE for name, stored in arrays().items()}
    return SystemYear(name=SET, digest=card()["digest"], **fractions)


def card() -> dict[str, Any]:
    """Sources, labels, licences and digests of `de2018-system`.

    Raises:
        DataError: if the file cannot be read.
    """
    return sources.embedded_card(SET)


def arrays() -> Mapping[str, NDArray[np.uint16]]:
    """Arrays of `de2018-system` as stored.

    Raises:
        DataError: if the file cannot be read.
    """
    return sources.embedded_arrays(SET)


def verify() -> None:
    """Recompute every digest of `de2018-system`.

    Raises:
        DataError: naming the first array that differs from the card.
    """
    dataset.compare_digests(SET, card()["arrays"], arrays())

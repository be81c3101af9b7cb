"""Columns of an imported data set: power nodes whose size is what was measured."""

from typing import Final

from pydantic import validate_call

from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT

COLUMN: Final = "column "
"""Before a column's name, in the profile of a load or roof that is played as it was measured."""


@validate_call(config=STRICT)
def measured_load(column: str) -> PowerNode:
    """Power node of a load that is played as it was measured on each date.

    Args:
        column: of the loads of an imported data set.
    """
    return PowerNode(driver="demand", profile=f"{COLUMN}{column}")


@validate_call(config=STRICT)
def measured_pv(column: str) -> PowerNode:
    """Power node of a roof that gives what was measured on each date.

    Args:
        column: of the PV of an imported data set.
    """
    return PowerNode(driver="sun", profile=f"{COLUMN}{column}")

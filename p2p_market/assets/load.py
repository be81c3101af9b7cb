"""Load: a power node that follows the measured days of a donor; demand is a hard requirement."""

from typing import Annotated, Final

from pydantic import Field, validate_call

from p2p_market.assets.measured import COLUMN
from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT

HOURS_PER_YEAR = 8760.0


ANY: Final = "any "
"""Before a donor's kind, in the profile of a load whose donor is drawn anew in each episode."""


@validate_call(config=STRICT)
def load(
    annual_kwh: Annotated[float, Field(ge=1e-3, le=1e8)],
    donor: str | None = None,
    donor_kind: str | None = None,
) -> PowerNode:
    """Power node of a household's or firm's inflexible demand.

    Args:
        annual_kwh: yearly demand [kWh].
        donor: name of the load shape in the data set; or use donor_kind.
        donor_kind: household, commercial or farm: each episode draws a donor of that kind.
    """
    profile = f"{ANY}{donor_kind}" if donor_kind is not None else donor
    if donor is not None and donor.startswith((ANY, COLUMN)):
        raise ValueError(
            f"donor {donor!r} does not exist; to draw donors of a kind, use donor_kind"
        )
    if profile is None or (donor is not None and donor_kind is not None):
        raise ValueError("name either donor or donor_kind")
    return PowerNode(driver="demand", profile=profile, scale_kw=annual_kwh / HOURS_PER_YEAR)

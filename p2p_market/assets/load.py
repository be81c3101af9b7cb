"""Load: a power node that follows the measured days of a donor; demand is a hard requirement."""

from pydantic import PositiveFloat, validate_call

from p2p_market.assets.node import PowerNode

HOURS_PER_YEAR = 8760.0


@validate_call
def load(donor: str, annual_kwh: PositiveFloat) -> PowerNode:
    """Power node of a household's or firm's inflexible demand.

    Args:
        donor: name of the measured (or simulated) load shape in the data set.
        annual_kwh: yearly demand [kWh].
    """
    return PowerNode(driver="demand", profile=donor, scale_kw=annual_kwh / HOURS_PER_YEAR)

"""Health of batteries: what use and time take of their capacity.

The state of health is a parameter of an episode, not a state: a week fades 0.04 %. A battery is
worn out when a fifth of its capacity is gone, half by its full cycles, half by its years:

    loss = 0.2 (throughput / (2 cycles usable) + hours / (8760 years))
"""

from typing import Final

import numpy as np

from p2p_market.assets.node import PowerNode
from p2p_market.records import FloatArray

WORN_OUT: Final = 0.2
"""Share of the capacity that is gone when a battery has done its cycles, or its years."""
HOURS_PER_YEAR: Final = 8760.0


def usable_kwh(node: PowerNode) -> float:
    """What a battery could hold between empty and full when it was new [kWh]."""
    return (node.energy_max_kwh - node.energy_min_kwh) / node.soh


def full_cycles(throughput_kwh: FloatArray | float, node: PowerNode) -> FloatArray:
    """Full equivalent cycles, of the usable capacity when it was new.

    Args:
        throughput_kwh: AC energy of both directions [kWh].
        node: the battery.
    """
    return np.asarray(throughput_kwh) / (2.0 * usable_kwh(node))


def soh_loss(throughput_kwh: FloatArray | float, hours: float, node: PowerNode) -> FloatArray:
    """What a time takes of the state of health; 0 of a device whose life is not known.

    Args:
        throughput_kwh: AC energy of both directions [kWh].
        hours: of the time [h].
        node: the battery; one with a type has a life.
    """
    if node.ageing is None:
        return np.zeros_like(np.asarray(throughput_kwh, dtype=np.float64))
    cycles, years = node.ageing
    used = full_cycles(throughput_kwh, node) / cycles
    return np.asarray(WORN_OUT * (used + hours / (HOURS_PER_YEAR * years)))


def wear_eur_per_kwh(capex_eur_per_kwh: float, cycles: float, depth: float) -> float:
    """Price of wear per AC kWh in either direction that pays a battery back over its cycles.

    Args:
        capex_eur_per_kwh: of the whole capacity [EUR/kWh].
        cycles: full ones that it lasts.
        depth: share of the capacity that may be used.
    """
    return capex_eur_per_kwh / (2.0 * cycles * depth)

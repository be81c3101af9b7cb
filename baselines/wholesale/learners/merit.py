"""What a net load costs by merit order: the part of the cost that no choice of the operator moves.

Subtracted from rewards it takes away the weather, which a value network would have to foretell.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from p2p_market.records import FloatArray
from p2p_market.wholesale.scenario import Scenario


def merit_cost_eur(scenario: Scenario, net_load_mw: NDArray[np.floating[Any]]) -> FloatArray:
    """Cost of a step, and carbon in it, of the cheapest units that serve a net load.

    Minimum outputs, ramps, outages and storages are left out.

    Args:
        scenario: with its fleet.
        net_load_mw: demand less wind and sun, (row,).

    Returns:
        (row, 2) [EUR]: generation cost, and the carbon price of its emissions alone.
    """
    fleet, left = scenario.fleet, np.maximum(np.asarray(net_load_mw, dtype=np.float64), 0.0)
    total = np.zeros((len(left), 2))
    for place in np.argsort(fleet.cost, kind="stable"):
        if fleet.thermal[place]:
            output = np.minimum(left, fleet.max_mw[place])
            left = left - output
            total[:, 0] += output * fleet.cost[place]
            total[:, 1] += output * fleet.emissions[place] * scenario.rules.carbon
    return total * scenario.dt_h

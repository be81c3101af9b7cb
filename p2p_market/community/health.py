"""What an episode takes of the health of each battery of a community."""

from dataclasses import dataclass

import numpy as np

from p2p_market.assets.health import HOURS_PER_YEAR, full_cycles, soh_loss
from p2p_market.community.scenario.record import Scenario
from p2p_market.records import FloatArray, Record
from p2p_market.track import Trajectory


@dataclass(frozen=True, slots=True, eq=False)
class Health(Record):
    """Per device, (batch, agent, asset); 0 for those whose life is not known."""

    full_cycles: FloatArray  # in the episode
    soh_loss: FloatArray  # share of the capacity that the episode takes
    soh_loss_per_year: FloatArray  # the same, if every week were like it


def health(scenario: Scenario, played: Trajectory) -> Health:
    """Cycles of the episode and what they take, for batteries with a type.

    Args:
        played: with the executed set-points, (step, batch, agent, asset) [kW].
    """
    used_kwh = scenario.dt_h * np.abs(played.series["setpoint_kw"]).sum(axis=0)
    hours = scenario.dt_h * len(played.series["setpoint_kw"])
    cycles, loss = np.zeros((2, *used_kwh.shape))
    for agent, own in enumerate(scenario.flexible):
        for asset, node in enumerate(own):
            if node.ageing is not None:
                cycles[:, agent, asset] = full_cycles(used_kwh[:, agent, asset], node)
                loss[:, agent, asset] = soh_loss(used_kwh[:, agent, asset], hours, node)
    return Health(cycles, loss, loss * HOURS_PER_YEAR / hours)

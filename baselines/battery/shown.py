"""What TensorBoard shows of weeks that were played: money, cycles, markets, part in the reserve."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from p2p_market.battery.actions import rest
from p2p_market.battery.episode.episode import Episode
from p2p_market.battery.metrics import METRICS
from p2p_market.battery.records import COLUMN
from p2p_market.battery.scenario import Scenario
from p2p_market.track import Trajectory

MARKETS: Final = ("dam", "intraday", "afrr_capacity", "afrr_energy", "mfrr")


def shown(scenario: Scenario, episode: Episode, played: Trajectory) -> Mapping[str, float]:
    """Means per week, and shares of hours, by the names of the board."""

    def mean(name: str) -> float:
        return float(METRICS[name].of(scenario, episode, played).mean())

    profit, cycles = mean("profit"), mean("cycles")
    (actions,) = played.actions.values()
    offered = actions[..., 0] != rest(scenario)[0]
    accepted = played.series["accepted_mw"] > 0.0
    activation = episode.market[:, 1 : 1 + scenario.steps, COLUMN["activation"]].T[..., None]
    return {
        "custom/avg_profit": profit,
        "custom/avg_cycles": cycles,
        "custom/profit_per_cycle": profit / cycles if cycles else 0.0,
        **{f"markets/{name}_profit": mean(f"{name}_profit") for name in MARKETS},
        "participation/bid_rate": float(offered.mean()),
        "participation/selection_rate": float(accepted.mean()),
        "participation/activation_rate": float(np.mean(accepted & (activation != 0.0))),
    }

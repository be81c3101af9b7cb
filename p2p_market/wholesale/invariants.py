"""What holds in every step: energy and money balance, levels stay inside their bounds."""

from typing import Final

import numpy as np

from p2p_market.errors import InvariantError
from p2p_market.records import FloatArray
from p2p_market.wholesale.episode.episode import Episode
from p2p_market.wholesale.records import LEDGER_ENTRIES, TRANSFERS, State
from p2p_market.wholesale.scenario import Scenario

TOLERANCE: Final = 1e-5
"""MW, MWh and EUR."""
_TRANSFERS: Final = [LEDGER_ENTRIES.index(name) for name in TRANSFERS]


def insist(scenario: Scenario, episode: Episode, before: State, after: State) -> None:
    """Check a step.

    Raises:
        InvariantError: naming what does not hold, and in which step and community.
    """
    for what, away in away_from(scenario, episode, before, after).items():
        wrong = ~(np.abs(away) <= TOLERANCE)  # NaN too
        if wrong.any():
            community = int(np.flatnonzero(wrong.reshape(len(wrong), -1).any(axis=1))[0])
            raise InvariantError(
                f"{scenario.spec.id}: {what} is off by {np.nanmax(np.abs(away[community])):.3g} in "
                f"step {before.step} of community {community}; this is a mistake of the engine"
            )


def away_from(
    scenario: Scenario, episode: Episode, before: State, after: State
) -> dict[str, FloatArray]:
    """How far each law is from holding, (batch, ...): 0 where it holds."""
    done, fleet = after.last, scenario.fleet
    injected = (done.output_mw - done.dumped_mw).sum(axis=1) - done.power_mw.sum(axis=1)
    moved = fleet.gain_charge * np.maximum(done.power_mw, 0.0)
    moved = moved - fleet.gain_discharge * np.maximum(-done.power_mw, 0.0)
    t = before.step
    deferred = scenario.dt_h * (episode.flexible_mw[:, t] - done.flexible_mw)
    served = episode.firm_mw[:, t] + done.flexible_mw - done.lost_mw
    within = (
        _outside(done.output_mw, done.low_mw, done.high_mw),
        _outside(done.power_mw, -fleet.power_mw, fleet.power_mw),
        _outside(done.flexible_mw, 0.0, done.normal_mw),
        _outside(done.dumped_mw, 0.0, done.low_mw),
    )
    return {
        "energy balance [MW]": injected - done.load_mw.sum(axis=1),
        "served load [MW]": served - done.load_mw,
        "storage level [MWh]": after.level_mwh - before.level_mwh - moved,
        "backlog [MWh]": after.backlog_mwh - before.backlog_mwh - deferred,
        "money of the market [EUR]": done.entries_eur[:, :, _TRANSFERS].sum(axis=1),
        "power within its limits [MW]": np.concatenate(within, axis=1),
        "finite ledger [EUR]": done.entries_eur * 0.0,  # NaN and inf stay
    }


def _outside(value: FloatArray, low: FloatArray | float, high: FloatArray | float) -> FloatArray:
    return np.asarray(np.maximum(0.0, np.maximum(low - value, value - high)))

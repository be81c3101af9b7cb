"""Why the supervisor held a policy's agents in grid-only fallback, in words with counts."""

from collections import Counter
from typing import Final

import numpy as np

from p2p_market.community.actions import action_map
from p2p_market.community.further import further_columns
from p2p_market.community.records import LARGEST, SUPERVISOR_CAUSES
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.track import Trajectory
from p2p_market.words import counted

OWN_STOP: Final = "own_stop"
NOT_FINITE: Final = "with NaN or infinite numbers in the answer"
BEYOND: Final = "with numbers beyond 1e6 kW or EUR/kWh in the answer"
WORDS: Final = {
    "non_finite": "with a number spoiled by a fault",
    "missing": "without a message",
    "held": "still held afterwards",
    "invariant": "where energy or money did not balance",
    "envelope": "with a reading outside its envelope",
    "stuck": "with a stuck reading",
}
"""Cause -> what is said of it. `non_finite` is said so where the answer itself was sound."""


def causes(scenario: Scenario, played: Trajectory) -> Counter[str]:
    """Agent-steps in fallback by cause, in words."""
    found = {
        name: played.cause == code
        for code, name in enumerate(SUPERVISOR_CAUSES)
        if name not in ("none", OWN_STOP)
    }
    asked = played.actions["prosumer"].astype(np.float64)
    finite = np.isfinite(asked).all(axis=-1)
    large = (np.abs(action_map(scenario).physical(asked)) > LARGEST).any(axis=-1)
    numbers = found["non_finite"]
    counted = {
        NOT_FINITE: numbers & ~finite,
        BEYOND: numbers & finite & large,
        **{WORDS[name]: where for name, where in found.items() if name != "non_finite"},
        WORDS["non_finite"]: numbers & finite & ~large,
    }
    return Counter({words: int(where.sum()) for words, where in counted.items() if where.any()})


def held(scenario: Scenario, played: Trajectory) -> str:
    """A sentence without its subject; empty where nobody was held, stopped itself or asked."""
    return ", ".join(filter(None, (_held(scenario, played), *acted(played))))


def acted(played: Trajectory) -> list[str]:
    """What agents did to be left alone or helped, with counts."""
    told, stopped = [], int(np.count_nonzero(played.cause == SUPERVISOR_CAUSES.index(OWN_STOP)))
    if stopped:
        told.append(f"stopped themselves in {stopped} agent-steps")
    urgency = played.series.get("request")
    if urgency is not None and urgency.any():
        count = counted(int(np.count_nonzero(urgency)), "time")
        told.append(f"asked a human {count}, with urgency up to {int(urgency.max())}")
    return told


def _held(scenario: Scenario, played: Trajectory) -> str:
    found = causes(scenario, played)
    if not found:
        return ""
    words = ", ".join(f"{number} {cause}" for cause, number in found.most_common())
    share = f"{100.0 * found.total() / played.cause.size:.0f} %"
    return (
        f"held in grid-only fallback in {found.total()} agent-steps ({share}): {words}"
        f"{_first(scenario, played)}"
    )


def _first(scenario: Scenario, played: Trajectory) -> str:
    """The first place with NaN or infinity, as the end of a sentence."""
    wrong = np.argwhere(~np.isfinite(played.actions["prosumer"].astype(np.float64)))
    if not len(wrong):
        return ""
    step, _, agent, column = wrong[0].tolist()
    setpoints = [f"setpoint_{number}" for number in range(action_map(scenario).assets)]
    further = [each.name for each in further_columns(scenario)]
    name = (*setpoints, "quantity", "price", *further)[column]
    return f"; the first at step {step}: the {name} of {scenario.agents[agent]}"

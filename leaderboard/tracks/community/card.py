"""The track `community` as the leaderboard needs it."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from baselines.learners.decision import Decision
from baselines.learners.ppo.decision import KINDS
from leaderboard.tracks.card import BoardCard, Clock, Shown
from leaderboard.tracks.community import facts, rules, week, year
from p2p_market.community.actions import action_map
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.track import ROLE
from p2p_market.records import FloatArray
from p2p_market.registry import POPULATION
from p2p_market.track import Role

RULE: Final = """\
# A rule of p2p_market and its settings; `docs/leaderboard.md` lists them.
rule = "truthful"
margin = 0.1  # of the way from the truth to the end of the prices
"""


def safe_default(scenario: Scenario) -> Mapping[str, FloatArray]:
    """No trade, and storage as near to rest as it may be."""
    table = action_map(scenario)
    return {ROLE: np.clip(table.normalised(np.zeros_like(table.half)), -1.0, 1.0)}


def clock(scenario: Scenario) -> Clock:
    """Charges and sells in the middle of the day, discharges and buys otherwise."""
    half = action_map(scenario).half
    storing, using = np.ones_like(half), -np.ones_like(half)
    storing[:, -2:], using[:, -2:] = [-1.0, -1.0], [1.0, 1.0]
    return Clock("cos_day", storing, using)


def _of(kind: Callable[[Scenario], Decision]) -> Callable[[Scenario, Role], Decision]:
    """All members are of one role."""
    return lambda scenario, role: kind(scenario)


CARD: Final = BoardCard(
    public="dev",
    population=POPULATION,
    drawn=year.drawn,
    default=safe_default,
    decisions={name: _of(kind) for name, kind in KINDS.items()},
    rules=rules.read_rule,
    facts=facts.facts,
    learnt=facts.learnt,
    published=facts.published,
    template=RULE,
    clock=clock,
    metrics=(
        Shown("co2", "CO2", 0, on_board=True),
        Shown("peak", "peak", 1, on_board=True),
        Shown("interventions", "in fallback", 1, unit="seat-steps", on_board=True),
        Shown("traded", "traded", 0),
        Shown("self_sufficiency", "self-sufficiency", 3, unit=""),
        Shown("lost_load", "lost load", 1),
        Shown("curtailed", "curtailed PV", 1),
        Shown("corrected", "corrected by the filter", 1),
    ),
    brief={"co2": "CO2 kg", "peak": "peak kW"},
    zero="nobody trading",
    beside="members worse off, emissions, peak and faults are",
    losses={
        "dispatch": "dispatch (what the storage did)",
        "allocation": "allocation (who traded with whom)",
    },
    picture=week.picture,
)

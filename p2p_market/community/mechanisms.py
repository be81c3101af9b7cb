"""The truthful rule under every market mechanism, on the same episodes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from p2p_market.community import metrics
from p2p_market.community.baselines import RULE, TRUTHFUL
from p2p_market.community.episode.episode import Episode
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.market import MECHANISMS
from p2p_market.records import FloatArray
from p2p_market.track import Trajectory

Play = Callable[[Scenario, Episode, str], Trajectory]
"""Plays a baseline, by its name."""

HEADINGS: Final = (
    "mechanism",
    "IR",
    "budget",
    "truthful",
    "traded\nkWh",
    "cost\nEUR",
    "gap\nEUR",
    "price\n/kWh",
    "operator\nEUR",
    "worse\noff",
)

LEGEND: Final = (
    "Means per episode. IR: nobody trades worse than its order; budget: strong if the operator "
    "keeps nothing; cost: social cost; gap: what the best matching of the same net loads would "
    "save; price: EUR, mean by volume; worse off: members that pay more than alone with the grid."
)

PLAYS: Final = 1 + len(MECHANISMS)
"""How many times the episodes are played."""


@dataclass(frozen=True, slots=True)
class MechanismRow:
    """The truthful rule under one mechanism; arrays are per episode."""

    mechanism: str
    traded_kwh: FloatArray  # (episode,)
    social_cost_eur: FloatArray  # (episode,)
    allocation_gap_eur: FloatArray  # (episode,)
    price_eur_per_kwh: FloatArray  # (episode,), nan when nothing was traded
    operator_balance_eur: FloatArray  # (episode,)
    worse_off_share: FloatArray  # (episode,), members that pay more than alone with the grid

    @property
    def cells(self) -> tuple[str | FloatArray, ...]:
        """Under `HEADINGS`; arrays are EUR per episode."""
        laws = MECHANISMS[self.mechanism]
        return (
            self.mechanism,
            "yes" if laws.individually_rational else "no",
            laws.budget_balance,
            "yes" if laws.truthful else "no",
            f"{self.traded_kwh.mean():.0f}",
            self.social_cost_eur,
            self.allocation_gap_eur,
            price_text(self.price_eur_per_kwh),
            self.operator_balance_eur,
            f"{100.0 * self.worse_off_share.mean():.0f} %",
        )


def compare_mechanisms(
    scenario: Scenario, episode: Episode, play: Play
) -> tuple[MechanismRow, ...]:
    """Play the truthful rule under each of `MECHANISMS`, whatever the scenario names.

    Args:
        episode: a batch of all weeks.
        play: plays a baseline.
    """
    alone_eur = play(scenario, episode, RULE).private_cost_eur
    rows = []
    for mechanism in MECHANISMS:
        variant = build(scenario.spec.model_copy(update={"mechanism": mechanism}))
        played = play(variant, episode, TRUTHFUL)
        worse_off = (played.private_cost_eur > alone_eur + 1e-6).mean(axis=1)
        rows.append(
            MechanismRow(
                mechanism=mechanism,
                traded_kwh=metrics.traded_kwh(variant, episode, played),
                social_cost_eur=played.social_cost_eur,
                allocation_gap_eur=metrics.allocation_gap_eur(variant, episode, played),
                price_eur_per_kwh=metrics.mean_price_eur_per_kwh(played),
                operator_balance_eur=metrics.operator_balance_eur(played),
                worse_off_share=worse_off,
            )
        )
    return tuple(rows)


def title(rows: Sequence[MechanismRow]) -> str:
    """What the table shows."""
    return f"{TRUTHFUL} rule ({len(rows[0].social_cost_eur)} episodes)"


def price_text(per_episode: FloatArray) -> str:
    """Mean over the episodes with trade, a dash if there is none."""
    traded = per_episode[~np.isnan(per_episode)]
    return f"{traded.mean():.3f}" if len(traded) else "-"

"""Policies of kind `rules` of a community: the name of a rule, and its settings as data.

Which rules there are, and between which bounds a setting lies, is what the classes here say. The
rules themselves are baselines; nothing in a package is executed.
"""

from typing import Annotated, Literal

from pydantic import Field, RootModel

from baselines.community.storage_value.beliefs import REACH
from baselines.community.storage_value.policy import HORIZON_H, bidder
from leaderboard.forms import Section, read_toml
from leaderboard.tracks.neutral import NamedRule
from p2p_market.community.rules.shaded import shaded
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.evaluation.players.policy import Policy
from p2p_market.track import Card


class WithoutSettings(Section):
    """A baseline without settings."""

    rule: Literal["no-trade", "zero-intelligence", "zip", "gjerstad-dickhaut", "random"]

    def policy(self, scenario: Scenario, role: str) -> Policy:
        """The baseline of that name."""
        return NamedRule(self.rule).policy(scenario, role)


class Truthful(Section):
    """Orders for all that the storage rule leaves, at the grid's price less a margin."""

    rule: Literal["truthful"]
    margin: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0

    def policy(self, scenario: Scenario, role: str) -> Policy:
        """The truthful rule with that margin."""
        return shaded(scenario, self.margin)


class StorageValue(Section):
    """The bidder by the value of stored energy."""

    rule: Literal["storage-value"]
    reach: Annotated[float, Field(ge=0.1, le=100.0)] = REACH
    horizon_h: Annotated[int, Field(ge=1, le=HORIZON_H)] = HORIZON_H

    def policy(self, scenario: Scenario, role: str) -> Policy:
        """The bidder with that belief and that horizon."""
        return bidder(scenario, self.reach, self.horizon_h)


Rule = WithoutSettings | Truthful | StorageValue


class _RuleFile(RootModel[Annotated[Rule, Field(discriminator="rule")]]):
    """A rule is chosen by its name; its settings stand beside it."""


def read_rule(card: Card, name: str, text: bytes) -> Rule:
    """The rule in a file.

    Raises:
        PackageError: if there is no such rule, or a setting is out of its bounds.
    """
    return read_toml(name, text, _RuleFile).root

"""What any track brings for the leaderboard by its contract alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from leaderboard.forms import Section, read_toml
from leaderboard.visible import visible
from p2p_market.errors import PackageError
from p2p_market.evaluation.players.policy import Policy, load_policy
from p2p_market.records import FloatArray
from p2p_market.track import AnyEpisode, AnyScenario, Card, EpisodeKey
from p2p_market.tracks import track_of


def drawn(
    scenario: AnyScenario, split: str, number: Callable[[str], int]
) -> tuple[Any, EpisodeKey]:
    """The scenario as it is, and one of the split's own episodes with a seed that nobody knows."""
    units = track_of(scenario).keys(scenario, split, number("seed"))
    every = [key for unit in units for key in unit]
    return scenario.spec, every[number("start") % len(every)]


def default(scenario: AnyScenario) -> Mapping[str, FloatArray]:
    """What stands where an agent sends nothing."""
    return {role.name: role.rest for role in track_of(scenario).roles(scenario)}


def facts(scenario: AnyScenario, episode: AnyEpisode, role: str, agent: int) -> Mapping[str, Any]:
    """What the contract says of a seat: what it sees, what it may do, how long."""
    (own,) = (one for one in track_of(scenario).roles(scenario) if one.name == role)
    return {
        "role": role,
        "steps": scenario.steps,
        "dt_h": float(scenario.spec.dt_h),
        "features": [feature.name for feature in own.features],
        "columns": [column.name for column in own.columns],
        "choices": [column.choices for column in own.columns],
        "rest": own.rest[agent].tolist(),
    }


def published(
    scenario: AnyScenario, episode: AnyEpisode, role: str, agent: int, step: int
) -> Mapping[str, FloatArray]:
    """Nothing beside the observation."""
    return {}


class _Named(Section):
    rule: str


@dataclass(frozen=True, slots=True)
class NamedRule:
    """A baseline without settings."""

    rule: str

    def policy(self, scenario: AnyScenario, role: str) -> Policy:
        """The baseline of that name."""
        policy = load_policy(self.rule, scenario, role)
        assert isinstance(policy, Policy)
        return policy


def rules(card: Card, name: str, text: bytes) -> NamedRule:
    """The baseline that a file names; those that plan or know the episode are references.

    Raises:
        PackageError: if there is no such rule.
    """
    asked = read_toml(name, text, _Named).rule
    known = [
        each
        for each, one in card.baselines.items()
        if not (one.slow or one.foresight or one.centralised)
    ]
    if asked not in known:
        raise PackageError(f"{name}: no rule {visible(asked)!r}; known are: {', '.join(known)}")
    return NamedRule(asked)

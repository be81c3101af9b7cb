"""What a track adds to PPO on choices, by the name of the track."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from baselines.learners.ppo.choices import Shown
from p2p_market.loading import load
from p2p_market.records import FloatArray
from p2p_market.track import AnyScenario, EpisodeKey


@dataclass(frozen=True, slots=True)
class Own:
    """Without anything the observation is shown as it is, and rewards are the ledger's money."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """On top of those for choices."""
    shown: Callable[[Any, Any, Any], Mapping[str, float]] | None = None
    """(scenario, episode, played) -> what TensorBoard shows of the validation weeks."""
    sight: Callable[[Any], Shown | None] | None = None
    """Scenario -> inputs of the networks; None: the observation alone."""
    given: Callable[[Any], Sequence[str]] | None = None
    """Scenario -> entries of the ledger that no action changes, which no critic need know."""
    full_eur: Callable[[Any, Sequence[EpisodeKey]], FloatArray] | None = None
    """What a full storage counts for, (batch, agent); levels are the feature `soc`."""


ADDED: Final[Mapping[str, str]] = {"battery": "baselines.battery.ppo.own:OWN"}
"""Track -> where it stands, imported on use."""


def own_of(scenario: AnyScenario) -> Own:
    """What the track of a scenario adds."""
    target = ADDED.get(scenario.spec.track)
    found: Own = load(target) if target else Own()
    return found

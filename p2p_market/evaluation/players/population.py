"""A background population: its bots, and which bot has which seat in an episode."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.data.streams import stream
from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.policy import Policy
from p2p_market.loading import import_from_here, import_ours
from p2p_market.records import Float32Array
from p2p_market.registry import POPULATION
from p2p_market.track import AnyScenario, EpisodeKey
from p2p_market.tracks import track_of

_SEATS: Final = 0x73656174
_BOTS: Final = 0x626F7473
_STRANGER: Final = 0x73747261


@dataclass(frozen=True, slots=True)
class Bot:
    """One policy of a population."""

    behaviour: str
    target: str  # a policy's name or `module:factory`
    role: str = ""  # whose seats it takes; "": it plays every role, as a baseline does


@dataclass(frozen=True, slots=True)
class Population:
    """Bots by name; each is as likely to be drawn as any other that plays the role of a seat."""

    name: str
    bots: Mapping[str, Bot]

    def of_role(self, role: str) -> list[str]:
        """Names of the bots that play a role.

        Raises:
            PolicyError: if none does.
        """
        names = [name for name, bot in self.bots.items() if bot.role in ("", role)]
        if not names:
            raise PolicyError(f"population {self.name!r} has no bot for the role {role!r}; add one")
        return names


def load_population(target: str) -> Population:
    """A population by `module:attribute`.

    Raises:
        PolicyError: if there is none.
    """
    module, _, attribute = target.partition(":")
    try:
        load = import_ours if target == POPULATION else import_from_here
        found = getattr(load(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise PolicyError(
            f"population {target!r}: {error}; that of the focal role needs a checkout of the "
            "repository, give another one as MODULE:ATTRIBUTE"
        ) from error
    if not isinstance(found, Population):
        raise PolicyError(f"population {target!r} is a {type(found).__name__}, not a Population")
    return found


def seated(scenario: AnyScenario, population: Population, key: EpisodeKey) -> tuple[str, ...]:
    """Name of the bot on each seat, drawn per seed, scenario and week; one stream per seat."""
    words = [key.seed, key.start_day, _SEATS, *scenario.spec.id.encode()]
    root, drawn, roles = np.random.SeedSequence(words), list[str](), track_of(scenario).roles
    for role in roles(scenario):
        names = population.of_role(role.name)
        seats = range(len(drawn), len(drawn) + len(role.agents))
        drawn += [names[int(stream(root, seat).integers(len(names)))] for seat in seats]
    return tuple(drawn)


def bot_seed(key: EpisodeKey) -> int:
    """Seed of the bots of an episode: an entry cannot derive it from its own seed."""
    return _mixed(key, _BOTS)


def stranger(key: EpisodeKey) -> EpisodeKey:
    """The same days with other draws: what a policy may see of members that are not its own."""
    return replace(key, seed=_mixed(key, _STRANGER))


def _mixed(key: EpisodeKey, purpose: int) -> int:
    mixed = np.random.SeedSequence([key.seed, key.start_day, purpose])
    return int(mixed.generate_state(1, np.uint64)[0] >> np.uint64(1))


@dataclass(frozen=True, slots=True)
class Seeded:
    """A policy with seeds of its own, whatever it is given."""

    policy: Policy
    seeds: tuple[int, ...]  # one per community

    def start(self, seeds: Sequence[int]) -> Any:
        """The policy's memory."""
        return self.policy.start(self.seeds)

    def act(self, observation: Float32Array, memory: Any) -> tuple[NDArray[Any], Any]:
        """The policy's answer."""
        return self.policy.act(observation, memory)

"""The focal role: one agent plays the entry, a frozen background population plays all others.

Where there are several roles, an entry is a policy for each of them, and one seat of any role has
its part of it. Every seat of a community is in focus once a week. Entries meet the same episodes,
the same bots and the same draws of these bots, so that all differences between entries are paired.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import numpy as np

from p2p_market.errors import ClusterError, PolicyError
from p2p_market.evaluation.benchmark import all_weeks, draw_weeks, units_of
from p2p_market.evaluation.players.mixture import Blinkered, Mixture
from p2p_market.evaluation.players.names import of_roles, played_roles
from p2p_market.evaluation.players.player import play
from p2p_market.evaluation.players.policy import Policy, load_policy
from p2p_market.evaluation.players.population import (
    Population,
    Seeded,
    bot_seed,
    load_population,
    seated,
    stranger,
)
from p2p_market.evaluation.rollout import rollout
from p2p_market.evaluation.running.parts import Tell
from p2p_market.evaluation.running.processes import in_processes
from p2p_market.records import BoolArray, FloatArray, IntArray, Record, Role
from p2p_market.registry import baselines, rule_of, scenario_of
from p2p_market.track import AnyEpisode, AnyScenario, EpisodeKey
from p2p_market.tracks import track_of


def deviations(scenario: AnyScenario) -> list[str]:
    """What a seat could play instead of an entry, always: the baselines that plan nothing.

    With all entries they bound a best response from below.
    """
    found = baselines(scenario).items()
    return [name for name, one in found if one.benchmark and not one.slow]


SEATS_AT_ONCE: Final = 16  # communities of one batch, so that a large one fits into memory


@dataclass(frozen=True, slots=True)
class FocalRow(Record):
    """One policy on every seat in turn; seats stand in the order of the agents."""

    policy: str
    cost_eur: FloatArray  # (week, seat), private cost of the seat that plays it
    others_eur: FloatArray  # (week, seat), private costs of all other seats together


@dataclass(frozen=True, slots=True)
class FocalResult:
    """Entries and deviations among the same background."""

    scenario: AnyScenario
    keys: tuple[EpisodeKey, ...]  # one per week and draw; "week" below is one of them
    population: Population
    bots: tuple[tuple[str, ...], ...]  # of each week, on each seat that is not in focus
    alone_eur: FloatArray  # (week, seat), private cost where nobody trades
    rows: tuple[FocalRow, ...]  # entries in the order asked for, then the other deviations

    @property
    def compared(self) -> str:
        """The rule that others are measured against: the track's, else that at 0."""
        card = track_of(self.scenario).CARD
        return card.compared or card.rule

    @property
    def units(self) -> IntArray:
        """Number of the unit of each week: a bootstrap draws units whole."""
        return units_of(self.scenario, self.keys)

    def row(self, policy: str) -> FocalRow:
        """What a policy did."""
        return next(row for row in self.rows if row.policy == policy)

    def saving_eur(self, policy: str) -> FloatArray:
        """Private cost saved against no trade, (week, seat) [EUR]."""
        return self.alone_eur - self.row(policy).cost_eur

    def gain_eur(self, policy: str) -> FloatArray:
        """Private cost saved against `compared` on the same seat and background, (week, seat).

        Above 0 the agent earns more than its truthful self [EUR].
        """
        return self.row(self.compared).cost_eur - self.row(policy).cost_eur

    def seats_of(self, role: str) -> BoolArray:
        """Which seats are of a role, (seat,)."""
        (own,) = (one for one in track_of(self.scenario).roles(self.scenario) if one.name == role)
        return np.isin(self.scenario.agents, own.agents)

    def roles_of(self, policy: str) -> tuple[str, ...]:
        """Roles that a policy plays; of others that it leaves out, their rule is played."""
        return played_roles(self.scenario, policy)

    @property
    def several(self) -> bool:
        """Whether there are several roles, of which each has figures of its own."""
        return len(track_of(self.scenario).roles(self.scenario)) > 1

    def others_gain_eur(self, policy: str) -> FloatArray:
        """What all others save when the seat plays this and not `compared`, (week, seat).

        An external effect [EUR]: above 0 the others gain.
        """
        return self.row(self.compared).others_eur - self.row(policy).others_eur


@dataclass(frozen=True, slots=True)
class Turn:
    """One policy on all seats of one week, in words that travel to another process."""

    specification: str  # of the scenario, as JSON
    digest: str  # of the scenario and its data
    population: str
    policy: str
    split: str
    week: int
    draw: int  # of the week
    seed: int


def focal(
    scenario: AnyScenario,
    policies: Sequence[str],
    split: str = "test",
    weeks: Sequence[int] | None = None,
    seed: int = 0,
    population: str = "",
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
    apart: bool = False,
) -> FocalResult:
    """Play policies and all `deviations` in the focal role.

    Args:
        policies: names, files or `module:factory`; each sees the row of its seat and, in place of
            its neighbours' rows, those of strangers.
        population: `module:attribute`; "": that of the track.
        workers: turns played at the same time, in processes; no result depends on it.
        progress: called with the number of steps played since its last call.
        apart: a single worker is a process of its own too, so that a policy that ends its process
            does not end this one.

    Raises:
        PolicyError: if one of them sees more than observations, or is not a policy.
    """
    track = track_of(scenario)
    if len(scenario.agents) == 1:
        raise PolicyError(
            f"{scenario.spec.id}: its only agent has nobody beside it; the focal role needs a "
            "scenario with several agents"
        )
    population = population or _population(scenario)
    crowd = load_population(population)
    numbers = all_weeks(scenario, split) if weeks is None else weeks
    singles = draw_weeks(scenario, split, numbers, seed)
    names = entries(scenario, policies)
    for name in names:
        for role in track.roles(scenario):
            _acting(scenario, role, name)
    specification = scenario.spec.model_dump_json()
    turns = [
        Turn(specification, scenario.digest, population, name, split, week, draw, seed)
        for name in names
        for week in numbers
        for draw in range(len(singles) // len(numbers))
    ]
    costs: dict[Turn, FloatArray] = {}
    with closing(_played(turns, workers, progress, apart)) as playing:
        for turn, answer in playing:
            costs[turn] = answer
    by_policy = np.stack([costs[turn] for turn in turns]).reshape(
        len(names), len(singles), len(scenario.agents), len(scenario.agents)
    )
    return FocalResult(
        scenario=scenario,
        keys=tuple(key for single in singles for key in single.keys),
        population=crowd,
        bots=tuple(seated(scenario, crowd, single.keys[0]) for single in singles),
        alone_eur=play(scenario, track.stack(singles), rule_of(scenario)).private_cost_eur,
        rows=tuple(map(_row, names, by_policy)),
    )


def entries(scenario: AnyScenario, policies: Sequence[str]) -> list[str]:
    """All policies that are played: the given ones, then the other deviations."""
    return list(dict.fromkeys([*policies, *deviations(scenario)]))


def _population(scenario: AnyScenario) -> str:
    """Address of the bots of a track.

    Raises:
        PolicyError: if it has none.
    """
    card = track_of(scenario).CARD
    if "population" not in card.extras:
        raise PolicyError(f"{scenario.spec.id}: track {card.name!r} has no population of bots")
    return card.extras["population"]


def units_of_work(scenario: AnyScenario, policies: Sequence[str], weeks: int) -> int:
    """How many steps `focal` reports to a progress callback."""
    agents, (unit, *_) = len(scenario.agents), track_of(scenario).keys(scenario, "test", 0)
    played = weeks * len(unit) * len(_chunks(agents))
    return len(entries(scenario, policies)) * played * scenario.steps


def play_seats(
    scenario: AnyScenario,
    episode: AnyEpisode,
    population: Population,
    name: str,
    seats: Sequence[int],
    progress: Callable[[int], None] | None = None,
) -> FloatArray:
    """Play one policy on some seats of one week, a community each.

    Args:
        episode: of one community.

    Returns:
        Private costs, (seat in focus, agent) [EUR].
    """
    cast = background(scenario, episode.keys[0], population, name, seats)
    track = track_of(scenario)
    strange = track.draw(scenario, stranger(episode.keys[0]))
    together = track.stack([episode] * len(seats) + [strange])
    played = rollout(scenario, together, cast, name, progress=progress)
    return played.private_cost_eur[:-1]


def background(
    scenario: AnyScenario, key: EpisodeKey, population: Population, name: str, seats: Sequence[int]
) -> dict[str, Mixture]:
    """The policy in focus on these seats, one per community, and the bots on all others; by role.

    In one community more, the last, the policy has all seats: that of the strangers it sees.
    """
    drawn, found, first = seated(scenario, population, key), dict[str, Mixture](), 0
    in_focus = np.arange(len(scenario.agents)) == np.array([*seats, -1])[:, None]
    in_focus[-1] = True
    for role in track_of(scenario).roles(scenario):
        own = slice(first, first := first + len(role.agents))
        crowd = _crowd(scenario, role, key, population, drawn[own])
        found[role.name] = _mixture(scenario, role, name, crowd, in_focus[:, own])
    return found


@dataclass(frozen=True, slots=True)
class _Crowd:
    """Bots of one role in one week."""

    names: tuple[str, ...]
    players: tuple[Policy, ...]
    seeds: tuple[int, ...]  # of all
    seats: IntArray  # (agent,), number of the bot


def _crowd(
    scenario: AnyScenario,
    role: Role,
    key: EpisodeKey,
    population: Population,
    drawn: Sequence[str],
) -> _Crowd:
    bots = list(dict.fromkeys(drawn))
    return _Crowd(
        tuple(f"{population.name}: {bot}" for bot in bots),
        tuple(_bot(scenario, role, population.bots[bot].target) for bot in bots),
        (bot_seed(key),),
        np.array([bots.index(bot) for bot in drawn]),
    )


def _mixture(
    scenario: AnyScenario, role: Role, name: str, crowd: _Crowd, in_focus: BoolArray
) -> Mixture:
    """Who plays the agents of one role.

    Args:
        in_focus: where the policy sits, (batch, agent).
    """
    seeds = crowd.seeds * len(in_focus)
    entry = Blinkered(_acting(scenario, role, name), in_focus)
    return Mixture(
        (name, *crowd.names),
        (entry, *(Seeded(player, seeds) for player in crowd.players)),
        np.where(in_focus, 0, 1 + crowd.seats),
        len(role.columns),
        role.choices,
    )


def _acting(scenario: AnyScenario, role: Role, name: str) -> Policy:
    """The part of a policy that plays a role."""
    return _bot(scenario, role, of_roles(scenario, name)[role.name])


def _bot(scenario: AnyScenario, role: Role, name: str) -> Policy:
    """A policy of one role, by name."""
    policy = load_policy(name, scenario, role.name)
    if not isinstance(policy, Policy):
        raise PolicyError(
            f"{name!r} knows the episode before it starts; only policies that act on observations "
            "can play in the focal role"
        )
    return policy


def _row(name: str, costs_eur: FloatArray) -> FocalRow:
    """Split costs of all agents, (week, seat in focus, agent), into own and others' cost."""
    own = np.diagonal(costs_eur, axis1=1, axis2=2)
    in_focus = np.eye(costs_eur.shape[1], dtype=np.bool_)
    return FocalRow(name, own.copy(), np.where(in_focus, 0.0, costs_eur).sum(axis=2))


def _chunks(agents: int) -> list[range]:
    return [
        range(first, min(first + SEATS_AT_ONCE, agents))
        for first in range(0, agents, SEATS_AT_ONCE)
    ]


def _played(
    turns: Sequence[Turn], workers: int, progress: Callable[[int], None] | None, apart: bool
) -> Generator[tuple[Turn, FloatArray], None, None]:
    def tell(_: int, units: int) -> None:
        if progress is not None:
            progress(units)

    if workers == 1 and not apart:
        return ((turn, _play_turn(turn, tell)) for turn in turns)
    return in_processes(turns, workers, tell, _play_turn)


def _play_turn(turn: Turn, tell: Tell) -> FloatArray:
    """Private costs, (seat in focus, agent) [EUR]."""
    scenario = scenario_of(turn.specification)
    if scenario.digest != turn.digest:
        raise ClusterError(
            f"{scenario.spec.id}: the data {scenario.data.name} changed while it was played; "
            "start again"
        )
    episode = draw_weeks(scenario, turn.split, [turn.week], turn.seed)[turn.draw]
    population = load_population(turn.population)
    parts = []
    for seats in _chunks(len(scenario.agents)):
        parts.append(play_seats(scenario, episode, population, turn.policy, seats))
        tell(0, scenario.steps)
    return np.concatenate(parts)

"""An entry at work: in all seats, or in one among bots; as a cast for one draw."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from leaderboard.playing.candidate import Candidate
from leaderboard.playing.code import Code, Seated
from leaderboard.playing.code import seated as seated_code
from leaderboard.playing.guard import Guarded, OnGrid, allowed_faults
from leaderboard.playing.play import Seats
from leaderboard.playing.reference import optimum
from leaderboard.playing.remote import process_of, remote
from leaderboard.sandbox.code.held import REPEATED
from leaderboard.sandbox.process import PolicyProcess
from leaderboard.season.draws import Draw, following
from leaderboard.season.season import Season
from leaderboard.tracks import board_card_of
from leaderboard.tripwires import OTHER_OPTIMUM, TRIPWIRES, constants
from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.mixture import Mixture
from p2p_market.evaluation.players.policy import Informed, Policy, load_cast, load_policy
from p2p_market.evaluation.players.population import Seeded, bot_seed, load_population, seated
from p2p_market.evaluation.rollout import Cast, recorded, rollout
from p2p_market.records import FloatArray, Role
from p2p_market.track import OPTIMUM, AnyScenario, Card
from p2p_market.tracks import track_of


@dataclass(frozen=True, slots=True)
class Actor:
    """Policies at work, and the processes that they need."""

    cast: Cast  # role -> policy
    processes: tuple[PolicyProcess, ...]
    code: tuple[Seated, ...] = ()

    @property
    def told(self) -> str:
        """What a program said when it broke; "" if none did."""
        every = (process for seats in self.code for process in seats.processes.values())
        return next((process.told for process in every if process.told), "")

    @property
    def level(self) -> str:
        """What holds the processes, and whether code repeats itself alone; "" without any.

        They are ended before that, since none may be there to tell the repeated one anything.
        """
        levels = {process.level for process in self.processes}
        for process in self.processes:
            process.end()
        if self.code and all(seats.alone.repeated() for seats in self.code):
            levels = {f"{level}, {REPEATED}" for level in levels}
        return "; ".join(sorted(levels))


@contextmanager
def actor(
    candidate: Candidate, file: str, season: Season, drawn: Draw, seat: int | None
) -> Iterator[Actor]:
    """A cast of a candidate in a draw; its processes end with the block.

    Args:
        candidate: what plays.
        file: name of the cast.
        season: whose limits hold.
        drawn: where it plays.
        seat: which it is asked for, by its place among all agents; None for all.
    """
    scenario = drawn.scenario
    cast = candidate.cast(file, scenario)
    if cast is None:
        yield Actor(_own_code(file, season, drawn), ())
        return
    playing, processes, code = dict(cast), list[PolicyProcess](), list[Seated]()
    with ExitStack() as running:
        for role, asked in asked_in(scenario, seat):
            policy = cast[role.name]
            if isinstance(policy, Seats):
                process = running.enter_context(process_of(policy, season.file.limits, asked))
                playing[role.name] = remote(policy, process, asked)
                processes.append(process)
            elif isinstance(policy, Code):
                own = seated_code(policy, scenario, drawn.episode(), season.file.limits, asked)
                playing[role.name] = seats = running.enter_context(own)
                processes += seats.processes.values()
                code.append(seats)
        yield Actor(playing, tuple(processes), tuple(code))


def _own_code(file: str, season: Season, drawn: Draw) -> Cast:
    """A reference or a tripwire."""
    scenario = drawn.scenario
    if file in (OPTIMUM, OTHER_OPTIMUM):
        return _planned(season, drawn, drawn if file == OPTIMUM else following(season, drawn))
    if file == TRIPWIRES["constant"]:
        return constants(scenario)
    return {
        role: policy.informed(drawn.episode()) if isinstance(policy, Informed) else policy
        for role, policy in load_cast(file, scenario).items()
    }


def _planned(season: Season, drawn: Draw, of: Draw) -> Cast:
    """The schedule of a draw's optimum, in this draw.

    Raises:
        PolicyError: if schedules of the track are played with actions of another kind.
    """
    scenario, episode = drawn.scenario, drawn.episode()
    track = track_of(scenario)
    market, _ = track.setting(scenario, episode)
    if [role.columns for role in track.roles(market)] != [
        role.columns for role in track.roles(scenario)
    ]:
        raise PolicyError(
            f"{scenario.spec.id}: a schedule is not played in the actions of this board; its cost "
            "is the 100 of the scale, and it has no row of its own"
        )
    return recorded(track.replayed(scenario, episode, optimum(season, of)))


def asked_in(scenario: AnyScenario, seat: int | None) -> list[tuple[Role, tuple[int, ...]]]:
    """Roles in which an entry is asked, and for which of their agents.

    Args:
        seat: in focus, by its place among all agents; None: the entry has all.
    """
    roles: Sequence[Role] = track_of(scenario).roles(scenario)
    if seat is None:
        return [(role, tuple(range(len(role.agents)))) for role in roles]
    agent = scenario.agents[seat]
    return [(one, (one.agents.index(agent),)) for one in roles if agent in one.agents]


def guarded(
    cast: Cast, season: Season, drawn: Draw, out_faults: list[int], seat: int | None = None
) -> dict[str, Policy]:
    """The policies with the safe default behind them, in the order in which they are asked.

    With a seat in focus it is the policy of its role alone.
    """
    scenario = drawn.scenario
    most = allowed_faults(scenario.steps, season.file.limits.faulty_share)
    default = board_card_of(scenario).default(scenario)
    return {
        role.name: Guarded(cast[role.name], default[role.name], most, out_faults, place == 0)
        for place, (role, _) in enumerate(asked_in(scenario, seat))
    }


def among_bots(cast: Cast, season: Season, drawn: Draw, seat: int) -> dict[str, Policy]:
    """A policy in one seat, a bot of the population in each of the others; by role.

    Args:
        cast: has the policy of the seat's role.
        seat: by its place among all agents.
    """
    scenario, key, first = drawn.scenario, drawn.key, 0
    population, found = load_population(season.file.population), dict[str, Policy]()
    names, asked = seated(scenario, population, key), dict(_of_seat(scenario, seat))
    for role in track_of(scenario).roles(scenario):
        own = names[first : first + len(role.agents)]
        first += len(role.agents)
        bots = list(dict.fromkeys(own))
        member_of = np.array([[1 + bots.index(name) for name in own]])
        players = list[Policy]()
        for bot in bots:
            player = load_policy(population.bots[bot].target, scenario, role.name)
            if not isinstance(player, Policy):
                raise PolicyError(f"{population.name}: {bot} sees more than observations")
            players.append(Seeded(player, (bot_seed(key),)))
        labels = ["entry", *(f"{population.name}: {bot}" for bot in bots)]
        if role.name in asked:
            member_of[0, asked[role.name]] = 0
            players.insert(0, cast[role.name])
        else:
            labels, member_of = labels[1:], member_of - 1
        given = tuple(labels), tuple(players), member_of, len(role.columns), role.choices
        found[role.name] = Mixture(*given)
    return found


def _of_seat(scenario: AnyScenario, seat: int) -> list[tuple[str, int]]:
    """Role of a seat, and its place there."""
    return [(role.name, place) for role, (place,) in asked_in(scenario, seat)]


@lru_cache(maxsize=4)
def compared_costs_eur(season: Season, drawn: Draw, seat: int) -> FloatArray:
    """Private costs where the seat plays what others are measured against, (agent,)."""
    scenario = drawn.scenario
    name = compared_in(track_of(scenario).CARD)
    ((own, _),) = asked_in(scenario, seat)
    policy = load_policy(name, scenario, own.name)
    assert isinstance(policy, Policy)
    cast = among_bots({own.name: policy}, season, drawn, seat)
    roles: Sequence[Role] = track_of(scenario).roles(scenario)
    joint = {role.name: OnGrid(cast[role.name], role.columns) for role in roles}
    played = rollout(scenario, drawn.episode(), joint, name)
    return np.asarray(played.private_cost_eur[0])


def compared_in(card: Card) -> str:
    """The baseline that a seat among bots is measured against."""
    return card.compared or card.rule

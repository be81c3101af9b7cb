"""Both ends of the scale in every draw: the rule at 0, and the optimum.

Opening a season solves the optima once. Scoring later plays their schedules and bounds
them by their prices, with no solver; what the table says of costs is only compared.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from leaderboard.season.draws import Draw, board_scenario
from leaderboard.season.season import Board, Season
from p2p_market.errors import OptimumError, RecordError
from p2p_market.evaluation.benchmark import best_of
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.ends.reference import Entry, entries, plan_of, write_table
from p2p_market.evaluation.ends.row import entry_of
from p2p_market.evaluation.players.player import play
from p2p_market.evaluation.players.policy import Planner, load_policy
from p2p_market.evaluation.record.versions import versions
from p2p_market.records import FloatArray, Record
from p2p_market.registry import rule_of
from p2p_market.track import OPTIMUM, Plan
from p2p_market.tracks import track_of


@dataclass(frozen=True, slots=True)
class Ends(Record):
    """The cost of an episode under the rule, and of the optimum."""

    rule_eur: float  # social cost under the rule
    best_eur: float  # of the optimum, or its bound where the program has whole numbers
    alone_eur: FloatArray  # private costs under the rule, (agent,)


def solve(drawn: Draw) -> tuple[Entry, Plan]:
    """Play the rule, solve and certify the optimum of a draw.

    Raises:
        OptimumError: if the certificate does not hold.
    """
    scenario, episode = drawn.scenario, drawn.episode()
    planner = load_policy(OPTIMUM, scenario)
    assert isinstance(planner, Planner)
    entry, plan = entry_of(scenario, episode, planner.plan(episode))
    if not entry.holds:
        raise OptimumError(
            f"{drawn.board.scenario}, draw {drawn.index}: the certificate does not hold; the plan "
            f"costs {entry.plan_eur}, its replay {entry.replay_eur}, its bound {entry.bound_eur}"
        )
    return entry, plan


def write(folder: Path, board: Board, rows: list[tuple[Entry, Plan]]) -> list[Path]:
    """Write the table of a board.

    Args:
        folder: of the tables.
        board: which was drawn.
        rows: of all its draws, in order.
    """
    path = write_table(board_scenario(board), rows, versions(), folder)
    return [path, path.with_suffix(".npz")]


def optimum(season: Season, drawn: Draw) -> Plan:
    """The optimum of a draw out of the table.

    Raises:
        RecordError: if the table is missing, damaged, or of another draw.
    """
    scenario, episode = drawn.scenario, drawn.episode()
    rows = entries(board_scenario(drawn.board), season.reference)
    where = f"season {season.id}: {drawn.board.scenario}, draw {drawn.index}"
    if drawn.index >= len(rows):
        raise RecordError(
            f"{where}: not in the reference table; the table stays with the organiser until the "
            "reveal, and belongs to one version of the scenario"
        )
    entry = rows[drawn.index]
    if entry.key != drawn.key or entry.episode != track_of(scenario).digest(scenario, episode):
        raise RecordError(f"{where}: its draw differs from the one at the opening of the season")
    plan = plan_of(scenario, episode, entry, drawn.index, season.reference)
    if plan is None:
        raise RecordError(f"{where}: its schedule is missing or damaged")
    return plan


@lru_cache(maxsize=4)
def ends(season: Season, drawn: Draw) -> Ends:
    """Both ends of a draw, computed from its schedule and prices.

    Raises:
        RecordError: if the table has no such draw, or its schedule is not proved.
    """
    scenario, episode = drawn.scenario, drawn.episode()
    certificate, played = certify(scenario, episode, optimum(season, drawn), OPTIMUM)
    if not certificate.holds:
        raise RecordError(f"{drawn.board.scenario}, draw {drawn.index}: {certificate}")
    alone = play(scenario, episode, rule_of(scenario))
    return Ends(
        rule_eur=float(alone.social_cost_eur[0]),
        best_eur=float(best_of(scenario, [certificate], played)[0]),
        alone_eur=alone.private_cost_eur[0],
    )

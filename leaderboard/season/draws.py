"""The draws of a season: every number in them comes from its secret.

A number is SHAKE-256 over the secret and the words that name it, so it is the same for every entry,
reveals no other number, and cannot be searched for: it has 128 bits, and so has every seed behind
a draw. What a draw is made of, such as a year that nobody has seen, the track says.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from leaderboard.season.season import Board, FocalBoard, Season
from leaderboard.tracks import board_card_of
from p2p_market.registry import load_scenario, scenario_of
from p2p_market.track import AnyEpisode, AnyScenario, EpisodeKey, Role
from p2p_market.tracks import track_of

PURPOSE: Final = b"p2p_market/draw/1"
NUMBER_BYTES: Final = 16
SPLIT: Final = "test"


@dataclass(frozen=True, slots=True)
class Draw:
    """One episode of a season, in words that travel to another process."""

    board: Board
    index: int  # among the draws of its board
    specification: str  # of the scenario, as JSON
    key: EpisodeKey

    @property
    def scenario(self) -> AnyScenario:
        """The scenario as it was drawn."""
        scenario: AnyScenario = scenario_of(self.specification)
        return scenario

    def episode(self) -> AnyEpisode:
        """The episode, a batch of one."""
        scenario = self.scenario
        episode: AnyEpisode = track_of(scenario).draw(scenario, self.key)
        return episode


def number(secret: bytes, *words: object) -> int:
    """A number of 128 bits of a season.

    Args:
        secret: of the season.
        words: what it is for: scenario, index of the draw, channel.
    """
    name = "/".join(map(str, words)).encode()
    return int.from_bytes(hashlib.shake_256(PURPOSE + secret + name).digest(NUMBER_BYTES), "big")


def draws(season: Season) -> list[Draw]:
    """All draws in which an entry has every seat, board by board.

    Raises:
        RecordError: if the secret is not known.
    """
    boards = season.file.boards
    return [one(season, board, index) for board in boards for index in range(board.draws)]


def focal_draws(season: Season) -> list[tuple[Draw, int]]:
    """Draws and the seat that an entry has in them.

    Raises:
        RecordError: if the secret is not known.
    """
    if (board := season.file.focal) is None:
        return []
    found = [(one(season, board, index), index) for index in range(board.draws)]
    return [(drawn, seat) for drawn, index in found for seat in seats(season, board.seats, index)]


def one(season: Season, board: Board, index: int) -> Draw:
    """A draw of a board."""
    secret, shipped = season.known_secret(), board_scenario(board)

    def of(purpose: str) -> int:
        return number(secret, board.scenario, index, purpose)

    spec, key = board_card_of(shipped).drawn(shipped, SPLIT, of)
    return Draw(board, index, spec.model_dump_json(), key)


def following(season: Season, drawn: Draw) -> Draw:
    """The next draw of the same board."""
    return one(season, drawn.board, (drawn.index + 1) % drawn.board.draws)


def seats(season: Season, count: int, index: int) -> list[int]:
    """Seats in focus in a draw of the focal board, in order."""
    assert season.file.focal is not None
    name, secret = season.file.focal.scenario, season.known_secret()
    every = focal_seats(season.file.focal)
    drawn = sorted(every, key=lambda seat: number(secret, name, index, f"seat {seat}"))
    return sorted(drawn[:count])


def focal_seats(board: FocalBoard) -> list[int]:
    """Seats that may be drawn, by their places among all agents."""
    scenario = board_scenario(board)
    roles: Sequence[Role] = track_of(scenario).roles(scenario)
    own = {agent for one in roles if board.role in (None, one.name) for agent in one.agents}
    return [seat for seat, agent in enumerate(scenario.agents) if agent in own]


def board_scenario(board: Board) -> AnyScenario:
    """The shipped scenario of a board, shortened if the season says so."""
    return _shipped(board.scenario, board.days)


@lru_cache(maxsize=16)
def _shipped(scenario_id: str, days: int | None) -> AnyScenario:
    scenario: AnyScenario = load_scenario(scenario_id)
    if days is None:
        return scenario
    shorter: AnyScenario = scenario_of(
        scenario.spec.model_copy(update={"days": days}).model_dump_json()
    )
    return shorter

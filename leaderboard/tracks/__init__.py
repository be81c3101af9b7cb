"""What the leaderboard asks of tracks beyond the contract: the extra `board`.

A track without it gets what `neutral` gives to all.
"""

from functools import lru_cache

from leaderboard.tracks.card import BoardCard
from p2p_market.loading import load
from p2p_market.registry import read_scenario
from p2p_market.track import AnyScenario, Card
from p2p_market.tracks import track


@lru_cache(maxsize=16)
def board_card(name: str) -> BoardCard:
    """What a track brings for the leaderboard."""
    target = card(name).extras.get("board")
    found = BoardCard() if target is None else load(target)
    assert isinstance(found, BoardCard)
    return found


def board_card_of(scenario: AnyScenario) -> BoardCard:
    """The same by a scenario."""
    return board_card(scenario.spec.track)


@lru_cache(maxsize=64)
def track_name(scenario_id: str) -> str:
    """The track of a shipped scenario.

    Raises:
        ScenarioError: if there is no such scenario.
    """
    return str(read_scenario(scenario_id).track)


def card(name: str) -> Card:
    """The card of a track."""
    return track(name).CARD

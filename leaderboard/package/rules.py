"""Policies of kind `rules`: which there are, and between which bounds a setting lies, a track says.

Nothing in a package is executed: a file names a rule of ours, and its settings are data.
"""

from leaderboard.tracks import board_card, card
from leaderboard.tracks.card import Rule


def read_rule(track: str, name: str, text: bytes) -> Rule:
    """The rule in a file.

    Args:
        track: of the package.
        name: of the file, for errors.
        text: of the file.

    Raises:
        PackageError: if there is no such rule, or a setting is out of its bounds.
        ScenarioError: if there is no such track.
    """
    return board_card(track).rules(card(track), name, text)

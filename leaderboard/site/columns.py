"""What stands beside the score on the pages: shares, the track's metrics, conduct."""

from typing import Final

from leaderboard.ranking.columns import columns_of
from leaderboard.site.content import Column
from leaderboard.tracks.card import BoardCard, Shown
from p2p_market.track import Card

SHARES: Final = (Shown("worse_off", "worse off", 1), Shown("jain", "Jain index", 2, unit=""))
CONDUCT: Final = (
    Shown("faults", "faults", 1),
    Shown("failed", "failed", 1),
    Shown("time", "time per step", 2),
)
ALARMS: Final = ("faults", "failed")
DIGITS: Final = 2  # of a metric that a track says nothing of


def shown(card: Card, board: BoardCard, shared: bool = True) -> tuple[Column, ...]:
    """The columns of a track, those of the board first.

    Args:
        shared: whether there are several agents, among whom savings are shared.
    """
    own = board.metrics
    if own is None:
        own = tuple(
            Shown(name, name.replace("_", " "), DIGITS, on_board=True) for name in card.metrics
        )
    first = (*(SHARES if shared else ()), *(one for one in own if one.on_board), *CONDUCT)
    last = [one for one in own if not one.on_board]
    return (*(_column(card, one, True) for one in first), *(_column(card, one) for one in last))


def _column(card: Card, one: Shown, on_board: bool = False) -> Column:
    unit, better = columns_of(card)[one.key]
    return Column(
        key=one.key,
        name=one.name,
        digits=one.digits,
        unit=unit if one.unit is None else one.unit,
        better=better,
        on_board=on_board,
        alarm=one.key in ALARMS,
    )

"""The boards of seasons, beside the pages: each links to the other."""

from pathlib import Path
from typing import Final

from leaderboard.ledger import ledger
from leaderboard.season import season as seasons
from leaderboard.site import commands
from p2p_market import __version__

FOLDER: Final = "leaderboard"


def names() -> list[str]:
    """Seasons that were played with a ledger, so that somebody is ranked."""
    return sorted(path.parent.name for path in seasons.FOLDER.glob(f"*/{ledger.NAME}"))


def build(folder: Path) -> None:
    """Write the board of each season into FOLDER/leaderboard/<season>/."""
    for name in names():
        commands.build(Path(name), folder / FOLDER / name, docs=f"../../{__version__}/")

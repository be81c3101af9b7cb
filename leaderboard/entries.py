"""The entries of a season as they lie in its folder: records, and how far they may be believed."""

from dataclasses import dataclass
from pathlib import Path

from leaderboard.record import Record


@dataclass(frozen=True, slots=True)
class Entered:
    """One entry."""

    folder: Path
    record: Record
    tier: str  # one of `tiers.TIERS`
    withdrawn: bool = False

    @property
    def name(self) -> str:
        """Name and version, which no other entry of the season has."""
        return f"{self.record.entry.name} {self.record.entry.version}"

"""How far a record may be trusted: what authorised keys say of it in the ledger, nothing else."""

from collections.abc import Sequence
from typing import Final

from leaderboard.ledger.authority import Standing
from leaderboard.ledger.line import Line

SELF_REPORTED: Final = "self-reported"
REPLAYED: Final = "replayed"
RE_EXECUTED: Final = "re-executed"
REPRODUCED: Final = "reproduced"
TIERS: Final = (SELF_REPORTED, REPLAYED, RE_EXECUTED, REPRODUCED)
"""From what its author says to what a second party found again."""
RANKED: Final = (RE_EXECUTED, REPRODUCED)


def tier(lines: Sequence[Line], standing: Standing, package: str, record: str) -> str:
    """Tier of a record.

    Args:
        lines: of a ledger that was read, so all signatures and rules hold.
        standing: after them.
        package: identity of what played.
        record: digest of the record.
    """
    said = {
        line.type
        for line in lines
        if line.type in ("evaluation", "replay", "reproduction")
        and (line.body.package, line.body.record) == (package, record)
        and standing.counts(line)
    }
    if "evaluation" in said:
        return REPRODUCED if "reproduction" in said else RE_EXECUTED
    return REPLAYED if "replay" in said else SELF_REPORTED

"""Episodes of any track: the base of their records, and keys of a split."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from p2p_market.errors import ScenarioError
from p2p_market.records import EpisodeKey, Record


@dataclass(frozen=True, slots=True)
class Drawn(Record):
    """Base of a track's episodes; the track adds arrays, which hold all that is random.

    An array is a series, (step, batch, ...), unless `BATCH_AXIS` has another axis for it.
    """

    BATCH_AXIS: ClassVar[Mapping[str, int]] = {}

    keys: tuple[EpisodeKey, ...]  # one per community of the batch

    @property
    def batch(self) -> int:
        """Number of communities."""
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class Source:
    """Data set of a scenario that reads none: all is drawn."""

    name: str = "drawn"
    digest: str = hashlib.sha256(b"drawn").hexdigest()


DRAWN: Final = Source()


def keys_of(
    days: Mapping[str, Sequence[int]], split: str, seed: int, draws: int = 1
) -> tuple[tuple[EpisodeKey, ...], ...]:
    """Keys in units: a unit is a start day, drawn several times.

    The draws of a unit differ in their seeds, which come in blocks: every seed of a block gives the
    same units, so that each key is found again by its own seed.

    Args:
        days: split -> day of the year on which each unit starts.
        split: that is asked for.
        seed: that is asked for.
        draws: episodes of a unit, and seeds of a block.

    Raises:
        ScenarioError: if there is no such split.
    """
    if split not in days:
        raise ScenarioError(f"no split {split!r}; known: {', '.join(days)}")
    first = seed - seed % draws
    seeds = range(first, first + draws)
    return tuple(tuple(EpisodeKey(split, day, one) for one in seeds) for day in days[split])

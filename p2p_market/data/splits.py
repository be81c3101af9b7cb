"""Which donors belong to which split, for reports on homes that nobody has seen."""

import hashlib
from typing import Final

from p2p_market.data.dataset import DataSet
from p2p_market.errors import DataError

SHARES: Final = {"test": 0.2, "validation": 0.2}  # train has the rest


def donor_pools(data: DataSet, kind: str) -> dict[str, tuple[int, ...]]:
    """Places of the donors of a kind in each split: 60 % train, 20 % validation, 20 % test.

    The order is that of a hash of the donor's name, per label, so that measured and simulated
    donors are both in every split.

    Raises:
        DataError: if the set has too few donors of that kind.
    """
    pools: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for label in sorted({donor.label for donor in data.donors}):
        own = [
            place
            for place, donor in enumerate(data.donors)
            if (donor.kind, donor.label) == (kind, label)
        ]
        own.sort(key=lambda place: hashlib.sha256(data.donors[place].name.encode()).digest())
        first = 0
        for split, share in SHARES.items():
            count = round(share * len(own))
            pools[split] += own[first : first + count]
            first += count
        pools["train"] += own[first:]
    if not all(pools.values()):
        raise DataError(
            f"{data.name}: too few donors of kind {kind!r} to hold some out; known kinds: "
            f"{', '.join(sorted({donor.kind for donor in data.donors}))}"
        )
    return {split: tuple(sorted(places)) for split, places in pools.items()}

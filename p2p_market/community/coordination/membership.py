"""Who belongs to which coalition: it changes at midnight, by what was signed during the day."""

from p2p_market.community.coordination.records import NOBODY, OUTCOMES
from p2p_market.compilation import inner

_SIGNED, _COALITION = OUTCOMES.index("signed"), OUTCOMES.index("coalition")


@inner(forceinline=True)
def size_of(coalition, i):  # type: ignore[no-untyped-def]
    """Members of the coalition of a member; 1 where it has none."""
    if coalition[i] == NOBODY:
        return 1
    count = 0
    for j in range(coalition.shape[0]):
        if coalition[j] == coalition[i]:
            count += 1
    return count


@inner(forceinline=True)
def pledge(terms, t, b, proposer, receiver, days, out):  # type: ignore[no-untyped-def]
    """Sign that the two join at midnight; returns what became of it.

    Refused where both belong to coalitions that go on, or they would be too many.
    """
    coalition, leaves = out.coalition[b], out.leaves[b]
    midnight = (t // terms.per_day + 1) * terms.per_day
    first = coalition[proposer] != NOBODY and leaves[proposer] > midnight
    second = coalition[receiver] != NOBODY and leaves[receiver] > midnight
    together = (size_of(coalition, proposer) if first else 1) + (
        size_of(coalition, receiver) if second else 1
    )
    if (first and second) or together > terms.max_size or out.partner[b, proposer] != NOBODY:
        return _COALITION
    out.partner[b, proposer] = receiver
    out.days[b, proposer] = days
    return _SIGNED


@inner(forceinline=True)
def apply_midnight(terms, t, coalition, leaves, partner, days):  # type: ignore[no-untyped-def]
    """Let members leave whose time is over, then join those who signed, in their order.

    Who has joined a coalition meanwhile is moved into no other, and none grows beyond its size.
    """
    agents = coalition.shape[0]
    for i in range(agents):
        if coalition[i] != NOBODY and leaves[i] <= t:
            coalition[i] = NOBODY
    _rename(coalition)
    for i in range(agents):
        j = partner[i]
        partner[i] = NOBODY
        if j == NOBODY:
            continue
        until = t + days[i] * terms.per_day
        if coalition[i] == NOBODY and coalition[j] == NOBODY:
            coalition[i], coalition[j] = i, i
            leaves[i], leaves[j] = until, until
        elif coalition[i] == NOBODY and size_of(coalition, j) < terms.max_size:
            coalition[i], leaves[i] = coalition[j], until
        elif (
            coalition[j] == NOBODY
            and coalition[i] != NOBODY
            and size_of(coalition, i) < terms.max_size
        ):
            coalition[j], leaves[j] = coalition[i], until
    _rename(coalition)


@inner(forceinline=True)
def _rename(coalition):  # type: ignore[no-untyped-def]
    """Call each coalition by its lowest member; one of a single member is none."""
    agents = coalition.shape[0]
    for i in range(agents):
        old = coalition[i]
        if old == NOBODY or old < 0:
            continue
        count = 0
        for j in range(i, agents):
            if coalition[j] == old:
                count += 1
        for j in range(agents - 1, i - 1, -1):
            if coalition[j] == old:
                coalition[j] = -2 - i if count > 1 else NOBODY
    for i in range(agents):
        if coalition[i] <= -2:
            coalition[i] = -2 - coalition[i]

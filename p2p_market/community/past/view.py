"""What members see of the past: the board of their neighbours, and their own portfolio."""

import math

from p2p_market.community.past.account import (
    COST,
    DRAWDOWN,
    GAIN,
    GROSS,
    MEAN,
    ORDERS,
    SHADE,
    SQUARES,
    SUCCESSES,
)
from p2p_market.community.portfolio import DAYS_A_YEAR, LEAST_MONEY_EUR, LEAST_SPREAD_EUR, TAIL
from p2p_market.compilation import inner

PER_NEIGHBOUR = 4
_KIND, _CAPACITY, _FILL, _SHADE = range(PER_NEIGHBOUR)


@inner(forceinline=True)
def show_past(register, past, state, n, b, i, first, out):  # type: ignore[no-untyped-def]
    """Write what a member sees of the n steps played, from a place on; returns the place after."""
    if register is None:
        return first
    first = _show_board(register, register.board, past, state, n, b, i, first, out)
    return _show_portfolio(register, register.portfolio, past, n, b, i, first, out)


@inner(forceinline=True)
def _show_board(register, board, past, state, n, b, i, first, out):  # type: ignore[no-untyped-def]
    """What the nearest are, what they traded last, and how they bid in the last day."""
    if board is None:
        return first
    for j in range(board.place.shape[1]):
        there, own = board.place[i, j], out[b, i, first + PER_NEIGHBOUR * j :]
        own[_KIND] = board.kind[i, j]
        own[_CAPACITY] = board.capacity_kw[i, j]
        own[_FILL] = state.last_fill_kw[b, there]
        orders = within(past, n, register.day_steps, b, there, ORDERS)
        shades = within(past, n, register.day_steps, b, there, SHADE)
        own[_SHADE] = min(max(shades / orders, -1.0), 1.0) if orders > 0.0 else 0.0
    last = first + PER_NEIGHBOUR * board.place.shape[1]
    out[b, i, last] = past.sentiment[b]
    return last + 1


@inner(forceinline=True)
def within(past, n, steps, b, i, what):  # type: ignore[no-untyped-def]
    """A running sum over the last steps of the n played, or over all where there are fewer."""
    before = past.day[b, i, (n - steps) % past.day.shape[2], what] if n > steps else 0.0
    return past.sums[b, i, what] - before


@inner(forceinline=True)
def _show_portfolio(register, own, past, n, b, i, first, out):  # type: ignore[no-untyped-def]
    """Figures of the own trade, in the order of `portfolio_features`, inside their ranges."""
    if own is None:
        return first
    hour, day = register.hour_steps, register.day_steps
    risk, gained = past.risk[b, i], past.sums[b, i, GAIN]
    orders = within(past, n, day, b, i, ORDERS)
    won = within(past, n, day, b, i, SUCCESSES)
    shown = (
        within(past, n, hour, b, i, GAIN),
        within(past, n, day, b, i, GAIN),
        gained,
        within(past, n, day, b, i, COST),
        won / orders if orders > 0.0 else 0.0,
        gained / risk[GROSS] if risk[GROSS] >= LEAST_MONEY_EUR else 0.0,
        sharpe_of(risk[MEAN], risk[SQUARES], n // day),
        risk[DRAWDOWN],
        worst_mean(past.hours_eur[b, i], n // hour, TAIL),
        own.rating_kw[i],
        past.produced_kw[b, i],
        past.consumed_kw[b, i],
        past.net_load_kw[b, i],
    )
    for c in range(len(shown)):
        out[b, i, first + c] = min(max(shown[c], own.low[c]), own.high[c])
    return first + len(shown)


@inner(forceinline=True)
def sharpe_of(mean, squares, days):  # type: ignore[no-untyped-def]
    """Mean daily gain over its standard deviation, times the root of 365; 0 with fewer than 2."""
    if days < 2:
        return 0.0
    spread = math.sqrt(max(squares, 0.0) / (days - 1))
    return mean / spread * math.sqrt(DAYS_A_YEAR) if spread >= LEAST_SPREAD_EUR else 0.0


@inner(forceinline=True)
def worst_mean(sorted_eur, count, share):  # type: ignore[no-untyped-def]
    """Mean of the worst share of values that are sorted, the worst first; 0 without any.

    The value at the edge counts with the fraction that lies inside: Rockafellar and Uryasev (2000).
    """
    inside, total, place = share * count, 0.0, 0
    if count == 0:
        return 0.0
    if inside <= 1.0:
        return sorted_eur[0]
    while place + 1.0 <= inside:
        total += sorted_eur[place]
        place += 1
    if inside > place:
        total += (inside - place) * sorted_eur[place]
    return total / inside

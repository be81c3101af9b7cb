"""The supervisor: holds agents whose messages or readings cannot be trusted in grid-only fallback.

A message with a number that is not finite or beyond `LARGEST`, or none at all, or a reading outside
its envelope latches the agent: no order, storage on the self-consumption rule, until `hold_steps`
clean steps have passed in a row.
"""

import numpy as np
from numba import njit

from p2p_market.assets.node import power_limits
from p2p_market.community.episode.episode import Episode
from p2p_market.community.records import LARGEST, SUPERVISOR_CAUSES, Proposal, State, Watch
from p2p_market.community.safety.envelope import check
from p2p_market.community.safety.penalty import largest_kw, would_move
from p2p_market.community.safety.sensors import excused
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import kernel
from p2p_market.records import FloatArray

_NON_FINITE = SUPERVISOR_CAUSES.index("non_finite")
_MISSING = SUPERVISOR_CAUSES.index("missing")
_HELD = SUPERVISOR_CAUSES.index("held")


@njit
def _fall_back(b, i, surplus, low, high, out_setpoint, out_quantity, out_price):  # type: ignore[no-untyped-def]
    """Self-consumption: storage takes the own surplus and serves the own deficit; no order."""
    left = surplus
    for k in range(low.shape[2]):
        out_setpoint[b, i, k] = min(max(left, low[b, i, k]), high[b, i, k])
        left -= out_setpoint[b, i, k]
    out_quantity[b, i] = 0.0
    out_price[b, i] = 0.0


@kernel
def screen_kernel(  # type: ignore[no-untyped-def]
    setpoint, quantity, price, present, excused, reading_cause, held, hold_steps, surplus, low,
    high, limit, largest,
    out_setpoint, out_quantity, out_price, out_cause, out_held, out_unheard,
):  # fmt: skip
    """See `screen`."""
    for b in range(quantity.shape[0]):
        for i in range(quantity.shape[1]):
            finite = abs(quantity[b, i]) <= LARGEST and abs(price[b, i]) <= LARGEST
            for k in range(setpoint.shape[2]):
                finite = finite and abs(setpoint[b, i, k]) <= LARGEST
            out_held[b, i] = hold_steps
            out_unheard[b, i] = 0.0
            if not present[b, i]:
                out_cause[b, i] = _MISSING
            elif not finite:
                out_cause[b, i] = _NON_FINITE
            elif reading_cause[b, i] != 0:
                out_cause[b, i] = reading_cause[b, i]
            else:
                out_held[b, i] = max(held[b, i] - 1, 0)
                out_cause[b, i] = _HELD if held[b, i] > 0 else 0
            if out_cause[b, i] != 0:
                faulty = not present[b, i] or not finite
                if faulty and not excused[b, i]:
                    out_unheard[b, i] = largest[i]
                elif out_cause[b, i] == _HELD:
                    out_unheard[b, i] = would_move(
                        setpoint[b, i], quantity[b, i], surplus[b, i], low[b, i], high[b, i], limit
                    )
                _fall_back(b, i, surplus[b, i], low, high, out_setpoint, out_quantity, out_price)
                continue
            for k in range(setpoint.shape[2]):
                out_setpoint[b, i, k] = setpoint[b, i, k]
            out_quantity[b, i] = quantity[b, i]
            out_price[b, i] = price[b, i]


def screen(
    scenario: Scenario, episode: Episode, state: State, proposal: Proposal, told: FloatArray
) -> tuple[Proposal, Watch]:
    """Replace the messages of latched agents by the grid-only fallback.

    Args:
        proposal: the messages as they arrived.
        told: the readings of this step, (batch, agent, sensor).

    Returns:
        The proposal with finite numbers only, and who is held why.
    """
    t = state.step
    low, high = power_limits(scenario.nodes, episode.presence(t), state.energy_kwh)
    setpoint = np.empty_like(low)
    quantity, price = np.empty((2, *low.shape[:2]))
    cause, held = np.empty((2, *low.shape[:2]), dtype=np.int64)
    unheard = np.empty(low.shape[:2])
    screen_kernel(
        proposal.setpoint_kw,
        proposal.quantity_kw,
        proposal.price_eur_per_kwh,
        proposal.present,
        excused(episode, t),
        check(scenario, episode, state, told),
        state.hold_steps,
        scenario.hold_steps,
        episode.pv_kw[t] - episode.load_kw[t],
        low,
        high,
        scenario.spec.connection_limit_kw,
        largest_kw(scenario),
        setpoint,
        quantity,
        price,
        cause,
        held,
        unheard,
    )
    present = np.ones(low.shape[:2], dtype=np.bool_)
    return Proposal(setpoint, quantity, price, present), Watch(cause, held, unheard)

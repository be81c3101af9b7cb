"""The supervisor: holds agents whose messages or readings cannot be trusted in grid-only fallback.

A message with a number that is not finite or beyond `LARGEST`, or none at all, or a reading outside
its envelope latches the agent: no order, storage on the self-consumption rule, until `hold_steps`
clean steps have passed in a row.
"""

from typing import NamedTuple

import numpy as np

from p2p_market.assets.machine import keeping, least_loads, snapped
from p2p_market.assets.node import power_limits
from p2p_market.community.episode.episode import Episode
from p2p_market.community.further import are_finite, pass_on
from p2p_market.community.kernel_inputs import around_of, packed_nodes, packed_rules, presence_of
from p2p_market.community.records import LARGEST, SUPERVISOR_CAUSES, Proposal, State, Watch
from p2p_market.community.safety.envelope import check
from p2p_market.community.safety.penalty import would_move
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import inner, kernel
from p2p_market.records import BoolArray, FloatArray, IntArray

_NON_FINITE = SUPERVISOR_CAUSES.index("non_finite")
_MISSING = SUPERVISOR_CAUSES.index("missing")
_HELD = SUPERVISOR_CAUSES.index("held")


class Evidence(NamedTuple):
    """What is known of the agents besides their messages, (batch, agent)."""

    reading_cause: IntArray  # what is wrong with their readings
    excused: BoolArray  # whose message the scenario itself loses or spoils
    held: IntArray  # clean steps left until the fallback is released


@inner(forceinline=True)
def _fall_back(nodes, now, energy, b, i, limits, out_proposal):  # type: ignore[no-untyped-def]
    """Self-consumption: storage takes its own surplus and serves its own deficit; no order.

    A machine runs at least as much as its level needs.
    """
    left = now.pv_kw[b, i] - now.load_kw[b, i]
    for k in range(limits.low.shape[2]):
        asked = _at_least(nodes, nodes.machines, now, energy, left, b, i, k)
        p = min(max(asked, limits.low[b, i, k]), limits.high[b, i, k])
        out_proposal.setpoint_kw[b, i, k] = p
        left -= p
    out_proposal.quantity_kw[b, i] = 0.0
    out_proposal.price_eur_per_kwh[b, i] = 0.0


@inner(forceinline=True)
def _at_least(nodes, machines, now, energy, left, b, i, k):  # type: ignore[no-untyped-def]
    """The surplus itself; for a machine no less than keeps its level, and no less than it can."""
    if machines is None:
        return left
    keep = keeping(nodes, now, energy[b, i, k], b, i, k)
    charge_on, discharge_on = least_loads(machines, i, k)
    if keep > 0.0:
        return max(max(left, keep), charge_on)
    if keep < 0.0:
        return min(min(left, keep), -discharge_on)
    return snapped(left, charge_on, discharge_on, 0.5)


@kernel(forceinline=True)
def screen_kernel(rules, now, energy, proposal, evidence, limits, out_proposal, out_watch):  # type: ignore[no-untyped-def]
    """See `screen`."""
    setpoint, present = proposal.setpoint_kw, proposal.present
    for b in range(present.shape[0]):
        for i in range(present.shape[1]):
            quantity, price = proposal.quantity_kw[b, i], proposal.price_eur_per_kwh[b, i]
            finite = abs(quantity) <= LARGEST and abs(price) <= LARGEST
            for k in range(setpoint.shape[2]):
                finite = finite and abs(setpoint[b, i, k]) <= LARGEST
            finite = finite and are_finite(proposal.further, b, i)
            held, cause, unheard = rules.hold_steps, 0, 0.0
            if not present[b, i]:
                cause = _MISSING
            elif not finite:
                cause = _NON_FINITE
            elif evidence.reading_cause[b, i] != 0:
                cause = evidence.reading_cause[b, i]
            else:
                held = max(evidence.held[b, i] - 1, 0)
                cause = _HELD if evidence.held[b, i] > 0 else 0
            if cause != 0:
                faulty = not present[b, i] or not finite
                surplus = now.pv_kw[b, i] - now.load_kw[b, i]
                if faulty and not evidence.excused[b, i]:
                    unheard = rules.largest_kw[i]
                elif cause == _HELD:
                    low, high = limits.low[b, i], limits.high[b, i]
                    limit = rules.connection_limit_kw
                    unheard = would_move(setpoint[b, i], quantity, surplus, low, high, limit)
                _fall_back(rules.nodes, now, energy, b, i, limits, out_proposal)
            else:
                for k in range(setpoint.shape[2]):
                    out_proposal.setpoint_kw[b, i, k] = setpoint[b, i, k]
                out_proposal.quantity_kw[b, i] = quantity
                out_proposal.price_eur_per_kwh[b, i] = price
            pass_on(proposal.further, cause == 0, b, i, out_proposal.further)
            out_watch.cause[b, i] = cause
            out_watch.hold_steps[b, i] = held
            out_watch.unheard_kw[b, i] = unheard


def screen(
    scenario: Scenario, episode: Episode, state: State, proposal: Proposal, told: FloatArray,
    excused: BoolArray | None = None,
) -> tuple[Proposal, Watch]:  # fmt: skip
    """Replace the messages of latched agents by the grid-only fallback.

    Args:
        proposal: the messages as they arrived.
        told: the readings of this step, (batch, agent, sensor).
        excused: whose message the scenario itself loses or spoils, (batch, agent); nobody's, if
            left out.

    Returns:
        The proposal with finite numbers only, and who is held why.
    """
    rules, around, energy = packed_rules(scenario), around_of(episode, state.step), state.energy_kwh
    presence = presence_of(episode, state.step)
    limits = power_limits(packed_nodes(scenario), presence, energy, state.setpoint_kw)
    shape = proposal.present.shape
    nobody = np.zeros(shape, dtype=np.bool_)
    cause = check(scenario, episode, state, told)
    evidence = Evidence(cause, nobody if excused is None else excused, state.hold_steps)
    quantity, price, unheard = np.empty((3, *shape))
    latch = np.empty((2, *shape), dtype=np.int64)
    further = None if proposal.further is None else np.empty_like(proposal.further)
    asked = Proposal.Arrays(np.empty_like(limits.low), quantity, price, ~nobody, further)
    watch = Watch.Arrays(*latch, unheard)
    screen_kernel(rules, around, energy, proposal.arrays(), evidence, limits, asked, watch)
    return Proposal(*asked), Watch(*watch)

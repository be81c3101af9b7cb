"""From what an agent answers to what its battery asks for, and which choices are possible.

Two forms: indices (offer, tier, energy), or numbers in [-1, 1] (share, tier, power). In a bidding
scenario 24 columns follow, tomorrow's position hour by hour.
"""

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from p2p_market.battery.observation import HOURS_LEFT, POSITION, SOC
from p2p_market.battery.records import CAUSES, TIERS
from p2p_market.battery.scenario import Scenario
from p2p_market.compilation import kernel
from p2p_market.errors import ScenarioError
from p2p_market.records import BoolArray
from p2p_market.track import Column

OFFERS, ENERGIES, BIDS = 5, 21, 11
TIER_CHOICES: Final = len(TIERS)
IDLE: Final = (0, 2, 10)
"""No reserve, at the reference price, no energy."""
NO_BID: Final = 5
NO_BIDS: Final = 3  # columns
WIDTH: Final = OFFERS + TIER_CHOICES + ENERGIES

_MISSING, _NON_FINITE, _NO_CHOICE = (
    CAUSES.index(name) for name in ("missing", "non_finite", "no_choice")
)


def columns(scenario: Scenario) -> tuple[Column, ...]:
    """Columns of an action; energy runs from buying to selling, all others from low to high."""
    bids = range(scenario.bids)
    if scenario.rules.choices:
        return (
            Column("offer", "share", OFFERS),
            Column("tier", "share", TIER_CHOICES),
            Column("energy", "MW", ENERGIES),
            *(Column(f"bid_{hour}", "MW", BIDS) for hour in bids),
        )
    return (
        Column("offer", "share"),
        Column("tier", "share"),
        Column("energy", "MW"),
        *(Column(f"bid_{hour}", "MW") for hour in bids),
    )


def rest(scenario: Scenario) -> NDArray[np.float64]:
    """An action that asks for nothing, (column,)."""
    if scenario.rules.choices:
        return np.array([*IDLE, *([NO_BID] * scenario.bids)], dtype=np.float64)
    return np.array([-1.0, 0.0, 0.0, *([0.0] * scenario.bids)])


@njit(inline="always")
def closing_kernel(rules, t):  # type: ignore[no-untyped-def]
    """Whether bids count in a step: the last one before the gate of the day-ahead auction."""
    return rules.bidding and (t + 1) * rules.dt_h % 24.0 == rules.gate_hour


@njit(inline="always")
def read_kernel(rules, fleet, t, b, i, position_mw, action, heard, order):  # type: ignore[no-untyped-def]
    """What one battery asks for, into `order`.

    Args:
        position_mw: of step t.
        action: of this battery, (column,); bids are read before the gate alone.
        heard: whether it sent one.
    """
    power = fleet.power_mw[i]
    rest_mw = power - abs(position_mw)
    fault, read = 0, action.shape[0] if closing_kernel(rules, t) else NO_BIDS
    for c in range(read):
        if not np.isfinite(action[c]):
            fault = _NON_FINITE
    if fault == 0 and rules.choices:
        for c in range(read):
            choices = OFFERS if c == 0 else TIER_CHOICES if c == 1 else ENERGIES if c == 2 else BIDS
            if action[c] != np.rint(action[c]) or not 0.0 <= action[c] < choices:
                fault = _NO_CHOICE
    if not heard:
        fault = _MISSING
    order.fault[b, i] = fault
    if fault != 0:
        order.offer_mw[b, i], order.tier[b, i], order.wish_mw[b, i] = 0.0, 0, 0.0
    elif rules.choices:
        order.offer_mw[b, i] = action[0] * rest_mw / 4.0
        order.tier[b, i] = int(action[1])
        order.wish_mw[b, i] = (10.0 - action[2]) * power / 10.0
    else:
        order.offer_mw[b, i] = (min(max(action[0], -1.0), 1.0) + 1.0) * rest_mw / 2.0
        order.tier[b, i] = int(np.rint(2.0 * min(max(action[1], -1.0), 1.0) + 2.0))
        order.wish_mw[b, i] = min(max(action[2], -1.0), 1.0) * power
    for k in range(order.bid_mw.shape[2]):
        if fault != 0 or read == NO_BIDS:
            order.bid_mw[b, i, k] = 0.0
        elif rules.choices:
            order.bid_mw[b, i, k] = (action[NO_BIDS + k] - NO_BID) * power / 5.0
        else:
            order.bid_mw[b, i, k] = min(max(action[NO_BIDS + k], -1.0), 1.0) * power


@njit(inline="always")
def mask_row(rules, fleet, i, seen, out):  # type: ignore[no-untyped-def]
    """Which choices of one battery are possible by its level and its position, (choice,).

    It looks at the beginning of the step alone: what the day-ahead delivery takes first may cut an
    allowed choice, or leave an offer that cannot be delivered.

    Args:
        seen: its observation, (feature,).
    """
    power, eta = fleet.power_mw[i], fleet.eta[i]
    level = np.float64(seen[SOC]) * fleet.capacity_mwh[i]
    rest_mw = power - abs(np.float64(seen[POSITION]))
    stored = max(0.0, level - fleet.lowest_mwh[i]) * eta
    room = max(0.0, fleet.highest_mwh[i] - level) / eta
    for k in range(OFFERS):
        out[k] = k == 0 or k * rest_mw / 4.0 * rules.reserve_h <= min(stored, room)
    for k in range(TIER_CHOICES):
        out[OFFERS + k] = True
    for k in range(ENERGIES):
        wish = (10.0 - k) * power / 10.0
        most = (room if wish > 0.0 else stored) / rules.dt_h
        out[OFFERS + TIER_CHOICES + k] = k == 10 or abs(wish) <= min(rest_mw, most)
    if rules.bidding:
        before_gate = 24.0 - np.float64(seen[HOURS_LEFT]) + rules.dt_h == rules.gate_hour
        for k in range(out.shape[0] - WIDTH):
            out[WIDTH + k] = before_gate or k % BIDS == NO_BID


@kernel
def mask_kernel(rules, fleet, seen, out):  # type: ignore[no-untyped-def]
    """The same for all, (batch, agent, choice)."""
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            mask_row(rules, fleet, i, seen[b, i], out[b, i])


def mask_width(scenario: Scenario) -> int:
    """Choices of all columns together."""
    return WIDTH + BIDS * scenario.bids


def masks(scenario: Scenario, observation: NDArray[Any]) -> BoolArray | None:
    """Possible choices, (batch, agent, choice); None where actions are numbers.

    Args:
        observation: (batch, agent, feature), of all batteries.

    Raises:
        ScenarioError: for a scenario of another track.
    """
    if not isinstance(scenario, Scenario):
        raise ScenarioError(
            f"mask_of takes scenarios of the track battery; {scenario.spec.id} is of the track "
            f"{scenario.spec.track}: name one with -s"
        )
    if not scenario.rules.choices:
        return None
    seen = np.ascontiguousarray(observation, dtype=np.float32)
    out = np.zeros((*seen.shape[:2], mask_width(scenario)), dtype=np.bool_)
    mask_kernel(scenario.rules, scenario.fleet, seen, out)
    return out

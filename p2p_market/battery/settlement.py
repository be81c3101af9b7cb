"""What a step costs: the ledger of each battery, and what the fleet's volume does to the price."""

import numpy as np
from numba import njit

from p2p_market.battery.records import COLUMN, LEDGER_ENTRIES, SHAPING, TIERS

TRANCHE_MW = 10.0  # of the intraday ladder
DELIVERED = 0.9  # share of the reserve that counts as delivered
SLACK_MW = 1e-9
DAM_BONUS = 5.0  # EUR/MWh of a position that is delivered in full
AFRR_BONUS = 10.0  # EUR/MWh of reserve that answers
BUFFER = (0.25, 0.75), (0.15, 0.85), (-2.0, -1.0, 2.0)
"""Levels that the reward likes, less likes, and EUR/h inside, between and outside."""
RISK, RISK_FREE = 50.0, 0.2  # EUR/h of the risk of a shortfall above its free share
EUR_PER_REWARD = 1000.0

_DAY_AHEAD, _UP, _DOWN = COLUMN["day_ahead"], COLUMN["afrr_up"], COLUMN["afrr_down"]
_CAP_UP, _CAP_DOWN = COLUMN["afrr_cap_up"], COLUMN["afrr_cap_down"]
_INTRADAY, _SPREAD, _CALL = COLUMN["intraday"], COLUMN["spread"], COLUMN["mfrr_call"]
_MFRR_UP, _MFRR_DOWN, _ACTIVATION = COLUMN["mfrr_up"], COLUMN["mfrr_down"], COLUMN["activation"]
_TIERS = np.array(TIERS)
(
    DAM, DAM_PENALTY, CAPACITY, AFRR, AFRR_PENALTY, INTRADAY, MFRR, WEAR, TERMINAL, GOOD_DAM,
    GOOD_AFRR, LEVEL, SHORTFALL,
) = range(len(LEDGER_ENTRIES))  # fmt: skip
assert LEDGER_ENTRIES[GOOD_DAM:] == SHAPING


@njit
def ladder_kernel(volume_mw, steepness):  # type: ignore[no-untyped-def]
    """How far a net purchase moves the intraday price [EUR/MWh], the same for all who trade.

    Every tranche of ten MW is dearer than the one before; what is paid for all of them is shared.
    """
    if volume_mw == 0.0:
        return 0.0
    size = abs(volume_mw)
    full = np.floor(size / TRANCHE_MW)
    rest = size - TRANCHE_MW * full
    cost = steepness * (
        TRANCHE_MW * TRANCHE_MW * full * full + (2.0 * full + 1.0) * TRANCHE_MW * rest
    )
    return np.sign(volume_mw) * cost / size


@njit(inline="always")
def balancing(call, energy_mw):  # type: ignore[no-untyped-def]
    """Whether energy is paid at the balancing price: sold where the system calls up, or bought."""
    if energy_mw < 0.0:
        return call > 0.5
    return energy_mw > 0.0 and (call < -0.5 or call > 1.5)


@njit(inline="always")
def settle_kernel(rules, fleet, market, b, i, position_mw, tier, price, done):  # type: ignore[no-untyped-def]
    """Ledger of one battery but for the terminal value and what looks ahead.

    Args:
        market: of this step, (column,).
        price: of intraday trade with the fleet's own volume, bid-ask spread left out.
    """
    entries, dt = done.entries_eur[b, i], rules.dt_h
    dam, afrr, energy = done.dam_mw[b, i], done.afrr_mw[b, i], done.energy_mw[b, i]
    accepted, wear = done.accepted_mw[b, i], fleet.wear[i]
    missing = abs(position_mw) - abs(dam)
    capacity = market[_CAP_UP] + market[_CAP_DOWN]
    called = accepted > 0.0 and market[_ACTIVATION] != 0.0
    answered = called and abs(afrr) >= DELIVERED * accepted - SLACK_MW
    entries[DAM] = position_mw * market[_DAY_AHEAD] * dt
    entries[DAM_PENALTY] = rules.dam_penalty * missing * dt
    entries[CAPACITY] = -accepted * _TIERS[tier] * capacity * dt
    entries[AFRR] = afrr * dt * (market[_UP] if afrr < 0.0 else market[_DOWN])
    entries[AFRR_PENALTY] = rules.afrr_penalty * accepted * dt if called and not answered else 0.0
    entries[INTRADAY] = 0.0
    entries[MFRR] = 0.0
    if balancing(market[_CALL], energy):
        entries[MFRR] = energy * dt * (market[_MFRR_UP] if energy < 0.0 else market[_MFRR_DOWN])
    else:
        entries[INTRADAY] = (energy * price + abs(energy) * market[_SPREAD] / 2.0) * dt
    entries[WEAR] = wear * (abs(dam) + abs(afrr) + abs(energy)) * dt
    entries[TERMINAL] = 0.0
    entries[GOOD_DAM] = -DAM_BONUS * abs(dam) * dt if missing <= SLACK_MW else 0.0
    entries[GOOD_AFRR] = -AFRR_BONUS * accepted * dt if answered else 0.0


@njit(inline="always")
def terminal_kernel(fleet, i, level_mwh, lowest_price, highest_price):  # type: ignore[no-untyped-def]
    """What the level at the end costs against that at the start [EUR].

    What is missing is bought back at the dearest price of the last day, what is over is sold at the
    cheapest; wear and losses included, so that neither way of ending pays by itself.
    """
    over = level_mwh - fleet.start_mwh[i]
    eta, wear = fleet.eta[i], fleet.wear[i]
    if over < 0.0:
        return -over * (highest_price + wear) / eta
    return -over * max(0.0, eta * (lowest_price - wear))


@njit(inline="always")
def shape_kernel(rules, fleet, b, i, level_mwh, risk, done):  # type: ignore[no-untyped-def]
    """Entries of the reward that look at the level after the step, and the reward."""
    entries, soc = done.entries_eur[b, i], level_mwh / fleet.capacity_mwh[i]
    inner, outer, worth = BUFFER
    if inner[0] <= soc <= inner[1]:
        entries[LEVEL] = worth[0] * rules.dt_h
    elif outer[0] <= soc <= outer[1]:
        entries[LEVEL] = worth[1] * rules.dt_h
    else:
        entries[LEVEL] = worth[2] * rules.dt_h
    entries[SHORTFALL] = RISK * max(0.0, risk - RISK_FREE) / (1.0 - RISK_FREE) * rules.dt_h
    total = 0.0
    for c in range(entries.shape[0]):
        total += entries[c]
    done.reward[b, i] = -total / EUR_PER_REWARD

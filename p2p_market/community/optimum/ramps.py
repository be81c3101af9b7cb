"""Prices of ramps in the bound: what loading costs, and what it makes possible in the next step.

A machine with a ramp may add so much to its power from one step to the next, in either direction:
c_t - c_(t-1) <= ramp. At a price >= 0 of each of these rows, a kW in step t costs the price of its
own row, less that of the next, which it eases. What the ramps allow anyway is a constant.
"""

import numpy as np

from p2p_market.assets.node import Coefficients
from p2p_market.community.optimum.plan import Prices
from p2p_market.records import FloatArray


def payable(prices: Prices, nodes: Coefficients) -> FloatArray | None:
    """Prices of the rows, (step, agent, asset, way) [EUR/kW]: none below 0, 0 without a ramp."""
    if prices.ramp_eur_per_kw is None or nodes.machines is None:
        return None
    slow = np.isfinite(nodes.machines.ramp_kw)[..., None]
    return np.where(slow, np.maximum(prices.ramp_eur_per_kw, 0.0), 0.0)


def ways(power_kw: FloatArray) -> FloatArray:
    """Power as what charges and what discharges, (step, agent, asset, way) [kW]."""
    return np.stack([np.maximum(power_kw, 0.0), np.maximum(-power_kw, 0.0)], axis=-1)


def power_eur(prices: Prices, power_kw: FloatArray) -> FloatArray | float:
    """What power costs at the prices of its own row and the next, (step, agent, asset)."""
    price = prices.ramp_eur_per_kw
    if price is None:
        return 0.0
    eased = np.concatenate([price[1:], np.zeros_like(price[:1])])
    return np.asarray(((price - eased) * ways(power_kw)).sum(axis=-1))


def allowed_eur(prices: Prices, nodes: Coefficients) -> float:
    """What the rows allow in any case."""
    price = prices.ramp_eur_per_kw
    if price is None or nodes.machines is None:
        return 0.0
    ramp_kw = nodes.machines.ramp_kw
    return float((price * np.where(np.isfinite(ramp_kw), ramp_kw, 0.0)[..., None]).sum())


def unused_eur(prices: Prices, nodes: Coefficients, power_kw: FloatArray) -> FloatArray | float:
    """What a trajectory leaves of what it might have loaded, at its price, (step, agent, asset)."""
    price = prices.ramp_eur_per_kw
    if price is None or nodes.machines is None:
        return 0.0
    ramp_kw = nodes.machines.ramp_kw
    loaded = np.diff(ways(power_kw), axis=0, prepend=0.0)
    left = np.where(np.isfinite(ramp_kw), ramp_kw, 0.0)[..., None] - loaded
    return np.asarray((price * left).sum(axis=-1))

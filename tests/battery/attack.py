"""Plans that were changed at random, played all at once: none may be cheaper than the bound."""

import numpy as np

from p2p_market.battery import engine
from p2p_market.battery.episode.episode import Episode
from p2p_market.battery.records import SOCIAL, TIERS, Order
from p2p_market.battery.scenario import in_numbers

SIZES_MW = (1e-3, 0.05, 0.5, 3.0, 30.0)
PLACES = (1, 2, 4, 12, 60)


def changed(generator, values, low, high):
    """Copies of a series, (copy, step, agent), each changed in a few places."""
    copies, steps, agents = values.shape
    count = generator.choice(PLACES, copies)
    chance = (count / (steps * agents))[:, None, None]
    where = generator.random(values.shape) < chance
    size = generator.choice(SIZES_MW, values.shape)
    noise = np.where(generator.random(values.shape) < 0.2, -values, size)
    noise *= np.where(
        generator.random(values.shape) < 0.5, 1.0, generator.normal(size=values.shape)
    )
    return np.clip(np.where(where, values + noise, values), low, high)


def attacked_eur(scenario, episode, schedule, copies, seed):
    """Cost of each changed plan, (copy,) [EUR].

    Args:
        schedule: of the optimum, series (step, agent).
    """
    generator, power = np.random.default_rng(seed), scenario.fleet.power_mw
    offer, wish, tier = (
        np.tile(schedule[name], (copies, 1, 1)) for name in ("offer_mw", "wish_mw", "tier")
    )
    half = copies // 2  # one half changes one of them
    offer[half:] = changed(generator, offer[half:], 0.0, power)
    wish[:half] = changed(generator, wish[:half], -power, power)
    wish[-half // 2 :] = changed(generator, wish[-half // 2 :], -power, power)
    swap = generator.random(tier.shape) < 0.01
    tier = np.where(swap, generator.integers(len(TIERS), size=tier.shape), tier)
    bids = np.zeros((copies, len(power), 0))
    if scenario.bids:
        bids = changed(generator, np.tile(schedule["position_mw"], (copies, 1, 1)), -power, power)
    given = Episode(
        keys=episode.keys * copies,
        market=np.broadcast_to(episode.market, (copies, *episode.market.shape[1:])).copy(),
        position_mw=np.tile(episode.position_mw, (copies, 1, 1)),
        table=np.zeros((copies, 0, episode.table.shape[-1]), dtype=np.float32),
    )
    now, cost = engine.start(scenario, given), np.zeros(copies)
    for step in range(scenario.steps):
        tomorrow = 24 * (int(step * scenario.dt_h) // 24 + 1)
        asked = Order(
            offer_mw=np.ascontiguousarray(offer[:, step]),
            tier=np.ascontiguousarray(tier[:, step]),
            wish_mw=np.ascontiguousarray(wish[:, step]),
            bid_mw=np.ascontiguousarray(bids[:, tomorrow : tomorrow + scenario.bids].swapaxes(1, 2))
            if scenario.bids
            else bids,
            fault=np.zeros(tier[:, step].shape, dtype=np.int64),
        )
        now, done = engine.step(in_numbers(scenario), given, now, asked, strict=step % 24 == 0)
        cost += done.entries_eur[..., : len(SOCIAL)].sum(axis=(1, 2))
    return cost

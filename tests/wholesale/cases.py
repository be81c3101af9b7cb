"""Steps by hand: a quiet episode, orders in physical units."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from p2p_market.registry import load_scenario
from p2p_market.wholesale import engine
from p2p_market.wholesale.episode.episode import draw, keys
from p2p_market.wholesale.records import LEDGER_ENTRIES, LEVELS_EUR_PER_MWH, SOCIAL, Order

EXAMPLE = "auction-example-v0"


@lru_cache(maxsize=8)
def scenario(name="wholesale-12-v0"):
    return load_scenario(name)


@lru_cache(maxsize=8)
def drawn(name="wholesale-12-v0", split="test", seed=0, week=0):
    of = scenario(name)
    return draw(of, keys(of, split, seed)[week][0])


def quiet(of, **columns):
    """An episode in which nothing is loaded, available or lost but what is said, in all steps."""
    given = draw(of, keys(of, "test", 0)[0][0])
    zeros = {name: np.zeros_like(getattr(given, name)) for name in MEANT}
    zeros["high_voltage_pu"] = np.ones_like(given.high_voltage_pu)
    for name, values in columns.items():
        zeros[name] = zeros[name] + np.asarray(values, dtype=np.float64)
    return replace(given, **zeros)


MEANT = (
    "available_mw", "must_mw", "trips", "firm_mw", "flexible_mw", "fluctuation_mw",
    "damping_mw_per_hz",
)  # fmt: skip


def order(of, **columns):
    """Nobody asks for anything, but what is said; `bids` are prices of generators."""
    bids = columns.pop("bids", None)
    blank = engine.blank_order(of, 1)._asdict()
    blank["limit_eur_per_mwh"] = blank["limit_eur_per_mwh"] - 49.0
    blank["response_eur_per_mwh"] = blank["response_eur_per_mwh"] - 51.0
    for name, values in columns.items():
        blank[name] = (blank[name] * 0 + np.asarray(values)).astype(blank[name].dtype)
    if bids is not None:
        blank["level"][0, : len(bids)] = [LEVELS_EUR_PER_MWH.index(price) for price in bids]
    return Order(**blank)


def state(of, given, **columns):
    """The state before the first step, but for what is said."""
    fresh = engine.start(of, given)
    moved = {
        name: getattr(fresh, name) * 0.0 + np.asarray(values, dtype=np.float64)
        for name, values in columns.items()
        if name != "step"
    }
    return replace(fresh, **moved, **{k: v for k, v in columns.items() if k == "step"})


def auction(sells, firm, response=(), storages=(), must=()):
    """One auction: what it produced.

    Args:
        sells: size and price of each offer [MW, EUR/MWh].
        firm: load at the cap [MW].
        response: size and price of loads that may be reduced.
        storages: power and limit price of storages.
        must: must-run energy of the units [MW], within their offers.
    """
    of = scenario(EXAMPLE)
    units, kept, consumers = of.sizes
    sizes = [size for size, _ in sells] + [0.0] * (units - len(sells))
    flexible = [0.0, *(size for size, _ in response)] + [0.0] * (consumers - 1 - len(response))
    given = quiet(
        of,
        available_mw=sizes,
        must_mw=[*must, *([0.0] * (units - len(must)))],
        firm_mw=[firm, 0.0, 0.0],
        flexible_mw=flexible,
    )
    powers = [power for power, _ in storages] + [0.0] * (kept - len(storages))
    limits = [limit for _, limit in storages] + [0.0] * (kept - len(storages))
    prices = [0.0, *(price for _, price in response)] + [0.0] * (consumers - 1 - len(response))
    asked = order(
        of,
        bids=[price for _, price in sells],
        share=1.0,
        power_mw=powers,
        limit_eur_per_mwh=limits,
        adjustment=1.0,
        response_eur_per_mwh=prices,
    )
    return engine.step(of, given, state(of, given), asked).last


def ledger(of, done):
    """Entries of the ledger by name, summed over agents."""
    return dict(zip(LEDGER_ENTRIES, done.entries_eur[0].sum(axis=0).tolist(), strict=True))


def social_eur(done):
    """Social cost of a step, (batch,)."""
    places = [LEDGER_ENTRIES.index(name) for name in SOCIAL]
    return done.entries_eur[..., places].sum(axis=(1, 2))

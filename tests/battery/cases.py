"""Steps by hand: one battery, a market of round numbers, an order in physical units."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from p2p_market.battery import engine
from p2p_market.battery.episode.episode import Episode
from p2p_market.battery.observation import features
from p2p_market.battery.records import LEDGER_ENTRIES, MARKET, Order
from p2p_market.registry import load_scenario
from p2p_market.track import EpisodeKey

ROUND = {
    "day_ahead": 100.0, "intraday": 100.0, "spread": 4.0, "afrr_up": 120.0, "afrr_down": 70.0,
    "afrr_cap_up": 13.0, "afrr_cap_down": 12.0, "marginal": 2.0, "mfrr_up": 200.0,
    "mfrr_down": 20.0,
}  # fmt: skip


@lru_cache(maxsize=8)
def scenario(name="battery-146-v0"):
    return load_scenario(name)


def episode(of, position_mw=None, **columns):
    """An episode in which every step looks the same but for what is said, (step + 2,) each."""
    market = np.zeros((1, of.steps + 2, len(MARKET)))
    for place, name in enumerate(MARKET):
        market[0, :, place] = {**ROUND, **columns}.get(name, 0.0)
    agents = len(of.agents)
    position = np.zeros((1, agents, 24 * (of.spec.days + 1)))
    if position_mw is not None:
        position[:] = position_mw
    table = np.zeros((1, of.steps + 1, len(features(of))), dtype=np.float32)
    return Episode((EpisodeKey("test", 21, 0),), market, position, table)


def state(of, episode, soc=0.5, step=0):
    """Nothing accepted so far."""
    level = np.tile(soc * of.fleet.capacity_mwh, (1, 1))
    risk = engine.risks(of, level, episode.position_mw, step)
    fresh = engine.start(of, episode)
    return replace(fresh, step=step, level_mwh=level, shortfall_risk=risk)


def order(of, offer_mw=0.0, tier=2, wish_mw=0.0):
    """The same of every battery."""
    shape = (1, len(of.agents))
    return Order(
        offer_mw=np.full(shape, offer_mw),
        tier=np.full(shape, tier, dtype=np.int64),
        wish_mw=np.full(shape, wish_mw),
        bid_mw=np.zeros((*shape, of.bids)),
        fault=np.zeros(shape, dtype=np.int64),
    )


def play(soc=0.5, position_mw=None, step=0, offer_mw=0.0, tier=2, wish_mw=0.0, **columns):
    """One step: the state after it, the dispatch, and the ledger by name."""
    of = scenario()
    given = episode(of, position_mw, **columns)
    asked = order(of, offer_mw, tier, wish_mw)
    after, done = engine.step(of, given, state(of, given, soc, step), asked)
    ledger = dict(zip(LEDGER_ENTRIES, done.entries_eur[0, 0].tolist(), strict=True))
    return after, done, ledger


def soc_of(after):
    return float(after.level_mwh[0, 0] / scenario().fleet.capacity_mwh[0])

"""The NumPy reference says what the engine says, so that ratios compare equal work."""

import numpy as np
import pytest

from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw, stack
from p2p_market.community.observation import observe
from p2p_market.market import MECHANISMS
from p2p_market.market.book import OrderBook
from p2p_market.market.ticks import to_ticks
from p2p_market.registry import load_scenario

from .reference import NumpyCommunities, auction


def test_fills_levels_bills_and_observations_of_two_days():
    scenario = load_scenario("community-16-v0")
    episode = stack([draw(scenario, choose_key(scenario, seed)) for seed in (0, 1)])
    reference, state = NumpyCommunities(scenario, episode), engine.start(scenario, episode)
    generator, everyone = np.random.default_rng(0), np.ones((2, 16), dtype=np.bool_)
    traded = 0
    for _ in range(192):
        actions = generator.uniform(-1.0, 1.0, (2, 16, 3))
        proposal = to_proposal(action_map(scenario).physical(actions), everyone)
        state, outcome = engine.step(scenario, episode, state, proposal, strict=True)
        seen, rewards = reference.step(actions)
        traded += np.count_nonzero(outcome.fills.power_kw)
        np.testing.assert_allclose(reference.fill_kw, outcome.fills.power_kw, atol=1e-8)
        np.testing.assert_allclose(reference.energy_kwh, state.energy_kwh, atol=1e-8)
        np.testing.assert_allclose(reference.entries_eur, outcome.ledger.entries_eur, atol=1e-8)
        np.testing.assert_allclose(rewards, outcome.reward, atol=1e-8)
        np.testing.assert_allclose(seen, observe(scenario, episode, state), rtol=1e-6, atol=1e-6)
    assert traded > 100


@pytest.mark.parametrize("orders", [1, 2, 16, 300])
def test_auctions_with_ties_and_without_trade(orders):
    generator = np.random.default_rng(orders)
    quantity = np.round(generator.uniform(-3.0, 3.0, (200, orders)))
    price = to_ticks(generator.uniform(0.10, 0.14, quantity.shape), 0.001)
    limits = np.full_like(price, 0.3), np.full_like(price, 0.08)
    book = OrderBook(quantity, price, *limits, 0.5, 0.001, 0.5, 0.25)
    fills = MECHANISMS["k_double_auction"].clear(book)
    fill, hub = auction(quantity, price, 0.001, 0.5)
    np.testing.assert_allclose(fill, fills.power_kw, atol=1e-9)
    np.testing.assert_allclose(hub, fills.clearing_price_eur_per_kwh, atol=1e-12)

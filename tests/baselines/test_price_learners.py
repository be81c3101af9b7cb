"""Price learners: their rules by hand, and what they find in a market with a known price."""

import numpy as np
import pytest

from p2p_market.community.actions import action_map
from p2p_market.community.observation import features
from p2p_market.community.rules.gjerstad_dickhaut import GRID, belief
from p2p_market.community.rules.zip import target
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.market.book import OrderBook
from p2p_market.market.k_double_auction import clear
from p2p_market.registry import load_scenario, make

SCENARIO = load_scenario("community-16-v0")
COLUMN = {feature.name: c for c, feature in enumerate(features(SCENARIO))}
PRICE_MAX = SCENARIO.spec.price_max_eur_per_kwh
LEARNERS = ["zip", "gjerstad-dickhaut"]
CAPS = 0.40 - 0.04 * np.arange(8)
FLOORS = 0.10 + 0.04 * np.arange(8)
COMPETITIVE = 0.25  # four trade: caps down to 0.28 over 0.24, floors up to 0.22 under 0.26
SURPLUS = float((CAPS - FLOORS)[:4].sum())
STEPS, SETTLED = 150, 75


def steady(shift: float = 0.0) -> np.ndarray:
    """Eight who buy 1 kW and eight who sell 1 kW, no storage and no fees, (1, agent, feature)."""
    seen = np.zeros((1, 16, len(COLUMN)), dtype=np.float32)
    seen[..., COLUMN["last_clearing_price"]] = PRICE_MAX / 2.0
    seen[:, :8, COLUMN["load"]] = seen[:, 8:, COLUMN["pv"]] = 1.0
    seen[:, :8, COLUMN["retail"]] = CAPS + shift
    seen[:, 8:, COLUMN["retail"]] = PRICE_MAX
    seen[:, 8:, COLUMN["feed_in"]] = FLOORS + shift
    return seen


def trade(name: str, seeds: list[int], shifts: list[float]):
    """Orders and fills of a repeated market, (step, batch, agent), and its prices."""
    policy = load_policy(name, SCENARIO)
    seen = np.concatenate([steady(shift) for shift in shifts])
    memory, orders, filled, prices = policy.start(seeds), [], [], []
    for _ in range(STEPS):
        action, memory = policy.act(seen.copy(), memory)
        physical = action_map(SCENARIO).physical(action)
        price = np.round(physical[..., -1], 3)
        outside = np.full(price.shape, 0.1)
        fills = clear(
            OrderBook(physical[..., -2], price, outside, outside, 0.5, 0.001, PRICE_MAX, 0.25)
        )
        now = fills.clearing_price_eur_per_kwh
        seen[..., COLUMN["last_fill"]] = fills.power_kw
        traded = ~np.isnan(now)
        seen[traded, :, COLUMN["last_clearing_price"]] = now[traded, None]
        orders.append(physical[..., -1])
        filled.append(fills.power_kw)
        prices.append(now)
    return np.array(orders), np.array(filled), np.array(prices)


def efficiency(filled: np.ndarray) -> float:
    """Share of the largest surplus that was won after the first steps."""
    values = np.concatenate([CAPS, FLOORS])
    return float((filled[SETTLED:] * values).sum(axis=-1).mean()) / SURPLUS


@pytest.mark.parametrize("name", LEARNERS)
def test_prices_find_the_competitive_one(name):
    _, filled, prices = trade(name, [3], [0.0])
    late = prices[SETTLED:]
    assert np.nanmean(late) == pytest.approx(COMPETITIVE, rel=0.06)
    assert np.sqrt(np.nanmean((late - COMPETITIVE) ** 2)) < 0.06 * COMPETITIVE
    random = efficiency(trade("zero-intelligence", [3], [0.0])[1])
    assert efficiency(filled) > max(0.95, random + 0.5)


@pytest.mark.parametrize("name", LEARNERS)
def test_no_order_is_worse_than_the_grid(name):
    orders, _, _ = trade(name, [5], [0.0])
    assert np.all(orders[..., :8] <= CAPS + 1e-7)
    assert np.all(orders[..., 8:] >= FLOORS - 1e-7)
    assert np.all((orders >= -1e-12) & (orders <= PRICE_MAX + 1e-12))


@pytest.mark.parametrize("name", LEARNERS)
def test_two_communities_learn_as_each_alone(name):
    together, _, _ = trade(name, [1, 2], [0.0, 0.05])
    for b, shift in enumerate((0.0, 0.05)):
        alone, _, _ = trade(name, [1 + b], [shift])
        assert np.array_equal(together[:, b], alone[:, 0])
    assert not np.array_equal(together[:, 0], together[:, 1])


@pytest.mark.parametrize(
    ("side", "price", "filled", "expected"),
    [
        (-1.0, 0.20, True, 0.30 * 0.98 - 0.001),  # sold: goes up, stays below what it got
        (-1.0, 0.40, False, 0.30 * 0.98 - 0.001),  # too dear: undercuts the market
        (-1.0, 0.20, False, 0.20 * 0.98 - 0.001),  # rationed: undercuts itself
        (1.0, 0.35, True, 0.30 * 1.02 + 0.001),
        (1.0, 0.25, False, 0.30 * 1.02 + 0.001),
        (1.0, 0.35, False, 0.35 * 1.02 + 0.001),
    ],
)
def test_zip_aims_at_the_side_that_trades(side, price, filled, expected):
    aim = target(*(np.array(x) for x in (side, price, 0.30, filled, 0.02, 0.001)))
    assert aim == pytest.approx(expected)


def test_zip_moves_by_rate_and_momentum():
    policy = load_policy("zip", SCENARIO)
    seen, first = steady(), policy.start([7])
    action, second = policy.act(seen, first)
    seen[..., COLUMN["last_fill"]] = 0.0
    _, third = policy.act(seen, second)
    _, fourth = policy.act(seen, third)
    draw = np.random.Generator(np.random.Philox(key=7, counter=[0, 0, 0, 0])).random((16, 4))
    margin, rate, momentum = 0.05 + 0.3 * draw[0, 0], 0.1 + 0.4 * draw[0, 2], 0.1 * draw[0, 3]
    price, change = 0.40 * (1.0 - margin), 0.0
    assert (action[0, 0, -1] + 1.0) * PRICE_MAX / 2.0 == pytest.approx(price, rel=1e-6)
    for step, after in ((1, third), (2, fourth)):
        noise = np.random.Generator(np.random.Philox(key=7, counter=[0, 0, 0, step + 1]))
        r, a = noise.random((16, 4))[0, :2]
        aim = (1.0 + 0.05 * r) * max(price, PRICE_MAX / 2.0) + 0.005 * PRICE_MAX * a
        change = momentum * change + (1.0 - momentum) * rate * (aim - price)
        price = min(price + change, 0.40)
        assert after.price_eur_per_kwh[0, 0] == pytest.approx(price, rel=1e-6)


def test_a_belief_by_hand():
    limit, room = 0.10, 0.31
    prices = (limit + room * GRID)[None, None]
    nothing = np.full((1, 1, 2), np.nan)
    seller = np.array([[-1.0]])
    unseen = belief(seller, prices, nothing, nothing, np.zeros((1, 1, 2)))
    assert unseen[0, 0] == pytest.approx(1.0 - GRID)
    # Prices 0.20 and 0.30 were seen; the own ask of 0.25 traded by a quarter.
    clearing, order = np.array([[[0.20, 0.30]]]), np.array([[[0.25, np.nan]]])
    seen = belief(seller, prices, clearing, order, np.array([[[0.25, 0.0]]]))[0, 0]
    for index, pro, con in ((10, 2.25, 0.0), (24, 1.25, 1.0), (36, 1.0, 1.75), (48, 0.0, 2.75)):
        share = index / 64.0
        assert seen[index] == pytest.approx((pro + 1.0 - share) / (pro + con + 1.0))
    bids = (0.42 - room * GRID)[None, None]
    mirrored = belief(
        np.array([[1.0]]), bids, 0.52 - clearing, 0.52 - order, np.array([[[0.25, 0.0]]])
    )
    assert mirrored[0, 0] == pytest.approx(seen)


@pytest.mark.parametrize("name", LEARNERS)
def test_quantities_are_those_of_the_truthful_rule(name):
    env = make("community-16-v0")
    rule, policy = load_policy("truthful", SCENARIO), load_policy(name, SCENARIO)
    seen = np.stack([env.reset(seed=1)[0][agent] for agent in env.possible_agents])[None]
    action, _ = policy.act(seen, policy.start([1]))
    wanted, _ = rule.act(seen, None)
    assert np.array_equal(action[..., :-1], wanted[..., :-1])
    assert not np.array_equal(action[..., -1], wanted[..., -1])

"""The storage-value bidder: values by hand, against enumeration, and what comes of them."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from baselines.community.storage_value.beliefs import PARTS, Prices, tariff
from baselines.community.storage_value.policy import bidder
from baselines.community.storage_value.value import (
    CELLS,
    Device,
    Offer,
    Tariff,
    best_power,
    one_step_earlier,
)
from p2p_market.community.actions import action_map
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.records import LEDGER_COLUMN
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario


def battery(eta: float = 1.0, wear: float = 0.0, retention: float = 1.0) -> Device:
    """20 kWh in cells of one kWh, hourly."""
    whole = (0.0, 20.0, retention, eta, 1.0 / eta, wear)
    return Device(1.0, *(np.array([value]) for value in whole))


def offer(net_load: float, feed_in: float, retail: float, power: float = 5.0) -> Offer:
    """A step with the grid alone."""
    price = Tariff(np.array([[0.0]]), np.array([[feed_in, retail]]))
    return Offer(price, *(np.array([value]) for value in (net_load, -power, power)))


def cells(*blocks: tuple[int, float]) -> np.ndarray:
    """Values of a storage from the bottom, as (cells, value), (1, cell)."""
    assert sum(count for count, _ in blocks) == CELLS
    return np.concatenate([np.full(count, value) for count, value in blocks])[None]


def at_level(device: Device, level: float, offered: Offer) -> Offer:
    """The same with powers that keep a level between empty and full."""
    kept = device.retention * level
    low = np.maximum(offered.low_kw, -kept / device.discharge_gain_h)
    high = np.minimum(offered.high_kw, (device.level_max_kwh - kept) / device.charge_gain_h)
    return replace(offered, low_kw=low, high_kw=high)


DAY = offer(net_load=4.0, feed_in=0.10, retail=0.30)
NIGHT = offer(net_load=0.0, feed_in=0.10, retail=0.20)
END = cells((20, 0.05))


def test_two_prices_by_hand():
    """By day 4 kWh save 0.30 and one more is sold; by night 4 kWh are worth what they cost then."""
    day = one_step_earlier(battery(), END, DAY)
    np.testing.assert_allclose(day, cells((4, 0.30), (1, 0.10), (15, 0.05)))
    night = one_step_earlier(battery(), day, NIGHT)
    np.testing.assert_allclose(night, cells((4, 0.20), (6, 0.10), (10, 0.05)))


@pytest.mark.parametrize(
    ("level", "power", "value"),
    [
        (0.0, 4.0, 0.30),  # fills what the day will need, and no more at 0.20
        (3.0, 1.0, 0.30),
        (4.0, 0.0, 0.30),
        (4.5, 0.0, 0.10),  # half a kWh is worth 0.10 now and later
        (8.0, -3.0, 0.05),  # what nobody needs is sold
        (20.0, -5.0, 0.05),
    ],
)
def test_by_night_it_fills_for_the_day(level, power, value):
    day = one_step_earlier(battery(), END, DAY)
    chosen, worth = best_power(battery(), np.array([level]), day, at_level(battery(), level, NIGHT))
    assert chosen[0] == pytest.approx(power)
    if power != 0.0:
        assert worth[0] == pytest.approx(value)


@pytest.mark.parametrize(
    ("eta", "wear", "power"),
    [(0.9, 0.0, 4.0 / 0.9 / 0.9), (0.8, 0.0, 0.0), (1.0, 0.04, 4.0), (1.0, 0.06, 0.0)],
)
def test_losses_and_wear_must_be_earned(eta, wear, power):
    """0.30 by day pays 0.20 by night at 81 % there and back, not at 64 %, nor twice 0.06."""
    device = battery(eta, wear)
    day = one_step_earlier(device, END, DAY)
    chosen, _ = best_power(device, np.array([0.0]), day, at_level(device, 0.0, NIGHT))
    assert chosen[0] == pytest.approx(power, rel=0.1)  # a need may end inside a cell
    assert (chosen[0] == 0.0) == (power == 0.0)


def cost_eur(device: Device, level: np.ndarray, later: np.ndarray, offered: Offer) -> np.ndarray:
    """Cheapest step by trying four thousand powers, counted as in the docstrings alone."""
    low, high, own = (one[0] for one in (offered.low_kw, offered.high_kw, offered.net_load_kw))
    edges, price = offered.tariff.edge_kw[0], offered.tariff.price_eur_per_kwh[0]
    power = np.linspace(low, high, 4001)
    gain = np.where(power > 0.0, device.charge_gain_h[0], device.discharge_gain_h[0])
    after = device.retention[0] * level[:, None] + gain * power
    possible = (after >= -1e-9) & (after <= device.level_max_kwh[0] + 1e-9)
    grid = np.linspace(-40.0, 40.0, 80001)
    middle = (grid[1:] + grid[:-1]) / 2.0
    paid = np.concatenate([[0.0], np.cumsum(price[np.searchsorted(edges, middle)] * 0.001)])
    stored = np.concatenate([[0.0], np.cumsum(later[0])])
    total = (
        np.interp(own + power, grid, paid)
        + device.wear_eur_per_kwh[0] * np.abs(power)
        - np.interp(after, np.arange(CELLS + 1.0), stored)
    )
    return np.where(possible, total, np.inf).min(axis=1)


@pytest.mark.parametrize("seed", range(8))
def test_a_merit_order_is_what_enumeration_finds(seed):
    draws = np.random.default_rng(seed)
    device = battery(draws.uniform(0.8, 1.0), draws.uniform(0.0, 0.03), 1.0 - 0.02 * (seed % 2))
    later = -np.sort(-draws.uniform(0.0, 0.5, (1, CELLS)))
    edges = np.sort(draws.uniform(-6.0, 6.0, (1, 4)))
    price = Tariff(edges, np.sort(draws.uniform(0.05, 0.5, (1, 5))))
    low, high = -draws.uniform(0.0, 6.0, 1), draws.uniform(0.0, 6.0, 1)
    step = Offer(price, draws.uniform(-5.0, 5.0, 1), low, high)
    found = cost_eur(device, np.arange(CELLS + 1.0), later, step)
    np.testing.assert_allclose(one_step_earlier(device, later, step)[0], -np.diff(found), atol=3e-3)
    level = draws.uniform(0.0, 20.0, 1)
    power, _ = best_power(device, level, later, at_level(device, level[0], step))
    own = replace(step, low_kw=power, high_kw=power)
    assert cost_eur(device, level, later, own) <= cost_eur(device, level, later, step) + 1e-3


def test_the_price_rises_from_the_hub_to_the_grid():
    prices = Prices(np.array([0.30, 0.12]), np.array([0.10, 0.10]), np.array([0.22, 0.22]))
    believed = tariff(prices, np.array([0.02, 0.02]), np.array([8.0, 8.0]))
    net, shut = believed.price_eur_per_kwh
    assert np.all(np.diff(believed.price_eur_per_kwh) >= -1e-12)
    assert believed.edge_kw[0, [0, PARTS, -1]].tolist() == [-8.0, 0.0, 8.0]
    assert net[[0, -1]].tolist() == [0.10, 0.30]
    assert net[PARTS : PARTS + 2] == pytest.approx([0.20, 0.24], abs=0.1 / PARTS)
    assert shut[: PARTS + 1] == pytest.approx(0.10)  # fees take all that a trade could win
    assert shut[PARTS + 1 :] == pytest.approx(0.12)


@pytest.fixture(scope="module")
def neighbours():
    return load_scenario("community-16-v0")


def test_an_order_out_of_storage_is_priced_by_its_value(neighbours):
    """By hand: one store, eta 0.95, wear 0.01, energy worth 0.19, own fee."""
    policy, agents = bidder(neighbours), len(neighbours.agents)
    fee = neighbours.network_fee_eur_per_kwh[0]
    setpoint, net_load, value = (
        np.zeros((1, agents, 1)),
        np.zeros((1, agents)),
        np.zeros((1, agents, 1)),
    )
    value[0, 0, 0] = 0.19

    def price(power: float, rest: float) -> float:
        setpoint[0, 0, 0], net_load[0, 0] = power, rest
        return float(policy._limit_price(setpoint, net_load, value)[0, 0])

    assert price(-2.0, -1.5) == pytest.approx(0.19 / 0.95 + 0.01 + fee)
    assert price(2.0, 1.5) == pytest.approx(0.19 * 0.95 - 0.01 - fee)
    assert price(-2.0, -3.0) == 0.0  # own PV is in the order
    assert price(2.0, 3.0) == neighbours.spec.price_max_eur_per_kwh  # own load is in the order


def test_without_a_solver():
    code = (
        "import sys; from p2p_market import load_scenario;"
        "from p2p_market.evaluation.players.policy import load_policy;"
        "load_policy('storage-value', load_scenario('classic-v0'));"
        "sys.exit('cvxpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["classic-v0", "community-16-v0", "ev-12-v0"])
def test_it_costs_less_than_truthful_orders_and_the_filter_has_no_work(name):
    scenario = load_scenario(name)
    episode = draw(scenario, choose_key(scenario, 0, "validation", 5))
    own, truthful = (
        rollout(scenario, episode, load_policy(policy, scenario))
        for policy in ("storage-value", "truthful")
    )
    assert own.social_cost_eur[0] < truthful.social_cost_eur[0] - 1.0
    assert own.series["correction_kw"].max() < 1e-3
    assert not own.cause.any()
    missing = [one.entries_eur[..., LEDGER_COLUMN["shortfall"]].sum() for one in (own, truthful)]
    assert missing[0] <= missing[1] + 1e-3
    asked = action_map(scenario).physical(own.actions["prosumer"])[..., -1]
    assert np.all((asked >= 0.0) & (asked <= scenario.spec.price_max_eur_per_kwh))

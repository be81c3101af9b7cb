"""How long things take; run by `make bench`. Medians on one machine, ratios within one run."""

import numpy as np
import pytest

import p2p_market
from p2p_market import engine
from p2p_market.actions import action_map, to_proposal
from p2p_market.episode import choose_key, draw, stack
from p2p_market.market import MECHANISMS
from p2p_market.observation import observe
from p2p_market.records import OrderBook
from p2p_market.scenario import load_scenario
from p2p_market.tariff import to_ticks

ID = "community-16-v0"


def ready_env():
    env = p2p_market.make(ID)
    env.reset(seed=0)
    actions = {agent: np.full(3, 0.3, np.float32) for agent in env.agents}
    env.step(actions)
    return env, actions


@pytest.mark.benchmark(group="environment, 16 prosumers")
def test_step(benchmark):
    env, actions = ready_env()
    start = env.snapshot()

    def rewind():
        env.restore(start)

    benchmark.pedantic(env.step, args=(actions,), setup=rewind, rounds=3000, warmup_rounds=100)


@pytest.mark.benchmark(group="environment, 16 prosumers")
def test_reset(benchmark):
    env, _ = ready_env()
    benchmark.pedantic(env.reset, kwargs={"seed": 1}, rounds=100, warmup_rounds=3)


@pytest.mark.parametrize("batch", [1, 64, 1024])
@pytest.mark.benchmark(group="pure step with observations, per batch")
def test_batched_step(benchmark, batch):
    scenario = load_scenario(ID)
    one = draw(scenario, choose_key(scenario, 0))
    episode = stack([one] * batch)
    table, state = action_map(scenario), engine.start(scenario, episode)
    shape = (batch, len(scenario.agents), table.width)
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, shape)
    proposal = to_proposal(table.physical(actions), np.ones(shape[:2], dtype=np.bool_))

    def step():
        after, _ = engine.step(scenario, episode, state, proposal)
        return observe(scenario, episode, after)

    benchmark.pedantic(step, rounds=200 if batch < 1024 else 30, warmup_rounds=3)


@pytest.mark.parametrize("orders", [16, 1_000, 100_000, 1_000_000])
@pytest.mark.parametrize("name", sorted(MECHANISMS))
@pytest.mark.benchmark(group="one auction")
def test_auction(benchmark, name, orders):
    generator = np.random.default_rng(0)
    quantity = generator.uniform(-5.0, 5.0, (1, orders))
    price = to_ticks(generator.uniform(0.08, 0.35, (1, orders)), 0.001)
    retail, feed_in = np.full_like(price, 0.35), np.full_like(price, 0.08)
    book = OrderBook(quantity, price, retail, feed_in, 0.5, 0.001, 0.5, 0.25)
    benchmark(MECHANISMS[name].clear, book)


@pytest.mark.benchmark(group="optimum, one week")
def test_optimum_of_a_week(benchmark):
    pytest.importorskip("cvxpy")
    from baselines.optimal.policy import optimum

    scenario = load_scenario(ID)
    planner = optimum(scenario)
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    benchmark.pedantic(planner.plan, args=(episode,), rounds=3, warmup_rounds=1)

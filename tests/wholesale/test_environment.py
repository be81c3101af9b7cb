"""The environment, its batch, and what agents see."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from p2p_market.errors import ActionError, ResetNeededError
from p2p_market.kit.joint import JointBatch
from p2p_market.registry import load_scenario, make
from p2p_market.wholesale import engine
from p2p_market.wholesale.envs.batch import systems
from p2p_market.wholesale.episode.episode import draw
from p2p_market.wholesale.episode.forecast import forecasts
from p2p_market.wholesale.features import WIDTHS, features
from p2p_market.wholesale.records import ROLES
from p2p_market.wholesale.track import roles
from tests.every_scenario import ids_of
from tests.wholesale.cases import drawn, scenario
from tests.wholesale.test_laws import sent


def by_agent(of, actions, b=0):
    return {
        agent: int(row[0]) if role.choices else row
        for role in roles(of)
        for agent, row in zip(role.agents, actions[role.name][b], strict=True)
    }


def test_the_environment_plays_what_the_engine_plays():
    env, of = make("wholesale-12-v0"), scenario()
    seen, _ = env.reset(seed=3, options={"split": "test", "week": 2})
    given, generator = engine_episode(env), np.random.default_rng(0)
    now = engine.start(of, given)
    for _ in range(40):
        actions = sent(of, generator, "uniform")
        actions = {role: np.clip(values, -1.0, None) for role, values in actions.items()}
        rows = engine.observe(of, given, now)
        for role in roles(of):
            for agent, row in zip(role.agents, getattr(rows, role.name)[0], strict=True):
                assert np.array_equal(seen[agent], row)
        now = engine.act(of, given, now, actions)
        seen, rewards, _, _, infos = env.step(by_agent(of, actions))
        assert list(rewards.values()) == now.last.reward[0].tolist()
        assert infos["operator_0"]["objectives"]["cost"] == now.last.objectives_eur[0, 1]


def engine_episode(env):
    return draw(env.scenario, env.episode_key)


def test_a_batch_plays_what_environments_play():
    of = scenario()
    fast, plain = systems(of, 3), JointBatch(of, 3)
    (seen, _), (same, _) = fast.reset(seed=5), plain.reset(seed=5)
    envs, generator = [make("wholesale-12-v0") for _ in range(3)], np.random.default_rng(1)
    single = [env.reset(seed=5 + b)[0] for b, env in enumerate(envs)]
    for _ in range(20):
        for role in roles(of):
            assert np.array_equal(seen[role.name], same[role.name])
            for b in range(3):
                for row, agent in zip(seen[role.name][b], role.agents, strict=True):
                    assert np.array_equal(row, single[b][agent])
        actions = sent(of, generator, "uniform", 3)
        played, again = fast.step(actions), plain.step(actions)
        seen, same = played.observations, again.observations
        for role in ROLES:
            assert np.array_equal(played.rewards[role], again.rewards[role])
            assert np.array_equal(played.entries_eur[role], again.entries_eur[role])
        for b, env in enumerate(envs):
            single[b], rewards, *_ = env.step(by_agent(of, actions, b))
            together = [played.rewards[role][b] for role in ROLES]
            assert list(rewards.values()) == np.concatenate(together).tolist()


def test_a_batch_begins_its_next_episodes_by_itself():
    of = scenario("auction-example-v0")
    batch = systems(of, 2)
    with pytest.raises(ResetNeededError):
        batch.step({})
    batch.reset(seed=0)
    actions = sent(of, np.random.default_rng(0), "uniform", 2)
    played = batch.step(actions)
    assert played.ended
    assert played.final_observations is not None
    with pytest.raises(ActionError, match="unknown role"):
        batch.step({"seller": actions["generator"]})


@pytest.mark.compiled
@pytest.mark.parametrize("name", ids_of("wholesale"))
def test_observations_lie_in_their_spaces(name):
    of, env = load_scenario(name), make(name)
    for role in roles(of):
        assert len(features(of, role.name)) == WIDTHS[role.name]
    seen, _ = env.reset(seed=0)
    generator = np.random.default_rng(2)
    while env.agents:
        for agent, row in seen.items():
            table = env.feature_table[agent]
            wrong = [
                (one.name, float(value), one.low, one.high)
                for one, value in zip(table, row, strict=True)
                if not one.low - 1e-4 <= value <= one.high + 1e-4
            ]
            assert not wrong, (agent, wrong)
        seen, *_ = env.step(by_agent(of, sent(of, generator, "corners")))


def test_what_is_seen_after_a_step_by_name():
    of, given = scenario(), drawn(week=4)
    now, generator, prices = engine.start(of, given), np.random.default_rng(3), []
    for _ in range(300):
        now = engine.act(of, given, now, sent(of, generator, "uniform"))
        prices.append(float(now.last.price_eur_per_mwh[0]))
    seen, t = engine.observe(of, given, now), now.step
    unit = named(of, "generator", seen.generator[0, 5])
    assert [unit[f"price_{k}_ago"] for k in range(1, 13)] == pytest.approx(prices[:-13:-1])
    assert unit["price_mean_3h"] == pytest.approx(np.mean(prices[-36:]), rel=1e-6)
    assert unit["price_mean_24h"] == pytest.approx(np.mean(prices[-288:]), rel=1e-6)
    assert unit["price_yesterday"] == pytest.approx(prices[t - 288])
    assert unit["price_yesterday_in_1h"] == pytest.approx(prices[t - 288 + 12])
    assert unit["available"] == pytest.approx(given.available_mw[0, t - 1, 5], rel=1e-6)
    assert unit["demand"] == pytest.approx(
        given.firm_mw[0, t - 1].sum() + given.flexible_mw[0, t - 1].sum(), rel=1e-6
    )
    assert unit["last_profit"] == pytest.approx(float(now.last.reward[0, 5]), rel=1e-5)
    coal = named(of, "generator", seen.generator[0, 0])
    assert coal["marginal_cost"] == 45.0
    assert coal["is_steam"] == 1.0
    assert coal["upper_bound"] == pytest.approx(
        min(given.available_mw[0, t, 0], now.output_mw[0, 0] + 2.5), rel=1e-6
    )
    storage = named(of, "storage", seen.storage[0, 1])
    assert storage["level"] == pytest.approx(now.level_mwh[0, 1], rel=1e-6)
    assert storage["round_trip"] == pytest.approx(0.9)
    consumer = named(of, "consumer", seen.consumer[0, 2])
    assert consumer["backlog"] == pytest.approx(now.backlog_mwh[0, 2], rel=1e-6)
    assert consumer["comfort"] == pytest.approx(40.0)
    assert consumer["last_bill"] == pytest.approx(-float(now.last.reward[0, 10]), rel=1e-5)
    operator = named(of, "operator", seen.operator[0, 0])
    assert operator["voltage_6"] == pytest.approx(now.last.voltage_pu[0, 6], rel=1e-6)
    assert operator["last_cost"] == pytest.approx(-float(now.last.objectives_eur[0, 1]), rel=1e-5)
    offers = sorted(
        (price, i)
        for i, price in enumerate(now.last.order_eur_per_mwh[0, 6:12])
        if now.last.order_mw[0, 6 + i] < 0.0
    )
    shown = [operator[f"offer_{k}_price"] for k in range(1, len(offers) + 1)]
    assert shown == pytest.approx([price for price, _ in offers])


def named(of, role, row):
    return {one.name: float(v) for one, v in zip(features(of, role), row, strict=True)}


def test_nothing_that_is_seen_depends_on_the_running_step():
    """Offers are made before wind, sun and load are known."""
    of, given = scenario(), drawn(week=1)
    now, generator = engine.start(of, given), np.random.default_rng(4)
    for _ in range(5):
        now = engine.act(of, given, now, sent(of, generator, "uniform"))
    t = now.step
    other = {}
    for name in ("firm_mw", "flexible_mw", "fluctuation_mw", "high_voltage_pu"):
        values = getattr(given, name).copy()
        values[:, t:] *= 1.02
        other[name] = values
    available = given.available_mw.copy()
    available[:, t:, 4:] *= 0.5
    changed = replace(given, available_mw=available, **other)
    for role, rows in zip(ROLES, engine.observe(of, given, now), strict=True):
        assert np.array_equal(rows, getattr(engine.observe(of, changed, now), role)), role


def test_forecasts_look_at_what_has_passed_alone():
    of = scenario()
    shares = {name: np.full(of.steps, 0.5) for name in ("demand", "wind", "solar")}
    available = np.ones((of.steps, 6))
    first = forecasts(of, 21, shares, available)
    later = {
        name: np.where(np.arange(of.steps) < 100, values, 0.9) for name, values in shares.items()
    }
    second = forecasts(of, 21, later, available)
    for name, table in first.items():
        assert np.array_equal(table[:101], second[name][:101]), name
    assert not np.array_equal(first["net_load_forecast_mw"], second["net_load_forecast_mw"])


def test_an_environment_in_mid_episode_is_pickled():
    env = make("wholesale-12-v0")
    env.reset(seed=0)
    generator, of = np.random.default_rng(5), env.scenario
    for _ in range(3):
        env.step(by_agent(of, sent(of, generator, "uniform")))
    again = pickle.loads(pickle.dumps(env))
    actions = by_agent(of, sent(of, generator, "uniform"))
    one, two = env.step(actions), again.step(actions)
    assert one[1] == two[1]
    assert all(np.array_equal(one[0][agent], two[0][agent]) for agent in one[0])


def test_who_is_missing_is_held():
    env = make("wholesale-12-v0", info="full")
    env.reset(seed=0)
    actions = {agent: env.action_space(agent).sample() for agent in env.agents}
    del actions["gas_0"]
    *_, infos = env.step(actions)
    assert infos["gas_0"]["supervisor"] == "missing"
    assert infos["coal_0"]["supervisor"] == "none"
    assert set(infos["coal_0"]["ledger_eur"]) >= {"market", "generation"}
    with pytest.raises(ActionError, match="unknown agent"):
        env.step({"nobody": np.zeros(2)})
    with pytest.raises(ActionError, match="coal_0"):
        env.step({"coal_0": np.zeros(3)})

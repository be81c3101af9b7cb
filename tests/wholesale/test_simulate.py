"""A play in one call, and the narrower actions of the environment."""

import json
import warnings

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from pettingzoo.test import parallel_api_test

from p2p_market.errors import ActionError, ArgumentError, PolicyError
from p2p_market.evaluation.players.policy import load_cast
from p2p_market.evaluation.rollout import rollout
from p2p_market.kit.policies import resting
from p2p_market.registry import make
from p2p_market.wholesale import simulate
from p2p_market.wholesale.actions import level_number
from p2p_market.wholesale.envs.wrappers import DiscreteBids, MarketOrders
from tests.wholesale.cases import drawn, scenario

EXAMPLE = "auction-example-v0"


def test_what_is_simulated_is_what_is_rolled_out():
    play = simulate("wholesale-12-v0", hours=4, seed=0, policies={"storage": "random"})
    of = scenario()
    cast = load_cast("default", of) | {"storage": load_cast("random", of)["storage"]}
    again = rollout(of, drawn(), cast, steps=48)
    assert play.played.digests == again.digests
    assert play.played.steps == 48
    given = simulate("wholesale-12-v0", hours=4, policies={"storage": cast["storage"]})
    assert given.played.digests == again.digests


def test_the_summary_of_the_example():
    play = simulate(EXAMPLE)
    told = play.summary()
    assert list(told) == ["stability", "economics", "environment", "messages", "agents"]
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    series, dt = play.played.series, play.scenario.dt_h
    price, load = series["price_eur_per_mwh"][0, 0], series["load_mw"].sum()
    assert told["economics"]["consumer_payment_eur"] == pytest.approx(price * load * dt)
    cost = (series["output_mw"][0, 0] * play.scenario.fleet.cost).sum() * dt
    assert told["economics"]["production_cost_eur"] == pytest.approx(cost)
    assert told["economics"]["social_cost_eur"] == play.played.social_cost_eur[0]
    assert told["messages"]["STATUS_UPDATE"] == len(play.scenario.agents)
    assert sum(told["messages"].values()) == len(play.messages())
    clean = series["output_mw"][0, 0, :2].sum()
    assert told["environment"]["renewable_share"] == pytest.approx(clean / load)
    assert list(told["agents"]) == list(play.scenario.agents)


def test_who_is_held_is_counted():
    of = scenario()

    class Silent:
        def start(self, seeds):
            return None

        def act(self, observation, memory):
            return np.full((*observation.shape[:2], 2), np.nan), None

    told = simulate("wholesale-12-v0", hours=1, policies={"generator": Silent()}).summary()
    assert told["agents"]["coal_0"]["held_steps"] == 12
    assert told["agents"]["storage_0"]["held_steps"] == 0
    rest = resting("operator", of)
    assert simulate("wholesale-12-v0", hours=1, policies={"operator": rest}).played.steps == 12


def test_what_cannot_be_simulated_is_refused():
    with pytest.raises(ArgumentError, match="no role 'trader'"):
        simulate(EXAMPLE, policies={"trader": "default"})
    with pytest.raises(ArgumentError, match="hours: 200"):
        simulate("wholesale-12-v0", hours=200)
    with pytest.raises(ArgumentError, match="hours: 0"):
        simulate("wholesale-12-v0", hours=0)
    with pytest.raises(ArgumentError, match="not a scenario of the track wholesale"):
        simulate("community-16-v0")
    with pytest.raises(PolicyError):
        simulate(EXAMPLE, policies={"storage": "no_such_module:make"})


@pytest.mark.parametrize("wrapper", [DiscreteBids, MarketOrders])
def test_wrapped_environments_pass_the_test_of_the_library(wrapper):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # roles differ in their spaces
        parallel_api_test(wrapper(make("wholesale-12-v0")), num_cycles=20)


def test_spaces_of_the_wrappers():
    env = MarketOrders(DiscreteBids(make("wholesale-12-v0")))
    assert env.action_space("coal_0") == Discrete(20)
    assert env.action_space("storage_1") == Box(-1.0, 1.0, (1,))
    assert env.action_space("consumer_0") == Box(-1.0, 1.0, (2,))
    assert env.action_space("operator_0") == Discrete(25)


def test_narrow_actions_do_what_the_full_ones_do():
    narrow, full = MarketOrders(DiscreteBids(make("wholesale-12-v0"))), make("wholesale-12-v0")
    narrow.reset(seed=1)
    full.reset(seed=1)
    for agent in narrow.possible_agents:
        narrow.action_space(agent).seed(4)
    for _ in range(30):
        sent = {agent: narrow.action_space(agent).sample() for agent in narrow.agents}
        whole = dict(sent)
        for agent, action in sent.items():
            if agent.startswith("storage"):
                whole[agent] = np.array([action[0], 1.0 if action[0] > 0.0 else -1.0])
            elif agent.split("_")[0] in ("coal", "gas", "oil", "solar", "wind"):
                whole[agent] = np.array([level_number(int(action)), 1.0])
        one, two = narrow.step(sent), full.step(whole)
        assert one[1:] == two[1:]
        assert all(np.array_equal(one[0][agent], two[0][agent]) for agent in one[0])


def test_a_storage_at_market_trades_and_a_wrong_bid_is_held():
    env = MarketOrders(DiscreteBids(make("wholesale-12-v0")))
    env.reset(seed=0)
    sent = {agent: env.action_space(agent).sample() for agent in env.agents}
    sent |= {
        "gas_0": 20,
        "coal_0": 3,
        "operator_0": 2,
        "storage_0": np.array([-1.0]),
        "storage_1": np.array([1.0]),
    }
    *_, infos = env.step(sent)
    assert infos["gas_0"]["supervisor"] == "non_finite"
    assert infos["coal_0"]["supervisor"] == "none"
    series = env.unwrapped._board.done
    assert series.power_mw[0].tolist() == [-25.0, 25.0]
    with pytest.raises(ActionError, match="storage_0"):
        env.step({"storage_0": np.zeros(2)})
    with pytest.raises(ActionError, match="unknown agent"):
        env.step({"nobody": np.zeros(2)})

"""An hour of a rolling horizon: a new plan from the last one's basis, and one from nothing."""

import time
from statistics import median

import numpy as np
import pytest

from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.observation import observe
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.registry import load_scenario

pytest.importorskip("cvxpy")

HOURS = 24


def hours_of(scenario, policy):
    """What a planner is asked at the begin of each hour of a day, with its memory."""
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    state, memory, asked = engine.start(scenario, episode), policy.start([0]), []
    for step in range(HOURS * round(1.0 / scenario.dt_h)):
        seen = observe(scenario, episode, state)
        if step % round(1.0 / scenario.dt_h) == 0:
            asked.append((seen, memory))
        action, memory = policy.act(seen, memory)
        present = np.ones(seen.shape[:2], dtype=np.bool_)
        proposal = to_proposal(action_map(scenario).physical(action), present)
        state, _ = engine.step(scenario, episode, state, proposal)
    return asked[1:]


@pytest.mark.parametrize("name", ["mpc-alone", "mpc-community"])
@pytest.mark.benchmark(group="an hour of a rolling horizon, 16 members", timer=time.process_time)
def test_warm_plan(benchmark, per, name):
    """`extra_info` says how many times as long a plan from nothing takes in the same run."""
    per("plan", HOURS - 1)
    scenario = load_scenario("community-16-v0")
    taken_s = {}
    for kind in (name, f"{name}-warm"):
        policy = load_policy(kind, scenario)
        asked = hours_of(scenario, policy)

        def day(policy=policy, asked=asked):
            for seen, memory in asked:
                policy.act(seen, memory)

        rounds = []
        for _ in range(5):
            began = time.process_time()
            day()
            rounds.append(time.process_time() - began)
        taken_s[kind] = median(rounds)
    benchmark.pedantic(day, rounds=5)
    benchmark.extra_info["cold"] = taken_s[name] / taken_s[f"{name}-warm"]

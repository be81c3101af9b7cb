"""Storage that leaks: no level is checked against a step that was not played."""

from dataclasses import replace

import numpy as np
import pytest

from p2p_market.community import engine
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.community.envs.env import CommunityEnv
from p2p_market.community.episode.episode import Episode, choose_key, draw, stack
from p2p_market.community.records import SUPERVISOR_CAUSES
from p2p_market.community.safety import sensors
from p2p_market.community.safety.envelope import check
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.errors import ScenarioError
from p2p_market.registry import load_scenario
from tests.baselines.optimal.cases import with_batteries, with_fees, with_losses
from tests.every_scenario import STORES

PENALTY = [name for name in STORES if name not in ("binding-feeder-v0", "resale-6-v0")]


def leaking(scenario_id: str, leak_per_h: float, **settings: object) -> Scenario:
    spec = load_scenario(scenario_id).spec.model_copy(update={"days": 1, **settings})
    return build(with_batteries(spec, lambda _: {"leak_per_h": leak_per_h}))


def random_leak(number: int) -> tuple[Scenario, Episode]:
    """A shipped scenario of one day whose batteries lose 0.3 to 70 % of their content an hour."""
    generator = np.random.default_rng([41, number])
    while True:
        spec = load_scenario(PENALTY[number % len(PENALTY)]).spec
        dt_h = float(generator.choice([0.25, 0.5, 1.0]))
        spec = with_losses(spec.model_copy(update={"days": 1, "dt_h": dt_h}), generator)
        if generator.random() < 0.5:
            spec = with_fees(spec, generator)
        leak = 10.0 ** generator.uniform(-2.5, 0.0)
        try:
            scenario = build(with_batteries(spec, lambda _, leak=leak: {"leak_per_h": leak}))
        except ScenarioError:  # a terminal value that such a leak leaves no room for
            continue
        week, split = int(generator.integers(13)), str(generator.choice(["train", "test"]))
        return scenario, draw(scenario, choose_key(scenario, number, split, week))


@pytest.mark.parametrize("scenario_id", ["classic-v0", "ev-12-v0", "outage-v0"])
def test_a_leak_latches_nobody_in_any_step_nor_after_a_snapshot(scenario_id):
    scenario = leaking(scenario_id, 0.4, dt_h=1.0)
    env, generator = CommunityEnv(scenario, strict=True), np.random.default_rng(0)
    env.reset(seed=3)
    env.restore(env.snapshot())
    while env.agents:
        width = env.action_map.width
        *_, infos = env.step({a: generator.uniform(-1.0, 1.0, width) for a in env.agents})
        assert {info["supervisor"] for info in infos.values()} == {"none"}


def test_a_leak_latches_nobody_in_a_batch_after_its_resets():
    batch = CommunityBatch(leaking("classic-v0", 0.4), 2)
    batch.reset(seed=0)
    for _ in range(2 * batch.scenario.steps + 2):
        batch.step(np.zeros((2, 6, 3)))
        assert not batch._board.cause().any()


@pytest.mark.parametrize("step", [0, 1, 13])
def test_a_leak_latches_nobody_where_play_begins_in_mid_episode(step):
    scenario = leaking("classic-v0", 0.4)
    episode = draw(scenario, choose_key(scenario, 0))
    state = engine.state_at(scenario, episode, step, 0.8 * scenario.nodes.energy_max_kwh[None])
    assert not check(scenario, episode, state, sensors.read(episode, state)).any()


def test_a_first_level_that_is_not_the_level_at_the_start_is_found():
    scenario = leaking("classic-v0", 0.05)
    episode = stack([draw(scenario, choose_key(scenario, seed)) for seed in (0, 1)])
    state = engine.start(scenario, episode)
    told = sensors.read(episode, state)
    owner = int(np.flatnonzero(scenario.has_storage)[0])
    told[1, owner, sensors.LEVELS] += 0.1 * scenario.nodes.energy_max_kwh[owner, 0]
    cause = check(scenario, episode, state, told)
    assert cause[1, owner] == SUPERVISOR_CAUSES.index("envelope")
    assert np.count_nonzero(cause) == 1


def test_a_level_that_stays_although_it_should_leak_is_found_in_the_second_step():
    scenario = leaking("classic-v0", 0.4)
    episode = draw(scenario, choose_key(scenario, 0))
    state = engine.start(scenario, episode)
    first = sensors.read(episode, state)
    reading, unchanged = sensors.remember(state, first)
    later = replace(state, step=1, reading=reading, unchanged_steps=unchanged)
    found = check(scenario, episode, later, sensors.read(episode, later))
    assert np.array_equal(found[0] != 0, scenario.has_storage)


@pytest.mark.compiled
@pytest.mark.parametrize("number", range(10))
def test_certificates_hold_with_leaks(number):
    policy = pytest.importorskip("baselines.community.optimal.policy")
    from p2p_market.evaluation.ends.certificate import certify

    scenario, episode = random_leak(number)
    certificate, played = certify(scenario, episode, policy.optimum(scenario).plan(episode))
    assert certificate.holds, certificate
    assert not played.cause.any()

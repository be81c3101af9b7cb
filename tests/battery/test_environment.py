"""The environment conforms; a batch plays what single environments play."""

import pickle
from functools import partial

import numpy as np
import pytest

from p2p_market.battery.records import CAUSES
from p2p_market.errors import ActionError, ArgumentError, RenderError, ScenarioError
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.registry import load_scenario, make, make_batch
from p2p_market.testing import check_environment, check_features_vary, check_policy
from tests.every_scenario import ids_of

SHIPPED = ids_of("battery")
PLAIN = "battery-146-v0"
IDLE = np.array([0, 2, 10])


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_the_environment_conforms(name):
    check_environment(partial(make, name))


def test_the_environment_conforms_for_a_day():
    check_environment(partial(make, PLAIN), steps=24)


@pytest.mark.compiled
def test_every_feature_says_something():
    check_features_vary([partial(make, name) for name in SHIPPED], steps=168)


@pytest.mark.parametrize("rule", ["dam-only", "reserve-first", "random-masked"])
@pytest.mark.parametrize("name", [PLAIN, "battery-146-bidding-v0", "battery-fleet-4-v0"])
def test_baselines_conform(name, rule):
    scenario = load_scenario(name)
    check_policy(load_policy(rule, scenario), scenario)


def test_spaces_draw_what_the_mask_allows():
    env = make(PLAIN)
    _, infos = env.reset(seed=1)
    for _ in range(24):
        mask = infos["battery_0"]["action_mask"]
        assert [part.dtype for part in mask] == [np.int8] * 3
        action = env.action_space("battery_0").sample(mask=mask)
        assert all(part[choice] for part, choice in zip(mask, action, strict=True))
        *_, infos = env.step({"battery_0": action})


def test_full_infos_tell_what_was_played():
    env = make(PLAIN, info="full")
    env.reset(seed=1)
    *_, infos = env.step({"battery_0": np.array([2, 0, 5])})
    told = infos["battery_0"]
    assert len(told) == 8
    assert told["proposed"][1] == 15.0
    assert told["ledger_eur"].shape == (13,)
    assert abs(told["executed"]).sum() <= 30.0 + 1e-9


def test_faults_latch_a_battery_until_a_clean_step_has_passed():
    env = make(PLAIN)
    env.reset(seed=1)

    def cause(actions):
        *_, infos = env.step(actions)
        return infos["battery_0"]["supervisor"]

    assert cause({}) == "missing"
    assert cause({"battery_0": IDLE}) == "held"
    assert cause({"battery_0": np.array([0.0, np.nan, 10.0])}) == "non_finite"
    assert cause({"battery_0": np.array([0, 2, 21])}) == "no_choice"
    assert cause({"battery_0": np.array([0.5, 2.0, 10.0])}) == "no_choice"
    assert [cause({"battery_0": IDLE}) for _ in range(2)] == ["held", CAUSES[0]]


def test_a_latched_battery_asks_for_nothing_and_delivers_its_position():
    env = make("battery-146-wide-v0", info="full")
    env.reset(seed=3)
    moved = []
    for _ in range(48):
        *_, infos = env.step({})
        dam, afrr, energy = infos["battery_0"]["executed"]
        assert afrr == energy == infos["battery_0"]["accepted_mw"] == 0.0
        moved.append(dam)
    assert any(moved)


def test_wrong_calls_say_what_is_wrong():
    env = make(PLAIN)
    env.reset(seed=0)
    with pytest.raises(ActionError, match="unknown agent 'battery_9'"):
        env.step({"battery_9": IDLE})
    with pytest.raises(ActionError, match=r"needs shape \(3,\) and numbers"):
        env.step({"battery_0": IDLE[:2]})
    with pytest.raises(ActionError, match="must be a mapping"):
        env.step([IDLE])
    with pytest.raises(ScenarioError, match="week"):
        env.reset(options={"week": 99})
    with pytest.raises(RenderError, match="draws no pictures"):
        make(PLAIN, render_mode="ansi")
    with pytest.raises(ArgumentError, match="lean"):
        make(PLAIN, info="much")


def test_the_joint_state_lies_in_its_space():
    env = make("battery-fleet-4-v0")
    env.reset(seed=0)
    assert env.state_space.contains(env.state())
    assert env.state_feature_table[0].name == "battery_0_soc"


@pytest.mark.compiled
@pytest.mark.parametrize("name", [PLAIN, "battery-fleet-4-v0", "battery-146-bidding-v0"])
def test_a_batch_plays_what_single_environments_play(name):
    batch, singles = make_batch(name, 3), [make(name) for _ in range(3)]
    seen, masks = batch.reset(seed=5)
    alone = [env.reset(seed=5 + b) for b, env in enumerate(singles)]
    generator = np.random.default_rng(0)
    spaces = singles[0].action_spaces
    for step in range(170):
        for b, env in enumerate(singles):
            observations, infos = alone[b]
            for i, agent in enumerate(env.possible_agents):
                assert observations[agent].tobytes() == seen[b, i].tobytes()
                flat = np.concatenate(infos[agent]["action_mask"])
                assert flat.astype(bool).tolist() == masks[b, i].tolist()
        joint = np.stack(
            [[generator.integers(space.nvec) for space in spaces.values()] for _ in singles]
        )
        done = batch.step(joint)
        seen, masks = done.observations, done.masks
        for b, env in enumerate(singles):
            own = dict(zip(env.possible_agents, joint[b], strict=True))
            observations, rewards, *_, infos = env.step(own)
            assert list(rewards.values()) == done.rewards[b].tolist()
            alone[b] = (observations, infos) if env.agents else env.reset()
        assert done.ended == (step == 167)


@pytest.mark.compiled
def test_a_copy_of_a_batch_goes_on_alike():
    batch = make_batch(PLAIN, 2)
    batch.reset(seed=0)
    joint = np.tile(IDLE, (2, 1, 1))
    batch.step(joint)
    copy = pickle.loads(pickle.dumps(batch))
    one, other = batch.step(joint), copy.step(joint)
    assert one.observations.tobytes() == other.observations.tobytes()
    assert one.rewards.tobytes() == other.rewards.tobytes()

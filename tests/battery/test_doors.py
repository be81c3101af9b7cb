"""The faces of the environment: masks in observations, Gymnasium alone and in rows, numbers."""

import pickle
import subprocess
import sys
from functools import partial

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from pettingzoo.test import parallel_api_test

from p2p_market import battery, load_scenario, make, make_batch, parallel_env
from p2p_market.battery.records import COLUMN
from p2p_market.errors import ArgumentError, RenderError, ScenarioError
from p2p_market.testing import check_environment

PLAIN = "battery-146-v0"
FLEET = "battery-fleet-4-v0"


@pytest.mark.parametrize("name", [PLAIN, FLEET, "battery-146-bidding-v0"])
def test_pettingzoo_accepts_it_plain_and_masked(name):
    parallel_api_test(make(name), num_cycles=30)
    parallel_api_test(battery.masked(make(name)), num_cycles=30)


def numbers(name):
    return parallel_env(battery.in_numbers(load_scenario(name)))


@pytest.mark.compiled
@pytest.mark.parametrize("name", [FLEET, pytest.param(PLAIN, marks=pytest.mark.slow)])
def test_an_environment_of_numbers_conforms(name):
    check_environment(partial(numbers, name), steps=24)


def test_a_copy_of_one_battery_goes_on_alike():
    env = battery.single(PLAIN)
    env.reset(seed=0)
    copy = pickle.loads(pickle.dumps(env))
    one, other = env.step([0, 2, 12]), copy.step([0, 2, 12])
    assert one[0].tobytes() == other[0].tobytes()
    assert env.action_masks().tolist() == copy.action_masks().tolist()


def test_masks_in_observations_are_those_of_infos():
    env = battery.masked(make(FLEET))
    seen, infos = env.reset(seed=3)
    for _ in range(20):
        for agent, own in seen.items():
            assert env.observation_space(agent).contains(own)
            assert own["action_mask"] is infos[agent]["action_mask"]
        drawn = {a: env.action_space(a).sample(mask=own["action_mask"]) for a, own in seen.items()}
        seen, *_, infos = env.step(drawn)


def test_masks_follow_from_observations():
    env = make(FLEET)
    seen, infos = env.reset(seed=3)
    allowed = battery.mask_of(env.scenario, np.stack([*seen.values()])[None])
    told = [np.concatenate(infos[agent]["action_mask"]) for agent in env.agents]
    assert allowed[0].tolist() == np.array(told, dtype=bool).tolist()


def test_importing_registers_nothing():
    source = (
        "import gymnasium, p2p_market; from p2p_market import battery; old = {*gymnasium.registry};"
        "assert not [name for name in old if 'battery' in name];"
        "gymnasium.make('p2p_market.battery.gym:battery-146-v0');"
        "print(*sorted({*gymnasium.registry} - old))"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    names = done.stdout.split()
    assert PLAIN in names
    assert FLEET not in names


@pytest.mark.parametrize("actions", ["choices", "numbers"])
def test_gymnasium_accepts_one_battery(actions):
    env = gymnasium.make(f"p2p_market.battery.gym:{PLAIN}", actions=actions)
    check_env(env.unwrapped, skip_render_check=True)


def test_one_battery_plays_what_the_environment_plays():
    alone, env = battery.single(PLAIN), make(PLAIN)
    one, _ = alone.reset(seed=7, options={"split": "test", "week": 4})
    seen, infos = env.reset(seed=7, options={"split": "test", "week": 4})
    ended = False
    while not ended:
        assert one.tobytes() == seen["battery_0"].tobytes()
        mask = alone.action_masks()
        assert mask.dtype == np.bool_
        assert mask.tolist() == np.concatenate(infos["battery_0"]["action_mask"]).tolist()
        action = alone.action_space.sample(mask=infos["battery_0"]["action_mask"])
        one, reward, ended, cut, _ = alone.step(action)
        seen, rewards, ends, _, infos = env.step({"battery_0": action})
        assert (reward, ended, cut) == (rewards["battery_0"], ends["battery_0"], False)
    assert not env.agents


def test_numbers_ask_for_what_choices_ask_for():
    """A choice at a quarter, a tier and a tenth is the same number, so the same step follows."""
    one, other = battery.single(PLAIN, info="full"), battery.single(PLAIN, "numbers", "full")
    one.reset(seed=2)
    other.reset(seed=2)
    generator, ended = np.random.default_rng(0), False
    assert other.action_space == gymnasium.spaces.Box(-1.0, 1.0, (3,), np.float32)
    with pytest.raises(ArgumentError, match="actions are numbers"):
        other.action_masks()
    while not ended:
        choice = generator.integers((5, 5, 21))
        numbers = np.array([choice[0] / 2.0, choice[1] / 2.0, (20.0 - choice[2]) / 10.0]) - 1.0
        *_, ended, _, told = one.step(choice)
        *_, same = other.step(numbers)
        assert "action_mask" not in same
        assert np.allclose(told["executed"], same["executed"], rtol=0.0, atol=1e-9)
        assert np.allclose(told["ledger_eur"], same["ledger_eur"], rtol=0.0, atol=1e-6)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_rows_play_what_the_batch_plays(mode):
    rows, batch = battery.vector(FLEET, 2, autoreset_mode=mode), make_batch(FLEET, 2)
    first, infos = rows.reset(seed=1)
    seen, masks = batch.reset(seed=1)
    joint = np.tile([1, 2, 9], (8, 1))
    for step in range(170):
        assert rows.observation_space.contains(first)
        assert first.tobytes() == seen.tobytes()
        assert infos["action_mask"].tobytes() == rows.action_masks().tobytes() == masks.tobytes()
        first, rewards, ends, cuts, infos = rows.step(joint)
        done = batch.step(joint.reshape(2, 4, 3))
        seen, masks = done.observations, done.masks
        assert rewards.tobytes() == done.rewards.tobytes()
        assert ends.tolist() == [done.ended] * 8
        assert not cuts.any()
        assert done.ended == (step == 167)
        if done.ended and mode is AutoresetMode.SAME_STEP:
            assert infos["final_obs"].tobytes() == done.final_observations.tobytes()
        elif done.ended:
            assert first.tobytes() == done.final_observations.tobytes()
            first, rewards, ends, *_, infos = rows.step(joint)
            assert not rewards.any()
            assert not ends.any()


def test_gymnasium_makes_rows():
    env = gymnasium.make_vec(f"p2p_market.battery.gym:{PLAIN}", num_envs=3, actions="numbers")
    seen, infos = env.reset(seed=0)
    assert (seen.shape, infos) == ((3, 58), {})
    env.step(env.action_space.sample())


def test_macro_bids_buy_in_cheap_hours_and_sell_in_dear_ones():
    env = battery.MacroBids(battery.single("battery-146-bidding-v0"))
    env.reset(seed=3)
    open_hours = []
    for hour in range(38):
        mask = env.action_masks()
        assert mask.shape == (env.action_space.nvec.sum(),)
        open_hours += [hour] if mask[31:].all() else []
        assert mask[31:].sum() == (24 if hour in open_hours else 3)
        env.step(np.array([0, 2, 10, 2, 3, 1]))
    assert open_hours == [13, 37]
    board = env.unwrapped.env._board
    today = board.episode.market[0, 1:25, COLUMN["day_ahead"]]
    order, position = np.argsort(today, kind="stable"), board.moving.position_mw[0, 0, 24:48]
    assert position[order[:3]].tolist() == [12.0] * 3
    assert position[order[-1]] == -12.0
    assert np.count_nonzero(position) == 4


def test_macro_bids_of_a_given_position_are_refused():
    with pytest.raises(ScenarioError, match="need a bidding scenario"):
        battery.MacroBids(battery.single(PLAIN))


def test_wrong_faces_are_refused():
    with pytest.raises(ScenarioError, match="has 4 batteries; a row for each"):
        battery.single(FLEET)
    with pytest.raises(ScenarioError, match="no scenario of the track battery"):
        battery.single("classic-v0")
    with pytest.raises(ArgumentError, match="choices, numbers"):
        battery.single(PLAIN, actions="words")
    with pytest.raises(ArgumentError, match="nothing was reset yet"):
        battery.single(PLAIN).action_masks()
    with pytest.raises(ArgumentError, match="numbers have no masks"):
        battery.masked(battery.single(PLAIN, "numbers").env)
    with pytest.raises(ArgumentError, match="NEXT_STEP or SAME_STEP"):
        battery.vector(PLAIN, autoreset_mode=AutoresetMode.DISABLED)
    for face in (battery.single, battery.vector):
        with pytest.raises(RenderError, match="draws no pictures"):
            face(PLAIN, render_mode="human")

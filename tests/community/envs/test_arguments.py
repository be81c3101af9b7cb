"""What callers hand in by mistake is told in one sentence, and nothing has changed after it."""

import pickle

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import p2p_market
from p2p_market.community.envs.vector import ProsumerVectorEnv
from p2p_market.community.envs.wrappers import PhysicalUnits
from p2p_market.community.episode.episode import choose_key
from p2p_market.errors import (
    ActionError,
    ArgumentError,
    P2PMarketError,
    RenderError,
    ScenarioError,
)
from p2p_market.registry import load_scenario

NOT_WHOLE = ["3", 2.0, True, np.bool_(True), [3], (3,), np.nan, np.array(3), {3}, b"3", 3j]
NO_WEEK = [*NOT_WHOLE, -1, 13, 10**30, np.int64(-1)]
NO_SEED = [*NOT_WHOLE, -1, -(10**30), 1.5]
NO_SPLIT = ["tomorrow", "", None, 5, ["test"], {"test"}, np.array(["test"]), b"test"]


@pytest.fixture
def env():
    made = p2p_market.make("classic-v0")
    made.reset(seed=0)
    return made


@pytest.fixture
def batch():
    made = p2p_market.make_batch("classic-v0", 2)
    made.reset(seed=0)
    return made


def one_sentence(caught):
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 200
    return text


@pytest.mark.parametrize("week", NO_WEEK, ids=repr)
def test_a_week_is_a_whole_number(env, batch, week):
    vector = ProsumerVectorEnv(batch)
    for reset in (
        lambda: env.reset(options={"week": week}),
        lambda: batch.reset(week=week),
        lambda: vector.reset(options={"week": week}),
        lambda: choose_key(env.scenario, 0, "test", week),
    ):
        with pytest.raises(ScenarioError, match="week must be a whole number 0 to 12") as caught:
            reset()
        one_sentence(caught)


@pytest.mark.parametrize("row", NO_WEEK, ids=repr)
def test_a_row_of_the_reference_table_is_one_too(env, batch, row):
    vector = ProsumerVectorEnv(batch)
    for reset in (
        lambda: env.reset(options={"reference": row}),
        lambda: batch.reset(reference=row if not isinstance(row, list) else [row, row]),
        lambda: vector.reset(options={"reference": row if not isinstance(row, list) else [0]}),
    ):
        with pytest.raises(ScenarioError, match="reference"):
            reset()


@pytest.mark.parametrize("week", [np.int64(3), np.uint8(3), np.int32(3)])
def test_whole_numbers_of_numpy_are_weeks_and_seeds(env, week):
    plain = env.reset(seed=7, options={"week": 3})[0]
    key = env.episode_key
    other = env.reset(seed=np.int64(7), options={"week": week})[0]
    assert repr(env.episode_key) == repr(key)  # digests are made of it
    assert all(plain[agent].tobytes() == other[agent].tobytes() for agent in plain)


@pytest.mark.parametrize("split", NO_SPLIT, ids=repr)
def test_a_split_is_one_of_three(env, split):
    with pytest.raises(ScenarioError, match=r"no split .*; known: train, validation, test"):
        env.reset(options={"split": split})
    with pytest.raises(ScenarioError, match="no split"):
        p2p_market.make_batch("classic-v0", 2, split=split)


@pytest.mark.parametrize("seed", NO_SEED, ids=repr)
def test_a_seed_is_a_whole_number(env, batch, seed):
    for reset in (
        lambda: env.reset(seed=seed),
        lambda: batch.reset(seed=seed),
        lambda: batch.reset(seed=0, first=seed),
        lambda: ProsumerVectorEnv(batch).reset(seed=seed),
        lambda: choose_key(env.scenario, seed),
    ):
        with pytest.raises(ArgumentError, match="must be a whole number of 0 or more, got") as told:
            reset()
        one_sentence(told)


def test_a_seed_may_be_huge(env, batch):
    env.reset(seed=10**40)
    batch.reset(seed=10**40)
    assert batch.keys[0] == env.episode_key


@pytest.mark.parametrize("options", [["week"], "week", 5, True, [("week", 5)]], ids=repr)
def test_options_are_a_mapping(env, batch, options):
    for reset in (env.reset, ProsumerVectorEnv(batch).reset):
        with pytest.raises(ArgumentError, match="options must be a mapping"):
            reset(options=options)


def test_what_contradicts_itself_is_told(env, batch):
    with pytest.raises(ScenarioError, match="leave these out"):
        env.reset(options={"reference": 5, "week": 5})
    with pytest.raises(ScenarioError, match="leave week out"):
        batch.reset(week=5, reference=5)
    with pytest.raises(ScenarioError, match="split 'train'"):
        ProsumerVectorEnv(batch).reset(options={"split": "test"})
    with pytest.raises(ScenarioError, match="one row or 2"):
        batch.reset(reference=[1, 2, 3])


@pytest.mark.parametrize("name", ["weeks", "Week", "splits", "refrence"])
def test_a_misspelt_option_is_an_error(env, batch, name):
    for reset in (env.reset, ProsumerVectorEnv(batch).reset):
        with pytest.raises(ArgumentError, match=f"no '{name}'; did you mean"):
            reset(options={name: 5})


def test_unknown_options_are_ignored(env, batch):
    for reset in (env.reset, ProsumerVectorEnv(batch).reset):
        reset(seed=1, options={"an option": object(), 5: None})


def test_a_refused_reset_leaves_everything_as_it_was(env, batch):
    for game in (env, batch):
        twin = pickle.loads(pickle.dumps(game))
        for arguments in ({"seed": -1}, {"seed": 5.0}):
            with pytest.raises(P2PMarketError):
                game.reset(**arguments)
        with pytest.raises(P2PMarketError):
            game.reset(seed=99, **({"options": {"week": 77}} if game is env else {"week": 77}))
        game.reset()
        twin.reset()
        assert keys_of(game) == keys_of(twin)


def keys_of(game):
    return getattr(game, "keys", None) or game.episode_key


@pytest.mark.parametrize(
    "info", ["rich", "", None, 5, ["lean"], np.array(["lean", "full"])], ids=repr
)
def test_infos_are_lean_or_full(info):
    with pytest.raises(ArgumentError, match='info must be "lean" or "full"'):
        p2p_market.make("classic-v0", info=info)


@pytest.mark.parametrize("mode", ["human", "", 5, ["ansi"], np.array(["ansi"])], ids=repr)
def test_render_modes_are_those_listed(mode):
    with pytest.raises(RenderError, match="known: ansi, rgb_array"):
        p2p_market.make("classic-v0", render_mode=mode)


def test_a_batch_has_an_upper_bound():
    with pytest.raises(ArgumentError, match=r"batch must be a whole number 1 to 100000, got 10+$"):
        p2p_market.make_batch("classic-v0", 10**9)


@pytest.mark.parametrize("count", [0, -1, *NOT_WHOLE, None], ids=repr)
def test_sizes_of_a_batch_are_whole_numbers(count):
    with pytest.raises(ArgumentError, match="batch must be a whole number 1 to 100000"):
        p2p_market.make_batch("classic-v0", batch=count)
    with pytest.raises(ArgumentError, match="threads must be a whole number of 1 or more"):
        p2p_market.make_batch("classic-v0", 2, threads=count)


@pytest.mark.parametrize("mode", [AutoresetMode.DISABLED, "NextStep", None])
def test_a_batch_begins_anew_in_one_of_two_ways(batch, mode):
    with pytest.raises(ArgumentError, match="NEXT_STEP or SAME_STEP"):
        ProsumerVectorEnv(batch, mode)


RAGGED = [[0.0, 0.0], [0.0]]


@pytest.mark.parametrize("actions", [None, 5, "left", [np.zeros(3)], np.zeros((6, 3))], ids=repr)
def test_actions_are_a_mapping(env, actions):
    for player in (env, PhysicalUnits(env)):
        with pytest.raises(ActionError, match="actions must be a mapping from agent to action"):
            player.step(actions)


@pytest.mark.parametrize(
    "action",
    [
        None,
        5.0,
        "left",
        RAGGED,
        ["a", "b", "c"],
        np.zeros(3, complex),
        [None] * 3,
        np.zeros(3, bool),
    ],
    ids=repr,
)
def test_an_action_of_a_wrong_kind_names_its_agent(env, action):
    for player in (env, PhysicalUnits(env)):
        with pytest.raises(ActionError, match="prosumer_2: action needs shape") as caught:
            player.step({"prosumer_2": action})
        one_sentence(caught)
    full = {agent: np.zeros(3) for agent in env.agents} | {"prosumer_2": action}
    with pytest.raises(ActionError, match="prosumer_2"):
        env.step(full)


@pytest.mark.parametrize(
    "actions",
    [None, 5.0, RAGGED, "left", np.zeros((2, 6, 3), int).tolist(), np.zeros((2, 6, 3), complex)],
    ids=["None", "5.0", "ragged", "left", "whole", "complex"],
)
def test_joint_actions_of_wrong_kinds_are_named(batch, actions):
    vector = ProsumerVectorEnv(batch)
    vector.reset(seed=0)
    for step in (batch.step, vector.step):
        with pytest.raises(ActionError, match="needs shape"):
            step(actions)


def test_plain_lists_are_joint_actions_too(batch):
    twin = p2p_market.make_batch("classic-v0", 2)
    twin.reset(seed=0)
    actions = np.full((2, 6, 3), 0.25)
    told = batch.step(actions.tolist()).rewards.tobytes()
    assert told == twin.step(actions).rewards.tobytes()


def test_nan_in_a_padding_column_is_a_fault_in_physical_units_as_well():
    scenario = load_scenario("classic-v0")
    agent = scenario.agents[int(np.flatnonzero(~scenario.has_storage)[0])]
    for player in (p2p_market.make("classic-v0"), PhysicalUnits(p2p_market.make("classic-v0"))):
        player.reset(seed=0)
        actions = {name: np.zeros(3) for name in player.agents}
        actions[agent] = np.array([np.nan, 0.0, 0.0])
        *_, infos = player.step(actions)
        assert infos[agent]["supervisor"] == "non_finite"

"""The environment of any track: what is drawn, what is refused, which spaces roles have."""

import numpy as np
import pytest
from gymnasium.spaces import Discrete, MultiDiscrete

from p2p_market.environment import TrackEnv
from p2p_market.errors import ActionError, RenderError, ResetNeededError, ScenarioError
from p2p_market.evaluation.ends.reference import reference_keys
from p2p_market.kit.spaces import mask_for, sent_by
from p2p_market.track import Column, Feature, Role


def drawn(env, **asked):
    env.reset(seed=asked.pop("seed", 1), options=asked)
    (key,) = env._episode.keys
    return key


def test_a_row_of_the_reference_table_and_a_week_are_drawn(scenario):
    env, keys = TrackEnv(scenario), reference_keys(scenario)
    assert drawn(env, reference=4) == keys[4]
    unit = env.track.keys(scenario, "validation", 0)[3]
    key = drawn(env, split="validation", week=3)
    assert (key.split, key.start_day) == (unit[0].split, unit[0].start_day)
    for wrong in ({"reference": len(keys)}, {"week": 5}, {"split": "tomorrow"}):
        with pytest.raises(ScenarioError):
            env.reset(options=wrong)


def test_a_seed_begins_a_sequence(scenario):
    env = TrackEnv(scenario)
    first = drawn(env, seed=3)
    env.reset()
    (second,) = env._episode.keys
    assert second != first
    assert drawn(env, seed=3) == first


def test_what_cannot_be_played_is_refused(scenario):
    env = TrackEnv(scenario)
    with pytest.raises(ResetNeededError):
        env.step({})
    env.reset(seed=0)
    with pytest.raises(ActionError, match="nobody"):
        env.step({"nobody": np.zeros(2)})
    with pytest.raises(ActionError, match=r"storage_0: action needs shape \(2,\)"):
        env.step({"storage_0": np.zeros(3)})
    with pytest.raises(RenderError):
        TrackEnv(scenario, render_mode="human")


def test_choices_have_the_spaces_and_masks_that_sampling_takes():
    columns = (Column("mode", "1", 2), Column("level", "1", 3))
    role = Role("r", ("a",), (Feature("x", "1", 0.0, 1.0),), columns, np.zeros((1, 2)), "rest")
    space, mask = sent_by(role), np.array([0, 1, 1, 0, 0], dtype=np.int8)
    assert space == MultiDiscrete([2, 3])
    assert space.sample(mask=mask_for([2, 3], mask)).tolist() == [1, 0]
    one = Role("r", ("a",), role.features, columns[:1], np.zeros((1, 1)), "rest")
    assert sent_by(one) == Discrete(2)
    both = Role("r", ("a",), role.features, (*columns, Column("p", "kW")), np.zeros((1, 3)), "rest")
    with pytest.raises(ScenarioError, match="mixes choices and numbers"):
        sent_by(both)

"""The battery for environments finds what it is meant to find, and passes what is sound."""

import os
from functools import partial

import pytest
from pettingzoo.test import parallel_seed_test

from p2p_market.errors import ConformanceError
from p2p_market.testing import check_environment, check_features_vary
from p2p_market.testing import environment as battery
from tests.testing import broken_environments as broken

BROKEN = {
    broken.RandomFromItsSecondStep: (battery.check_same_seed, "differ, first at step 2"),
    broken.ByHashOfText: (battery.check_processes, "two processes"),
    broken.DeafToSeeds: (battery.check_other_seeds, "use the seed"),
    broken.OneBuffer: (battery.check_observations_share_no_memory, "share memory"),
    broken.TwoBuffersInTurn: (battery.check_observations_share_no_memory, "changed after"),
    broken.ChangesActions: (battery.check_actions_untouched, "changed the actions"),
    broken.LeavesItsSpace: (battery.check_spaces, "at step 7.*outside its space"),
    broken.NotANumber: (battery.check_spaces, "at step 5.*NaN, infinite or"),
    broken.InfiniteReward: (battery.check_spaces, "reward inf of one"),
    broken.KeepsThePast: (battery.check_reset_in_mid_episode, "after a reset in mid-episode"),
    broken.ForgetsWhenPickled: (battery.check_pickle, "does not continue"),
    broken.StrictAboutOptions: (battery.check_unknown_options, "KeyError.*ignore"),
    broken.FailsAnyhowBeforeReset: (battery.check_step_before_reset, r"call reset\(\)"),
    broken.ForgetsAReward: (battery.check_pettingzoo_api, "parallel_api_test says"),
}


def test_a_sound_environment_passes_by_class_by_factory_and_by_name():
    check_environment(broken.Sound)
    check_environment(partial(broken.Sound))
    check_environment("tests.testing.broken_environments:Sound")


@pytest.mark.parametrize("make", BROKEN, ids=lambda make: make.__name__)
def test_a_broken_rule_is_named(make):
    check, message = BROKEN[make]
    with pytest.raises(ConformanceError, match=message):
        check(make)
    with pytest.raises(ConformanceError, match="sound_v0"):
        check_environment(make)


def test_pettingzoo_does_not_see_what_is_random_from_the_second_step():
    parallel_seed_test(broken.RandomFromItsSecondStep)


def test_pettingzoo_does_not_look_into_the_space():
    battery.check_pettingzoo_api(broken.LeavesItsSpace)


def test_what_another_process_cannot_import_is_told():
    with pytest.raises(ConformanceError, match="functools"):
        battery.check_processes(lambda: broken.Sound())
    with pytest.raises(ConformanceError, match="in another process"):
        battery.check_processes(partial(broken.only_in, os.getpid()))


def test_a_constant_feature_is_named():
    class Constant(broken.Sound):
        def observation_of(self, number):
            seen = super().observation_of(number)
            seen[1] = 1.0
            return seen

    with pytest.raises(ConformanceError, match="always the same: number 1;"):
        check_features_vary([Constant, Constant])
    check_features_vary([Constant, broken.Sound])


def test_what_cannot_be_compared_is_told():
    class Objects(broken.Sound):
        def step(self, actions):
            *rest, infos = super().step(actions)
            return *rest, {agent: {"self": self} for agent in infos}

    with pytest.raises(ConformanceError, match="shows a Objects"):
        battery.check_same_seed(Objects)

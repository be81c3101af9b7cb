"""The lower bounds of `pyproject.toml` are true: the project plays with the oldest versions."""

import re
import tomllib

import pytest

from tests.fresh import ROOT, environment, run

PLAYS = """
import warnings

import gymnasium
from pettingzoo.test import parallel_api_test

import p2p_market
import p2p_market.battery.gym

warnings.simplefilter("error", FutureWarning)
for name in ("community-16-v0", "battery-146-v0", "battery-fleet-4-v0"):
    parallel_api_test(p2p_market.make(name), num_cycles=20)
env = gymnasium.make("p2p_market.battery.gym:battery-146-v0")
env.reset(seed=0)
env.step(env.action_space.sample())
"""


def oldest() -> list[str]:
    """The core's requirements at their lower bounds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = [re.match(r"([\w-]+)>=([\d.]+)", one) for one in project["dependencies"]]
    assert all(found), "every requirement has a lower bound"
    return [f"{one[1]}=={one[2]}" for one in found]


def test_every_requirement_of_the_core_has_a_lower_bound():
    assert len(oldest()) == 8


@pytest.mark.slow
def test_the_oldest_versions_allowed_play_and_score(tmp_path):
    python = environment(tmp_path, [ROOT, *oldest()]) / "python"
    for arguments in (
        ["-c", PLAYS],
        ["-m", "p2p_market", "evaluate", "-s", "classic-v0", "-p", "truthful", "--weeks", "0"],
        ["-m", "p2p_market", "cite", str(ROOT / "tests/evaluation/records/0.1.0")],
    ):
        run(python, *arguments, cwd=tmp_path)

"""Learning libraries that are in no extra step an episode, each in an environment of its own."""

import re
from pathlib import Path

import pytest

from tests.fresh import PINS, ROOT, environment, keep_compiled, run

PLAIN = """
import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

import p2p_market

generator, alone = np.random.default_rng(4), p2p_market.make("classic-v0")
expected, _ = alone.reset(seed=4)


def drawn():
    return {a: generator.uniform(-1.0, 1.0, 3).astype(np.float32) for a in alone.agents}

"""
STEPS = {
    "skrl==2.1.1": """
import torch
from skrl import config
from skrl.envs.wrappers.torch import wrap_env

config.torch.key = 4  # the seed of the first reset
env = wrap_env(p2p_market.make("classic-v0"))
seen, _ = env.reset()
while alone.agents:
    for agent, row in expected.items():
        assert_array_equal(seen[agent].numpy(), row[None])
    actions = drawn()
    seen, rewards, ends, cuts, _ = env.step(
        {agent: torch.from_numpy(own)[None] for agent, own in actions.items()}
    )
    expected, own_rewards, *_ = alone.step(actions)
    assert_allclose([rewards[a].item() for a in own_rewards], [*own_rewards.values()], rtol=1e-6)
assert all(end.item() for end in ends.values())
""",
    "tianshou==2.0.1": """
from pettingzoo.utils.conversions import parallel_to_aec
from tianshou.env import PettingZooEnv

env = PettingZooEnv(parallel_to_aec(p2p_market.make("classic-v0")))
shown, _ = env.reset(seed=4)
while alone.agents:
    actions = drawn()
    for agent, action in actions.items():
        assert shown["agent_id"] == agent
        assert_array_equal(shown["obs"], expected[agent])
        shown, rewards, ended, cut, _ = env.step(action)
    expected, own_rewards, *_ = alone.step(actions)
    assert_allclose(rewards, [*own_rewards.values()])
assert ended
""",
    "agilerl==2.58.0": """
from agilerl.vector.pz_async_vec_env import AsyncPettingZooVecEnv

if __name__ == "__main__":
    env = AsyncPettingZooVecEnv([lambda: p2p_market.make("classic-v0")] * 2)
    seen, _ = env.reset(seed=4)
    while alone.agents:
        for agent, row in expected.items():
            assert_array_equal(seen[agent][0], row)
            assert not np.array_equal(seen[agent][1], row)
        actions = drawn()
        twice = {agent: np.stack([own] * 2) for agent, own in actions.items()}
        seen, rewards, ends, cuts, _ = env.step(twice)
        expected, own_rewards, *_ = alone.step(actions)
        for agent, reward in own_rewards.items():
            assert_allclose(rewards[agent][0], reward, rtol=1e-6)
    assert all(end.all() for end in ends.values())
    env.close()
""",
}
"""Library in its version -> its own wrapper, step by step beside the environment alone."""


def test_the_page_names_the_versions_that_are_tried():
    said = (ROOT / "docs" / "environment.md").read_text("utf-8")
    told = re.findall(r"^\| (\w+) \| (\d[\d.]+) \| `(?=\w+\.)", said, flags=re.MULTILINE)
    assert [f"{name.lower()}=={version}" for name, version in told] == [*STEPS]


@pytest.mark.slow
@pytest.mark.parametrize("library", STEPS)
def test_a_library_steps_the_environment(library, tmp_path, monkeypatch):
    keep_compiled(tmp_path, monkeypatch)
    scripts = environment(tmp_path, [*PINS, "torch"], [ROOT, library])
    (tmp_path / "steps.py").write_text(PLAIN + STEPS[library], encoding="utf-8")
    run(scripts / "python", Path("steps.py"), cwd=tmp_path)

"""From nothing to the first step, each time in a process of its own; and memory."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIRST_STEP = """
import numpy as np, p2p_market
env = p2p_market.make("community-16-v0")
env.reset(seed=0)
env.step({agent: np.zeros(3, np.float32) for agent in env.agents})
"""
# Episodes of one week share its prices and forecasts; what is counted is beyond them.
MEMORY = """
from pathlib import Path
import numpy as np, p2p_market
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20
envs, before = [], 0.0
for n in range(20):
    env = p2p_market.make("community-16-v0")
    env.reset(seed=n, options={"week": 0})
    env.step({agent: np.zeros(3, np.float32) for agent in env.agents})
    envs.append(env)
    before = before or resident()
print((resident() - before) / (len(envs) - 1))
"""


def python(source, cache=None):
    """What a fresh process prints."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    if cache is not None:
        environment["NUMBA_CACHE_DIR"] = str(cache)
    command = [sys.executable, "-c", source]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.mark.benchmark(group="start, a process each")
def test_import(benchmark, per):
    per("process")
    benchmark.pedantic(python, args=("import p2p_market",), rounds=7, warmup_rounds=1)


@pytest.mark.benchmark(group="start, a process each")
def test_first_step_after_install(benchmark, per, tmp_path):
    """With nothing compiled: an empty folder for what Numba keeps."""
    per("process")
    benchmark.pedantic(python, args=(FIRST_STEP, tmp_path), rounds=1)


@pytest.mark.benchmark(group="start, a process each")
def test_first_step(benchmark, per):
    per("process")
    benchmark.pedantic(python, args=(FIRST_STEP,), rounds=5, warmup_rounds=1)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the memory from /proc")
@pytest.mark.benchmark(group="memory, a process")
def test_memory_of_an_environment(benchmark):
    """Growth from the first to the twentieth, divided; the time beside it means nothing."""
    printed = benchmark.pedantic(partial(python, MEMORY), rounds=1)
    benchmark.extra_info.update(unit="environment", mebibytes=float(printed))

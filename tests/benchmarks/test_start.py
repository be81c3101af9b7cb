"""From nothing to the first step, each time in a process of its own; and memory."""

import os
import subprocess
import sys
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
import sys, numpy as np, p2p_market
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20
scenario, envs, before = p2p_market.load_scenario("community-16-v0"), [], 0.0
for n in range(20):
    alone = sys.argv[1] == "make"
    env = p2p_market.make(scenario.spec.id) if alone else p2p_market.parallel_env(scenario)
    env.reset(seed=n, options={"week": 0})
    env.step({agent: np.zeros(3, np.float32) for agent in env.agents})
    envs.append(env)
    before = before or resident()
print((resident() - before) / (len(envs) - 1))
"""


def python(source, *arguments, cache=None):
    """What a fresh process prints."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    if cache is not None:
        environment["NUMBA_CACHE_DIR"] = str(cache)
    command = [sys.executable, "-c", source, *arguments]
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
    benchmark.pedantic(python, args=(FIRST_STEP,), kwargs={"cache": tmp_path}, rounds=1)


@pytest.mark.benchmark(group="start, a process each")
def test_first_step(benchmark, per):
    per("process")
    benchmark.pedantic(python, args=(FIRST_STEP,), rounds=5, warmup_rounds=1)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the memory from /proc")
@pytest.mark.parametrize("made", ["make", "parallel_env"])
@pytest.mark.benchmark(group="memory, a process")
def test_memory(benchmark, made):
    """Growth from the first to the twentieth, divided; the time beside it means nothing."""
    printed = benchmark.pedantic(python, args=(MEMORY, made), rounds=1)
    benchmark.extra_info.update(unit="environment", mebibytes=float(printed))

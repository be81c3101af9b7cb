"""Same seed, same bytes: in two processes, on other processors, compiled or not, for any workers.

Other processors are emulated by switching off what this one has: the kernels of OpenBLAS, the
fused multiply-add variants of glibc's mathematics, NumPy's vector code.
"""

import multiprocessing
import platform
import sys
from itertools import product

import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

from p2p_market.community.episode.episode import choose_key, draw, stack
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from tests.determinism.elsewhere import assert_same
from tests.determinism.fingerprint import processor
from tests.every_scenario import COMMUNITY, PLAIN, VARIED

pytestmark = pytest.mark.xdist_group("fingerprints")  # found once to compare with

TYPICAL = (*VARIED, "assets-12-v0")
NO_VECTORS = {"NPY_DISABLE_CPU_FEATURES": " ".join(n for n in __cpu_dispatch__ if n != "X86_V2")}
NO_FMA = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX2_Usable,-FMA_Usable"}
TOGETHER = "all at once"  # in typical scenarios; one switch alone in two of them, to say who it was
SWITCHES = {
    "Sandy Bridge": {"OPENBLAS_CORETYPE": "Sandybridge"},
    "Nehalem": {"OPENBLAS_CORETYPE": "Nehalem"},
    "no fused multiply-add": NO_FMA,
    "no vector code": NO_VECTORS,
    TOGETHER: {"OPENBLAS_CORETYPE": "Nehalem", **NO_FMA, **NO_VECTORS},
}
FAST_X86 = (sys.platform, platform.machine()) == ("linux", "x86_64") and all(
    __cpu_features__[name] for name in ("AVX2", "FMA3")
)


@pytest.mark.compiled
def test_two_processes_agree():
    assert_same(PLAIN)


@pytest.mark.compiled
@pytest.mark.parametrize(
    "scenarios", [VARIED, pytest.param(COMMUNITY, marks=pytest.mark.slow)], ids=len
)
def test_compiled_and_plain_python_agree(scenarios):
    assert_same(scenarios, NUMBA_DISABLE_JIT="1")


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("name", "scenarios"),
    [
        *((name, TYPICAL if name == TOGETHER else PLAIN) for name in SWITCHES),
        *(pytest.param(name, COMMUNITY, marks=pytest.mark.slow) for name in SWITCHES),
    ],
    ids=lambda value: value if isinstance(value, str) else len(value),
)
def test_other_processors_agree(name, scenarios):
    found = assert_same(scenarios, **SWITCHES[name])
    if FAST_X86:  # elsewhere there is nothing to switch off
        assert found["processor"] != processor(), (
            "the switch has no effect, so this test says nothing"
        )


def played_alone(case: tuple[str, str, int]) -> tuple[str, bytes]:
    """Chain and actions of one episode."""
    scenario_id, policy, seed = case
    scenario = load_scenario(scenario_id)
    episode = draw(scenario, choose_key(scenario, seed, "test", seed))
    played = rollout(scenario, episode, load_policy(policy, scenario), policy)
    return played.digests[0], played.actions["prosumer"][:, 0].tobytes()


@pytest.mark.compiled
def test_one_process_and_four_workers_agree():
    names, seeds = ("classic-v0", "community-16-v0", "ev-12-v0"), range(4)
    policies = ("truthful", "zero-intelligence")
    cases = [(*pair, seed) for pair in product(names, policies) for seed in seeds]
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        apart = dict(zip(cases, pool.map(played_alone, cases, chunksize=1), strict=True))
    for name, policy in product(names, policies):
        scenario = load_scenario(name)
        keys = [choose_key(scenario, seed, "test", seed) for seed in seeds]
        batch = stack([draw(scenario, key) for key in keys])
        together = rollout(scenario, batch, load_policy(policy, scenario), policy)
        for seed in seeds:
            actions = together.actions["prosumer"][:, seed].tobytes()
            assert apart[name, policy, seed] == (together.digests[seed], actions)

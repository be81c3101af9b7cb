"""Same seed, same bytes, where all kernels are compiled for another processor.

It takes most of a minute, so it is in no group with `test_determinism`: another worker can have it.
"""

import pytest

from tests.determinism.elsewhere import assert_same
from tests.every_scenario import COMMUNITY, VARIED


@pytest.mark.compiled
@pytest.mark.long
@pytest.mark.parametrize(
    "scenarios", [VARIED, pytest.param(COMMUNITY, marks=pytest.mark.slow)], ids=len
)
def test_kernels_compiled_for_another_processor_agree(scenarios, tmp_path):
    assert_same(scenarios, NUMBA_CPU_NAME="generic", NUMBA_CACHE_DIR=str(tmp_path))
    assert list(tmp_path.rglob("*.nbc"))

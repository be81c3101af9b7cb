"""Golden episodes as text: a changed number shows in review, and raises the scenario's version.

Regenerate with `python -m tests.community.golden.regenerate`.
"""

import pytest

from p2p_market.community import trace
from p2p_market.registry import load_scenario
from tests.community.golden.recording import record_episode
from tests.community.golden.regenerate import golden_path
from tests.every_scenario import COMMUNITY


@pytest.mark.compiled
@pytest.mark.parametrize("scenario_id", COMMUNITY)
def test_golden_episode(scenario_id):
    scenario = load_scenario(scenario_id)
    text = trace.render(scenario, *record_episode(scenario))
    assert text == golden_path(scenario_id).read_text(encoding="utf-8")


def test_no_golden_episode_without_a_scenario():
    assert {path.stem for path in golden_path("").parent.glob("*.txt")} == set(COMMUNITY)

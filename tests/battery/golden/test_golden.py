"""Golden episodes as text: a changed number shows in review, and raises the scenario's version.

Regenerate with `python -m tests.battery.golden.regenerate`.
"""

import pytest

from tests.battery.golden.regenerate import golden_path, text_of
from tests.every_scenario import ids_of


@pytest.mark.compiled
@pytest.mark.parametrize("scenario_id", ids_of("battery"))
def test_golden_episode(scenario_id):
    assert text_of(scenario_id) == golden_path(scenario_id).read_text(encoding="utf-8")


def test_no_golden_episode_without_a_scenario():
    assert {path.stem for path in golden_path("").parent.glob("*.txt")} == set(ids_of("battery"))

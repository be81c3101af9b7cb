"""Golden episodes as text: a changed number shows in review, and raises the scenario's version.

Regenerate with `python -m tests.wholesale.golden.regenerate`.
"""

import pytest

from tests.every_scenario import ids_of
from tests.wholesale.golden.regenerate import golden_path, text_of


@pytest.mark.compiled
@pytest.mark.parametrize("scenario_id", ids_of("wholesale"))
def test_golden_episode(scenario_id):
    assert text_of(scenario_id) == golden_path(scenario_id).read_text(encoding="utf-8")


def test_no_golden_episode_without_a_scenario():
    assert {path.stem for path in golden_path("").parent.glob("*.txt")} == set(ids_of("wholesale"))

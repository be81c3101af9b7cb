"""A power system in episodes of six hours, and one thread, as trainings have it."""

import pytest
import yaml

from p2p_market.registry import load_scenario
from tests.baselines.interop.conftest import one_thread as one_thread


@pytest.fixture(scope="session")
def short_day(tmp_path_factory):
    """The file of the default scenario with days in steps of an hour."""
    spec = load_scenario("wholesale-12-v0").spec
    spec = spec.model_copy(update={"id": "short-day-v0", "days": 1, "steps": 24})
    path = tmp_path_factory.mktemp("scenario") / "short-day-v0.yaml"
    path.write_text(yaml.safe_dump(spec.model_dump(mode="json")), encoding="utf-8")
    return str(path)

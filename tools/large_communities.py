"""Communities of any size, for tests and measurements: a shipped one again and again."""

from typing import Any

from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.registry import load_scenario


def grown(scenario_id: str, members: int, **keys: Any) -> Scenario:
    """A scenario whose members stand there again and again, with a feeder as many times as strong.

    Args:
        scenario_id: a shipped scenario.
        members: how many there shall be, more or fewer than are there.
        keys: other fields of the specification.
    """
    spec = load_scenario(scenario_id).spec
    times = -(-members // len(spec.members))
    feeder = spec.feeder.model_copy(update={"limit_kw": times * spec.feeder.limit_kw})
    repeated = {"members": (times * spec.members)[:members], "feeder": feeder}
    return build(spec.model_copy(update=repeated | keys))

"""What a scenario with agreements must hold."""

from p2p_market.community.scenario.record import Scenario
from p2p_market.errors import ScenarioError


def check_agreements(scenario: Scenario) -> None:
    """Check the terms; without the section nothing is asked.

    Raises:
        ScenarioError: naming what does not fit.
    """
    spec = scenario.spec
    if spec.coordination is None:
        return
    if spec.outages is not None:
        raise ScenarioError(
            f"{spec.id}: outages and `coordination` cannot be combined, because no rule says what "
            "a contract delivers without the grid; remove one of them"
        )
    if len(spec.members) < 2:
        raise ScenarioError(f"{spec.id}: one member has nobody to agree with; remove coordination")
    if spec.coordination.max_h < spec.dt_h:
        raise ScenarioError(
            f"{spec.id}: coordination.max_h {spec.coordination.max_h} is shorter than a step, "
            f"{spec.dt_h} h; raise it"
        )

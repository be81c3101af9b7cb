"""The market that optima are played in: what a schedule costs must not depend on the mechanism."""

from dataclasses import replace
from functools import lru_cache
from typing import Final

from p2p_market.community.scenario.scenario import Scenario, specification_digest, validated
from p2p_market.community.scenario.schema import ScenarioSpec
from p2p_market.scenarios import read, scenario_folder, scenario_ids

FULL_MATCHING: Final = "k_double_auction"

LABELS: Final = ("id", "title", "description")


def fully_matched(scenario: Scenario) -> Scenario:
    """The scenario under the k-double auction, which matches all volume at truthful prices."""
    if scenario.spec.mechanism == FULL_MATCHING:
        return scenario
    return _with(scenario, scenario.spec.model_copy(update={"mechanism": FULL_MATCHING}))


def shipped_twin(scenario: Scenario) -> Scenario:
    """The shipped scenario that differs only in labels and mechanism; without one, the scenario.

    The shipped one has the same episodes, and its optima are published.
    """
    scenario = fully_matched(scenario)
    shipped = _shipped()
    if scenario.spec.id not in shipped:
        for spec in shipped.values():
            labels = {name: getattr(spec, name) for name in LABELS}
            if scenario.spec.model_copy(update=labels) == spec:
                return _with(scenario, spec)
    return scenario


def _with(scenario: Scenario, spec: ScenarioSpec) -> Scenario:
    return replace(scenario, spec=spec, digest=specification_digest(spec, scenario.data))


@lru_cache(maxsize=1)
def _shipped() -> dict[str, ScenarioSpec]:
    """Shipped scenarios of this track with full matching, by id."""
    found = {}
    for name in scenario_ids():
        content = read((scenario_folder() / f"{name}.yaml").read_text(encoding="utf-8"), name)
        if content.values.get("track", "community") == "community":
            spec = validated(content.values, name)
            found[name] = spec.model_copy(update={"mechanism": FULL_MATCHING})
    return found

"""Fuel and maintenance of planners: ordered and begun as the rules do, and counted on in plans.

A plan burns what is in the bunker; a lorry under way counts when it has arrived. It knows when its
owner's maintenance will be, so it leaves room for the gas and heat of these hours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from baselines.community.mpc.forecasts import columns
from p2p_market.community.rules.further import FuelWish, Further, ServiceWish, Wish, further_of
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import FloatArray


def powers_alone(ahead: Scenario) -> Scenario:
    """The same hours with nothing to order and nothing to maintain, for programs of powers."""
    flexible = tuple(
        tuple(replace(node, lead_h=0.0, maintenance_h=0.0) for node in own)
        for own in ahead.flexible
    )
    return replace(ahead, flexible=flexible)


@lru_cache(maxsize=8)
def _wishes(scenario: Scenario) -> Further | None:
    return further_of(scenario, columns(scenario))


def _service(scenario: Scenario) -> ServiceWish | None:
    wishes = _wishes(scenario)
    found = [] if wishes is None else [w for w in wishes.wishes if isinstance(w, ServiceWish)]
    return found[0] if found else None


def said_by_rule(
    scenario: Scenario, seen: FloatArray, step: int, planned: Sequence[FloatArray] | None = None
) -> list[FloatArray] | None:
    """Further columns, (batch, agent) each: what rules say, and a plan where they are silent.

    Args:
        seen: observations, (batch, agent, feature).
        step: steps played; fuel that would arrive after the end is not ordered.
        planned: what a plan says in each column; nothing, if left out.
    """
    wishes = _wishes(scenario)
    if wishes is None:
        return None
    silent = planned if planned is not None else [np.zeros(seen.shape[:2])] * len(wishes.wishes)
    pairs = zip(wishes.wishes, silent, strict=True)
    return [said if wish is None else _in_time(scenario, wish, seen, step) for wish, said in pairs]


def _in_time(scenario: Scenario, wish: Wish, seen: FloatArray, step: int) -> FloatArray:
    said = wish.said(seen)
    if isinstance(wish, FuelWish):
        return np.where(step + wish.rules.lead_steps <= scenario.steps, said, 0.0)
    return said


def standing(scenario: Scenario, seen: FloatArray, power_kw: FloatArray) -> FloatArray:
    """Set-points, 0 where maintenance begins now, (batch, agent, asset) [kW].

    What already stands still can do nothing, as its limits say.
    """
    service = _service(scenario)
    if service is None:
        return power_kw
    begins = (service.said(seen) > 0.0) & (seen[..., service.wait] > 0.0)
    assets = np.arange(power_kw.shape[-1])
    return np.where(begins[..., None] & (service.rules.asset[:, None] == assets), 0.0, power_kw)


def running_share(
    scenario: Scenario, ahead: Scenario, seen: FloatArray, at: Mapping[str, int]
) -> FloatArray | None:
    """Share of each block in which no maintenance is, (block, agent, asset); None without any.

    Args:
        seen: observations of this step, (agent, feature).
        at: column of each feature.
    """
    service = _service(scenario)
    if service is None:
        return None
    left_h, wait_h = seen[:, at["service_left"]], seen[:, at["service_wait"]]
    whole_h = scenario.dt_h * service.rules.steps
    begins_h = np.where(wait_h > 0.0, np.maximum(wait_h - service.spare_h, 0.0), np.inf)
    begins_h = np.where(left_h > 0.0, 0.0, begins_h)
    ends_h = begins_h + np.where(left_h > 0.0, left_h, whole_h)
    start_h = ahead.dt_h * np.arange(ahead.steps)[:, None]
    common_h = np.minimum(ends_h, start_h + ahead.dt_h) - np.maximum(begins_h, start_h)
    still = np.clip(common_h / ahead.dt_h, 0.0, 1.0)[..., None]
    own = service.rules.asset[:, None] == np.arange(ahead.nodes.present.shape[1])
    return np.asarray(1.0 - still * own)

"""A scenario: everything that is fixed before an episode is drawn, validated and frozen."""

import hashlib
import json
import math
from functools import partial
from typing import Final

import numpy as np

from p2p_market.assets.node import coefficients
from p2p_market.community.scenario.checks import check_rules
from p2p_market.community.scenario.members import (
    all_pools,
    clear_skies,
    demand_of,
    devices,
    network_fees,
    peak_loads_kw,
    sized,
)
from p2p_market.community.scenario.record import Scenario
from p2p_market.community.scenario.schema import REASONS, DynamicContract, ScenarioSpec
from p2p_market.community.scenario.tariff import feed_in_year, retail_year
from p2p_market.data import DataSet, load
from p2p_market.data.forecast import expect, pooled
from p2p_market.errors import DataError, ScenarioError
from p2p_market.kit.schema import read
from p2p_market.market import MECHANISMS
from p2p_market.scenarios import ENDINGS

__all__ = ["Scenario", "build", "specification_digest", "validated"]


validated: Final = partial(read, ScenarioSpec, reasons=REASONS)
"""What the file of a scenario says, as `p2p_market.kit.schema.read` checks it."""


def build(spec: ScenarioSpec, source: str = "") -> Scenario:
    """Compute the arrays of a scenario and check the rules of the market.

    Args:
        spec: what the file says.
        source: the file, to be named in errors.

    Raises:
        ScenarioError: if data or devices are unknown or impossible, or a rule is broken.
    """
    try:
        return _build(spec)
    except ScenarioError as error:
        before = f"{source}: " if source.endswith(ENDINGS) else ""
        raise ScenarioError(f"{before}{error}") from error


def _build(spec: ScenarioSpec) -> Scenario:
    if spec.mechanism not in MECHANISMS:
        raise ScenarioError(
            f"{spec.id}: unknown mechanism {spec.mechanism!r}; known: {', '.join(MECHANISMS)}"
        )
    data = _data_of(spec)
    owned = [
        sized(spec, data, number, devices(spec, number)) for number in range(len(spec.members))
    ]
    demand = tuple(demand_of(spec, number, own) for number, own in enumerate(owned))
    roofs = tuple(next((node for node in own if node.driver == "sun"), None) for own in owned)
    generators = tuple(tuple(node for node in own if node.driver == "weather") for own in owned)
    flexible = [[node for node in own if node.driver == "setpoint"] for own in owned]
    column = {name: i for i, name in enumerate(dict.fromkeys(m.contract for m in spec.members))}
    contract_of = np.array([column[member.contract] for member in spec.members])
    contracts = [spec.contracts[name] for name in column]
    factor = np.array([c.factor if isinstance(c, DynamicContract) else 0.0 for c in contracts])
    following = np.array([0.0 if c.feed_in is None else c.feed_in.factor for c in contracts])
    tick = spec.tick_eur_per_kwh
    expectation = expect(data)
    pools = all_pools(spec, data, demand)
    expected_load, load_spread = pooled(
        expectation.load, expectation.load_spread, [pool["train"] for pool in pools]
    )
    clear_sky_fraction, orientation_of, roof_kw = clear_skies(spec, data, roofs)
    scenario = Scenario(
        spec=spec,
        digest=specification_digest(spec, data),
        data=data,
        agents=tuple(f"prosumer_{i}" for i in range(len(spec.members))),
        demand=demand,
        roofs=roofs,
        flexible=tuple(tuple(own) for own in flexible),
        nodes=coefficients(flexible, spec.dt_h, spec.terminal_value_eur_per_kwh),
        clear_sky_fraction=clear_sky_fraction,
        orientation_of=orientation_of,
        roof_kw=roof_kw,
        donor_pools=pools,
        expected_load=expected_load,
        load_spread=load_spread,
        expected_clearness=expectation.clearness,
        clearness_spread=expectation.clearness_spread,
        price_spread_eur_per_kwh=expectation.day_ahead_spread_eur_per_kwh * factor[contract_of],
        feed_in_spread_eur_per_kwh=expectation.day_ahead_spread_eur_per_kwh
        * following[contract_of],
        peak_load_kw=peak_loads_kw(data, demand, pools),
        retail_eur_per_kwh=np.column_stack([retail_year(c, data, tick) for c in contracts]),
        contract_of=contract_of,
        feed_in_eur_per_kwh=np.column_stack([feed_in_year(c, data, tick) for c in contracts]),
        network_fee_eur_per_kwh=network_fees(spec, data),
        steps=round(spec.days * 24 / spec.dt_h),
        steps_per_day=round(24 / spec.dt_h),
        hold_steps=math.ceil(spec.hold_h / spec.dt_h),
        generators=generators,
    )
    check_rules(scenario)
    return scenario


def _data_of(spec: ScenarioSpec) -> DataSet:
    try:
        return load(f"{spec.data}+{spec.prices}" if spec.prices else spec.data)
    except DataError as error:
        field = f"prices {spec.prices!r}" if spec.prices else f"data {spec.data!r}"
        raise ScenarioError(f"{spec.id}: {field}: {error}") from error


def specification_digest(spec: ScenarioSpec, data: DataSet) -> str:
    """SHA-256 over a specification and the digest of its data, in hexadecimal digits."""
    text = json.dumps([spec.model_dump(mode="json"), data.digest], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()

"""The hours that a rolling horizon looks at, and what it asks of the market."""

from dataclasses import replace
from typing import Final

from baselines.community.mpc.acts import powers_alone
from baselines.community.mpc.worlds import linear
from p2p_market.assets.node import coefficients
from p2p_market.community.scenario.scenario import Scenario

HORIZON_H: Final = 24.0
BLOCK_H: Final = 1.0


def horizon(scenario: Scenario) -> tuple[Scenario, int]:
    """The hours ahead in steps of a block, and the steps of the scenario in a block.

    Least loads, starts and ramps are left out: the program stays linear.
    """
    block_steps = max(1, round(BLOCK_H / scenario.dt_h))
    dt_h = block_steps * scenario.dt_h
    ahead = powers_alone(shortened(scenario, round(HORIZON_H / dt_h), dt_h))
    if ahead.nodes.machines is not None:
        ahead = replace(ahead, nodes=replace(ahead.nodes, machines=linear(ahead.nodes.machines)))
    return ahead, block_steps


def shortened(scenario: Scenario, steps: int, dt_h: float) -> Scenario:
    """The same community for a number of steps of another length, for programs only."""
    spec = scenario.spec.model_copy(update={"dt_h": dt_h, "optimum": "linear"})
    return replace(
        scenario,
        spec=spec,
        steps=steps,
        steps_per_day=round(24.0 / dt_h),
        nodes=coefficients(scenario.flexible, dt_h, spec.terminal_value_eur_per_kwh),
    )

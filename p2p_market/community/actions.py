"""The action of an agent: set-points, quantity, price, as numbers in [-1, 1] or in physical units.

Columns: one set-point per flexible asset, then the trade quantity, then the price. The map between
the two forms is affine, `physical = middle + half * normalised`:

| column | -1 | 0 | 1 |
|---|---|---|---|
| set-point | lowest power of the asset | middle (idle for a symmetric battery) | highest power |
| quantity | sell up to the connection limit | no trade | buy up to the connection limit |
| price | 0 | half of the highest price | `price_max_eur_per_kwh` |
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from p2p_market.community.records import Proposal
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import BoolArray, FloatArray, Record


@dataclass(frozen=True, slots=True)
class ActionMap(Record):
    """Middle and half-range of each column, (agent, column), in kW, kW and EUR/kWh."""

    middle: FloatArray
    half: FloatArray
    present: BoolArray  # (agent, column), False = padding without effect

    @property
    def width(self) -> int:
        """Number of columns of an action."""
        return int(self.middle.shape[1])

    def physical(self, normalised: FloatArray) -> FloatArray:
        """Physical units out of [-1, 1], (..., agent, column); the screen checks what overflows."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.middle + self.half * normalised

    def normalised(self, physical: FloatArray) -> FloatArray:
        """[-1, 1] out of physical units; padding columns give 0, (..., agent, column)."""
        usable = np.where(self.half > 0.0, self.half, 1.0)
        return np.where(self.half > 0.0, (physical - self.middle) / usable, 0.0)


@lru_cache(maxsize=8)
def action_map(scenario: Scenario) -> ActionMap:
    """The affine map of a scenario."""
    nodes, spec = scenario.nodes, scenario.spec
    agents = len(scenario.agents)
    order_low = np.tile([-spec.connection_limit_kw, 0.0], (agents, 1))
    order_high = np.tile([spec.connection_limit_kw, spec.price_max_eur_per_kwh], (agents, 1))
    low = np.hstack([nodes.power_min_kw, order_low])
    high = np.hstack([nodes.power_max_kw, order_high])
    present = np.hstack([nodes.present, np.ones((agents, 2), dtype=np.bool_)])
    return ActionMap((low + high) / 2.0, (high - low) / 2.0, present)


def to_proposal(physical: FloatArray, present: BoolArray) -> Proposal:
    """Proposal out of joint actions in physical units, (batch, agent, column)."""
    return Proposal(
        setpoint_kw=np.ascontiguousarray(physical[..., :-2]),
        quantity_kw=np.ascontiguousarray(physical[..., -2]),
        price_eur_per_kwh=np.ascontiguousarray(physical[..., -1]),
        present=present,
    )

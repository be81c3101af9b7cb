"""The action of an agent: set-points, quantity, price, as numbers in [-1, 1] or in physical units.

Columns: one set-point per flexible asset, then the trade quantity, then the price, then what
options of the scenario add, see `further`. The map between the two forms is affine,
`physical = middle + half * normalised`:

| column | -1 | 0 | 1 |
|---|---|---|---|
| set-point | lowest power of the asset | middle (idle for a symmetric battery) | highest power |
| quantity | sell up to the connection limit | no trade | buy up to the connection limit |
| price | 0 | half of the highest price | `price_max_eur_per_kwh` |
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from p2p_market.community.further import further_columns
from p2p_market.community.records import Proposal
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import BoolArray, FloatArray, Record


@dataclass(frozen=True, slots=True)
class ActionMap(Record):
    """Middle and half-range of each column, (agent, column), in kW, kW and EUR/kWh."""

    middle: FloatArray
    half: FloatArray
    present: BoolArray  # (agent, column), False = padding without effect
    assets: int  # set-points; the quantity stands in the column after them, then the price

    @property
    def width(self) -> int:
        """Number of columns of an action."""
        return int(self.middle.shape[1])

    @property
    def further(self) -> int:
        """Number of columns after the price."""
        return self.width - self.assets - 2

    def physical(self, normalised: FloatArray) -> FloatArray:
        """Physical units out of [-1, 1], (..., agent, column); the screen checks what overflows."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.middle + self.half * normalised

    def normalised(self, physical: FloatArray) -> FloatArray:
        """[-1, 1] out of physical units; padding columns give 0, (..., agent, column)."""
        usable = np.where(self.half > 0.0, self.half, 1.0)
        return np.where(self.half > 0.0, (physical - self.middle) / usable, 0.0)

    def orders(
        self,
        setpoint_kw: FloatArray,
        quantity_kw: FloatArray,
        further: Sequence[FloatArray] | None = None,
    ) -> FloatArray:
        """Normalised actions: set-points and truthful orders.

        A bid at the highest price and an ask at zero are clipped by the filter to the limits of the
        grid.

        Args:
            setpoint_kw: (..., agent, asset).
            quantity_kw: (..., agent), positive = buy.
            further: what each further column says, (..., agent); nothing, if left out.

        Returns:
            (..., agent, column).
        """
        physical = np.zeros((*quantity_kw.shape, self.width))
        physical[..., : self.assets] = setpoint_kw
        physical[..., self.assets] = quantity_kw
        highest = 2.0 * self.half[:, self.assets + 1]
        physical[..., self.assets + 1] = np.where(quantity_kw > 0.0, highest, 0.0)
        for number, said in enumerate(further or ()):
            physical[..., self.assets + 2 + number] = said
        return self.normalised(physical)


@lru_cache(maxsize=8)
def action_map(scenario: Scenario) -> ActionMap:
    """The affine map of a scenario."""
    nodes, spec = scenario.nodes, scenario.spec
    agents = len(scenario.agents)
    order_low = np.tile([-spec.connection_limit_kw, 0.0], (agents, 1))
    order_high = np.tile([spec.connection_limit_kw, spec.price_max_eur_per_kwh], (agents, 1))
    further = further_columns(scenario)
    more_low, more_high = ([getattr(c, end)[:, None] for c in further] for end in ("low", "high"))
    low = np.hstack([nodes.power_min_kw, order_low, *more_low])
    high = np.hstack([nodes.power_max_kw, order_high, *more_high])
    more = [(least < most) for least, most in zip(more_low, more_high, strict=True)]
    present = np.hstack([nodes.present, np.ones((agents, 2), dtype=np.bool_), *more])
    assets = nodes.present.shape[1]
    return ActionMap((low + high) / 2.0, (high - low) / 2.0, present, assets)


def to_proposal(physical: FloatArray, present: BoolArray, further: int = 0) -> Proposal:
    """Proposal out of joint actions in physical units, (batch, agent, column).

    Args:
        further: how many columns stand after the price.
    """
    more = physical.shape[-1] - further
    quantity, price = more - 2, more - 1
    return Proposal(
        setpoint_kw=np.ascontiguousarray(physical[..., :quantity]),
        quantity_kw=np.ascontiguousarray(physical[..., quantity]),
        price_eur_per_kwh=np.ascontiguousarray(physical[..., price]),
        present=present,
        further=np.ascontiguousarray(physical[..., more:]) if further else None,
    )

"""Actor and critic of storages, and the orders that follow from the value of a stored MWh."""

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor

from baselines.wholesale.learners.networks import Decider, Normal, dense, shrink
from p2p_market.wholesale.actions import STORAGE_PRICES

WIDTHS: Final = (48, 64, 32, 1)
VALUES: Final = (15.0, 85.0)
"""EUR per stored MWh that an output of -1 and 1 means."""
EACH_WAY: Final = 0.95
"""Share of energy that is left after charging or discharging, about."""
WEAR: Final = 3.0
"""EUR/MWh."""


def value_of(output: Tensor) -> Tensor:
    """Value of a stored MWh [EUR], in the shape of the output."""
    low, high = VALUES
    return low + (torch.clamp(output, -1.0, 1.0) + 1.0) / 2.0 * (high - low)


def orders(value: Tensor, last_price: Tensor) -> Tensor:
    """Power and limit price as the environment takes them, (..., 2).

    Where the last price is at or above the value all is offered, at what the energy is worth and
    its wear; below it the storage buys all it can, for what will be left of it.

    Args:
        value: of a stored MWh [EUR].
        last_price: of the step before [EUR/MWh].
    """
    sells = last_price >= value
    limit = torch.where(sells, value / EACH_WAY + WEAR, EACH_WAY * value - WEAR)
    low, high = STORAGE_PRICES
    power = torch.where(sells, -torch.ones_like(value), torch.ones_like(value))
    return torch.stack([power, 2.0 * (limit - low) / (high - low) - 1.0], dim=-1)


class Valuer(Decider):
    """What a storage sees to its order."""

    told = "deviation"

    def __init__(self, columns: Sequence[str], generator: Any) -> None:
        """Weights from the generator; the last ones are small, so that it starts in the middle."""
        super().__init__()
        self.price = list(columns).index("price_1_ago")
        self.normal, self.body = Normal(len(columns)), dense(WIDTHS, generator)
        shrink(self.body, 0.01)

    def output(self, rows: Tensor) -> Tensor:
        """Mean of the exploration, (row,), in [-1, 1]."""
        return torch.tanh(self.body(self.normal(rows)))[..., 0]

    def means(self, rows: Tensor) -> Tensor:
        """Orders, (row, 2)."""
        return orders(value_of(self.output(rows)), rows[..., self.price])

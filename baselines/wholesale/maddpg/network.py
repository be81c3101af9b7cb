"""Shared actor of consumers, and a critic that attends to what the others see and do."""

from collections.abc import Sequence
from math import log
from typing import Any, Final

import torch
from torch import Tensor, nn

from baselines.wholesale.learners.networks import Decider, Normal, dense
from p2p_market.wholesale.actions import RESPONSE_PRICES

WIDTHS: Final = (40, 64, 32, 1)
EMBEDDED: Final = 64
PRICES: Final = (20.0, 120.0)
"""EUR/MWh that an output of 0 and 1 means."""


def price_of(output: Tensor) -> Tensor:
    """Price above which flexible load waits [EUR/MWh], in the shape of the output."""
    low, high = PRICES
    return low + torch.clamp(output, 0.0, 1.0) * (high - low)


def offers(price: Tensor) -> Tensor:
    """All flexible load at a price, as the environment takes it, (..., 2)."""
    low, high = RESPONSE_PRICES
    return torch.stack([torch.ones_like(price), 2.0 * (price - low) / (high - low) - 1.0], dim=-1)


class Pricer(Decider):
    """What a consumer sees to its offer: 40-64-32-1, sigmoid."""

    told = "deviation"

    def __init__(self, columns: Sequence[str], first_price: float, generator: Any) -> None:
        """Weights from the generator; the last ones are small, so that it starts at a price."""
        super().__init__()
        self.normal, self.body = Normal(len(columns)), dense(WIDTHS, generator)
        low, high = PRICES
        share = (first_price - low) / (high - low)
        with torch.no_grad():
            self.body[-1].weight.mul_(0.01)
            self.body[-1].bias.fill_(log(share / (1.0 - share)))

    def output(self, rows: Tensor) -> Tensor:
        """Share of the range of prices, (...,)."""
        return torch.sigmoid(self.body(self.normal(rows)))[..., 0]

    def means(self, rows: Tensor) -> Tensor:
        """Offers, (row, 2)."""
        return offers(price_of(self.output(rows)))


class Attending(nn.Module):
    """Value of each consumer's price, given what all see and do.

    The own embedding, 64 wide, asks; those of the others answer, weighted by how well they fit.
    """

    def __init__(self, width: int, generator: torch.Generator) -> None:
        """Of rows with so many columns.

        Args:
            width: of what a consumer sees, without its own price.
            generator: draws the weights.
        """
        super().__init__()
        self.embed = dense((width + 1, EMBEDDED), generator)
        self.ask, self.key, self.told = (dense((EMBEDDED, EMBEDDED), generator) for _ in range(3))
        self.value = dense((2 * EMBEDDED, EMBEDDED, 1), generator)

    def forward(self, seen: Tensor, output: Tensor) -> Tensor:
        """Values, (row, agent).

        Args:
            seen: normalised, (row, agent, column).
            output: of each consumer, (row, agent).
        """
        own = torch.relu(self.embed(torch.cat([seen, output[..., None]], dim=-1)))
        score = self.ask(own) @ self.key(own).transpose(-1, -2) / EMBEDDED**0.5
        itself = torch.eye(own.shape[-2], dtype=torch.bool)
        if len(itself) > 1:
            weight = torch.softmax(score.masked_fill(itself, -torch.inf), dim=-1)
        else:
            weight = torch.zeros_like(score)
        others = weight @ torch.relu(self.told(own))
        return self.value(torch.cat([own, others], dim=-1))[..., 0]

"""Shared actor of consumers, and a critic that attends to what the others see and do."""

from collections.abc import Sequence
from math import log
from typing import Any, Final

import torch
from torch import Tensor, nn

from baselines.wholesale.learners.networks import Decider, Normal, dense, shrink
from p2p_market.wholesale.actions import RESPONSE_PRICES
from p2p_market.wholesale.records import LEVELS_EUR_PER_MWH

WIDTHS: Final = (40, 64, 32, 1)
EMBEDDED: Final = 64
PRICES: Final = tuple(price for price in LEVELS_EUR_PER_MWH if price <= 120.0)
"""EUR/MWh that outputs from 0 to 1 mean: what generators may bid, up to 120.

Between two of them load would wait at the same offers, and set a higher price where it is marginal.
"""


def price_of(output: Tensor) -> Tensor:
    """Price above which flexible load waits [EUR/MWh], in the shape of the output."""
    place = torch.clamp(output, 0.0, 1.0) * (len(PRICES) - 1)
    return torch.tensor(PRICES)[torch.floor(place + 0.5).long()]


def output_of(price_eur_per_mwh: float) -> float:
    """The output that means a price."""
    return PRICES.index(price_eur_per_mwh) / (len(PRICES) - 1)


def between(output: Tensor) -> Tensor:
    """How close an output is to each price, (..., price): 1 at it, 0 from its neighbours on.

    A critic that sees the number alone cannot tell a price from the next, and what they bring
    differs as much as two offers of generators do.
    """
    place = torch.clamp(output, 0.0, 1.0) * (len(PRICES) - 1)
    return torch.relu(1.0 - (place[..., None] - torch.arange(float(len(PRICES)))).abs())


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
        share = output_of(first_price)
        with torch.no_grad():
            shrink(self.body, 0.01).bias.fill_(log(share / (1.0 - share)))

    def output(self, rows: Tensor) -> Tensor:
        """Place between the lowest and the highest price, 0 to 1, (...,)."""
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
        self.embed = dense((width + len(PRICES), EMBEDDED), generator)
        self.ask, self.key, self.told = (dense((EMBEDDED, EMBEDDED), generator) for _ in range(3))
        self.value = dense((2 * EMBEDDED, EMBEDDED, 1), generator)

    def forward(self, seen: Tensor, output: Tensor) -> Tensor:
        """Values, (row, agent).

        Args:
            seen: normalised, (row, agent, column).
            output: of each consumer, (row, agent).
        """
        own = torch.relu(self.embed(torch.cat([seen, between(output)], dim=-1)))
        score = self.ask(own) @ self.key(own).transpose(-1, -2) / EMBEDDED**0.5
        itself = torch.eye(own.shape[-2], dtype=torch.bool)
        if len(itself) > 1:
            weight = torch.softmax(score.masked_fill(itself, -torch.inf), dim=-1)
        else:
            weight = torch.zeros_like(score)
        others = weight @ torch.relu(self.told(own))
        values: Tensor = self.value(torch.cat([own, others], dim=-1))
        return values[..., 0]

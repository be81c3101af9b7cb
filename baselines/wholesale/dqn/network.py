"""Q-networks of generators, one per kind of unit, as one module."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import torch
from torch import Tensor, nn

from baselines.wholesale.learners.networks import Decider, Normal
from p2p_market.wholesale.actions import LEVELS
from p2p_market.wholesale.records import LEVELS_EUR_PER_MWH
from p2p_market.wholesale.schema import KINDS

WIDTHS: Final = (64, 128, 64, 32, LEVELS)


class KindNets(nn.Module):
    """As many networks of one shape as there are kinds, 64-128-64-32-20, rectified between."""

    def __init__(self, generator: torch.Generator) -> None:
        """Weights as He draws them, biases of zero; last ones are small."""
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for before, after in pairwise(WIDTHS):
            spread = (2.0 / before) ** 0.5 * (1.0 if after != LEVELS else 0.1)
            drawn = spread * torch.randn(len(KINDS), before, after, generator=generator)
            self.weights.append(nn.Parameter(drawn))
            self.biases.append(nn.Parameter(torch.zeros(len(KINDS), 1, after)))

    def forward(self, rows: Tensor) -> Tensor:
        """Values of bids, (kind, row, level), for rows (kind or 1, row, column)."""
        hidden = rows
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            hidden = torch.matmul(hidden, weight) + bias
            if place < len(self.weights) - 1:
                hidden = torch.relu(hidden)
        return hidden


class Bidder(Decider):
    """What a generator sees to its bid: the level of the highest value, and all it can."""

    told = "random_share"
    learning: Tensor
    levels: Tensor

    def __init__(
        self, columns: Sequence[str], learning: Sequence[bool], agents: int, generator: Any
    ) -> None:
        """Of a role.

        Args:
            columns: of a row: the observation, then one indicator per agent.
            learning: which agents bid by value; others bid the lowest level above their cost.
            agents: their number.
            generator: draws the weights.
        """
        super().__init__()
        at = {name: place for place, name in enumerate(columns)}
        self.width, self.cost = len(columns) - agents, at["marginal_cost"]
        self.kinds = [at[f"is_{kind}"] for kind in KINDS]
        self.normal, self.nets = Normal(self.width), KindNets(generator)
        self.register_buffer("learning", torch.tensor(learning, dtype=torch.float32))
        self.register_buffer("levels", torch.tensor(LEVELS_EUR_PER_MWH, dtype=torch.float32))

    def values(self, rows: Tensor) -> Tensor:
        """Value of each bid, (row, level), by the network of the unit's kind."""
        seen = rows[:, : self.width]
        every = self.nets(self.normal(seen)[None])
        own = torch.stack([seen[:, place] for place in self.kinds])
        values: Tensor = (every * own[:, :, None]).sum(dim=0)
        return values

    def truthful(self, rows: Tensor) -> Tensor:
        """The lowest level that covers the cost, (row,)."""
        below = (self.levels < rows[:, self.cost : self.cost + 1] - 1e-3).sum(dim=1)
        return torch.clamp(below, max=LEVELS - 1)

    def means(self, rows: Tensor) -> Tensor:
        """Bid and share as the environment takes them, (row, 2)."""
        learns = (rows[:, self.width :] * self.learning).sum(dim=1) > 0.5
        level = torch.where(learns, self.values(rows).argmax(dim=1), self.truthful(rows))
        bid = 2.0 * level.to(rows.dtype) / (LEVELS - 1) - 1.0
        return torch.stack([bid, torch.ones_like(bid)], dim=1)


def targets(
    reward: Tensor, ahead: Tensor, ahead_slow: Tensor, ended: Tensor, discount: float
) -> Tensor:
    """Double Q: the learning network chooses what follows, the slow one values it, (..., row).

    Args:
        reward: (..., row).
        ahead: values of the next moment by the learning network, (..., row, choice).
        ahead_slow: the same by the target network.
        ended: 1 where nothing follows, (..., row).
        discount: weight of what follows.
    """
    chosen = ahead.argmax(dim=-1, keepdim=True)
    follows = ahead_slow.gather(-1, chosen)[..., 0]
    return reward + discount * (1.0 - ended) * follows


def copied(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state that later updates leave alone."""
    return {name: value.clone() for name, value in state.items()}

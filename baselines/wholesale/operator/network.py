"""The operator's network: a gate over what it sees, and values of every choice per objective."""

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from baselines.wholesale.learners.networks import Decider, Normal, dense
from p2p_market.wholesale.actions import CHOICES

OBJECTIVES: Final = ("stability", "cost", "environment")
WIDTHS: Final = (80, 128, 96, 64)
"""Of the trunk; a head of 25 values for each objective follows."""


class Heads(nn.Module):
    """80-128-96-64-25 with a gate before it and three heads; the preference is an input."""

    def __init__(self, generator: torch.Generator) -> None:
        """Weights from the generator; those of the heads are small."""
        super().__init__()
        seen, *hidden = WIDTHS
        self.gate = dense((seen, seen), generator)
        self.trunk = dense((seen + len(OBJECTIVES), *hidden), generator)
        self.heads = dense((hidden[-1], len(OBJECTIVES) * CHOICES), generator)
        with torch.no_grad():
            self.heads[-1].weight.mul_(0.1)

    def forward(self, seen: Tensor, preference: Tensor) -> Tensor:
        """Values, (row, objective, choice).

        Args:
            seen: normalised, (row, column).
            preference: weight of each objective, (row, objective).
        """
        let_through = 2.0 * torch.sigmoid(self.gate(seen)) * seen
        hidden = torch.relu(self.trunk(torch.cat([let_through, preference], dim=-1)))
        return self.heads(hidden).reshape(-1, len(OBJECTIVES), CHOICES)


def weighed(values: Tensor, preference: Tensor) -> Tensor:
    """Value of every choice under a preference, (row, choice)."""
    return (values * preference[:, :, None]).sum(dim=1)


class Chooser(Decider):
    """What the operator sees to the value of each choice, under one preference."""

    told = "random_share"
    preference: Tensor

    def __init__(self, columns: Sequence[str], preference: Sequence[float], generator: Any) -> None:
        """Of a preference, whose weights are brought to a sum of 1."""
        super().__init__()
        self.normal, self.heads = Normal(len(columns)), Heads(generator)
        given = torch.tensor(preference, dtype=torch.float32)
        self.register_buffer("preference", given / given.sum())

    def means(self, rows: Tensor) -> Tensor:
        """Value of every choice, (row, choice)."""
        asked = self.preference.expand(len(rows), -1)
        return weighed(self.heads(self.normal(rows), asked), asked)

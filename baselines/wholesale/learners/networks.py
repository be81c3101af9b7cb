"""Networks whose outputs are actions: normalisation and the order's arithmetic stand inside.

So a file that holds one is played by any runtime, and says nothing but columns in and actions out.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

FAR = 5.0  # standard deviations at which inputs are cut


class Normal(nn.Module):
    """Columns less their mean, over their spread; both are frozen before the training begins."""

    mean: Tensor
    spread: Tensor

    def __init__(self, width: int) -> None:
        """Of rows with so many columns."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))

    def freeze(self, rows: Tensor) -> None:
        """Take mean and spread from rows, (row, column); a column that stays is left as it is."""
        spread = rows.std(dim=0)
        self.mean.copy_(rows.mean(dim=0))
        self.spread.copy_(torch.where(spread > 1e-6, spread, torch.ones_like(spread)))

    def forward(self, rows: Tensor) -> Tensor:
        """Normalised columns, in the shape of the rows."""
        normal: Tensor = torch.clamp((rows - self.mean) / self.spread, -FAR, FAR)
        return normal


def dense(widths: Sequence[int], generator: torch.Generator) -> nn.Sequential:
    """Linear layers with rectifiers between them; weights as He draws them, biases of zero."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layer = nn.Linear(before, after)
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
        nn.init.zeros_(layer.bias)
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Decider(nn.Module):
    """Base of what is written to a file: rows in physical units to normalised actions."""

    memory = None
    told = "exploration"
    """What the log calls the deviation, or the share of random actions."""

    def inputs(self, rows: Tensor) -> Tensor:
        """Rows as they are: `means` normalises, and also needs prices in EUR/MWh."""
        return rows

    def means(self, rows: Tensor) -> Tensor:
        """Actions without exploration, or a value per choice, (row, output)."""
        raise NotImplementedError

    def forward(self, rows: Tensor, carried: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and nothing to carry on."""
        return self.means(rows), carried

    def nothing(self, rows: int) -> Tensor:
        """Without columns."""
        return torch.zeros(rows, 0)

    @property
    def actor(self) -> "Decider":
        """Itself."""
        return self


def shrink(layers: nn.Sequential, share: float) -> nn.Linear:
    """Keep a share of the weights of the last layer, so that first outputs lie close together."""
    last = layers[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight.mul_(share)
    return last


def follow(target: nn.Module, source: nn.Module, share: float) -> None:
    """Move the weights of a target network towards those of its source."""
    with torch.no_grad():
        for slow, fast in zip(target.parameters(), source.parameters(), strict=True):
            slow.lerp_(fast, share)

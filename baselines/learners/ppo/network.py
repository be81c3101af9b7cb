"""Actor and critic: small networks over inputs that are computed from observations alone."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from baselines.learners.ppo.args import Args
from p2p_market.data.forecast import HORIZONS_H

FAR = 5.0  # standard deviations at which inputs are cut
HALF_FULL_H = 2.0  # hours in which the power that counts as 1 fills the storage
LIMITS = ("lowest", "by_rule", "highest")
DRIFT = ("power_keep", "drift", *(f"drift_in_{h}h" for h in HORIZONS_H))


class Inputs(nn.Module):
    """Columns of a row, and the same relative to the storage that it is about; normalised.

    Mean and spread are buffers: frozen before the training begins, saved with the weights.
    """

    mean: Tensor
    spread: Tensor
    kept: Tensor

    def __init__(self, names: Sequence[str]) -> None:
        """For rows with these columns, in this order."""
        super().__init__()
        self.column = {name: number for number, name in enumerate(names)}
        count = self.derived(torch.ones(1, len(names))).shape[-1] + len(names)
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))

    @property
    def width(self) -> int:
        """Number of inputs."""
        return len(self.mean)

    def derived(self, seen: Tensor) -> Tensor:
        """Powers over the storage's own size, prices over the price of now, (..., input)."""

        def of(name: str) -> Tensor:
            return seen[..., self.column[name]]

        size_kw = torch.clamp(of("capacity") / HALF_FULL_H, min=0.5)
        now = of("retail") + of("carbon_cost")
        made = [(of("load") - of("pv")) / size_kw, of("last_fill") / size_kw]
        made += [of("power_max") / size_kw]
        made += [now - of("feed_in"), of("last_clearing_price") - of("feed_in")]
        made += [of("last_clearing_price") - now]
        for h in HORIZONS_H:
            made += [(of(f"load_in_{h}h") - of(f"pv_in_{h}h")) / size_kw]
            made += [of(f"pv_in_{h}h") / size_kw, of(f"retail_in_{h}h") - of("retail")]
        made += [of(name) / size_kw for name in (*LIMITS, *DRIFT) if name in self.column]
        missing = torch.clamp(of("target_soc") - of("soc"), min=0.0) * of("capacity")
        hours = missing / torch.clamp(of("power_max"), min=0.1)
        made += [hours, torch.clamp(of("hours_left") - hours, 0.0, 24.0)]
        return torch.stack(made, -1)

    def raw(self, seen: Tensor) -> Tensor:
        """Inputs before they are normalised."""
        return torch.cat([seen, self.derived(seen)], -1)

    def freeze(self, seen: Tensor) -> None:
        """Take mean and spread from rows, (row, column)."""
        self.mean, self.spread = moments(self.raw(seen))

    def forward(self, seen: Tensor) -> Tensor:
        """Normalised inputs, (..., input)."""
        return normalised(self.raw(seen), self.mean, self.spread)


def moments(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and spread of each column; what never changes has spread 1."""
    exact = rows.double()
    mean, spread = exact.mean(0), exact.std(0)
    spread = torch.where(spread > 1e-6, spread, torch.ones_like(spread))
    return mean.float(), spread.float()


def normalised(rows: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """Standard deviations from the mean, cut where nothing was learnt."""
    return torch.clamp((rows - mean) / spread, -FAR, FAR)


def layers(
    width: int, hidden: int, outputs: int, gain: float, generator: torch.Generator
) -> nn.Sequential:
    """Two hidden layers, orthogonal first weights."""
    sizes = [width, hidden, hidden, outputs]
    parts: list[nn.Module] = []
    for number, (a, b) in enumerate(pairwise(sizes)):
        linear = nn.Linear(a, b)
        last = number == len(sizes) - 2
        nn.init.orthogonal_(linear.weight, gain if last else math.sqrt(2.0), generator=generator)
        nn.init.zeros_(linear.bias)
        parts += [linear] if last else [linear, nn.ReLU()]
    return nn.Sequential(*parts)


class Actor(nn.Module):
    """Own inputs, and what is carried on from earlier steps, to means of a normal law.

    Shapes: inputs (step, row, input), carried (row, number); without memory the number is 0.
    """

    told = "deviation"  # of what is explored, in the log

    def __init__(self, inputs: int, outputs: int, args: Args, generator: torch.Generator) -> None:
        """With first outputs near 0."""
        super().__init__()
        self.body = layers(inputs + args.memory, args.hidden, outputs, 0.01, generator)
        self.log_deviation = nn.Parameter(torch.full((outputs,), math.log(args.first_deviation)))
        self.memory = remembering(inputs, args.memory, generator) if args.memory else None

    def forward(self, inputs: Tensor, carried: Tensor) -> tuple[Tensor, Tensor]:
        """Means in [-1, 1], (step, row, output), and what is carried on from the last step."""
        if self.memory is None:
            return self.means(inputs), carried
        remembered, last = self.memory(inputs, carried[None])
        return self.means(torch.cat([inputs, remembered], -1)), last[0]

    def means(self, seen: Tensor) -> Tensor:
        """The same from inputs with all that is remembered, (..., output)."""
        return torch.tanh(self.body(seen))

    def judged(
        self, inputs: Tensor, carried: Tensor, outputs: Tensor, allowed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logarithms of the density of outputs, (step, row), and what the entropy grows with.

        Args:
            outputs: as drawn, (step, row, output).
            allowed: numbers are never masked; without columns.
        """
        noise = (outputs - self(inputs, carried)[0]) / self.log_deviation.exp()
        return log_density(noise, self.log_deviation), self.log_deviation.sum()

    def explored(self, entropy: float) -> float:
        """Standard deviation of the exploration, mean over outputs."""
        return float(self.log_deviation.detach().exp().mean())

    def nothing(self, rows: int) -> Tensor:
        """What is carried into the first step of an episode, (row, number)."""
        return torch.zeros(rows, self.memory.hidden_size if self.memory is not None else 0)


def log_density(noise: Tensor, log_deviation: Tensor) -> Tensor:
    """Logarithm of the density of a normal law, summed over outputs."""
    return (-0.5 * noise**2 - log_deviation - 0.5 * math.log(2.0 * math.pi)).sum(-1)


def remembering(inputs: int, width: int, generator: torch.Generator) -> nn.GRU:
    """A gated recurrent unit with orthogonal first weights (Cho et al. 2014, arXiv:1406.1078)."""
    unit = nn.GRU(inputs, width)
    for name, weight in unit.named_parameters():
        if "weight" in name:
            nn.init.orthogonal_(weight, generator=generator)
        else:
            nn.init.zeros_(weight)
    return unit

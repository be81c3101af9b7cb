"""An actor whose outputs are choices: a categorical law per column, over what is allowed."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from baselines.learners.ppo.args import Args
from baselines.learners.ppo.network import layers, moments, normalised

FORBIDDEN = -1e8
"""Added to logits of what is not allowed: probability 0, and no gradient."""


class Shown(Protocol):
    """What an actor of choices is shown: rows, and what is carried on from earlier steps."""

    width: int  # number of inputs
    carried: int  # numbers that are carried on

    def raw(self, seen: Tensor, carried: Tensor) -> Tensor:
        """Inputs before they are normalised, (..., input)."""

    def freeze(self, rows: Tensor) -> None:
        """Take mean and spread from rows as `raw` gives them, (row, input)."""

    def __call__(self, seen: Tensor, carried: Tensor) -> Tensor:
        """Normalised inputs, (..., input)."""

    def after(self, seen: Tensor, carried: Tensor) -> Tensor:
        """What is carried into the next step, (..., number)."""


class Seen(nn.Module):
    """What is observed, normalised; mean and spread are frozen before the training begins."""

    carried = 0
    mean: Tensor
    spread: Tensor

    def __init__(self, features: int) -> None:
        """For rows of this many features."""
        super().__init__()
        self.width = features
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))

    def raw(self, seen: Tensor, carried: Tensor) -> Tensor:
        """As it is."""
        return seen

    def freeze(self, rows: Tensor) -> None:
        """Take mean and spread from rows, (row, feature)."""
        self.mean, self.spread = moments(rows)

    def forward(self, seen: Tensor, carried: Tensor) -> Tensor:
        """Normalised inputs, (..., feature)."""
        return normalised(seen, self.mean, self.spread)

    def after(self, seen: Tensor, carried: Tensor) -> Tensor:
        """Nothing."""
        return carried


class ChoiceActor(nn.Module):
    """Inputs to logits of all choices, column after column.

    What is remembered stands in the inputs, so that a step is learnt from without those before it.

    The mask is added before the softmax, in play and in learning alike, so forbidden choices have
    no probability, no gradient and no part in the entropy.
    """

    told = "entropy"  # of what is explored, in the log

    def __init__(
        self,
        inputs: int,
        choices: Sequence[int],
        args: Args,
        generator: torch.Generator,
        carried: int = 0,
    ) -> None:
        """With first logits near 0.

        Args:
            choices: of each column.
            carried: numbers that its inputs carry on.
        """
        super().__init__()
        self.choices, self.carried = list(choices), carried
        self.memory = carried or None
        self.body = layers(inputs, args.hidden, sum(choices), 0.01, generator)

    def means(self, seen: Tensor) -> Tensor:
        """Logits without a mask, (..., choice)."""
        logits: Tensor = self.body(seen)
        return logits

    def nothing(self, rows: int) -> Tensor:
        """What is carried into the first step of an episode, (row, number)."""
        return torch.zeros(rows, self.carried)

    def drawn(
        self, inputs: Tensor, allowed: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """One choice of each column by its probability, and the logarithm of that of all.

        Args:
            inputs: (..., input).
            allowed: (..., choice).

        Returns:
            Indices (..., column), logarithms (...).

        Source: Gumbel-max, the largest of logits with Gumbel noise is drawn from their softmax.
        """
        known = self._logarithms(inputs, allowed)
        noise = torch.empty(allowed.shape).exponential_(generator=generator).log()
        parts = torch.split(noise, self.choices, -1)
        drawn = [(own - one).argmax(-1) for own, one in zip(known, parts, strict=True)]
        outputs = torch.stack(drawn, -1)
        return outputs, _of(known, outputs)

    def judged(
        self, inputs: Tensor, carried: Tensor, outputs: Tensor, allowed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logarithms of the probability of choices, and the mean entropy of all columns."""
        known = self._logarithms(inputs, allowed)
        entropy = -sum((own.exp() * own).sum(-1).mean() for own in known)
        assert isinstance(entropy, Tensor)
        return _of(known, outputs), entropy

    def explored(self, entropy: float) -> float:
        """The entropy."""
        return entropy

    def _logarithms(self, inputs: Tensor, allowed: Tensor) -> list[Tensor]:
        """Logarithms of probabilities, a column each."""
        logits = torch.where(allowed, 0.0, FORBIDDEN) + self.means(inputs)
        return [part.log_softmax(-1) for part in torch.split(logits, self.choices, -1)]


class ChoiceNetwork(nn.Module):
    """Inputs and actor in one: what is played and written to a file."""

    def __init__(self, inputs: nn.Module, actor: ChoiceActor) -> None:
        """Out of parts that may go on training; `inputs` is a `Shown`."""
        super().__init__()
        self.inputs, self.actor = inputs, actor

    def forward(self, rows: Tensor, carried: Tensor) -> tuple[Tensor, Tensor]:
        """Logits without a mask, (row, choice), and what is carried on, (row, number)."""
        after: Tensor = self.inputs.after(rows, carried)  # type: ignore[operator]
        return self.actor.means(self.inputs(rows, carried)), after


def _of(known: Sequence[Tensor], outputs: Tensor) -> Tensor:
    """The logarithms of what was chosen, summed over columns."""
    chosen = [own.gather(-1, outputs[..., k, None])[..., 0] for k, own in enumerate(known)]
    return torch.stack(chosen).sum(0)

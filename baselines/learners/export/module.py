"""A module of torch, as it is."""

from typing import Any

from torch import nn

from baselines.learners.export.target import Target


def read(policy: nn.Module, target: Target, options: Any) -> tuple[nn.Module, Target, int]:
    """The module, from observations to outputs."""
    return policy, target, options["state"]

"""Memory of transitions, from which learners draw; the oldest are overwritten."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class Replay:
    """Transitions by name of their parts, each (row, ...)."""

    def __init__(self, size: int, generator: torch.Generator) -> None:
        """Empty.

        Args:
            size: rows that it holds at most.
            generator: draws from it.
        """
        self.size, self.generator = size, generator
        self.parts: dict[str, Tensor] = {}
        self.begun = self.held = 0

    def add(self, **parts: Tensor) -> None:
        """Keep transitions, (row, ...) each; of more than it holds the last ones."""
        count = min(self.size, len(next(iter(parts.values()))))
        place = (self.begun + torch.arange(count)) % self.size
        for name, values in parts.items():
            if name not in self.parts:
                self.parts[name] = torch.zeros((self.size, *values.shape[1:]), dtype=values.dtype)
            self.parts[name][place] = values[-count:]
        self.begun = (self.begun + count) % self.size
        self.held = min(self.size, self.held + count)

    def draw(self, count: int) -> dict[str, Tensor]:
        """Rows at random, with repetition."""
        chosen = torch.randint(self.held, (count,), generator=self.generator)
        return {name: values[chosen] for name, values in self.parts.items()}

    def state(self) -> dict[str, Any]:
        """What it holds, for a checkpoint."""
        return {"parts": self.parts, "begun": self.begun, "held": self.held}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Hold what another did."""
        self.parts, self.begun, self.held = dict(state["parts"]), state["begun"], state["held"]

"""The operator's network: a gate over what it sees, and values of every choice per objective."""

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from baselines.wholesale.learners.networks import Decider, Normal, dense, shrink
from p2p_market.wholesale.actions import CHOICES, NEUTRAL_TAP
from p2p_market.wholesale.records import RESERVE_LEVELS, TAPS
from p2p_market.wholesale.rules.default import RESERVE_LEVEL
from p2p_market.wholesale.schema import BUSES

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
        shrink(self.heads, 0.1)

    def forward(self, seen: Tensor, preference: Tensor) -> Tensor:
        """Values, (row, objective, choice).

        Args:
            seen: normalised, (row, column).
            preference: weight of each objective, (row, objective).
        """
        let_through = 2.0 * torch.sigmoid(self.gate(seen)) * seen
        hidden = torch.relu(self.trunk(torch.cat([let_through, preference], dim=-1)))
        values: Tensor = self.heads(hidden)
        return values.reshape(-1, len(OBJECTIVES), CHOICES)


def weighed(values: Tensor, preference: Tensor) -> Tensor:
    """Value of every choice under a preference, (row, choice)."""
    return (values * preference[:, :, None]).sum(dim=1)


FORBIDDEN: Final = -1e6
"""Value of a tap farther from the centring one than two steps."""


class Chooser(Decider):
    """What the operator sees to the value of each choice, under one preference.

    The network values a reserve level and a move of the tap: away from the one that would have
    centred the last voltages, by -2 to 2 steps. The choice names the tap itself. It is the default
    rule's unless another is worth a margin more: values are uncertain, and the rule is a good one.
    """

    told = "random_share"
    preference: Tensor
    by_rule: Tensor

    def __init__(
        self,
        columns: Sequence[str],
        tap_pu: float,
        preference: Sequence[float],
        margin: float,
        generator: Any,
    ) -> None:
        """Of a preference, whose weights are brought to a sum of 1.

        Args:
            columns: of a row.
            tap_pu: step of the tap.
            preference: weight of each objective.
            margin: by which another choice must be worth more than the default rule's, scaled.
            generator: draws the weights.
        """
        super().__init__()
        self.margin = margin
        by_rule = torch.zeros(CHOICES)
        by_rule[TAPS * RESERVE_LEVEL + NEUTRAL_TAP] = 1.0
        self.register_buffer("by_rule", by_rule)
        at = {name: place for place, name in enumerate(columns)}
        self.tap, self.first, self.tap_pu = at["tap"], at["voltage_0"], tap_pu
        self.normal, self.heads = Normal(len(columns)), Heads(generator)
        given = torch.tensor(preference, dtype=torch.float32)
        self.register_buffer("preference", given / given.sum())

    def centre(self, rows: Tensor) -> Tensor:
        """The tap that would have centred the last voltages, (row,), -2 to 2."""
        volts = rows[:, self.first : self.first + BUSES]
        away = 1.0 - (volts.amin(dim=1) + volts.amax(dim=1)) / 2.0
        moved = torch.floor(rows[:, self.tap] + away / self.tap_pu + 0.5)
        return torch.clamp(moved, -NEUTRAL_TAP, NEUTRAL_TAP).long()

    def means(self, rows: Tensor) -> Tensor:
        """Value of every choice, (row, choice)."""
        asked = 0.0 * rows[:, : len(OBJECTIVES)] + self.preference
        by_move = weighed(self.heads(self.normal(rows), asked), asked)
        return by_tap(by_move + self.margin * self.by_rule, self.centre(rows))


def by_tap(by_move: Tensor, centre: Tensor) -> Tensor:
    """Values of reserve level and tap from those of reserve level and move, (row, choice)."""
    move = torch.arange(TAPS) - centre[:, None]  # of each tap, as a place from 0
    inside = (move >= 0) & (move < TAPS)
    place = torch.clamp(move, 0, TAPS - 1)[:, None].expand(-1, RESERVE_LEVELS, -1)
    moved = by_move.reshape(-1, RESERVE_LEVELS, TAPS).gather(2, place)
    return torch.where(inside[:, None], moved, FORBIDDEN).flatten(1)


def tap_of(moved: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
    """The choice that a reserve level and a move mean, and the move that is left at the ends.

    Args:
        moved: place of reserve level and move, (row,), as the network numbers them.
        centre: tap that the move starts from, (row,), -2 to 2.
    """
    level, tap = moved // TAPS, centre + moved % TAPS
    tap = torch.clamp(tap, 0, TAPS - 1)
    return TAPS * level + tap, TAPS * level + tap - centre

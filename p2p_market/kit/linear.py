"""A linear program whose bound is proved by arithmetic."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from p2p_market.records import FloatArray, Record


@dataclass(frozen=True, slots=True)
class LinearProgram(Record):
    """Least `cost @ x + fixed_eur` with `rows @ x <= limit` and `0 <= x <= top`."""

    cost: FloatArray
    rows: Any  # (row, column), dense or sparse
    limit: FloatArray
    top: FloatArray  # finite, else nothing is proved
    fixed_eur: float = 0.0

    @property
    def ranges(self) -> FloatArray:
        """Least and greatest of each x, (column, 2)."""
        return np.column_stack([np.zeros_like(self.top), self.top])

    def bound_eur(self, price_eur: FloatArray) -> float:
        """No x costs less, whatever the prices of the rows; weak duality.

        Args:
            price_eur: what one more of each limit saves, (row,); what is negative counts as 0.
        """
        price_eur = np.maximum(price_eur, 0.0)
        reduced = self.cost + price_eur @ self.rows
        return float(self.fixed_eur - price_eur @ self.limit + np.minimum(reduced, 0.0) @ self.top)

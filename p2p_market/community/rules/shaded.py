"""The truthful rule with a margin: buyers bid below what the grid asks, sellers ask above."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from p2p_market.community.rules.wishes import Reader, reader
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import Float32Array, FloatArray


@dataclass(frozen=True, slots=True)
class Shaded:
    """Truthful quantities at a price that is a share of the way from the truth to the end."""

    wishes: Reader
    margin: float

    def start(self, seeds: Sequence[int]) -> None:
        """Rules remember nothing."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """Orders of the truthful rule, at the limit and the margin.

        A share of the way to zero for a buyer, to the highest price for a seller, as margins of
        `baselines.zip` are.
        """
        action, now = self.wishes.read(observation)
        away = np.where(now.quantity_kw > 0.0, -1.0, 1.0)
        price = now.limit_eur_per_kwh + away * self.margin * now.room_eur_per_kwh
        return self.wishes.priced(action, price), None


def shaded(scenario: Scenario, margin: float) -> Shaded:
    """The rule of a scenario.

    Args:
        margin: 0 = the truth, 1 = buyers bid nothing and sellers ask the highest price.
    """
    return Shaded(reader(scenario), margin)

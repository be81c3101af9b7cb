"""What a price learner starts from: the truthful rule's orders, and what came of the last ones."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from p2p_market.community.observation import features
from p2p_market.community.rules.policy import SelfConsumption, truthful
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import Float32Array, FloatArray, Record


@dataclass(frozen=True, slots=True)
class Wishes(Record):
    """One order without its price per agent; all are (batch, agent)."""

    side: FloatArray  # 1 buys, -1 sells, 0 has nothing that the market could better
    quantity_kw: FloatArray  # as the rule asks for it, positive = buy
    limit_eur_per_kwh: FloatArray  # the outside option: cap of a buyer, floor of a seller
    room_eur_per_kwh: FloatArray  # from the limit to the end of the prices: to 0, or to the highest
    spread_eur_per_kwh: FloatArray  # from floor to cap, >= 0
    fill_kw: FloatArray  # what the last order traded
    clearing_price_eur_per_kwh: FloatArray  # the last one at which anybody traded


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads wishes off an observation, and puts prices to them."""

    rule: SelfConsumption
    price_max_eur_per_kwh: float
    columns: Mapping[str, int]

    def read(self, observation: Float32Array) -> tuple[FloatArray, Wishes]:
        """The truthful rule's action, and the same as wishes."""
        action, _ = self.rule.act(observation, None)
        seen = {name: observation[..., c].astype(np.float64) for name, c in self.columns.items()}
        cap = np.maximum(seen["retail"] + seen["carbon_cost"] - seen["network_fee"], 0.0)
        floor = np.minimum(seen["feed_in"] + seen["network_fee"], self.price_max_eur_per_kwh)
        column = self.rule.table.assets
        quantity = action[..., column] * self.rule.table.half[:, column]
        buys = quantity > 0.0
        return action, Wishes(
            np.where(floor < cap, np.sign(quantity), 0.0),
            quantity,
            np.where(buys, cap, floor),
            np.where(buys, cap, self.price_max_eur_per_kwh - floor),
            np.maximum(cap - floor, 0.0),
            seen["last_fill"],
            seen["last_clearing_price"],
        )

    def priced(self, action: FloatArray, price_eur_per_kwh: FloatArray) -> FloatArray:
        """The action with these prices instead of the truth, (batch, agent, column)."""
        normalised = 2.0 * price_eur_per_kwh / self.price_max_eur_per_kwh - 1.0
        priced = action.copy()
        priced[..., self.rule.table.assets + 1] = normalised
        return priced


def reader(scenario: Scenario) -> Reader:
    """The reader of a scenario's observations."""
    names = [feature.name for feature in features(scenario)]
    wanted = (
        "retail", "feed_in", "network_fee", "carbon_cost", "last_fill", "last_clearing_price",
    )  # fmt: skip
    columns = {name: names.index(name) for name in wanted}
    return Reader(truthful(scenario), scenario.spec.price_max_eur_per_kwh, columns)

"""What orders of fuel add to the proof by prices.

An order costs its price and takes room in the bunker from its step until what it brought is burnt;
what it brings is worth what stored fuel is worth when it arrives. The row level + under way + order
<= bunker has a price >= 0 in each step.
"""

from dataclasses import dataclass

import numpy as np

from p2p_market.community.episode.episode import Episode
from p2p_market.community.optimum.plan import Prices
from p2p_market.community.scenario.fuel import FuelRules, fuel_rules
from p2p_market.community.scenario.record import Scenario
from p2p_market.records import FloatArray


@dataclass(frozen=True, slots=True)
class Fuelled:
    """The terms of one episode with its prices, for devices that burn what is ordered."""

    scenario: Scenario
    rules: FuelRules
    room: FloatArray  # (step, agent, asset), price of room, 0 elsewhere
    order: FloatArray  # (step, agent), what a kWh ordered costs at all prices

    def level_eur(self, left_kwh: FloatArray) -> FloatArray:
        """What levels take of the room of the next step, (step, agent, asset)."""
        following = np.concatenate([self.room[1:], np.zeros_like(self.room[:1])])
        return np.asarray(following * left_kwh)

    def fixed_eur(self, start_kwh: FloatArray) -> float:
        """The bunkers, and what the start takes of them."""
        most = self.room.sum(axis=0) * self.scenario.nodes.energy_max_kwh
        return -float((most - self.room[0] * start_kwh).sum())

    def least_eur(self) -> FloatArray:
        """The least value of each order, (step, agent)."""
        return np.minimum(self.order, 0.0) * self.rules.most_kwh

    def lost_eur(self, order_kwh: FloatArray, before_kwh: FloatArray) -> FloatArray:
        """What orders of a trajectory lose, and room that they leave, (step, agent, asset).

        Args:
            order_kwh: (step, agent).
            before_kwh: levels before each step, (step, agent, asset).
        """
        nodes, lost = self.scenario.nodes, np.zeros_like(before_kwh)
        for agent, place in enumerate(self.rules.asset.tolist()):
            if place < 0:
                continue
            orders, lead = order_kwh[:, agent], int(self.rules.lead_steps[agent])
            total = np.concatenate([[0.0], np.cumsum(orders)])
            step = np.arange(len(orders))
            coming = total[step + 1] - total[np.maximum(step + 1 - lead, 0)]
            left = nodes.energy_max_kwh[agent, place] - before_kwh[:, agent, place] - coming
            own = self.order[:, agent] * orders - self.least_eur()[:, agent]
            lost[:, agent, place] = own + self.room[:, agent, place] * left
        return lost


def fuelled(
    scenario: Scenario, episode: Episode, prices: Prices, worth_eur_per_kwh: FloatArray
) -> Fuelled | None:
    """The terms of fuel; None where nobody orders any.

    Args:
        worth_eur_per_kwh: of a kWh in a device after each step, what holding it costs taken off,
            (step, agent, asset).
    """
    rules = fuel_rules(scenario)
    if rules is None:
        return None
    own = np.zeros((scenario.steps, len(scenario.agents)))
    if prices.room_eur_per_kwh is not None:
        own = np.maximum(prices.room_eur_per_kwh, 0.0)
    room = np.zeros((scenario.steps, *scenario.nodes.present.shape))
    cost = np.zeros_like(own)
    for agent, place in enumerate(rules.asset.tolist()):
        if place >= 0:
            room[:, agent, place] = own[:, agent]
            price = episode.fuel_eur_per_kwh[: scenario.steps, 0, agent]
            worth, lead = worth_eur_per_kwh[:, agent, place], int(rules.lead_steps[agent])
            cost[:, agent] = _order_eur(price, own[:, agent], worth, lead)
    return Fuelled(scenario, rules, room, cost)


def _order_eur(price: FloatArray, room: FloatArray, worth: FloatArray, lead: int) -> FloatArray:
    """What a kWh ordered in each step costs, room and worth counted, (step,)."""
    steps = len(price)
    total = np.concatenate([[0.0], np.cumsum(room)])
    step = np.arange(steps)
    # It takes room until it is in the level, whose room counts from the step after its arrival.
    cost = price + total[np.minimum(step + lead, steps)] - total[step]
    arrival = step + lead - 1
    inside = arrival < steps
    following = np.append(room[1:], 0.0)
    cost[inside] += following[arrival[inside]] - worth[arrival[inside]]
    return np.asarray(cost)

"""Orders of fuel in the program: paid at once, burnt later, never more than the bunker holds."""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from scipy import sparse

from baselines.community.optimal.blocks import Blocks, Series, duals, series
from baselines.community.optimal.outlook import Outlook
from p2p_market.assets.node import Coefficients
from p2p_market.community.episode.episode import Episode
from p2p_market.community.scenario.fuel import FuelRules
from p2p_market.records import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Fuel:
    """Orders of all members that may, one column each."""

    rules: FuelRules
    members: IntArray  # (order,)
    places: IntArray  # (order,), columns of the devices
    full_kwh: FloatArray  # (order,)
    place: sparse.csr_array  # (order, asset)
    order_kwh: cp.Variable  # (step, order)
    price: Series  # (step, order) [EUR/kWh]

    def delivered_kwh(self, rows: slice) -> cp.Expression:
        """What arrives at the end of each step of a block, (step, asset)."""
        steps = self.order_kwh.shape[0]
        columns = [
            _arriving(steps, rows, lead) @ self.order_kwh[:, number]
            for number, lead in enumerate(self.rules.lead_steps[self.members].tolist())
        ]
        return cp.vstack(columns).T @ self.place

    def room(self, rows: slice, level_kwh: cp.Expression) -> cp.Constraint:
        """Levels before the steps of a block, what is under way and orders fit into bunkers."""
        steps = self.order_kwh.shape[0]
        columns = [
            _coming(steps, rows, lead) @ self.order_kwh[:, number]
            for number, lead in enumerate(self.rules.lead_steps[self.members].tolist())
        ]
        full = np.tile(self.full_kwh, (rows.stop - rows.start, 1))
        return level_kwh[:, self.places] + cp.vstack(columns).T <= full

    def cost_eur(self, blocks: Blocks) -> cp.Expression:
        """What all orders cost, (asset,)."""
        paid = [
            cp.sum(cp.multiply(self.price[number], self.order_kwh[rows]), axis=0)
            for number, rows in enumerate(blocks)
        ]
        return sum(paid[1:], paid[0]) @ self.place

    def fill(self, episode: Episode | Outlook) -> None:
        """Put in the prices of an episode (a batch of one)."""
        assert isinstance(episode, Episode)
        self.price.fill(episode.fuel_eur_per_kwh[:, 0][:, self.members])

    def by_member(self, agents: int) -> FloatArray:
        """Orders of the solved program, (step, agent) [kWh]."""
        assert self.order_kwh.value is not None
        orders = np.zeros((self.order_kwh.shape[0], agents))
        orders[:, self.members] = np.maximum(self.order_kwh.value, 0.0)
        return orders

    def room_prices(self, rows: list[cp.Constraint], agents: int) -> FloatArray:
        """What room for one more kWh is worth, (step, agent) [EUR/kWh]."""
        prices = np.zeros((self.order_kwh.shape[0], agents))
        prices[:, self.members] = duals(rows)
        return prices


def _arriving(steps: int, rows: slice, lead: int) -> sparse.csr_array:
    """Which order arrives at the end of each step of a block, (step of the block, step)."""
    step = np.arange(rows.start, rows.stop)
    found = step >= lead - 1
    ones = np.ones(int(found.sum()))
    shape = (len(step), steps)
    where = np.flatnonzero(found), step[found] - (lead - 1)
    return sparse.csr_array((ones, where), shape=shape)


def _coming(steps: int, rows: slice, lead: int) -> sparse.csr_array:
    """Orders that are under way or made in each step of a block, (step of the block, step)."""
    step, order = np.arange(rows.start, rows.stop)[:, None], np.arange(steps)
    return sparse.csr_array(((order <= step) & (order > step - lead)).astype(np.float64))


def fuel_of(
    rules: FuelRules | None, nodes: Coefficients, own: BoolArray, blocks: Blocks
) -> Fuel | None:
    """Variables and data to be filled in; None where nobody orders."""
    if rules is None:
        return None
    members = np.flatnonzero(rules.asset >= 0)
    columns = np.cumsum(own.ravel()).reshape(own.shape) - 1
    places = columns[members, rules.asset[members]]
    count, assets = len(members), int(own.sum())
    place = sparse.csr_array((np.ones(count), (np.arange(count), places)), shape=(count, assets))
    most, steps = rules.most_kwh[members], blocks[-1].stop
    bounds = [np.zeros((steps, count)), np.tile(most, (steps, 1))]
    orders = cp.Variable((steps, count), bounds=bounds)
    full = nodes.energy_max_kwh[members, rules.asset[members]]
    return Fuel(rules, members, places, full, place, orders, series(blocks, count, nonneg=False))

"""Exchange in the program: every member balances with the grid and its neighbours."""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from baselines.community.optimal.blocks import Blocks, Series, rows_of, series
from baselines.community.optimal.outlook import Outlook
from baselines.community.optimal.whole_numbers import Sides, sides_of
from p2p_market.community.episode.episode import Episode
from p2p_market.community.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Trades:
    """Exchange with the grid and with each other, (step, agent) [kW], all >= 0 but the net load."""

    scenario: Scenario
    net_load_kw: cp.Variable  # after cuts, inside the connection
    import_kw: cp.Variable
    export_kw: cp.Variable
    buy_kw: cp.Variable
    sell_kw: cp.Variable
    idle_kw: Series  # load - PV
    import_eur_per_kwh: Series  # retail price + carbon cost
    feed_in_eur_per_kwh: Series | None  # None where all tariffs are fixed
    buy_max_kw: Series
    sell_max_kw: Series
    grid_max_kw: Series | None  # 0 in an outage; None where there is none
    loss: Series | None  # kW lost per kW sold, 0 where the grid makes up for it
    sides: Sides | None  # who either takes or gives, by whole numbers

    def constraints(self, number: int, rows: slice) -> list[cp.Constraint]:
        """Of one block: every agent balances inside its limits; a seller bears what is lost."""
        buy, sell = self.buy_kw[rows], self.sell_kw[rows]
        taken, given = self.import_kw[rows], self.export_kw[rows]
        exchange = taken - given + buy - sell
        limits = [buy <= self.buy_max_kw[number], sell <= self.sell_max_kw[number]]
        if self.loss is not None:
            exchange = exchange - cp.multiply(self.loss[number], sell)
        if self.grid_max_kw is not None:
            limits += [taken <= self.grid_max_kw[number], given <= self.grid_max_kw[number]]
        return [self.net_load_kw[rows] == exchange, *limits]

    def meter(self, number: int, rows: slice, devices_kw: cp.Expression) -> cp.Constraint:
        """What makes up the net loads of one block."""
        return self.idle_kw[number] + devices_kw == self.net_load_kw[rows]

    def either_way(self, number: int, rows: slice) -> list[cp.Constraint]:
        """Binaries of one block: a member that could gain by both either takes or gives."""
        if self.sides is None:
            return []
        taken, given = self.import_kw + self.buy_kw, self.export_kw + self.sell_kw
        return self.sides.constraints(number, taken[rows], given[rows])

    def cost_eur(self, blocks: Blocks) -> cp.Expression:
        """Grid payments, fees and carbon, trade itself left out, (agent,)."""
        scenario, traded = self.scenario, self.buy_kw + self.sell_kw
        fee = rows_of(scenario.network_fee_eur_per_kwh, traded)
        if self.feed_in_eur_per_kwh is None:
            fixed = scenario.feed_in_eur_per_kwh[0, scenario.contract_of]
            feed_in = rows_of(fixed, self.export_kw)
            cost = cp.sum(cp.multiply(fee, traded) - cp.multiply(feed_in, self.export_kw), axis=0)
        else:
            cost = cp.sum(cp.multiply(fee, traded), axis=0)
        for number, rows in enumerate(blocks):
            price = self.import_eur_per_kwh[number]
            cost = cost + cp.sum(cp.multiply(price, self.import_kw[rows]), axis=0)
            if self.feed_in_eur_per_kwh is not None:
                paid = self.feed_in_eur_per_kwh[number]
                cost = cost - cp.sum(cp.multiply(paid, self.export_kw[rows]), axis=0)
        return scenario.dt_h * cost

    def fill(self, episode: Episode | Outlook) -> None:
        """Put in the data of an episode (a batch of one).

        An agent without storage can only buy its deficit and sell its surplus, which are data
        unless PV or load may be cut. An agent whose floor reaches its cap places no order in the
        engine, nor here.
        """
        scenario, limit = self.scenario, self.scenario.spec.connection_limit_kw
        idle = (episode.load_kw - episode.pv_kw)[:, 0]
        floor, cap = episode.ask_floor_eur_per_kwh[:, 0], episode.bid_cap_eur_per_kwh[:, 0]
        retail = episode.retail_eur_per_kwh[: scenario.steps, 0]
        self.idle_kw.fill(idle)
        self.import_eur_per_kwh.fill(retail + episode.carbon_eur_per_kwh)
        if self.feed_in_eur_per_kwh is not None:
            self.feed_in_eur_per_kwh.fill(episode.feed_in_eur_per_kwh[: scenario.steps, 0])
        free = scenario.has_storage | scenario.cuts
        deficit, surplus = np.maximum(idle, 0.0), np.maximum(-idle, 0.0)
        self.buy_max_kw.fill(np.where(floor < cap, np.where(free, limit, deficit), 0.0))
        self.sell_max_kw.fill(np.where(floor < cap, np.where(free, limit, surplus), 0.0))
        share, grid = scenario.spec.fees.loss_share, np.tile(episode.grid, (1, idle.shape[1]))
        if self.loss is not None:
            self.loss.fill((1.0 - grid) * share / (1.0 - share))
        if self.grid_max_kw is not None:
            self.grid_max_kw.fill(2.0 * limit * grid)
        if self.sides is not None:
            self.sides.fill(scenario, episode)


def trades_of(scenario: Scenario, blocks: Blocks) -> Trades:
    """Variables and data of all members."""
    spec, agents = scenario.spec, len(scenario.agents)
    shape, limit = (scenario.steps, agents), scenario.spec.connection_limit_kw
    outages, whole = spec.outages is not None, spec.optimum == "mixed_integer"

    def where(needed: bool) -> Series | None:
        return series(blocks, agents) if needed else None

    taken, given, bought, sold = (cp.Variable(shape, nonneg=True) for _ in range(4))
    return Trades(
        scenario,
        net_load_kw=cp.Variable(shape, bounds=[-limit, limit]),
        import_kw=taken,
        export_kw=given,
        buy_kw=bought,
        sell_kw=sold,
        idle_kw=series(blocks, agents, nonneg=False),
        import_eur_per_kwh=series(blocks, agents, nonneg=False),
        feed_in_eur_per_kwh=(
            series(blocks, agents, nonneg=False) if scenario.feed_in_follows.any() else None
        ),
        buy_max_kw=series(blocks, agents),
        sell_max_kw=series(blocks, agents),
        grid_max_kw=where(outages),
        loss=where(outages),
        sides=sides_of(scenario, blocks) if whole else None,
    )

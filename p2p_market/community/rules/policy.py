"""Two rules: self-consumption without trade (the 0 of the scale), and with truthful bids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from p2p_market.assets.node import Coefficients
from p2p_market.community.actions import ActionMap, action_map
from p2p_market.community.observation import features
from p2p_market.community.rules.further import Further, further_of
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import Float32Array, FloatArray

ASSET_FEATURES: Final = ("soc", "capacity", "power_max", "hours_left", "target_soc")


@dataclass(frozen=True, slots=True)
class SelfConsumption:
    """Storage takes its owner's surplus and serves its owner's deficit; the rest is traded or not.

    A vehicle does so as well, and takes from the grid what its departure leaves no more time for. A
    machine runs at least as much as its level needs.
    """

    table: ActionMap
    nodes: Coefficients
    spare_kw: FloatArray  # (agent,), connection limit less the contracted peak load
    dt_h: float
    columns: Mapping[str, int]  # of the observation
    trades: bool
    further: Further | None = None

    def start(self, seeds: Sequence[int]) -> None:
        """Rules remember nothing."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """Set-points of the rule; an order for all that they leave, at the price of the grid.

        A bid at the highest price and an ask at zero are clipped by the filter to what the grid
        would charge or pay: the truth about the agent's outside option.
        """
        seen = observation.astype(np.float64)
        left = seen[..., self.columns["pv"]] - seen[..., self.columns["load"]]
        setpoint_kw = np.zeros((*left.shape, self.table.assets))
        for asset in range(self.table.assets):
            setpoint_kw[..., asset] = self.power(seen, asset, left)
            left = left - setpoint_kw[..., asset]
        further = None if self.further is None else self.further.said(seen)
        quantity = -left if self.trades else np.zeros_like(left)
        return self.table.orders(setpoint_kw, quantity, further), None

    def power(self, seen: FloatArray, asset: int, left: FloatArray) -> FloatArray:
        """What an asset takes of a surplus, (batch, agent) [kW]."""
        low, high = self.limits(seen, asset)
        wish = left if self.nodes.machines is None else self._at_least(seen, asset, left)
        return np.asarray(np.clip(wish, low, high))

    def limits(self, seen: FloatArray, asset: int) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest power of an asset in this step, (batch, agent) [kW]."""
        nodes = self.nodes
        if nodes.machines is not None:
            ends = (self.columns[f"power_{end}_{asset}"] for end in ("low", "high"))
            return seen[..., next(ends)], seen[..., next(ends)]
        own = {name: seen[..., self.columns[f"{name}_{asset}"]] for name in ASSET_FEATURES}
        charge_h = np.where(nodes.present[:, asset], nodes.charge_gain_h[:, asset], 1.0)
        discharge_h = np.where(nodes.present[:, asset], nodes.discharge_gain_h[:, asset], 1.0)
        level = own["soc"] * own["capacity"]
        high = np.minimum(own["power_max"], (own["capacity"] - level) / charge_h)
        here = own["power_max"] > 0.0
        stored = level - nodes.energy_min_kwh[:, asset]
        low = np.maximum(np.where(here, nodes.power_min_kw[:, asset], 0.0), -stored / discharge_h)
        later_h = np.maximum(own["hours_left"] - self.dt_h, 0.0)
        free_kw = np.minimum(own["power_max"], self.spare_kw)
        floor = own["target_soc"] * own["capacity"] - free_kw * charge_h * later_h / self.dt_h
        missing = floor - level
        due = np.where(missing > 0.0, missing / charge_h, missing / discharge_h)
        staying = own["hours_left"] > 0.0
        low = np.where(staying, np.maximum(low, np.minimum(due, free_kw)), low)
        return np.minimum(low, high), high

    def _at_least(self, seen: FloatArray, asset: int, left: FloatArray) -> FloatArray:
        """The surplus; for a machine no less than keeps its level, and no less than it can run.

        The same as the engine does for who is held, see `safety.supervisor`.
        """
        machines = self.nodes.machines
        assert machines is not None
        keep = seen[..., self.columns[f"power_keep_{asset}"]]
        more = np.maximum(np.maximum(left, keep), machines.charge_on_kw[:, asset])
        less = np.minimum(np.minimum(left, keep), -machines.discharge_on_kw[:, asset])
        return np.where(keep > 0.0, more, np.where(keep < 0.0, less, left))


def _rule(scenario: Scenario, trades: bool) -> SelfConsumption:
    columns = {feature.name: column for column, feature in enumerate(features(scenario))}
    spare_kw = scenario.spec.connection_limit_kw - scenario.peak_load_kw
    return SelfConsumption(
        action_map(scenario), scenario.nodes, spare_kw, scenario.dt_h, columns, trades,
        further_of(scenario, columns),
    )  # fmt: skip


def no_trade(scenario: Scenario) -> SelfConsumption:
    """Everyone trades with the grid only."""
    return _rule(scenario, trades=False)


def truthful(scenario: Scenario) -> SelfConsumption:
    """The same storage rule; the power that is left goes to the market at the grid's price."""
    return _rule(scenario, trades=True)
